/* base/message_test.c - frames that come whole, in pieces, cut off or hostile. */

#include "base/message.h"

#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"

static void add_frame(struct buf *to)
{
    size_t begin = message_begin(to);

    message_add_text(to, "name", "orders");
    message_add_int(to, "port", -5432);
    message_add(to, "bytes", "a\0b", 3);
    message_add_text(to, "none", NULL);
    message_add_text(to, "tag", "one");
    message_add_text(to, "tag", "two");
    message_add_text(to, "", "");
    message_end(to, begin);
}

static void check_frame(seam_t *t, const struct message *frame)
{
    struct message bytes = message_value(frame, "bytes");
    char *name = message_text(frame, "name");

    seam_check_eq(t, name, "orders");
    seam_check_eq(t, message_int(frame, "port", 0), -5432);
    seam_check_mem(t, bytes.data, bytes.size, "a\0b", 3);
    seam_check_null(t, message_value(frame, "none").data);
    seam_check_null(t, message_text(frame, "nam"));
    seam_check_eq(t, message_int(frame, "none", 7), 7);
    seam_check_eq(t, message_int(frame, "", 7), 7);
    free(name);
}

SEAM_TEST(message_survives_a_round_trip)
{
    struct buf buf = BUF_INIT(1000);
    struct message frame;

    buf_add_text(&buf, "earlier");
    add_frame(&buf);
    seam_check_eq(t, message_parse(buf.data + 7, buf.size - 7, &frame), buf.size - 7);
    check_frame(t, &frame);
    buf_fini(&buf);
}

SEAM_TEST(message_steps_over_each_field)
{
    struct buf buf = BUF_INIT(1000);
    struct message frame, key, value;
    struct buf seen = BUF_INIT(1000);
    size_t at = 0;

    add_frame(&buf);
    message_parse(buf.data, buf.size, &frame);
    while (message_next(&frame, &at, &key, &value) == 1)
        buf_printf(&seen, "%.*s=%zu ", (int)key.size, key.data, value.size);
    seam_check_eq(t, buf_text(&seen), "name=6 port=5 bytes=3 tag=3 tag=3 =0 ");
    seam_check_eq(t, message_next(&frame, &at, &key, &value), 0);
    buf_fini(&seen);
    buf_fini(&buf);
}

/* Each beginning of a frame but the whole one waits for more; a copy of just that size lets a
 * sanitizer see a byte too many. */
SEAM_TEST(message_waits_for_the_rest)
{
    struct buf buf = BUF_INIT(1000);
    struct message frame = { NULL, 99 };

    add_frame(&buf);
    for (size_t size = 0; size < buf.size; size++) {
        char *part = memcpy(malloc(size + 1), buf.data, size);

        seam_require_eq(t, message_parse(part, size, &frame), 0);
        seam_require_eq(t, frame.size, 99); /* untouched */
        free(part);
    }
    buf_fini(&buf);
}

/* A frame that ends at each place in its fields: a field is either whole or refused. */
SEAM_TEST(message_refuses_fields_that_are_cut_off)
{
    struct buf buf = BUF_INIT(1000);

    add_frame(&buf);
    for (size_t size = 0; size <= buf.size - 4; size++) {
        struct message frame = { memcpy(malloc(size + 1), buf.data + 4, size), size };
        struct message key, value;
        size_t at = 0;
        int r;

        while ((r = message_next(&frame, &at, &key, &value)) == 1)
            seam_require_le(t, at, size);
        seam_require(t, r == (at == size ? 0 : -EPROTO));
        message_value(&frame, "no such field");
        free((char *)frame.data);
    }
    buf_fini(&buf);
}

