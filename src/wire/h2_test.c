/* wire/h2_test.c - HTTP/2 against nghttp2's own client, both in memory. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c
//seam:pkg-config libnghttp2

#include "wire/h2.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <seam/seam.h>
#include <stdlib.h>
#include <string.h>

enum { EXCHANGES = 300 };

/* What the client knows of one stream. */
struct exchange {
    int32_t id;
    struct buf head; /* "200 a=b " of each HEADERS that came */
    struct buf body;
    const char *upload; /* what it sends; NULL: nothing */
    size_t upload_size, upload_at;
    bool waits; /* with its body for an answer */
    const char *trailer; /* the value of "sum", behind its body */
    int closed; /* -1: not yet, else the error code */
};

struct wire {
    nghttp2_session *client;
    struct h2 *server;
    struct exchange exchanges[EXCHANGES];
    int count;
    int goaway; /* -1: none came, else its code */
    struct buf log; /* what the server's side was told */
    void (*request)(struct wire *wire, struct h2_stream *stream); /* NULL: answer with "ok" */
    struct h2_stream *held[EXCHANGES]; /* by a test's own request() */
    int held_count;
};

/* ---- the client */

static struct exchange *exchange_of(struct wire *wire, int32_t id)
{
    for (int i = 0; i < wire->count; i++)
        if (wire->exchanges[i].id == id)
            return &wire->exchanges[i];
    return NULL;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user)
{
    struct exchange *exchange = exchange_of(user, frame->hd.stream_id);

    (void)session;
    (void)flags;
    if (name[0] == ':')
        buf_printf(&exchange->head, "%.*s ", (int)value_size, value);
    else
        buf_printf(&exchange->head, "%.*s=%.*s ", (int)name_size, name, (int)value_size, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t size, void *user)
{
    (void)session;
    (void)flags;
    return buf_add(&exchange_of(user, id)->body, data, size);
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session;
    exchange_of(user, id)->closed = (int)code;
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct wire *wire = user;

    struct exchange *exchange = exchange_of(wire, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_GOAWAY)
        wire->goaway = (int)frame->goaway.error_code;
    if (exchange && exchange->waits && frame->hd.type == NGHTTP2_HEADERS) {
        exchange->waits = false;
        nghttp2_session_resume_data(session, exchange->id);
    }
    return 0;
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){ .name = (uint8_t *)name,
                         .value = (uint8_t *)value,
                         .namelen = strlen(name),
                         .valuelen = strlen(value) };
}

static ssize_t give_upload(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct exchange *exchange = source->ptr;
    size_t left = exchange->upload_size - exchange->upload_at;
    size_t size = left < room ? left : room;

    const nghttp2_nv sum = pair("sum", exchange->trailer ? exchange->trailer : "");

    (void)user;
    if (exchange->waits)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(to, exchange->upload + exchange->upload_at, size);
    exchange->upload_at += size;
    if (size == left)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (size == left && exchange->trailer) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, &sum, 1);
    }
    return (ssize_t)size;
}

/* Send a request; `more`: one more field. Returns its exchange. */
static struct exchange *ask(struct wire *wire, const char *method, const char *path,
                            const char *upload, size_t size, const nghttp2_nv *more)
{
    struct exchange *exchange = &wire->exchanges[wire->count++];
    nghttp2_data_provider provider = { .source = { .ptr = exchange },
                                       .read_callback = give_upload };
    nghttp2_nv pairs[5] = { pair(":method", method), pair(":scheme", "http"),
                            pair(":authority", "api.test"), pair(":path", path) };

    if (more)
        pairs[4] = *more;
    *exchange = (struct exchange){ .head = BUF_INIT(1 << 16),
                                   .body = BUF_INIT(64 << 20),
                                   .upload = upload,
                                   .upload_size = size,
                                   .closed = -1 };
    exchange->id = nghttp2_submit_request(wire->client, NULL, pairs, more ? 5 : 4,
                                          upload ? &provider : NULL, NULL);
    return exchange;
}

static struct exchange *get(struct wire *wire, const char *path)
{
    return ask(wire, "GET", path, NULL, 0, NULL);
}

/* ---- the wire between both */

