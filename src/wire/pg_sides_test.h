/*
 * wire/pg_sides_test.h - for tests: one session with the engine, or with a real server, that is sent a client's bytes
 * and whose answers are kept as they come.
 */
#ifndef WIRE_PG_SIDES_TEST_H
#define WIRE_PG_SIDES_TEST_H

#include <poll.h>
#include <seam/seam.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/pg_owner_test.h"
#include "wire/pg_script_test.h"

enum { SIDE_MAX = 1 << 20, SIDE_WAIT_MS = 10000, SIDE_PID = 7, SIDE_KEY = 9 };

struct side {
    const char *conninfo; /* of the real server; NULL: the engine */
    const char *version; /* of the engine; NULL: "15.20" */
    bool slowly; /* the engine gets one byte after the other */

    struct pg_server *server;
    int fd;
    struct buf raw; /* the answers */
    struct buf text; /* the same, as pg_script_test.h writes them */
    bool is_over; /* the session is */
};

static inline void side_hear(struct side *side, const void *data, size_t size)
{
    buf_add(&side->raw, data, size);
    buf_clear(&side->text);
    reply_text(&side->text, buf_text(&side->raw), side->raw.size);
}

/* ---- the engine */

/* Answer all that can be, but for a statement that waits for its cancel. */
static inline void side_serve(struct side *side)
{
    struct buf *out = pg_server_out(side->server);
    enum pg_server_step step;
    struct pg_ask *ask;

    while ((step = pg_server_next(side->server, &ask)) == PG_SERVER_ASK)
        if (!owner_answer(side->server, ask))
            break;
    side->is_over = step == PG_SERVER_END;
    side_hear(side, buf_text(out), pg_server_ready(side->server));
    buf_drop(out, pg_server_ready(side->server));
}

static inline void side_feed(struct side *side, const struct buf *bytes)
{
    size_t step = side->slowly ? 1 : bytes->size;

    for (size_t at = 0; at < bytes->size && !side->is_over; at += step) {
        pg_server_feed(side->server, bytes->data + at, step);
        side_serve(side);
    }
}

/* A session of its own hears of the cancel; only the right key reaches the other one. */
static inline void side_cancel_engine(seam_t *t, struct side *side, const struct buf *request,
                                      uint32_t wrong)
{
    struct pg_server_options options = { .version = "15.20" };
    struct pg_server *other;
    struct pg_ask *ask = NULL, *open = NULL;

    seam_require_eq(t, pg_server_new(&other, &options), 0);
    pg_server_feed(other, request->data, request->size);
    seam_require_eq(t, pg_server_next(other, &ask), PG_SERVER_ASK);
    seam_require_eq(t, ask->kind, PG_ASK_CANCEL);
    seam_check_eq(t, ask->pid, SIDE_PID);
    seam_check_eq(t, ask->key, SIDE_KEY ^ wrong);
    pg_server_done(other);
    seam_check_eq(t, pg_server_next(other, &ask), PG_SERVER_END);
    seam_check_eq(t, pg_server_ready(other), 0);
    pg_server_free(other);
    if (wrong == 0 && pg_server_next(side->server, &open) == PG_SERVER_ASK)
        owner_result(side->server, open, owner_find(open->statement->sql));
    side_serve(side);
}

/* ---- the real server */