SEAM_TEST(message_refuses_hostile_sizes)
{
    struct message frame = { "\x01x\xff\xff\xff\xff....", 10 };
    struct message key, value;
    size_t at = 0;

    seam_check_eq(t, message_parse("\xff\xff\xff\xff", 4, &frame), -EPROTO);
    seam_check_eq(t, message_parse("\x01\x00\x00\x01", 4, &frame), -EPROTO);
    seam_check_eq(t, message_parse("\x00\x00\x00\x01", 4, &frame), 0);
    seam_check_eq(t, message_next(&frame, &at, &key, &value), -EPROTO);
    frame = (struct message){ "\xff", 1 };
    seam_check_eq(t, message_next(&frame, &at, &key, &value), -EPROTO);
    seam_check_eq(t, message_parse("\0\0\0\0", 4, &frame), 4);
    seam_check_eq(t, frame.size, 0);
    seam_check_eq(t, message_next(&frame, &at, &key, &value), 0);
}

SEAM_TEST(message_refuses_what_no_frame_can_hold)
{
    struct buf buf = BUF_INIT(1000);
    char key[257];

    memset(key, 'k', 256);
    key[256] = '\0';
    message_begin(&buf);
    seam_check_eq(t, message_add_text(&buf, key, "x"), -EMSGSIZE);
    seam_check(t, buf.failed);
    seam_check_ok(t, message_add_text(&buf, key + 1, "x"));
    seam_check_eq(t, message_send(-1, &buf), -EMSGSIZE);
    buf_fini(&buf);
}

SEAM_TEST(message_int_is_no_more_than_a_number)
{
    struct buf buf = BUF_INIT(1000);
    size_t begin = message_begin(&buf);
    struct message frame;

    message_add_int(&buf, "least", INT64_MIN);
    message_add_text(&buf, "long", "123456789012345678901234567890");
    message_end(&buf, begin);
    message_parse(buf.data, buf.size, &frame);
    seam_check_eq(t, message_int(&frame, "least", 0), INT64_MIN);
    seam_check_eq(t, message_int(&frame, "long", 7), 7);
    buf_fini(&buf);
}

/* ---- over a socket ----------------------------------------------------------------------- */

static void connect_pair(seam_t *t, int ends[2])
{
    seam_require_eq(t, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

struct sender {
    const struct buf *bytes;
    int fd;
};

static void send_bytes(seam_t *t, int index, void *arg)
{
    const struct sender *sender = arg;
    struct buf into = BUF_INIT(1000);
    struct message frame;

    if (index == 0) { /* one byte at a time, twice */
        for (size_t i = 0; i < 2 * sender->bytes->size; i++)
            seam_check_eq(
                t, write(sender->fd, sender->bytes->data + i % sender->bytes->size, 1), 1);
        return;
    }
    for (int i = 0; i < 2; i++) {
        seam_check_ok(t,
                      message_receive(sender[1].fd, &into, deadline_after_ms(60000), &frame));
        check_frame(t, &frame);
    }
    buf_fini(&into);
}

SEAM_TEST(message_arrives_a_byte_at_a_time)
{
    struct buf buf = BUF_INIT(1000);
    int ends[2];

    connect_pair(t, ends);
    add_frame(&buf);
    seam_threads(t, 2, send_bytes, ((struct sender[]){ { &buf, ends[0] }, { &buf, ends[1] } }));
    close(ends[0]);
    close(ends[1]);
    buf_fini(&buf);
}

SEAM_TEST(message_receive_says_why_nothing_came)
{
    struct buf into = BUF_INIT(100);
    struct message frame;
    int ends[2];

    connect_pair(t, ends);
    seam_check_eq(t, message_receive(ends[1], &into, now_ns(), &frame), -ETIMEDOUT);
    seam_check_eq(t, write(ends[0], "\x10\0\0\0half", 8), 8);
    seam_check_eq(t, message_receive(ends[1], &into, now_ns() + 1000000, &frame), -ETIMEDOUT);
    seam_check_eq(t, write(ends[0], "\xff\xff\xff\xff", 4), 4);
    seam_check_eq(t, message_receive(ends[1], &into, 0, &frame), -EPROTO);
    seam_check_eq(t, write(ends[0], "\0\x01\0\0", 4), 4); /* more than `into` may hold */
    seam_check_eq(t, message_receive(ends[1], &into, 0, &frame), -ENOBUFS);
    close(ends[0]);
    seam_check_eq(t, message_receive(ends[1], &into, 0, &frame), -ECONNRESET);
    close(ends[1]);
    buf_fini(&into);
}
