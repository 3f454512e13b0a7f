/*
 * amqp/mock/conformance_test.c - what a client may send, legal, odd and illegal, and what comes of it: of the mock, and of
 * RabbitMQ 3.10 (Debian 12), frame for frame; and what testdata/golden/amqp.txt says.
 *
 * Different by nature, and so not compared: server-properties, names that the server makes up, the time in x-death, and how long a server waits before it hangs up on who failed to log in.
 */
//seam:cflags -I../.. -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../../wire/amqp_content.c ../../wire/amqp_frame.c ../../wire/amqp_method.c ../../wire/amqp_table.c
//seam:sources ../../wire/amqp_text.c ../../base/arena.c ../../base/buf.c ../../base/err.c ../../base/hostile.c

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <seam/amqp_mock.h>
#include <seam/rabbitmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/amqp.h"

enum {
    LEAST_ROWS = 60,
    CONNECTIONS = 3,
    TEXT_MAX = 4 << 20,
    WAIT_MS = 8000,
    STEPS = 4000,
    GOODBYE = 99
};

/* One server, and what is said to it. */
struct side {
    seam_t *t;
    const char *host, *user, *password, *vhost;
    int port;
    bool slowly; /* one byte after the other */
    bool is_real;
    int fds[CONNECTIONS]; /* -1: none */
    bool has_left[CONNECTIONS]; /* said goodbye in the script */
    struct buf in[CONNECTIONS];
    int now; /* the connection that is spoken on */
    int *
        steps; /* how many frames came by each: written by the mock's side, awaited by the real one's */
    int step;
    int came; /* frames so far */
    struct buf text;
    struct buf heard[CONNECTIONS]; /* in this step */
};

/* ---- the frames that come ---------------------------------------------------------------- */

/* A value up to a blank, comma or brace becomes '?'. */
static char *blur(seam_t *t, const char *text, const char *mark)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    const char *at;
    char *copy;

    while ((at = strstr(text, mark))) {
        buf_add(&out, text, (size_t)(at - text) + strlen(mark));
        buf_add_char(&out, '?');
        text = at + strlen(mark);
        text += strcspn(text, " ,}']");
    }
    buf_add_text(&out, text);
    copy = (char *)seam_format(t, "%s", buf_text(&out));
    buf_fini(&out);
    return copy;
}

static char *replace(seam_t *t, const char *text, const char *what, const char *by)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    const char *at;
    char *copy;

    while ((at = strstr(text, what))) {
        buf_add(&out, text, (size_t)(at - text));
        buf_add_text(&out, by);
        text = at + strlen(what);
    }
    buf_add_text(&out, text);
    copy = (char *)seam_format(t, "%s", buf_text(&out));
    buf_fini(&out);
    return copy;
}

static const char *stable(const struct side *side, const char *text)
{
    seam_t *t = side->t;
    char *out = blur(t, blur(t, blur(t, text, "amq.gen-"), "amq.ctag-"), ":T=");
    char *properties = strstr(out, " server-properties="), *end;

    if (properties && (end = strstr(properties, " mechanisms")))
        memmove(properties, end, strlen(end) + 1);
    if (side->is_real) {
        out = replace(t, out, seam_format(t, "vhost '%s'", side->vhost), "vhost '/'");
        out = replace(t, out, side->user, "guest");
    }
    return out;
}

static void show(struct side *side, int connection, const struct amqp_frame *frame)
{
    struct arena arena = { 0 };
    struct buf line = BUF_INIT(TEXT_MAX);

    amqp_frame_show(frame, &arena, &line);
    buf_printf(&side->heard[connection], "    %d: %s\n", connection,
               stable(side, buf_text(&line)));
    side->came++;
    buf_fini(&line);
    arena_fini(&arena);
}

static void take_frames(struct side *side, int connection)
{
    struct buf *in = &side->in[connection];
    struct amqp_frame frame;
    int size;

    if (in->size >= 8 && memcmp(in->data, "AMQP", 4) == 0) {
        buf_printf(&side->heard[connection], "    %d: header\n", connection);
        side->came++;
        buf_drop(in, 8);
    }
    while ((size = amqp_frame_read(in->data, in->size, 0, &frame)) > 0) {
        show(side, connection, &frame);
        buf_drop(in, (size_t)size);
    }
}

