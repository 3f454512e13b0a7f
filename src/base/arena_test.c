/* base/arena_test.c - memory that is zeroed, aligned, and freed all at once. */

#include "base/arena.h"

#include <seam/seam.h>

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

SEAM_TEST(arena_gives_zeroed_memory_for_any_type)
{
    struct arena arena = { 0 };

    for (size_t size = 0; size < 20000; size = size * 2 + 1) {
        char *at = arena_zero(&arena, size);

        seam_require_eq(t, (uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            seam_require_eq(t, at[i], 0);
        memset(at, 0x5a, size);
    }
    arena_fini(&arena);
}

/* Pieces do not overlap, whether they share a block or not. */
SEAM_TEST(arena_gives_each_piece_its_own_memory)
{
    enum { PIECES = 500 };
    struct arena arena = { 0 };
    char *pieces[PIECES];

    for (int i = 0; i < PIECES; i++) {
        size_t size = (size_t)(i * 37 % 1500 + 1);

        pieces[i] = arena_zero(&arena, size);
        memset(pieces[i], i % 251 + 1, size);
    }
    for (int i = 0; i < PIECES; i++)
        for (int at = 0; at < i * 37 % 1500 + 1; at++)
            seam_require_eq(t, (unsigned char)pieces[i][at], i % 251 + 1);
    arena_fini(&arena);
}

SEAM_TEST(arena_copies_text)
{
    struct arena arena = { 0 };

    seam_check_eq(t, arena_dup(&arena, "hello"), "hello");
    seam_check_null(t, arena_dup(&arena, NULL));
    seam_check_mem(t, arena_copy(&arena, "a\0b", 3), 4, "a\0b", 4);
    seam_check_eq(t, (char *)arena_copy(&arena, NULL, 0), "");
    seam_check_eq(t, arena_printf(&arena, "%s %*d", "wide", 5000, 7) + 5000, "    7");
    arena_fini(&arena);
}

SEAM_TEST(arena_can_be_used_again)
{
    struct arena arena = { 0 };

    arena_fini(&arena);
    arena_dup(&arena, "a");
    arena_fini(&arena);
    seam_check_null(t, arena.blocks);
    seam_check_eq(t, arena_dup(&arena, "b"), "b");
    arena_fini(&arena);
}

SEAM_TEST(arena_ends_the_process_when_memory_does, .signal = 6)
{
    struct arena arena = { 0 };

    arena_zero(&arena, SIZE_MAX - 3);
}

/* A block that stays is as good as new; a large one goes. */
SEAM_TEST(arena_that_was_cleared_gives_zeroed_memory)
{
    struct arena arena = { 0 };

    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 20000; size = size * 3) {
            char *at = arena_zero(&arena, size);

            for (size_t i = 0; i < size; i++)
                seam_require_eq(t, at[i], 0);
            memset(at, 0x5a, size);
        }
        arena_clear(&arena);
        seam_check_str(t, arena_dup(&arena, "small"), "small");
        arena_clear(&arena);
    }
    arena_fini(&arena);
}