static void note(struct wire *wire, const struct http_message *request)
{
    buf_printf(&wire->log, "%s %s", request->method, request->target);
    for (size_t i = 0; i < request->fields.count; i++)
        buf_printf(&wire->log, " %s=%s", request->fields.at[i].name,
                   request->fields.at[i].value);
    if (request->body_size > 0)
        buf_printf(&wire->log, " [%.20s] %zu", request->body, request->body_size);
    for (size_t i = 0; i < request->trailers.count; i++)
        buf_printf(&wire->log, " +%s=%s", request->trailers.at[i].name,
                   request->trailers.at[i].value);
    buf_add_text(&wire->log, "\n");
}

static void reply(struct h2_stream *stream, int status, const char *body)
{
    struct http_message message = { .status = status, .body = body, .body_size = strlen(body) };

    h2_reply(stream, &message);
    h2_release(stream);
}

static void hear(struct wire *wire, enum h2_step step, struct h2_event *event)
{
    static const struct http_fields none = { 0 };

    if (step == H2_CONTINUE) {
        buf_add_text(&wire->log, "waits\n");
        h2_inform(event->stream, 100, &none);
    } else if (step == H2_WRONG) {
        buf_printf(&wire->log, "%d %s\n", event->error.status, event->error.text);
        if (event->stream)
            reply(event->stream, event->error.status, event->error.text);
    } else if (step == H2_CUT) {
        buf_printf(&wire->log, "cut %s\n", h2_request(event->stream)->target);
        h2_release(event->stream);
    } else if (wire->request)
        wire->request(wire, event->stream);
    else {
        note(wire, h2_request(event->stream));
        reply(event->stream, 200, "ok");
    }
}

/* Carry bytes to and fro until nothing moves; returns how many went to the client. */
static size_t pump(struct wire *wire)
{
    struct buf bytes = BUF_INIT(1 << 20);
    struct h2_event event;
    const uint8_t *data;
    size_t total = 0;
    bool moved = true;

    while (moved) {
        enum h2_step step;
        ssize_t size;

        moved = false;
        while ((size = nghttp2_session_mem_send(wire->client, &data)) > 0) {
            h2_feed(wire->server, data, (size_t)size);
            moved = true;
        }
        while ((step = h2_next(wire->server, &event)) != H2_MORE)
            hear(wire, step, &event);
        if (h2_output(wire->server, &bytes, 1 << 16) < 0)
            abort();
        moved = moved || bytes.size > 0;
        total += bytes.size;
        if (bytes.size > 0)
            nghttp2_session_mem_recv(wire->client, (uint8_t *)bytes.data, bytes.size);
        buf_clear(&bytes);
    }
    buf_fini(&bytes);
    return total;
}

static void stop(void *arg)
{
    struct wire *wire = arg;

    nghttp2_session_del(wire->client);
    h2_free(wire->server);
    for (int i = 0; i < wire->count; i++) {
        buf_fini(&wire->exchanges[i].head);
        buf_fini(&wire->exchanges[i].body);
    }
    buf_fini(&wire->log);
    free(wire);
}

static const struct http1_limits limits = {
    .line = 1000, .head = 4000, .fields = 20, .body = 300000
};

/* `window`: the client gives none back by itself. */
static struct wire *start_with(seam_t *t, bool window)
{
    static const nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 } };
    struct wire *wire = calloc(1, sizeof *wire);
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    seam_require(t, wire);
    wire->goaway = -1;
    wire->log = BUF_INIT(1 << 20);
    seam_cleanup(t, stop, wire);
    seam_require_ok(t, h2_new(&wire->server, &limits));
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, window);
    nghttp2_session_client_new2(&wire->client, callbacks, wire, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(wire->client, NGHTTP2_FLAG_NONE, settings, 1);
    pump(wire);
    return wire;
}

static struct wire *start(seam_t *t)
{
    return start_with(t, false);
}

/* A server that answers later. */
static void hold(struct wire *wire, struct h2_stream *stream)
{
    wire->held[wire->held_count++] = stream;
}

