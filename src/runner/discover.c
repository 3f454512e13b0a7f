/* runner/discover.c - package patterns become folders with their files; see discover.h. */

#include "runner/discover.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
    struct arena *arena;
    const char *root; /* where names start */
    struct source_package *first;
    struct source_package **last;
    unsigned count;
};

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);

    return size > strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static const struct {
    const char *end;
    enum language language;
} suffixes[] = {
    { ".c", LANGUAGE_C },    { ".S", LANGUAGE_C }, /* assembler with a preprocessor */
    { ".cc", LANGUAGE_CXX }, { ".cpp", LANGUAGE_CXX }, { ".cxx", LANGUAGE_CXX },
};

enum language source_language(const char *name)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends_with(name, suffixes[i].end))
            return suffixes[i].language;
    return LANGUAGE_NONE;
}

bool source_is_test(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (source_language(name) == LANGUAGE_NONE || strcmp(dot, ".S") == 0)
        return false;
    return (dot - name > 5 && strncmp(dot - 5, "_test", 5) == 0) ||
           strncmp(name, "test_", 5) == 0;
}

const char *source_path(struct arena *arena, const char *folder, const char *name)
{
    char *path =
        *name == '/' ? arena_dup(arena, name) : arena_printf(arena, "%s/%s", folder, name);
    char *base = strrchr(path, '/');
    char *real;

    *base++ = '\0';
    real = realpath(*path ? path : "/", NULL);
    path = arena_printf(arena, "%s/%s", !real ? path : real[1] ? real : "", base);
    free(real);
    return path;
}

/* A folder or a pipe may be called x.c as well. */
static int is_source(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && source_language(entry->d_name) != LANGUAGE_NONE &&
           (entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static bool exists_in(const char *folder, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* This folder is called by its own name, unless a folder in it has that name as well. */
static const char *name_of_root(const struct search *search)
{
    const char *base = strrchr(search->root, '/') + 1;

    return !*base ? search->root : exists_in(search->root, base) ? "." : base;
}

static const char *name_of(const struct search *search, const char *folder)
{
    size_t root = strlen(search->root);

    if (strcmp(folder, search->root) == 0)
        return name_of_root(search);
    if (strncmp(folder, search->root, root) == 0 && folder[root] == '/')
        return folder + root + 1;
    return folder;
}

static bool known(const struct search *search, const char *folder)
{
    for (const struct source_package *at = search->first; at; at = at->next)
        if (strcmp(at->folder, folder) == 0)
            return true;
    return false;
}

static struct source_file *make_file(struct arena *arena, const char *folder, const char *name)
{
    struct source_file *file = arena_zero(arena, sizeof *file);

    file->name = arena_dup(arena, name);
    file->path = arena_printf(arena, "%s/%s", folder, name);
    file->is_cxx = source_language(name) == LANGUAGE_CXX;
    file->is_test = source_is_test(name);
    return file;
}

static struct source_package *add_package(struct search *search, const char *folder)
{
    struct source_package *package = arena_zero(search->arena, sizeof *package);

    package->number = search->count++;
    package->folder = arena_dup(search->arena, folder);
    package->name = arena_dup(search->arena, name_of(search, folder));
    package->argument = strcmp(folder, search->root) == 0 ? "."
                        : *package->name == '/'
                            ? package->name
                            : arena_printf(search->arena, "./%s", package->name);
    *search->last = package;
    search->last = &package->next;
    return package;
}

static int add_folder(struct search *search, const char *folder, bool even_empty)
{
    struct source_package *package = NULL;
    struct source_file **last = NULL;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_source, alphasort);

    if (count < 0)
        return -errno;
    if ((count > 0 || even_empty) && !known(search, folder)) {
        package = add_package(search, folder);
        last = &package->files;
    }
    for (int i = 0; i < count; i++) {
        if (package) {
            *last = make_file(search->arena, folder, entries[i]->d_name);
            package->has_tests |= (*last)->is_test;
            last = &(*last)->next;
        }
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static bool is_build_tree(const char *folder)
{
    return exists_in(folder, "CMakeCache.txt") || exists_in(folder, "meson-private") ||
           exists_in(folder, "build.ninja");
}

static int is_subfolder(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_name[0] != '_' &&
           strcmp(entry->d_name, "testdata") != 0 &&
           (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN);
}

static void add_tree(struct search *search, const char *folder)
{
    struct dirent **entries;
    int count;

    add_folder(search, folder, false);
    count = scandir(folder, &entries, is_subfolder, alphasort);
    for (int i = 0; i < count; i++) {
        const char *path = arena_printf(search->arena, "%s/%s", folder, entries[i]->d_name);
        struct stat status;

        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && !is_build_tree(path))
            add_tree(search, path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static int add_pattern(struct search *search, const char *pattern, struct err *err)
{
    bool tree = strcmp(pattern, "...") == 0 || ends_with(pattern, "/...");
    char *plain = arena_dup(search->arena, pattern);
    struct stat status;
    char *folder;
    int r = 0;

    if (tree)
        plain[strlen(plain) - (strlen(plain) > 3 ? 4 : 3)] = '\0';
    folder = realpath(*plain || !tree ? plain : *pattern == '/' ? "/" : ".", NULL);
    if (!folder)
        return err_system(err, -errno, "no package '%s'", pattern);
    if (stat(folder, &status) < 0 || !S_ISDIR(status.st_mode)) {
        free(folder);
        return err_set(err, -ENOTDIR,
                       "'%s' is not a folder; a package is a folder with test files, "
                       "and ./... all below this one",
                       pattern);
    }
    if (tree)
        add_tree(search, folder);
    else
        r = add_folder(search, folder, true);
    free(folder);
    return r < 0 ? err_system(err, r, "cannot read the folder '%s'", pattern) : 0;
}

int discover(struct arena *arena, const char *const *patterns, int count,
             struct source_package **ret, struct err *err)
{
    char *root = getcwd(NULL, 0);
    struct search search = { .arena = arena };
    int r = 0;

    if (!root)
        return err_system(err, -errno, "cannot tell the current folder");
    search.root = arena_dup(arena, root);
    search.last = &search.first;
    free(root);
    if (count == 0)
        r = add_pattern(&search, ".", err);
    for (int i = 0; i < count && r == 0; i++)
        r = add_pattern(&search, patterns[i], err);
    if (r == 0)
        *ret = search.first;
    return r;
}
