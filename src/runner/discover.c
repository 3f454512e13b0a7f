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
};

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);

    return size > strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

/* The language of a file by its name: 0 none, 1 C, 2 C++; *ret_stem is the length before the suffix. */
static int language(const char *name, size_t *ret_stem)
{
    static const char *const suffixes[] = { ".c", ".cc", ".cpp", ".cxx" };

    for (int i = 0; i < 4; i++)
        if (ends_with(name, suffixes[i])) {
            *ret_stem = strlen(name) - strlen(suffixes[i]);
            return i == 0 ? 1 : 2;
        }
    return 0;
}

static bool is_test_name(const char *name, size_t stem)
{
    return (stem > 5 && strncmp(name + stem - 5, "_test", 5) == 0) ||
           strncmp(name, "test_", 5) == 0;
}

static int is_source(const struct dirent *entry)
{
    size_t stem;

    return entry->d_name[0] != '.' && language(entry->d_name, &stem) != 0;
}

static const char *name_of(const struct search *search, const char *folder)
{
    size_t root = strlen(search->root);
    const char *base = strrchr(folder, '/');

    if (strcmp(folder, search->root) == 0)
        return base && base[1] ? base + 1 : folder;
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

static void add_folder(struct search *search, const char *folder, bool even_empty)
{
    struct source_package *package;
    struct source_file **last;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_source, alphasort);

    if (count > 0 || (even_empty && count == 0)) {
        package = arena_zero(search->arena, sizeof *package);
        package->folder = arena_dup(search->arena, folder);
        package->name = arena_dup(search->arena, name_of(search, folder));
        package->argument = strcmp(folder, search->root) == 0 ? "."
                            : *package->name == '/'
                                ? package->name
                                : arena_printf(search->arena, "./%s", package->name);
        last = &package->files;
        for (int i = 0; i < count; i++) {
            struct source_file *file = arena_zero(search->arena, sizeof *file);
            size_t stem = 0;

            file->is_cxx = language(entries[i]->d_name, &stem) == 2;
            file->name = arena_dup(search->arena, entries[i]->d_name);
            file->path = arena_printf(search->arena, "%s/%s", folder, file->name);
            file->is_test = is_test_name(file->name, stem);
            package->has_tests |= file->is_test;
            *last = file;
            last = &file->next;
            free(entries[i]);
        }
        if (!known(search, folder)) {
            *search->last = package;
            search->last = &package->next;
        }
    }
    if (count >= 0)
        free(entries);
}

static bool exists_in(const char *folder, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
           access(path, F_OK) == 0;
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

    if (tree)
        plain[strlen(plain) - (strlen(plain) > 3 ? 4 : 3)] = '\0';
    folder = realpath(*plain ? plain : (tree && *pattern == '/') ? "/" : ".", NULL);
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
        add_folder(search, folder, true);
    free(folder);
    return 0;
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
