/* base/buf_test.c - a buf grows up to its cap, refuses what is beyond, and remembers that. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Werror

#include "base/buf.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

SEAM_TEST(buf_is_text_while_empty)
{
    struct buf buf = BUF_INIT(10);

    seam_check_eq(t, buf_text(&buf), "");
    seam_check_null(t, buf_take(&buf));
    buf_drop(&buf, 0);
    buf_clear(&buf);
    buf_fini(&buf);
    buf_fini(&buf);
}

SEAM_TEST(buf_takes_one_byte_at_a_time)
{
    struct buf buf = BUF_INIT(1000);

    for (int i = 0; i < 1000; i++) {
        seam_require_ok(t, buf_add_char(&buf, (char)('a' + i % 26)));
        seam_require_eq(t, buf.size, i + 1);
        seam_require_eq(t, buf.data[buf.size], '\0');
        seam_require_lt(t, buf.size, buf.room);
    }
    for (int i = 0; i < 1000; i++)
        seam_require_eq(t, buf.data[i], (char)('a' + i % 26));
    seam_check_eq(t, buf_add_char(&buf, 'x'), -ENOBUFS);
    buf_fini(&buf);
}

SEAM_TEST(buf_refuses_whole_what_does_not_fit)
{
    struct buf buf = BUF_INIT(5);

    seam_check_ok(t, buf_add_text(&buf, "abc"));
    seam_check(t, !buf.failed);
    seam_check_eq(t, buf_add_text(&buf, "def"), -ENOBUFS);
    seam_check(t, buf.failed);
    seam_check_ok(t, buf_add_text(&buf, "de"));
    seam_check(t, buf.failed); /* the chain has failed once and for all */
    seam_check_eq(t, buf_text(&buf), "abcde");
    buf_clear(&buf);
    seam_check(t, !buf.failed);
    seam_check_eq(t, buf_text(&buf), "");
    buf_fini(&buf);
}

SEAM_TEST(buf_refuses_hostile_sizes)
{
    struct buf buf = BUF_INIT(100);
    char *at;

    seam_check_ok(t, buf_add_text(&buf, "ab"));
    seam_check_null(t, buf_reserve(&buf, SIZE_MAX));
    seam_check_null(t, buf_reserve(&buf, SIZE_MAX - 2));
    seam_check_null(t, buf_reserve(&buf, 99));
    seam_check_eq(t, buf.size, 2);
    at = buf_reserve(&buf, 98);
    seam_check_same(t, at, buf.data + 2);
    buf_fini(&buf);
}

SEAM_TEST(buf_of_nothing_takes_nothing)
{
    struct buf buf = BUF_INIT(0);

    seam_check_ok(t, buf_add(&buf, NULL, 0));
    seam_check_eq(t, buf_add_char(&buf, 'x'), -ENOBUFS);
    seam_check_eq(t, buf_text(&buf), "");
    buf_fini(&buf);
}

/* Both ways through printf: by way of the stack, and, from 256 bytes on, straight into place. */
SEAM_TEST(buf_prints_texts_of_any_length)
{
    for (int size = 250; size < 262; size++) {
        struct buf buf = BUF_INIT(1000);
        struct buf tight = BUF_INIT((size_t)size - 1);

        seam_check_ok(t, buf_printf(&buf, "<%*d>", size - 2, 7));
        seam_check_eq(t, buf.size, size);
        seam_check_eq(t, strlen(buf.data), size);
        seam_check_eq(t, buf.data[size - 1], '>');
        seam_check_eq(t, buf_printf(&tight, "%*d", size, 7), -ENOBUFS);
        seam_check_eq(t, tight.size, 0);
        buf_fini(&buf);
        buf_fini(&tight);
    }
}

SEAM_TEST(buf_is_text_when_only_room_was_made)
{
    struct buf buf = BUF_INIT(100);

    free(memset(malloc(64), 'x', 64)); /* what the next allocation may find */
    seam_require(t, buf_reserve(&buf, 10) != NULL);
    seam_check_eq(t, buf_text(&buf), "");
    buf_fini(&buf);
}

SEAM_TEST(buf_drops_from_its_beginning)
{
    struct buf buf = BUF_INIT(100);

    buf_add_text(&buf, "hello world");
    buf_drop(&buf, 6);
    seam_check_eq(t, buf_text(&buf), "world");
    buf_drop(&buf, 5);
    seam_check_eq(t, buf_text(&buf), "");
    seam_check_eq(t, buf.size, 0);
    buf_fini(&buf);
}

SEAM_TEST(buf_hands_its_bytes_over)
{
    struct buf buf = BUF_INIT(100);
    char *bytes;

    buf_add(&buf, "a\0b", 3);
    bytes = buf_take(&buf);
    seam_check_mem(t, bytes, 4, "a\0b", 4);
    seam_check_eq(t, buf.cap, 100);
    seam_check_null(t, buf.data);
    free(bytes);
}
