/* link/hooks_files.c - opening files: the system's bundle of authorities is read with ours in it. */

#undef _FILE_OFFSET_BITS /* it would give these functions other names */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link/hooks.h"
#include "link/real.h"
#include "link/trust.h"

#define HOOK __attribute__((visibility("default")))

/* In a program where a test may have a seed: /dev/urandom. */
int random_open(const char *path, int flags) __attribute__((weak));

/* In a static program there is no other fopen to call: made of the kernel's open. */
static int flags_of_mode(const char *mode)
{
    int both = strchr(mode, '+') ? O_RDWR : 0;
    int flags =
        *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND);

    if (both)
        flags = (flags & ~O_ACCMODE) | both;
    return flags | (strchr(mode, 'e') ? O_CLOEXEC : 0) | (strchr(mode, 'x') ? O_EXCL : 0);
}

/* A file of ours in the place of one that is opened to be read: a bundle, or randomness; -1: none. */
static int open_instead(const char *path, int flags)
{
    int saved = errno;
    int fd = -1;

    if ((flags & O_ACCMODE) != O_RDONLY)
        return -1;
    if (link_authority())
        fd = link_open_bundle(path);
    if (fd < 0 && random_open)
        fd = random_open(path, flags);
    errno = saved;
    return fd;
}

static FILE *open_stream(FILE *(*real)(const char *, const char *), const char *path,
                         const char *mode)
{
    int saved = errno;
    int fd = mode && *mode == 'r' ? open_instead(path, flags_of_mode(mode)) : -1;
    FILE *stream;

    errno = saved;
    if (fd < 0 && real)
        return real(path, mode);
    if (fd < 0)
        fd = link_real()->openat(AT_FDCWD, path, flags_of_mode(mode), 0666);
    if (fd < 0)
        return NULL;
    stream = fdopen(fd, mode);
    if (!stream)
        link_real()->close(fd);
    return stream;
}

HOOK FILE *fopen(const char *restrict path, const char *restrict mode)
{
    return open_stream(link_real()->fopen, path, mode);
}

HOOK FILE *fopen64(const char *restrict path, const char *restrict mode)
{
    return open_stream(link_real()->fopen64, path, mode);
}

#define OPEN(name)                                                                             \
    HOOK int name(const char *path, int flags, ...)                                            \
    {                                                                                          \
        int fd = open_instead(path, flags);                                                    \
        va_list args;                                                                          \
        mode_t mode;                                                                           \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = va_arg(args, mode_t);                                                           \
        va_end(args);                                                                          \
        if (fd >= 0)                                                                           \
            return fd;                                                                         \
        if (!link_real()->name)                                                                \
            return link_real()->openat(AT_FDCWD, path, flags, mode);                           \
        return link_real()->name(path, flags, mode);                                           \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                           \
    HOOK int name(int folder, const char *path, int flags, ...)                                \
    {                                                                                          \
        int fd = open_instead(path, flags);                                                    \
        va_list args;                                                                          \
        mode_t mode;                                                                           \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = va_arg(args, mode_t);                                                           \
        va_end(args);                                                                          \
        return fd >= 0 ? fd : link_real()->name(folder, path, flags, mode);                    \
    }
OPENAT(openat)
OPENAT(openat64)

#define HOOKED(type, name, parameters) { #name, (void *)(uintptr_t)name },
const struct link_hook link_hooks_files[] = { LINK_FILE_HOOKS(HOOKED){ NULL, NULL } };