/* What is there; false: nothing was. */
static bool receive(struct side *side, int connection)
{
    char bytes[65536];
    ssize_t got;

    if (side->fds[connection] < 0)
        return false;
    got = recv(side->fds[connection], bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got > 0) {
        buf_add(&side->in[connection], bytes, (size_t)got);
        take_frames(side, connection);
        return true;
    }
    close(side->fds[connection]);
    side->fds[connection] = -1;
    buf_clear(&side->in[connection]);
    buf_printf(&side->heard[connection], "    %d: closed\n", connection);
    side->came++;
    return true;
}

static bool receive_all(struct side *side)
{
    bool any = false;

    for (int i = 0; i < CONNECTIONS; i++)
        while (receive(side, i))
            any = true;
    return any;
}

/* Until so many have come. */
static void await(struct side *side, int count)
{
    int end_ms = WAIT_MS;

    receive_all(side);
    while (side->came < count && end_ms > 0) {
        struct pollfd all[CONNECTIONS];

        for (int i = 0; i < CONNECTIONS; i++)
            all[i] = (struct pollfd){ side->fds[i], POLLIN, 0 };
        if (poll(all, CONNECTIONS, 100) == 0)
            end_ms -= 100;
        receive_all(side);
    }
}

/* ---- what is sent ------------------------------------------------------------------------ */

static void connect_side(struct side *side)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)side->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, side->host, &address.sin_addr);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        seam_fatal(side->t, "cannot connect to %s:%d", side->host, side->port);
    side->fds[side->now] = fd;
    buf_clear(&side->in[side->now]);
}

static void send_bytes(struct side *side, const char *data, size_t size)
{
    size_t piece = side->slowly ? 1 : size;

    for (size_t at = 0; at < size; at += piece)
        send(side->fds[side->now], data + at, piece, MSG_NOSIGNAL);
}

static void send_line(struct side *side, const char *line)
{
    struct arena arena = { 0 };
    struct buf bytes = BUF_INIT(TEXT_MAX);
    struct err err;

    line = replace(side->t, line, "VHOST", side->vhost);
    line = replace(side->t, line, "USER", side->user);
    line = replace(side->t, line, "PASSWORD", side->password);
    if (amqp_frame_parse(line, &arena, &bytes, &err) < 0)
        seam_fatal(side->t, "%s", err.text);
    if (side->fds[side->now] < 0)
        connect_side(side);
    send_bytes(side, buf_text(&bytes), bytes.size);
    buf_fini(&bytes);
    arena_fini(&arena);
}

/* Without its answers in the text. */
static void shake_hands(struct side *side)
{
    int came = side->came;

    send_line(side, "x 41 4d 51 50 00 00 09 01");
    await(side, came + 1);
    send_line(side, "0 connection.start-ok client-properties={capabilities:F={"
                    "consumer_cancel_notify:t=1,authentication_failure_close:t=1,"
                    "basic.nack:t=1,publisher_confirms:t=1,connection.blocked:t=1}} "
                    "mechanism=PLAIN response=\\x00USER\\x00PASSWORD locale=en_US");
    await(side, came + 2);
    send_line(side, "0 connection.tune-ok channel-max=2047 frame-max=131072");
    send_line(side, "0 connection.open virtual-host=VHOST");
    await(side, came + 3);
    buf_clear(&side->heard[side->now]);
    side->came = came;
}

/* ---- a row ------------------------------------------------------------------------------- */

/* The mock has answered when the send returns; the real server is waited for as long as it took the mock to say as
 * much. */
static void hear(struct side *side, int wanted)
{
    int before = side->came;

    if (side->is_real)
        await(side, before + side->steps[side->step]);
    else if (wanted > 0)
        await(side, before + wanted);
    else
        receive_all(side);
    if (side->step == STEPS)
        seam_fatal(side->t, "the script has more than %d steps", STEPS);
    if (!side->is_real)
        side->steps[side->step] = side->came - before;
    side->step++;
    for (int i = 0; i < CONNECTIONS; i++) {
        buf_add_text(&side->text, buf_text(&side->heard[i]));
        buf_clear(&side->heard[i]);
    }
}

