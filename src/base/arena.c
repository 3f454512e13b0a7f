/* base/arena.c - memory that is freed all at once; see arena.h. */

#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostile.h"

enum { ARENA_BLOCK = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t room;
    alignas(max_align_t) char data[];
};

void arena_give_up(size_t size)
{
    fprintf(stderr, "seam: out of memory: %zu bytes asked\n", size);
    abort();
}

static struct arena_block *grow(struct arena *arena, size_t size)
{
    size_t usual = size > ARENA_BLOCK / 4 ? size : ARENA_BLOCK - sizeof(struct arena_block);
    size_t room = HOSTILE_OR(size, usual);
    struct arena_block *block = malloc(sizeof *block + room);

    if (!block)
        arena_give_up(size);
    block->used = 0;
    block->room = room;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_zero(struct arena *arena, size_t size)
{
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    void *at;

    if (aligned < size)
        arena_give_up(size);
    if (!block || block->room - block->used < aligned)
        block = grow(arena, aligned);
    at = block->data + block->used;
    block->used += aligned;
    return memset(at, 0, size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    char *at = arena_zero(arena, size + 1);

    if (size > 0)
        memcpy(at, data, size);
    return at;
}

char *arena_dup(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    char *at;
    int size;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    at = arena_zero(arena, size < 0 ? 1 : (size_t)size + 1);
    if (size >= 0)
        vsnprintf(at, (size_t)size + 1, format, again);
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

void arena_fini(struct arena *arena)
{
    struct arena_block *next;

    for (struct arena_block *block = arena->blocks; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}
