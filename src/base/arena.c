/* base/arena.c - memory that is freed all at once; see arena.h. */

#include "base/arena.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostile.h"

enum { ARENA_BLOCK = 4096, SPARE_BLOCKS = 4 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t room;
    alignas(max_align_t) char data[];
};

#define USUAL_ROOM (ARENA_BLOCK - sizeof(struct arena_block))

void arena_give_up(size_t size)
{
    fprintf(stderr, "seam: out of memory: %zu bytes asked\n", size);
    abort();
}

/* Blocks of the usual size that were given back: what serves requests makes and frees some for each, and
 * malloc is slow at that size. */
static _Atomic(struct arena_block *) spare[SPARE_BLOCKS];

/* ThreadSanitizer does not see the atomics of a library that is not built with it, so it is told that what one
 * thread did to a block comes before what the next one does. Only its run-time has these functions. */
#define IF_THERE __attribute__((weak, visibility("default")))
extern void __tsan_acquire(void *address) IF_THERE;
extern void __tsan_release(void *address) IF_THERE;

static struct arena_block *take_block(size_t room)
{
    struct arena_block *block = NULL;

    for (int i = 0; room == USUAL_ROOM && !block && i < SPARE_BLOCKS; i++)
        if (atomic_load_explicit(&spare[i], memory_order_relaxed))
            block = atomic_exchange(&spare[i], NULL);
    if (block && __tsan_acquire)
        __tsan_acquire(block);
    return block ? block : malloc(sizeof *block + room);
}

static void give_block(struct arena_block *block)
{
    if (__tsan_release)
        __tsan_release(block);
    for (int i = 0; block->room == USUAL_ROOM && i < SPARE_BLOCKS; i++) {
        struct arena_block *none = NULL;

        if (!atomic_load_explicit(&spare[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong(&spare[i], &none, block))
            return;
    }
    free(block);
}

static struct arena_block *grow(struct arena *arena, size_t size)
{
    size_t room = HOSTILE_OR(size, size > ARENA_BLOCK / 4 ? size : USUAL_ROOM);
    struct arena_block *block = take_block(room);

    if (!block)
        arena_give_up(size);
    block->used = 0;
    block->room = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

/* Memory with anything in it. */
static inline char *take(struct arena *arena, size_t size)
{
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    char *at;

    if (aligned < size)
        arena_give_up(size);
    if (!block || block->room - block->used < aligned)
        block = grow(arena, aligned);
    at = block->data + block->used;
    block->used += aligned;
    return at;
}

void *arena_zero(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    char *at = take(arena, size + 1);

    if (size > 0)
        memcpy(at, data, size);
    at[size] = '\0';
    return at;
}

char *arena_dup(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

/* Most texts are short: those are made once. */
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    char shorter[256];
    va_list again;
    char *at;
    int size;

    va_copy(again, args);
    size = vsnprintf(shorter, HOSTILE_OR(1, sizeof shorter), format, args);
    if (size >= 0 && (size_t)size < HOSTILE_OR(1, sizeof shorter)) {
        at = arena_copy(arena, shorter, (size_t)size);
    } else {
        at = arena_zero(arena, size < 0 ? 1 : (size_t)size + 1);
        if (size >= 0)
            vsnprintf(at, (size_t)size + 1, format, again);
    }
    va_end(again);
    return at;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_clear(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;

    if (!kept || kept->next || HOSTILE_OR(true, kept->room != USUAL_ROOM)) {
        arena_fini(arena);
        return;
    }
    kept->used = 0;
}

void arena_fini(struct arena *arena)
{
    struct arena_block *next;

    for (struct arena_block *block = arena->blocks; block; block = next) {
        next = block->next;
        give_block(block);
    }
    arena->blocks = NULL;
}