static inline int side_connect(seam_t *t, const char *conninfo)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *host = strstr(conninfo, "host="), *port = strstr(conninfo, "port=");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_require(t, host != NULL);
    seam_require(t, port != NULL);
    host += 5;
    port += 5;
    host += *host == '\'';
    snprintf(address.sun_path, sizeof address.sun_path, "%.*s/.s.PGSQL.%.*s",
             (int)strcspn(host, "' "), host, (int)strspn(port, "0123456789"), port);
    seam_require_eq(t, connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void side_receive(seam_t *t, struct side *side)
{
    struct pollfd polled = { .fd = side->fd, .events = POLLIN };
    char data[4096];
    ssize_t n;

    if (poll(&polled, 1, SIDE_WAIT_MS) != 1)
        seam_fatal(t, "nothing more comes behind: %s", buf_text(&side->text));
    n = recv(side->fd, data, sizeof data, 0);
    if (n > 0)
        side_hear(side, data, (size_t)n);
    else
        side->is_over = true;
}

/* The process is the one whose key came, and the connection ends without a word. */
static inline void side_cancel_real(seam_t *t, struct side *side, const struct buf *request)
{
    int fd = side_connect(t, side->conninfo);
    char data;

    seam_require_eq(t, send(fd, request->data, request->size, MSG_NOSIGNAL), request->size);
    seam_check_eq(t, recv(fd, &data, 1, 0), 0);
    close(fd);
}

/* ---- both */

static inline void side_open(seam_t *t, struct side *side)
{
    struct pg_server_options options = { .version = side->version ? side->version : "15.20",
                                         .pid = SIDE_PID,
                                         .key = SIDE_KEY };

    side->raw = BUF_INIT(SIDE_MAX);
    side->text = BUF_INIT(SIDE_MAX);
    side->fd = -1;
    if (side->conninfo)
        side->fd = side_connect(t, side->conninfo);
    else
        seam_require_eq(t, pg_server_new(&side->server, &options), 0);
}

static inline void side_close(struct side *side)
{
    pg_server_free(side->server);
    side->server = NULL;
    if (side->fd >= 0)
        close(side->fd);
    buf_fini(&side->raw);
    buf_fini(&side->text);
}

static inline void side_send(seam_t *t, struct side *side, struct buf *bytes)
{
    if (!side->conninfo)
        side_feed(side, bytes);
    else if (bytes->size > 0)
        seam_require_eq(t, send(side->fd, bytes->data, bytes->size, MSG_NOSIGNAL), bytes->size);
    buf_clear(bytes);
}

static inline void side_wait(seam_t *t, struct side *side, const char *text)
{
    while (side->conninfo && !side->is_over && !strstr(buf_text(&side->text), text))
        side_receive(t, side);
    seam_check_contains(t, buf_text(&side->text), text);
}

/* Where BackendKeyData's process and key are in the answers. */
static inline const char *side_key(const struct side *side)
{
    static const char head[] = { 'K', 0, 0, 0, 12 };
    const char *at = memmem(buf_text(&side->raw), side->raw.size, head, sizeof head);

    return at ? at + sizeof head : NULL;
}

/* Until the real server's process is in pg_sleep, where a cancel finds it: another session looks. */
static inline void side_wait_asleep(seam_t *t, struct side *side)
{
    const char *key;
    bool asleep = side->conninfo == NULL;

    side_wait(t, side, "K()");
    key = side_key(side);
    while (!asleep) {
        struct side other = { .conninfo = side->conninfo };
        struct buf bytes = BUF_INIT(4096);
        struct pg_body pid = { .at = key, .end = key + 4 };
        char *query =
            (char *)seam_format(t,
                                "Q select count(*) from pg_stat_activity where pid = %d "
                                "and wait_event = 'PgSleep'",
                                pg_get_int32(&pid));

        side_open(t, &other);
        script_line(&bytes, (char[]){ "0 3.0 user=postgres|database=postgres" });
        script_line(&bytes, query);
        script_line(&bytes, (char[]){ "X" });
        side_send(t, &other, &bytes);
        while (!other.is_over)
            side_receive(t, &other);
        asleep = strstr(buf_text(&other.text), "D(1)") != NULL;
        side_close(&other);
        buf_fini(&bytes);
    }
}

/* From a connection of its own; `wrong` is what the key is spoilt by. */
static inline void side_cancel(seam_t *t, struct side *side, uint32_t wrong)
{
    const char *key = side_key(side);
    struct buf request = BUF_INIT(64);
    size_t begun = pg_begin(&request, 0);

    seam_require(t, key != NULL);
    pg_put_int32(&request, PG_CANCEL_REQUEST);
    buf_add(&request, key, 8);
    pg_end(&request, begun);
    for (int i = 0; i < 4; i++)
        request.data[request.size - 1 - (size_t)i] ^= (char)(wrong >> 8 * i);
    if (side->conninfo)
        side_cancel_real(t, side, &request);
    else
        side_cancel_engine(t, side, &request, wrong);
    buf_fini(&request);
}

/* ---- what differs from run to run */

/* Where a message stands in a server's source is no part of what it says. */
static inline void stable_error(struct buf *to, struct pg_body *body)
{
    int field;

    while ((field = pg_get_byte(body)) != 0) {
        const char *text = pg_get_text(body);

        if (strchr("FLR", field))
            continue;
        pg_put_byte(to, field);
        pg_put_text(to, text);
    }
    pg_put_byte(to, 0);
}

/* OIDs of tables are told apart from none. */
static inline void stable_columns(struct buf *to, struct pg_body *body)
{
    int count = pg_get_int16(body);

    pg_put_int16(to, count);
    for (int i = 0; i < count && !body->failed; i++) {
        pg_put_text(to, pg_get_text(body));
        pg_put_int32(to, pg_get_int32(body) != 0);
        buf_add(to, pg_get_bytes(body, 14), 14);
    }
}

static inline void stable_version(struct buf *to, struct pg_body *body)
{
    pg_put_text(to, pg_get_text(body));
    pg_get_text(body);
}

static inline void stable_body(struct buf *to, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);

    if (frame->type == 'E' || frame->type == 'N')
        stable_error(to, &body);
    else if (frame->type == 'T')
        stable_columns(to, &body);
    else if (frame->type == 'S' && strcmp(frame->body, "server_version") == 0)
        stable_version(to, &body);
    else if (frame->type == 'A') /* behind the process */
        pg_get_bytes(&body, 4);
    else if (frame->type == 'K')
        pg_get_bytes(&body, frame->size);
    buf_add(to, body.at, (size_t)(body.end - body.at));
}

/* The answers without that: messages' types, and their bodies' bytes. */
static inline void side_stable(const struct side *side, struct buf *to)
{
    struct pg_reader reader;
    struct pg_frame frame;
    size_t single = reply_encryption(buf_text(&side->raw), side->raw.size);

    pg_reader_init(&reader, true);
    buf_add(to, buf_text(&side->raw), single);
    pg_feed(&reader, buf_text(&side->raw) + single, side->raw.size - single);
    while (pg_next(&reader, &frame) == PG_FRAME) {
        size_t begun = pg_begin(to, frame.type);

        stable_body(to, &frame);
        pg_end(to, begun);
    }
    buf_add(to, buf_text(&reader.in) + reader.at, reader.in.size - reader.at);
    pg_reader_fini(&reader);
}

#endif
