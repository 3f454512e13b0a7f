/* cmd/image_lock_place.c - where the lock file of images is; see image_lock_place.h. */

#include "cmd/image_lock_place.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lease/image_lock.h"

const char *image_lock_place(struct arena *arena)
{
    const char *named = getenv(IMAGE_LOCK_VARIABLE);
    char folder[PATH_MAX];

    if (named && *named == '/')
        return arena_dup(arena, named);
    if (!getcwd(folder, sizeof folder))
        return NULL;
    if (named && *named)
        return arena_printf(arena, "%s/%s", folder, named);
    for (char *slash = folder + strlen(folder); slash; slash = strrchr(folder, '/')) {
        const char *path;

        *slash = '\0';
        path = arena_printf(arena, "%s/" IMAGE_LOCK_NAME, folder);
        if (access(path, F_OK) == 0)
            return path;
    }
    return NULL;
}
