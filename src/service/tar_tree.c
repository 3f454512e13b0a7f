/* service/tar_tree.c - files and folders of this machine into an archive, and what a .dockerignore leaves out. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "service/tar_state.h"
#include "base/hostile.h"

/* A walk: paths in the archive start with `path`, those that are compared start behind it. */
struct walk {
    struct buf *tar;
    const char *ignore;
    struct err *err;
};

static int add_entry(struct walk *walk, const char *from, const char *path, const char *inner);

static int add_file(struct walk *walk, const char *from, const char *path,
                    const struct stat *st)
{
    struct buf data = BUF_INIT(walk->tar->cap);
    int r = io_read_file(from, &data);

    if (r == 0 &&
        tar_add(walk->tar, path, (int)st->st_mode & 07777, buf_text(&data), data.size) < 0)
        r = -ENOBUFS;
    buf_fini(&data);
    if (r == -ENOBUFS)
        return err_set(walk->err, r,
                       "cannot pack '%s': all files together have more than %zu MB; try: name "
                       "what is not needed in .dockerignore",
                       from, walk->tar->cap >> 20);
    return r < 0 ? err_system(walk->err, r, "cannot read '%s'", from) : 0;
}

static int add_link(struct walk *walk, const char *from, const char *path)
{
    char target[PATH_MAX];
    ssize_t size = readlink(from, target, sizeof target - 1);

    if (size < 0)
        return err_system(walk->err, -errno, "cannot read the link '%s'", from);
    target[size] = '\0';
    return tar_put(walk->tar, path, '2', 0777, target, NULL, 0);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int add_below(struct walk *walk, const char *from, const char *path, const char *inner,
                     const char *name)
{
    char below_from[PATH_MAX], below_path[PATH_MAX], below_inner[PATH_MAX];

    if (snprintf(below_from, PATH_MAX, "%s/%s", from, name) >= PATH_MAX ||
        snprintf(below_path, PATH_MAX, "%s%s%s", path, *path ? "/" : "", name) >= PATH_MAX ||
        snprintf(below_inner, PATH_MAX, "%s%s%s", inner, *inner ? "/" : "", name) >= PATH_MAX)
        return err_set(walk->err, -ENAMETOOLONG, "the path of '%s' is too long", name);
    return add_entry(walk, below_from, below_path, below_inner);
}

static int add_entries(struct walk *walk, const char *from, const char *path, const char *inner)
{
    struct dirent **entries = NULL;
    int count = scandir(from, &entries, is_entry, by_name), r = 0;

    if (count < 0)
        return err_system(walk->err, -errno, "cannot read the folder '%s'", from);
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = add_below(walk, from, path, inner, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int add_entry(struct walk *walk, const char *from, const char *path, const char *inner)
{
    bool ignored = *inner && walk->ignore && tar_ignores(walk->ignore, inner);
    struct stat st;
    int r = 0;

    if (ignored && !tar_has_exceptions(walk->ignore))
        return 0;
    if (lstat(from, &st) < 0)
        return err_system(walk->err, -errno, "cannot copy '%s'", from);
    if (S_ISDIR(st.st_mode)) {
        if (*path && !ignored)
            r = tar_add_folder(walk->tar, path, (int)st.st_mode & 07777);
        return r < 0 ? r : add_entries(walk, from, path, inner);
    }
    if (ignored)
        return 0;
    if (S_ISLNK(st.st_mode))
        return add_link(walk, from, path);
    return S_ISREG(st.st_mode) ? add_file(walk, from, path, &st) : 0;
}

/* What is named itself may be a link; below it links stay what they are. */
int tar_add_tree(struct buf *tar, const char *from, const char *path, const char *ignore,
                 struct err *err)
{
    struct walk walk = { .tar = tar, .ignore = ignore, .err = err };
    char real[PATH_MAX];

    if (!realpath(from, real))
        return err_system(err, -errno, "cannot copy '%s'", from);
    return add_entry(&walk, real, path, "");
}

/* ---- .dockerignore */

/* [a-z], [^a-z]; *pattern is behind the bracket and comes to stand behind its end. */
static bool match_set(const char **pattern, char c)
{
    const char *at = *pattern;
    bool negated = *at == '^', found = false;

    for (at += negated; *at && *at != ']'; at++) {
        char first, last;

        if (*at == '\\' && at[1])
            at++;
        first = last = *at;
        if (at[1] == '-' && at[2] && at[2] != ']') {
            at += 2;
            last = *at;
        }
        found = found || (c >= first && c <= last);
    }
    *pattern = *at ? at + 1 : at;
    return found != negated && c != '/';
}

/* What is compared, and from which places of both it is known not to match: with many stars the same places are
 * come to again and again. */
struct matching {
    const char *pattern, *path;
    size_t width; /* places of the path */
    bool *failed; /* pattern's place * width + path's; NULL: memory has ended */
};

static bool match(struct matching *matching, const char *pattern, const char *path);

/* What is behind `**`: any number of folders may be skipped, or, in front of no slash, any characters. */
static bool match_deep(struct matching *matching, const char *rest, const char *path)
{
    bool folders = *rest == '/';

    if (*rest == '\0')
        return true;
    for (rest += folders;; path++) {
        if (match(matching, rest, path))
            return true;
        while (folders && *path && *path != '/')
            path++;
        if (*path == '\0')
            return false;
    }
}

/* What is behind `*`: any characters of this folder. */
static bool match_star(struct matching *matching, const char *rest, const char *path)
{
    for (;; path++) {
        if (match(matching, rest, path))
            return true;
        if (*path == '\0' || *path == '/')
            return false;
    }
}

/* One character of the pattern; *pattern comes to stand behind it. */
static bool match_one(const char **pattern, char c)
{
    char want = *(*pattern)++;

    if (want == '[')
        return match_set(pattern, c);
    if (want == '?')
        return c != '/';
    if (want == '\\' && **pattern)
        want = *(*pattern)++;
    return want == c;
}

static bool match_here(struct matching *matching, const char *pattern, const char *path)
{
    while (*pattern) {
        if (strncmp(pattern, "**", 2) == 0)
            return match_deep(matching, pattern + 2, path);
        if (*pattern == '*')
            return match_star(matching, pattern + 1, path);
        if (*path == '\0' || !match_one(&pattern, *path++))
            return false;
    }
    return *path == '\0' || *path == '/';
}

static bool match(struct matching *matching, const char *pattern, const char *path)
{
    size_t at = (size_t)(pattern - matching->pattern) * matching->width +
                (size_t)(path - matching->path);

    if (matching->failed && matching->failed[at])
        return false;
    if (match_here(matching, pattern, path))
        return true;
    if (matching->failed)
        matching->failed[at] = true;
    return false;
}

/* Does the pattern match the path, or a folder above it? */
static bool match_path(const char *pattern, const char *path)
{
    struct matching matching = { pattern, path, strlen(path) + 1, NULL };
    bool found;

    if (strchr(pattern, '*'))
        matching.failed = calloc(strlen(pattern) + 1, matching.width);
    found = match(&matching, pattern, path);
    free(matching.failed);
    return found;
}

/* A line without blanks around it and slashes at its ends. Returns its length; 0 for a comment. */
static size_t trim(const char **line, size_t size, bool *ret_except)
{
    const char *at = *line, *end = at + size;

    *ret_except = false;
    if (at < end && *at == '#')
        return 0;
    while (at < end && strchr(" \t\r", *at))
        at++;
    if (at < end && *at == '!') {
        *ret_except = true;
        at++;
    }
    while (at < end && strchr(" \t/", *at))
        at++;
    if (end - at > 2 && strncmp(at, "./", 2) == 0)
        at += 2;
    while (at < end && strchr(" \t\r/", end[-1]))
        end--;
    *line = at;
    return (size_t)(end - at);
}

bool tar_ignores(const char *ignore, const char *path)
{
    bool ignored = false;

    for (const char *line = ignore; *line;) {
        size_t size = strcspn(line, "\n");
        const char *next = line + size + (line[size] == '\n');
        char pattern[PATH_MAX];
        bool except;

        size = trim(&line, size, &except);
        if (size > 0 && size < sizeof pattern && except == ignored) {
            memcpy(pattern, line, size);
            pattern[size] = '\0';
            if (match_path(pattern, path))
                ignored = !except;
        }
        line = next;
    }
    return ignored;
}

bool tar_has_exceptions(const char *ignore)
{
    return *ignore == '!' || strstr(ignore, "\n!");
}