static char *letters(seam_t *t, size_t size)
{
    char *text = malloc(size + 1);

    seam_require(t, text);
    seam_cleanup(t, free, text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    text[size] = '\0';
    return text;
}

/* ---- requests */

SEAM_TEST(h2_requests_look_as_those_of_http1)
{
    const nghttp2_nv field = pair("accept", "a/b");
    struct wire *wire = start(t);
    struct exchange *one = ask(wire, "GET", "/a?b=c", NULL, 0, &field);
    struct exchange *two = ask(wire, "PUT", "/", "hello", 5, NULL);
    struct exchange *head = ask(wire, "HEAD", "/", NULL, 0, NULL);

    pump(wire);
    seam_check_str(t, buf_text(&wire->log),
                   "GET /a?b=c host=api.test accept=a/b\n"
                   "HEAD / host=api.test\n"
                   "PUT / host=api.test [hello] 5\n");
    seam_check_str(t, buf_text(&one->head), "200 content-length=2 ");
    seam_check_str(t, buf_text(&one->body), "ok");
    seam_check_str(t, buf_text(&two->body), "ok");
    seam_check_str(t, buf_text(&head->head), "200 content-length=2 ");
    seam_check_str(t, buf_text(&head->body), "");
    seam_check_eq(t, one->closed, 0);
    seam_check_eq(t, two->closed, 0);
    seam_check_eq(t, head->closed, 0);
}

SEAM_TEST(h2_a_client_that_waits_is_told_to_go_on)
{
    const nghttp2_nv expect = pair("expect", "100-continue");
    struct wire *wire = start(t);
    struct exchange *exchange = ask(wire, "PUT", "/", "hello", 5, &expect);

    exchange->waits = true;
    pump(wire);
    seam_check_str(t, buf_text(&wire->log),
                   "waits\nPUT / host=api.test expect=100-continue [hello] 5\n");
    seam_check_str(t, buf_text(&exchange->head), "100 200 content-length=2 ");
}

SEAM_TEST(h2_crumbs_of_a_cookie_are_one_field)
{
    const nghttp2_nv crumbs[] = { pair(":method", "GET"), pair(":scheme", "https"),
                                  pair(":path", "/"),     pair("cookie", "a=1"),
                                  pair("host", "h:8080"), pair("cookie", "b=2") };
    struct wire *wire = start(t);
    struct exchange *exchange = get(wire, "/first");

    pump(wire);
    exchange = &wire->exchanges[wire->count++];
    *exchange = (struct exchange){ .head = BUF_INIT(100), .body = BUF_INIT(100) };
    exchange->id = nghttp2_submit_request(wire->client, NULL, crumbs, 6, NULL, NULL);
    pump(wire);
    seam_check_contains(t, buf_text(&wire->log), "GET / cookie=a=1; b=2 host=h:8080\n");
}

SEAM_TEST(h2_trailers_of_a_request)
{
    struct wire *wire = start(t);
    struct exchange *exchange = ask(wire, "POST", "/", "hello", 5, NULL);

    exchange->trailer = "7";
    pump(wire);
    seam_check_str(t, buf_text(&wire->log), "POST / host=api.test [hello] 5 +sum=7\n");
    seam_check_eq(t, exchange->closed, 0);
}

SEAM_TEST(h2_a_body_of_many_windows_comes_whole)
{
    const size_t size = limits.body;
    struct wire *wire = start(t);
    char *body = letters(t, size);

    wire->request = hold;
    for (int i = 0; i < 6; i++) { /* together more than a window */
        ask(wire, "PUT", "/", body, size, NULL);
        pump(wire);
        seam_require_eq(t, wire->held_count, i + 1);
        seam_check_mem(t, h2_request(wire->held[i])->body, h2_request(wire->held[i])->body_size,
                       body, size);
        reply(wire->held[i], 200, "");
    }
}

/* ---- what is refused */

struct refusal {
    const char *name;
    const char *path;
    const char *upload; /* NULL: none */
    nghttp2_nv field;
    const char *head; /* what the client gets */
    const char *told;
};

SEAM_SUBTEST(one_refusal)
{
    const struct refusal *row = arg;
    struct wire *wire = start(t);
    struct exchange *exchange = ask(wire, "POST", row->path, row->upload,
                                    row->upload ? strlen(row->upload) : 0, &row->field);

    pump(wire);
    seam_check_str(t, buf_text(&wire->log), row->told);
    seam_check_contains(t, buf_text(&exchange->head), row->head);
    seam_check_eq(t, exchange->closed, 0);
    get(wire, "/next"); /* the connection goes on */
    pump(wire);
    seam_check_contains(t, buf_text(&wire->log), "GET /next host=api.test\n");
}

SEAM_TEST(h2_requests_that_are_too_much)
{
    const char *big = letters(t, limits.body + 1);
    const char *path = letters(t, limits.line);
    const struct refusal rows[] = {
        { "body", "/", big, pair("a", "b"), "413 ",
          "413 the body has more than 300000 bytes\n" },
        { "length", "/", big, pair("content-length", "300001"), "413 ",
          "413 the body is too long; its Content-Length is '300001'\n" },
        { "fields", "/", NULL, pair("a", letters(t, limits.head)), "431 ",
          "431 the fields have more than 4000 bytes\n" },
        { "target", seam_format(t, "/%s", path), NULL, pair("a", "b"), "414 ",
          seam_format(t, "414 the target is too long: '/%.59s...'\n", path) },
        { "expectation", "/", "x", pair("expect", "y"), "417 ", "417 it expects 'y'\n" },
        { "two hosts", "/", NULL, pair("host", "other"), "400 ",
          "400 the :authority is another than the Host 'other'\n" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, one_refusal, &rows[i]);
}

SEAM_TEST(h2_bodies_that_nobody_releases_are_limited)
{
    struct wire *wire = start(t);
    char *body = letters(t, limits.body);

    wire->request = hold;
    for (int i = 0; i < H2_BODIES + 1; i++)
        ask(wire, "PUT", "/", body, limits.body, NULL);
    pump(wire);
    seam_check_eq(t, wire->held_count, H2_BODIES);
    seam_check_str(t, buf_text(&wire->log),
                   "413 the bodies of all requests have more than 1200000 bytes\n");
    h2_release(wire->held[0]); /* there is room again */
    ask(wire, "PUT", "/", body, limits.body, NULL);
    pump(wire);
    seam_check_eq(t, wire->held_count, H2_BODIES + 1);
}

/* ---- answers */

SEAM_TEST(h2_answers_go_out_in_any_order)
{
    struct wire *wire = start(t);

    wire->request = hold;
    for (int i = 0; i < 5; i++)
        get(wire, seam_format(t, "/%d", i));
    pump(wire);
    seam_require_eq(t, wire->held_count, 5);
    for (int i = 4; i >= 0; i--) {
        reply(wire->held[i], 200, h2_request(wire->held[i])->target);
        pump(wire);
        seam_check_str(t, buf_text(&wire->exchanges[i].body), seam_format(t, "/%d", i));
        seam_check_eq(t, wire->exchanges[i].closed, 0);
        seam_check(t, i == 0 || wire->exchanges[i - 1].closed == -1);
    }
}

SEAM_TEST(h2_an_answer_in_parts)
{
    static const struct http_field link = { "Link", "</a>" }, type = { "Content-Type", "a/b" };
    static const struct http_field sum = { "Sum", "7" };
    const struct http_fields links = { &link, 1 }, trailers = { &sum, 1 };
    const struct http_message head = { .status = 200, .fields = { &type, 1 } };
    struct wire *wire = start(t);
    struct exchange *exchange = get(wire, "/");
    struct h2_stream *stream;

    wire->request = hold;
    pump(wire);
    stream = wire->held[0];
    seam_check_ok(t, h2_inform(stream, 103, &links));
    seam_check_ok(t, h2_begin(stream, &head));
    pump(wire);
    seam_check_str(t, buf_text(&exchange->head), "103 link=</a> 200 content-type=a/b ");
    seam_check_ok(t, h2_body(stream, "one", 3));
    pump(wire);
    seam_check_str(t, buf_text(&exchange->body), "one");
    seam_check_ok(t, h2_body(stream, "two", 3));
    seam_check_eq(t, h2_unsent(stream), 3);
    seam_check_ok(t, h2_end(stream, &trailers));
    h2_release(stream);
    pump(wire);
    seam_check_str(t, buf_text(&exchange->body), "onetwo");
    seam_check_str(t, buf_text(&exchange->head), "103 link=</a> 200 content-type=a/b sum=7 ");
    seam_check_eq(t, exchange->closed, 0);
}

SEAM_TEST(h2_fields_of_an_answer)
{
    static const struct http_field fields[] = { { "Connection", "close" },
                                                { "Transfer-Encoding", "chunked" },
                                                { "X-A", "b" } };
    static const struct http_field broken = { "A", "b\r\nC: d" }, odd = { "A b", "c" };
    struct http_message message = { .status = 204, .fields = { fields, 3 } };
    struct wire *wire = start(t);
    struct exchange *exchange = get(wire, "/");

    wire->request = hold;
    pump(wire);
    message.fields = (struct http_fields){ &broken, 1 };
    seam_check_eq(t, h2_reply(wire->held[0], &message), -EINVAL);
    message.fields = (struct http_fields){ &odd, 1 };
    seam_check_eq(t, h2_reply(wire->held[0], &message), -EINVAL);
    message.fields = (struct http_fields){ fields, 3 };
    seam_check_ok(t, h2_reply(wire->held[0], &message));
    seam_check_eq(t, h2_reply(wire->held[0], &message), -EPIPE);
    pump(wire);
    seam_check_str(t, buf_text(&exchange->head), "204 x-a=b ");
    seam_check_eq(t, exchange->closed, 0);
}

SEAM_TEST(h2_an_answer_waits_for_the_clients_window)
{
    const size_t size = 200000;
    struct wire *wire = start_with(t, true);
    struct exchange *exchange = get(wire, "/");
    struct http_message message = { .status = 200,
                                    .body = letters(t, size),
                                    .body_size = size };

    wire->request = hold;
    pump(wire);
    seam_check_ok(t, h2_reply(wire->held[0], &message));
    pump(wire);
    seam_check_eq(t, exchange->body.size, 65535);
    seam_check_eq(t, h2_unsent(wire->held[0]), size - 65535);
    h2_release(wire->held[0]); /* and what is unsent goes out nevertheless */
    for (size_t got = 0; exchange->body.size > got; pump(wire)) {
        nghttp2_session_consume(wire->client, exchange->id, exchange->body.size - got);
        got = exchange->body.size;
    }
    seam_check_mem(t, exchange->body.data, exchange->body.size, message.body, size);
    seam_check_eq(t, exchange->closed, 0);
}

SEAM_TEST(h2_what_is_unsent_is_limited)
{
    const size_t piece = 1 << 20;
    const char *data = letters(t, piece);
    const struct http_message head = { .status = 200 };
    struct wire *wire = start_with(t, true);
    size_t taken = 0;
    int r = 0;

    wire->request = hold;
    get(wire, "/1");
    get(wire, "/2");
    pump(wire);
    for (int i = 0; i < 2; i++)
        seam_require_ok(t, h2_begin(wire->held[i], &head));
    for (int i = 0; r == 0 && i < 1000; i++) {
        r = h2_body(wire->held[i % 2], data, piece);
        taken += r == 0 ? piece : 0;
    }
    seam_check_eq(t, r, -ENOBUFS);
    seam_check_eq(t, taken, H2_UNSENT);
    seam_check_ok(t, h2_body(wire->held[0], data, 0));
}

/* ---- the end of streams and of the connection */

SEAM_TEST(h2_a_stream_that_the_client_resets_is_cut)
{
    struct wire *wire = start(t);
    struct exchange *exchange = get(wire, "/slow");

    wire->request = hold;
    pump(wire);
    nghttp2_submit_rst_stream(wire->client, NGHTTP2_FLAG_NONE, exchange->id, NGHTTP2_CANCEL);
    seam_check_str(t, buf_text(&wire->log), "");
    pump(wire);
    seam_check_str(t, buf_text(&wire->log), "cut /slow\n");
    wire->request = NULL;
    get(wire, "/next");
    pump(wire);
    seam_check_str(t, buf_text(&wire->log), "cut /slow\nGET /next host=api.test\n");
}

SEAM_TEST(h2_a_stream_that_has_ended_cannot_be_answered)
{
    static const struct http_message message = { .status = 200 };
    static const struct http_fields none = { 0 };
    struct wire *wire = start(t);
    struct exchange *exchange = get(wire, "/");
    struct h2_event event;
    const uint8_t *data;
    ssize_t size;

    wire->request = hold;
    pump(wire);
    nghttp2_submit_rst_stream(wire->client, NGHTTP2_FLAG_NONE, exchange->id, NGHTTP2_CANCEL);
    size = nghttp2_session_mem_send(wire->client, &data);
    h2_feed(wire->server, data, (size_t)size);
    seam_check_eq(t, h2_inform(wire->held[0], 103, &none), -EPIPE);
    seam_check_eq(t, h2_reply(wire->held[0], &message), -EPIPE);
    seam_check_eq(t, h2_body(wire->held[0], "a", 1), -EPIPE);
    seam_check_eq(t, h2_end(wire->held[0], NULL), -EPIPE);
    seam_check_eq(t, h2_next(wire->server, &event), H2_CUT);
    seam_check_str(t, h2_request(event.stream)->target, "/"); /* lives until it is released */
    h2_release(event.stream);
    seam_check_eq(t, h2_next(wire->server, &event), H2_MORE);
}

SEAM_TEST(h2_a_stream_released_without_an_answer_is_reset)
{
    static const struct http_message head = { .status = 200 };
    struct wire *wire = start(t);
    struct exchange *one = get(wire, "/1"), *two = get(wire, "/2"), *three = get(wire, "/3");

    wire->request = hold;
    pump(wire);
    h2_release(wire->held[0]);
    seam_check_ok(t, h2_begin(wire->held[1], &head));
    seam_check_ok(t, h2_body(wire->held[1], "half", 4));
    pump(wire);
    h2_reset(wire->held[1]);
    pump(wire);
    h2_release(wire->held[1]);
    reply(wire->held[2], 200, "whole");
    pump(wire);
    seam_check_eq(t, one->closed, NGHTTP2_INTERNAL_ERROR);
    seam_check_eq(t, two->closed, NGHTTP2_INTERNAL_ERROR);
    seam_check_str(t, buf_text(&two->body), "half");
    seam_check_eq(t, three->closed, 0);
    seam_check_str(t, buf_text(&wire->log), "");
}

SEAM_TEST(h2_finish_lets_open_streams_end)
{
    struct wire *wire = start(t);
    struct exchange *open = get(wire, "/"), *late;

    wire->request = hold;
    pump(wire);
    h2_finish(wire->server);
    pump(wire);
    late = get(wire, "/late");
    pump(wire);
    seam_check_eq(t, wire->goaway, 0);
    seam_check_eq(t, wire->held_count, 1);
    seam_check(t, !h2_is_over(wire->server));
    seam_check_eq(t, open->closed, -1);
    reply(wire->held[0], 200, "ok");
    pump(wire);
    seam_check_eq(t, open->closed, 0);
    seam_check_eq(t, late->closed, NGHTTP2_REFUSED_STREAM);
    seam_check(t, h2_is_over(wire->server));
}

/* Hear only of requests, and release nothing. */
static void feed_and_hold(struct wire *wire)
{
    struct h2_event event;
    enum h2_step step;
    const uint8_t *data;
    ssize_t size;

    while ((size = nghttp2_session_mem_send(wire->client, &data)) > 0)
        h2_feed(wire->server, data, (size_t)size);
    while ((step = h2_next(wire->server, &event)) != H2_MORE)
        if (step == H2_REQUEST)
            hold(wire, event.stream);
}

/* Also those that the client has reset, as long as nobody releases them. */
SEAM_TEST(h2_streams_in_memory_are_limited)
{
    struct wire *wire = start(t);
    struct exchange *last;

    for (int i = 0; i < 2 * H2_STREAMS; i++) {
        struct exchange *exchange = get(wire, "/");

        feed_and_hold(wire);
        nghttp2_submit_rst_stream(wire->client, NGHTTP2_FLAG_NONE, exchange->id,
                                  NGHTTP2_CANCEL);
    }
    seam_check_eq(t, wire->held_count, 2 * H2_STREAMS);
    last = get(wire, "/");
    feed_and_hold(wire);
    pump(wire);
    seam_check_eq(t, wire->held_count, 2 * H2_STREAMS);
    seam_check_eq(t, last->closed, NGHTTP2_REFUSED_STREAM);
    h2_release(wire->held[0]);
    get(wire, "/");
    feed_and_hold(wire);
    seam_check_eq(t, wire->held_count, 2 * H2_STREAMS + 1);
}
