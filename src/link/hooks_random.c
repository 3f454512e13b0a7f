/*
 * link/hooks_random.c - the functions of libc and libuuid that draw by chance: from the seed of a test that has one.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "link/hooks.h"
#include "link/random.h"

#define HOOK __attribute__((visibility("default")))

enum { ENTROPY_MAX = 256 };

const char link_hooks_random_anchor = 1;

static bool is_ours(const void *caller)
{
    return random_is_ours() && random_is_for(caller);
}

/* What is behind the hooks is the kernel. */
static ssize_t draw(void *to, size_t size, unsigned flags)
{
    return syscall(SYS_getrandom, to, size, flags);
}

HOOK ssize_t getrandom(void *to, size_t size, unsigned flags)
{
    if (!is_ours(__builtin_return_address(0)))
        return draw(to, size, flags);
    random_fill(to, size);
    return (ssize_t)size;
}

HOOK int getentropy(void *to, size_t size)
{
    size_t drawn = 0;

    if (size > ENTROPY_MAX) {
        errno = EIO;
        return -1;
    }
    if (is_ours(__builtin_return_address(0))) {
        random_fill(to, size);
        return 0;
    }
    while (drawn < size) {
        ssize_t n = draw((char *)to + drawn, size - drawn, 0);

        if (n < 0 && errno != EINTR)
            return -1;
        drawn += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* libc's own come of the same kernel; without it, there is no way to go on. */
static void fill(const void *caller, void *to, size_t size)
{
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < ENTROPY_MAX ? size - done : ENTROPY_MAX;
        if (is_ours(caller))
            random_fill((char *)to + done, part);
        else if (getentropy((char *)to + done, part) < 0)
            abort();
    }
}

HOOK void arc4random_buf(void *to, size_t size)
{
    fill(__builtin_return_address(0), to, size);
}

HOOK uint32_t arc4random(void)
{
    uint32_t number;

    fill(__builtin_return_address(0), &number, sizeof number);
    return number;
}

/* Each number is as likely: what lies beyond the last whole round is drawn again. */
HOOK uint32_t arc4random_uniform(uint32_t bound)
{
    uint32_t number, beyond = bound ? -bound % bound : 0;

    if (bound < 2)
        return 0;
    do
        fill(__builtin_return_address(0), &number, sizeof number);
    while (number < beyond);
    return number % bound;
}

/* ---- libuuid, which nothing of ours is linked with --------------------------------------- */

typedef void generate_fn(unsigned char *to);

/* In the whole program, else in the libuuid that a library has brought for itself (RTLD_LOCAL). */
static void *real_of(const char *name)
{
    void *real = dlsym(RTLD_NEXT, name), *library;

    if (!real && (library = dlopen("libuuid.so.1", RTLD_LAZY | RTLD_NOLOAD))) {
        real = dlsym(library, name);
        dlclose(library);
    }
    return real;
}

static void generate(const char *name, unsigned char *to)
{
    generate_fn *real;

    if (random_is_ours()) {
        random_next_id(to);
        return;
    }
    *(void **)&real = real_of(name);
    if (real)
        real(to);
    else
        abort(); /* who calls it without libuuid has one of its own, which comes first */
}

HOOK void uuid_generate(unsigned char *to);
HOOK void uuid_generate(unsigned char *to)
{
    generate("uuid_generate", to);
}

HOOK void uuid_generate_random(unsigned char *to);
HOOK void uuid_generate_random(unsigned char *to)
{
    generate("uuid_generate_random", to);
}

/* Of version 1: the 60 bits of the time are the number of the id, the rest follows from the seed. */
HOOK void uuid_generate_time(unsigned char *to);
HOOK void uuid_generate_time(unsigned char *to)
{
    generate("uuid_generate_time", to);
    if (random_is_ours())
        to[6] = (to[6] & 0x0f) | 0x10;
}

HOOK int uuid_generate_time_safe(unsigned char *to);
HOOK int uuid_generate_time_safe(unsigned char *to)
{
    int (*real)(unsigned char *) = NULL;

    if (!random_is_ours())
        *(void **)&real = real_of("uuid_generate_time_safe");
    if (real)
        return real(to);
    uuid_generate_time(to);
    return 0;
}

/* ---- for the self-check ------------------------------------------------------------------ */

#define HOOKED(name)                                                                           \
    {                                                                                          \
#name, (void *)(uintptr_t)name                                                         \
    }
const struct link_hook link_hooks_random[] = { HOOKED(getrandom),
                                               HOOKED(getentropy),
                                               HOOKED(arc4random),
                                               HOOKED(arc4random_buf),
                                               HOOKED(arc4random_uniform),
                                               HOOKED(uuid_generate),
                                               HOOKED(uuid_generate_random),
                                               HOOKED(uuid_generate_time),
                                               HOOKED(uuid_generate_time_safe),
                                               { NULL, NULL } };
