/* runner/session.c - where runs that share a keeper meet; see session.h. */

#include "runner/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"

enum { LINGER_S = 10 };

static bool is_top_of_build(const char *folder)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/CMakeCache.txt", folder) < (int)sizeof path &&
        access(path, F_OK) == 0)
        return true;
    return snprintf(path, sizeof path, "%s/meson-private", folder) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

/* The outermost build folder above the test program. */
static const char *build_meeting(struct run *run)
{
    const struct options *o = run->options;
    char *folder = o->argument_count == 1 ? realpath(o->arguments[0], NULL) : NULL;
    const char *found = NULL;

    for (char *slash = folder ? strrchr(folder, '/') : NULL; slash && slash > folder;
         slash = strrchr(folder, '/')) {
        *slash = '\0';
        if (is_top_of_build(folder))
            found = arena_printf(&run->arena, "%s/.seam-session", folder);
    }
    free(folder);
    return found;
}

static const char *cache_meeting(struct run *run, const char *name)
{
    const char *folder = arena_printf(&run->arena, "%s/sessions", run->cache);

    return io_make_folders(folder, 0700) == 0
               ? arena_printf(&run->arena, "%s/%016llx", folder,
                              (unsigned long long)hash_bytes(HASH_BEGIN, name, strlen(name)))
               : NULL;
}

static const char *choose(struct run *run, int *ret_linger_s)
{
    const char *named = getenv("SEAM_SESSION");
    char folder[PATH_MAX];

    *ret_linger_s = LINGER_S;
    if (named && *named)
        return cache_meeting(run, named);
    if (run->options->reuse_s > 0 && getcwd(folder, sizeof folder)) {
        *ret_linger_s = run->options->reuse_s;
        return cache_meeting(run, folder);
    }
    return run->options->from_program ? build_meeting(run) : NULL;
}

void session_meet(struct run *run, struct session_meeting *ret)
{
    const char *path = choose(run, &ret->linger_s);
    ssize_t size;

    ret->lock = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    ret->socket[0] = '\0';
    if (ret->lock < 0)
        return;
    while (flock(ret->lock, LOCK_EX) < 0 && errno == EINTR)
        ;
    size = read(ret->lock, ret->socket, sizeof ret->socket - 1);
    ret->socket[size < 0 ? 0 : size] = '\0';
    ret->socket[strcspn(ret->socket, "\n")] = '\0';
}

void session_leave(struct session_meeting *meeting, const char *socket)
{
    char line[sizeof meeting->socket];
    int size;

    if (meeting->lock < 0)
        return;
    if (strcmp(socket, meeting->socket) != 0) {
        size = snprintf(line, sizeof line, "%s\n", socket);
        if (size < (int)sizeof line && ftruncate(meeting->lock, 0) == 0 &&
            pwrite(meeting->lock, line, (size_t)size, 0) != size &&
            ftruncate(meeting->lock, 0) < 0)
            perror(
                "seam: cannot write the session's file"); /* others start keepers of their own */
    }
    io_close(&meeting->lock);
}