static void do_line(struct side *side, const char *line)
{
    buf_printf(&side->text, "%s\n", line);
    if (strncmp(line + (line[0] == '+'), "0 connection.close ", 19) == 0)
        side->has_left[side->now] = true;
    if (line[0] == '@')
        side->now = atoi(line + 1);
    else if (line[0] == 'H')
        shake_hands(side);
    else if (line[0] == 'W')
        hear(side, atoi(line + 1));
    else if (line[0] == '+')
        send_line(side, line + 1);
    else {
        send_line(side, line);
        hear(side, 0);
    }
}

static void say_goodbye(struct side *side, int who)
{
    side->now = who;
    send_line(side, "0 connection.close code=200 text=bye");
    buf_printf(&side->text, "goodbye of %d\n", who);
    hear(side, 0);
}

/* Who is still connected says goodbye: nothing may come before the answer to that. Not twice: whether a second one
 * is answered depends on how soon the server closes the socket. */
static void end_row(struct side *side)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (side->fds[i] < 0)
            continue;
        if (!side->has_left[i])
            say_goodbye(side, i);
        if (side->fds[i] >= 0)
            close(side->fds[i]);
        side->fds[i] = -1;
        side->has_left[i] = false;
        buf_clear(&side->in[i]);
    }
    side->now = 0;
    buf_add_char(&side->text, '\n');
}

static int play(struct side *side)
{
    char *script = (char *)seam_read_file(side->t, "testdata/amqp.script", NULL);
    int rows = 0;

    side->text = BUF_INIT(TEXT_MAX);
    for (int i = 0; i < CONNECTIONS; i++) {
        side->fds[i] = -1;
        side->in[i] = BUF_INIT(TEXT_MAX);
        side->heard[i] = BUF_INIT(TEXT_MAX);
    }
    for (char *line = script; line && *line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        if (*line)
            do_line(side, line);
        else
            end_row(side);
        rows += !*line;
        line = end ? end + 1 : NULL;
    }
    end_row(side);
    for (int i = 0; i < CONNECTIONS; i++) {
        buf_fini(&side->in[i]);
        buf_fini(&side->heard[i]);
    }
    return rows + 1;
}

/* ---- */

static int steps[STEPS];

static void check_mock(seam_t *t, bool slowly)
{
    seam_amqp_mock *mock =
        seam_amqp_mock_start(t, .user = "guest", .password = "guest", .strict = false);
    struct side side = { .t = t,
                         .host = "127.0.0.1",
                         .port = seam_amqp_mock_port(mock),
                         .user = "guest",
                         .password = "guest",
                         .vhost = "/",
                         .slowly = slowly,
                         .steps = steps };

    seam_check(t, play(&side) >= LEAST_ROWS);
    seam_golden(t, "amqp.txt", buf_text(&side.text), side.text.size);
    buf_fini(&side.text);
}

SEAM_TEST(amqp_mock_answers_as_the_golden_file_says)
{
    seam_via(t, check_mock(t, false));
}

SEAM_TEST(amqp_mock_answers_the_same_byte_by_byte)
{
    seam_via(t, check_mock(t, true));
}

SEAM_TEST(rabbitmq_answers_as_the_golden_file_says, .tags = "integration", .timeout_ms = 120000)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    struct side side = { .t = t,
                         .host = seam_rabbitmq_host(mq),
                         .port = seam_rabbitmq_port(mq),
                         .user = seam_rabbitmq_user(mq),
                         .password = seam_rabbitmq_password(mq),
                         .vhost = seam_rabbitmq_vhost(mq),
                         .steps = steps,
                         .is_real = true };

    seam_via(t, check_mock(t, false)); /* how much is to come */
    seam_check(t, play(&side) >= LEAST_ROWS);
    seam_golden(t, "amqp.txt", buf_text(&side.text), side.text.size);
    buf_fini(&side.text);
}
