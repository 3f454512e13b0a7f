/* base/hostile.c - memory and reads that do their worst; see hostile.h. */

#define HOSTILE_ITSELF

#include "base/hostile.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(SEAM_HOSTILE) || defined(SEAM_TORTURE)

enum { POISON = 0xab, READ_MAX = 7 };

/* Whether it is this allocation's turn to fail. */
static bool must_fail(void)
{
#ifdef SEAM_TORTURE
    static atomic_ulong count;
    const char *turn = getenv("SEAM_TORTURE");

    if (turn && atomic_fetch_add(&count, 1) + 1 == strtoul(turn, NULL, 10)) {
        errno = ENOMEM;
        return true;
    }
#endif
    return false;
}

static void poison(void *memory)
{
#ifdef SEAM_HOSTILE
    if (memory)
        memset(memory, POISON, malloc_usable_size(memory));
#else
    (void)memory;
#endif
}

void *hostile_malloc(size_t size)
{
    void *memory = must_fail() ? NULL : malloc(size);

    poison(memory);
    return memory;
}

void *hostile_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count, size);
}

/* Always to other memory, so that who kept the old address is found out. */
void *hostile_realloc(void *memory, size_t size)
{
    size_t before = memory ? malloc_usable_size(memory) : 0;
    void *moved = hostile_malloc(size);

    if (!moved)
        return NULL;
    if (memory)
        memcpy(moved, memory, before < size ? before : size);
    hostile_free(memory);
    return moved;
}

void hostile_free(void *memory)
{
    poison(memory);
    free(memory);
}

ssize_t hostile_read(int fd, void *to, size_t size)
{
    static atomic_uint turn;
    size_t most = 1 + atomic_fetch_add(&turn, 1) % READ_MAX;

    return read(fd, to, HOSTILE_OR(size < most ? size : most, size));
}

#endif
