/* runner/stacks/path.c - source file names as a user would write them; see path.h. */

#include "runner/stacks/path.h"

#include <string.h>
#include <unistd.h>

#include "base/base_name.h"

/* Drop the last part of `path`, which is `size` long; the new length. */
static size_t without_last(const char *path, size_t size)
{
    while (size > 0 && path[size - 1] != '/')
        size--;
    return size > 0 ? size - 1 : 0;
}

/* Resolve "//", "." and ".." of an absolute path in place. */
static void normalise(char *path)
{
    const char *from = path;
    size_t size = 0;

    while (*from) {
        size_t part;

        from += strspn(from, "/");
        part = strcspn(from, "/");
        if (part == 2 && memcmp(from, "..", 2) == 0)
            size = without_last(path, size);
        else if (part > 0 && !(part == 1 && from[0] == '.')) {
            path[size++] = '/';
            memmove(path + size, from, part);
            size += part;
        }
        from += part;
    }
    path[size] = '\0';
}

/* What comes behind `folder` in `path`; NULL when it is not below it. */
static const char *below(const char *folder, const char *path)
{
    size_t size = strlen(folder);

    if (size > 1 && strncmp(path, folder, size) == 0 && path[size] == '/')
        return path + size + 1;
    return NULL;
}

static bool is_of_system(const char *path)
{
    return below("/usr", path) || below("/lib", path) || access(path, F_OK) < 0;
}

const char *path_shorten(struct arena *arena, const char *folder, const char *path)
{
    const char *rest;
    char *whole;

    if (path[0] == '/') {
        whole = arena_dup(arena, path);
        normalise(whole);
        rest = below(folder, whole);
        if (rest)
            return rest;
        if (!is_of_system(whole))
            return whole;
    }
    return base_name(path);
}

/* Whether that folder is what the path has in front of its last part, which begins at `at`. */
static bool is_in(const char *path, size_t at, const char *home)
{
    size_t size = strlen(home);

    return at > size && memcmp(path + at - size, home, size) == 0 && path[at - size - 1] == '/';
}

bool path_is_core(const char *folder, const char *path)
{
    size_t size = strlen(path), at = without_last(path, size) + 1;

    return path[0] == '/' && size - at > 2 && strcmp(path + size - 2, ".c") == 0 &&
           (is_in(path, at, "src/test/") || is_in(path, at, "src/link/") ||
            is_in(path, at, "src/clock/")) &&
           !below(folder, path);
}
