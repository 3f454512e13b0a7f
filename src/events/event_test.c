/* events/event_test.c - records that come whole, in pieces, cut off or hostile. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Werror
//seam:sources ../base/*.c

#include "events/event.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 56, SIZES_AT = 20 }; /* of a record */

static const struct event sample = {
    .kind = EVENT_MESSAGE,
    .status = MESSAGE_ERROR,
    .flags = EVENT_MARKED,
    .node = 0x01020304,
    .parent = 7,
    .number = -9,
    .time_ns = UINT64_MAX,
    .elapsed_ns = 1,
    .package = { "pkg", 3 },
    .test = { "orders/create", 13 },
    .file = { "", 0 },
    .text = { "a\0b", 3 },
};

static void same_text(seam_t *t, struct text got, struct text want)
{
    seam_check_mem(t, got.data, got.size, want.data, want.size);
}

static void same_event(seam_t *t, const struct event *got, const struct event *want)
{
    seam_check_eq(t, got->kind, want->kind);
    seam_check_eq(t, got->status, want->status);
    seam_check_eq(t, got->flags, want->flags);
    seam_check_eq(t, got->node, want->node);
    seam_check_eq(t, got->parent, want->parent);
    seam_check_eq(t, got->number, want->number);
    seam_check_eq(t, got->time_ns, want->time_ns);
    seam_check_eq(t, got->elapsed_ns, want->elapsed_ns);
    seam_via(t, same_text(t, got->package, want->package));
    seam_via(t, same_text(t, got->test, want->test));
    seam_via(t, same_text(t, got->file, want->file));
    seam_via(t, same_text(t, got->text, want->text));
}

SEAM_TEST(event_survives_a_round_trip)
{
    struct buf buf = BUF_INIT(1000);
    struct event back, bare = { .kind = EVENT_FINISH };
    long first;

    seam_check_ok(t, event_encode(&buf, &sample));
    seam_check_ok(t, event_encode(&buf, &bare));
    seam_check_eq(t, buf.size, event_size(&sample) + event_size(&bare));
    first = event_decode(buf.data, buf.size, &back);
    seam_require_eq(t, first, event_size(&sample));
    seam_via(t, same_event(t, &back, &sample));
    seam_check_eq(t, event_decode(buf.data + first, buf.size - (size_t)first, &back), HEAD);
    seam_via(t, same_event(t, &back, &bare));
    buf_fini(&buf);
}

/* Logs outlive the program that wrote them: the bytes are a promise. */
SEAM_TEST(event_is_laid_out_as_the_header_says)
{
    const struct event event = { .kind = 2,
                                 .status = 1,
                                 .flags = 0x0403,
                                 .node = 5,
                                 .parent = 6,
                                 .number = -1,
                                 .time_ns = 0x1122334455667788,
                                 .elapsed_ns = 9,
                                 .package = text_of("p"),
                                 .test = text_of("tt"),
                                 .file = text_of("f"),
                                 .text = text_of("xyz") };
    static const char want[] = "\x3b\0\0\0"
                               "\x02"
                               "\x01"
                               "\x03\x04"
                               "\x05\0\0\0"
                               "\x06\0\0\0"
                               "\xff\xff\xff\xff"
                               "\x01\0\0\0"
                               "\x02\0\0\0"
                               "\x01\0\0\0"
                               "\x03\0\0\0"
                               "\0\0\0\0"
                               "\x88\x77\x66\x55\x44\x33\x22\x11"
                               "\x09\0\0\0\0\0\0\0"
                               "p"
                               "tt"
                               "f"
                               "xyz";
    struct buf buf = BUF_INIT(1000);

    seam_check_ok(t, event_encode(&buf, &event));
    seam_check_mem(t, buf.data, buf.size, want, sizeof want - 1);
    buf_fini(&buf);
}

/* A copy of just the size lets a sanitizer see a byte read too many. */
static long decode_copy(const char *data, size_t size, struct event *ret)
{
    char *copy = memcpy(malloc(size + 1), data, size);
    long whole = event_decode(copy, size, ret);

    free(copy);
    return whole;
}

SEAM_TEST(event_waits_for_the_rest)
{
    struct buf buf = BUF_INIT(1000);
    struct event back = { .kind = 99 };

    event_encode(&buf, &sample);
    for (size_t size = 0; size < buf.size; size++) {
        seam_require_eq(t, decode_copy(buf.data, size, &back), 0);
        seam_require_eq(t, back.kind, 99); /* untouched */
    }
    buf_fini(&buf);
}

static void refuses(seam_t *t, const struct buf *record, size_t at, uint32_t value)
{
    char copy[200];
    struct event back;

    memcpy(copy, record->data, record->size);
    memcpy(copy + at, &value, sizeof value);
    seam_check_eq(t, decode_copy(copy, record->size, &back), -EPROTO);
}

SEAM_TEST(event_refuses_hostile_sizes)
{
    struct buf buf = BUF_INIT(1000);

    event_encode(&buf, &sample);
    seam_via(t, refuses(t, &buf, 0, 0));
    seam_via(t, refuses(t, &buf, 0, HEAD - 5)); /* less than a record without texts */
    seam_via(t, refuses(t, &buf, 0, EVENT_MAX + 1));
    seam_via(t, refuses(t, &buf, 0, UINT32_MAX));
    for (size_t i = 0; i < 4; i++) {
        seam_via(t, refuses(t, &buf, SIZES_AT + 4 * i, UINT32_MAX));
        seam_via(t, refuses(t, &buf, SIZES_AT + 4 * i, 20)); /* one more than there are */
        seam_via(t, refuses(t, &buf, SIZES_AT + 4 * i, 1)); /* and less */
    }
    buf_fini(&buf);
}

SEAM_TEST(event_that_is_too_large_is_not_written)
{
    struct buf buf = BUF_INIT(SIZE_MAX / 2);
    struct buf tight = BUF_INIT(event_size(&sample) - 1);
    struct event large = { .text = { "", EVENT_MAX } };

    seam_check_eq(t, event_encode(&buf, &large), -ENOBUFS);
    seam_check_eq(t, buf.size, 0);
    seam_check_eq(t, event_encode(&tight, &sample), -ENOBUFS);
    seam_check_eq(t, tight.size, 0);
    buf_fini(&buf);
    buf_fini(&tight);
}

SEAM_TEST(text_of_null_is_empty)
{
    seam_check_eq(t, text_of(NULL).size, 0);
    seam_check_eq(t, text_of("abc").size, 3);
}
