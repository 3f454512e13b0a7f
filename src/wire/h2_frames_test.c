/* wire/h2_frames_test.c - HTTP/2 frame by frame: requests that are malformed, and clients that misbehave. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c
//seam:pkg-config libnghttp2

#include "wire/h2.h"

#include <nghttp2/nghttp2.h>
#include <seam/seam.h>
#include <stdlib.h>
#include <string.h>

enum {
    DATA = 0,
    HEADERS = 1,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    GOAWAY = 7,
    CONTINUATION = 9
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct client {
    struct h2 *server;
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
    struct buf sent; /* to the server, not yet fed */
    struct buf log; /* what the server was told, and what it answered */
};

static const struct http1_limits limits = {
    .line = 100, .head = 1000, .fields = 10, .body = 100
};

/* ---- what the client sends */

static void add_frame(struct client *client, int type, int flags, int stream,
                      const void *payload, size_t size)
{
    const unsigned char head[9] = {
        (unsigned char)(size >> 16),   (unsigned char)(size >> 8),
        (unsigned char)size,           (unsigned char)type,
        (unsigned char)flags,          (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
        (unsigned char)stream
    };

    buf_add(&client->sent, head, sizeof head);
    buf_add(&client->sent, payload, size);
}

/* Fields as lines "name value" to a header block. */
static size_t encode(struct client *client, const char *lines, unsigned char *to, size_t room)
{
    nghttp2_nv pairs[32];
    size_t count = 0;

    for (const char *at = lines; *at; at += strcspn(at, "\n") + 1) {
        size_t name = strcspn(at, " "), line = strcspn(at, "\n");

        pairs[count++] = (nghttp2_nv){ .name = (uint8_t *)at,
                                       .namelen = name,
                                       .value = (uint8_t *)at + name + 1,
                                       .valuelen = line - name - 1 };
    }
    return (size_t)nghttp2_hd_deflate_hd(client->deflater, to, room, pairs, count);
}

static void add_headers(struct client *client, int stream, int flags, const char *lines)
{
    unsigned char block[4096];
    size_t size = encode(client, lines, block, sizeof block);

    add_frame(client, HEADERS, flags | END_HEADERS, stream, block, size);
}

static void add_number(struct client *client, int type, int stream, unsigned number)
{
    const unsigned char bytes[4] = { (unsigned char)(number >> 24),
                                     (unsigned char)(number >> 16),
                                     (unsigned char)(number >> 8), (unsigned char)number };

    add_frame(client, type, 0, stream, bytes, sizeof bytes);
}

/* ---- what the server says */

static void log_status(struct client *client, const unsigned char *block, size_t size)
{
    nghttp2_nv pair;
    int flags = 0;

    while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
        ssize_t used = nghttp2_hd_inflate_hd2(client->inflater, &pair, &flags, block, size, 1);

        if (used < 0)
            return;
        block += used;
        size -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) && strcmp((char *)pair.name, ":status") == 0)
            buf_printf(&client->log, " %s", pair.value);
    }
    nghttp2_hd_inflate_end_headers(client->inflater);
}

static unsigned number_at(const unsigned char *at)
{
    return (unsigned)at[0] << 24 | (unsigned)at[1] << 16 | (unsigned)at[2] << 8 | at[3];
}

static void log_frame(struct client *client, const unsigned char *frame, size_t size)
{
    const unsigned stream = number_at(frame + 5);
    const char *end = frame[4] & END_STREAM ? " end" : "";

    switch (frame[3]) {
    case HEADERS:
        buf_printf(&client->log, "<%u", stream);
        log_status(client, frame + 9, size);
        buf_printf(&client->log, "%s\n", end);
        break;
    case DATA:
        buf_printf(&client->log, "<%u data %zu%s\n", stream, size, end);
        break;
    case RST_STREAM:
        buf_printf(&client->log, "<%u reset: %s\n", stream,
                   nghttp2_http2_strerror(number_at(frame + 9)));
        break;
    case GOAWAY:
        buf_printf(&client->log, "<goaway %s\n", nghttp2_http2_strerror(number_at(frame + 13)));
        break;
    default:
        break; /* settings, windows, pings */
    }
}

static void log_output(struct client *client)
{
    struct buf bytes = BUF_INIT(1 << 20);
    size_t at = 0;

    h2_output(client->server, &bytes, 1 << 20);
    while (at < bytes.size) {
        const unsigned char *frame = (unsigned char *)bytes.data + at;
        size_t size = number_at(frame) >> 8;

        log_frame(client, frame, size);
        at += 9 + size;
    }
    buf_fini(&bytes);
}

static void log_news(struct client *client)
{
    struct h2_event event;
    enum h2_step step;

    while ((step = h2_next(client->server, &event)) != H2_MORE) {
        const struct http_message answer = { .status = event.error.status ? event.error.status
                                                                          : 200 };

        if (step == H2_WRONG)
            buf_printf(&client->log, "%d %s\n", event.error.status, event.error.text);
        else
            buf_printf(&client->log, "%s %s\n",
                       step == H2_REQUEST ? h2_request(event.stream)->method
                       : step == H2_CUT   ? "cut"
                                          : "waits",
                       h2_request(event.stream)->target);
        if (event.stream && step != H2_CONTINUE) {
            h2_reply(event.stream, &answer);
            h2_release(event.stream);
        }
    }
}

/* Feed what was added, in pieces of `step`. */
static void go(struct client *client, size_t step)
{
    for (size_t at = 0; at < client->sent.size; at += step)
        h2_feed(client->server, client->sent.data + at,
                client->sent.size - at < step ? client->sent.size - at : step);
    buf_clear(&client->sent);
    log_news(client);
    log_output(client);
    log_news(client);
    log_output(client);
}

static void stop(void *arg)
{
    struct client *client = arg;

    h2_free(client->server);
    nghttp2_hd_deflate_del(client->deflater);
    nghttp2_hd_inflate_del(client->inflater);
    buf_fini(&client->sent);
    buf_fini(&client->log);
}

static void start(seam_t *t, struct client *client)
{
    *client = (struct client){ .sent = BUF_INIT(1 << 22), .log = BUF_INIT(1 << 16) };
    seam_require_ok(t, h2_new(&client->server, &limits));
    nghttp2_hd_deflate_new(&client->deflater, 4096);
    nghttp2_hd_inflate_new(&client->inflater);
    buf_add_text(&client->sent, PREFACE);
    add_frame(client, SETTINGS, 0, 0, "", 0);
    add_frame(client, SETTINGS, ACK, 0, "", 0);
}

#define GET ":method GET\n:scheme http\n:authority h\n:path /\n"
#define PUT ":method PUT\n:scheme http\n:authority h\n:path /\n"
#define MALFORMED "0 a malformed request was reset: "
#define RESET "<1 reset: PROTOCOL_ERROR\n"
#define FIELD(name, value) MALFORMED "a field is wrong: '" name ": " value "'\n" RESET

struct row {
    const char *name;
    const char *fields;
    const char *body; /* NULL: the fields end the stream */
    const char *want;
};

/* Sections of RFC 9113. */
static const struct row rows[] = {
    /* 8.3.1 */
    { "plain", GET, NULL, "GET /\n<1 200 end\n" },
    { "asterisk", ":method OPTIONS\n:scheme http\n:authority h\n:path *\n", NULL,
      "OPTIONS *\n<1 200 end\n" },
    { "connect", ":method CONNECT\n:authority h:443\n", NULL, "CONNECT h:443\n<1 200 end\n" },
    { "host alone", ":method GET\n:scheme http\n:path /\nhost h\n", NULL,
      "GET /\n<1 200 end\n" },
    { "authority and host", GET "host H\n", NULL, "GET /\n<1 200 end\n" },
    { "authority is not host", GET "host i\n", NULL,
      "400 the :authority is another than the Host 'i'\n<1 400 end\n" },
    { "no host", ":method GET\n:scheme http\n:path /\n", NULL,
      MALFORMED "there is no :authority\n" RESET },
    { "no method", ":scheme http\n:authority h\n:path /\n", NULL,
      MALFORMED "there is no :method\n" RESET },
    { "no scheme", ":method GET\n:authority h\n:path /\n", NULL,
      MALFORMED "there is no :scheme\n" RESET },
    { "no path", ":method GET\n:scheme http\n:authority h\n", NULL,
      MALFORMED "there is no :path\n" RESET },
    { "empty path", ":method GET\n:scheme http\n:authority h\n:path \n", NULL,
      FIELD(":path", "") },
    { "path without slash", ":method GET\n:scheme http\n:authority h\n:path a\n", NULL,
      MALFORMED "the :path is 'a'\n" RESET },
    { "asterisk for GET", ":method GET\n:scheme http\n:authority h\n:path *\n", NULL,
      MALFORMED "the :path is '*'\n" RESET },
    { "path with a blank", ":method GET\n:scheme http\n:authority h\n:path /a b\n", NULL,
      FIELD(":path", "/a b") },
    { "two paths", GET ":path /b\n", NULL, FIELD(":path", "/b") },
    { "connect with a path", ":method CONNECT\n:authority h:443\n:path /\n", NULL,
      MALFORMED "CONNECT has a :scheme or a :path\n" RESET },
    { "connect without a port", ":method CONNECT\n:authority h\n", NULL,
      "400 the target is 'h'\n<1 400 end\n" },
    { "odd authority", ":method GET\n:scheme http\n:authority a/b\n:path /\n", NULL,
      FIELD(":authority", "a/b") },
    { "method is no token", ":method G@T\n:scheme http\n:authority h\n:path /\n", NULL,
      FIELD(":method", "G@T") },
    /* 8.3 */
    { "response field", GET ":status 200\n", NULL, FIELD(":status", "200") },
    { "unknown pseudo field", GET ":x y\n", NULL, FIELD(":x", "y") },
    { "pseudo field behind others", ":method GET\n:scheme http\na b\n:authority h\n:path /\n",
      NULL, FIELD(":authority", "h") },
    { "protocol", ":method CONNECT\n:scheme http\n:authority h\n:path /\n:protocol websocket\n",
      NULL, FIELD(":protocol", "websocket") },
    /* 8.2.1 */
    { "capital", GET "Ab c\n", NULL, FIELD("Ab", "c") },
    { "name with a colon", GET "a:b c\n", NULL, FIELD("a:b", "c") },
    { "control in a value", GET "a \001\n", NULL, FIELD("a", "?") },
    { "carriage return in a value", GET "a b\rc\n", NULL, FIELD("a", "b?c") },
    { "blank before a value", GET "a  b\n", NULL, FIELD("a", " b") },
    { "other bytes in a value", GET "a \xc3\xa4\n", NULL, "GET /\n<1 200 end\n" },
    /* 8.2.2 */
    { "connection", GET "connection close\n", NULL, FIELD("connection", "close") },
    { "transfer-encoding", GET "transfer-encoding chunked\n", NULL,
      FIELD("transfer-encoding", "chunked") },
    { "upgrade", GET "upgrade h2c\n", NULL, FIELD("upgrade", "h2c") },
    { "te", GET "te gzip\n", NULL, FIELD("te", "gzip") },
    { "te trailers", GET "te trailers\n", NULL, "GET /\n<1 200 end\n" },
    /* 8.1.1 */
    { "length", PUT "content-length 2\n", "ok", "PUT /\n<1 200 end\n" },
    { "less than its length", PUT "content-length 3\n", "ok",
      "<1 reset: PROTOCOL_ERROR\n0 a malformed request was reset: the body has not the 3 "
      "bytes of "
      "its Content-Length\n" },
    { "more than its length", PUT "content-length 1\n", "ok",
      "<1 reset: PROTOCOL_ERROR\n0 a malformed request was reset: the body has not the 1 "
      "bytes of "
      "its Content-Length\n" },
    { "a length without a body", PUT "content-length 1\n", NULL,
      MALFORMED "the body has not the 1 bytes of its Content-Length\n" RESET },
    { "length is no number", PUT "content-length x\n", "ok", FIELD("content-length", "x") },
    { "two lengths", PUT "content-length 2\ncontent-length 2\n", "ok",
      FIELD("content-length", "2") },
    /* 10.5.1 */
    { "many fields", GET "a 1\na 2\na 3\na 4\na 5\na 6\na 7\na 8\na 9\na 10\na 11\n", NULL,
      "431 there are more than 10 fields\n<1 431 end\n" },
};

SEAM_SUBTEST(one_row)
{
    const struct row *row = arg;
    const size_t steps[] = { 1, SIZE_MAX / 2 };

    for (size_t i = 0; i < 2; i++) {
        struct client client;

        start(t, &client);
        add_headers(&client, 1, row->body ? 0 : END_STREAM, row->fields);
        if (row->body)
            add_frame(&client, DATA, END_STREAM, 1, row->body, strlen(row->body));
        go(&client, steps[i]);
        seam_check_str(t, buf_text(&client.log), row->want);
        buf_clear(&client.log);
        add_headers(&client, 3, END_STREAM, GET); /* the connection goes on */
        go(&client, steps[i]);
        seam_check_str(t, buf_text(&client.log), "GET /\n<3 200 end\n");
        stop(&client);
    }
}

SEAM_TEST(h2_messages_legal_odd_and_malformed)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, one_row, &rows[i]);
}

/* ---- clients that misbehave */

static void check_told(seam_t *t, struct client *client, const char *want)
{
    go(client, SIZE_MAX / 2);
    seam_check_str(t, buf_text(&client->log), want);
    buf_clear(&client->log);
}

/* The words behind it are nghttp2's. */
static void check_broken(seam_t *t, struct client *client, const char *first)
{
    go(client, SIZE_MAX / 2);
    seam_check_contains(t, buf_text(&client->log),
                        seam_format(t, "%s0 the HTTP/2 connection is broken: ", first));
    buf_clear(&client->log);
}

static void wrong_preface(seam_t *t, struct client *client)
{
    buf_clear(&client->sent);
    buf_add_text(&client->sent, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    check_broken(t, client, "");
}

static void no_settings(seam_t *t, struct client *client)
{
    buf_clear(&client->sent);
    buf_add_text(&client->sent, PREFACE);
    add_headers(client, 1, END_STREAM, GET);
    check_broken(t, client, "<goaway PROTOCOL_ERROR\n");
}

static void even_stream(seam_t *t, struct client *client)
{
    add_headers(client, 2, END_STREAM, GET);
    check_broken(t, client, "<goaway PROTOCOL_ERROR\n");
}

static void body_of_no_request(seam_t *t, struct client *client)
{
    add_frame(client, DATA, 0, 1, "a", 1);
    check_broken(t, client, "<goaway PROTOCOL_ERROR\n");
}

static void big_frame(seam_t *t, struct client *client)
{
    static const char payload[16385];

    add_frame(client, DATA, 0, 1, payload, sizeof payload);
    check_broken(t, client, "<goaway FRAME_SIZE_ERROR\n");
}

static void odd_compression(seam_t *t, struct client *client)
{
    add_frame(client, HEADERS, END_STREAM | END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff", 6);
    check_broken(t, client, "<goaway COMPRESSION_ERROR\n");
}

static void continuation_flood(seam_t *t, struct client *client)
{
    add_frame(client, HEADERS, END_STREAM, 1, "", 0);
    for (int i = 0; i < 1000; i++)
        add_frame(client, CONTINUATION, 0, 1, "", 0);
    check_broken(t, client, "");
}

static void rapid_reset(seam_t *t, struct client *client)
{
    for (int i = 0; i < 1200 && client->log.size == 0; i++) {
        add_headers(client, 2 * i + 1, END_STREAM, GET);
        add_number(client, RST_STREAM, 2 * i + 1, NGHTTP2_CANCEL);
        go(client, SIZE_MAX / 2);
    }
    check_broken(t, client, "<goaway INTERNAL_ERROR\n");
}

static void ping_flood(seam_t *t, struct client *client)
{
    for (int i = 0; i < 2000; i++)
        add_frame(client, PING, 0, 0, "01234567", 8);
    check_broken(t, client, "");
}

static void settings_flood(seam_t *t, struct client *client)
{
    for (int i = 0; i < 2000; i++)
        add_frame(client, SETTINGS, 0, 0, "", 0);
    check_broken(t, client, "");
}

static const struct misbehaviour {
    const char *name;
    void (*fn)(seam_t *t, struct client *client);
} misbehaviours[] = {
    { "wrong preface", wrong_preface },
    { "no settings", no_settings },
    { "even stream", even_stream },
    { "body of no request", body_of_no_request },
    { "big frame", big_frame },
    { "odd compression", odd_compression },
    { "continuation flood", continuation_flood },
    { "rapid reset", rapid_reset },
    { "ping flood", ping_flood },
    { "settings flood", settings_flood },
};

SEAM_SUBTEST(one_misbehaviour)
{
    const struct misbehaviour *row = arg;
    struct client client;

    start(t, &client);
    row->fn(t, &client);
    seam_check(t, h2_is_over(client.server));
    add_headers(&client, 9999, END_STREAM, GET); /* nobody listens any more */
    check_told(t, &client, "");
    stop(&client);
}

SEAM_TEST(h2_connections_that_cannot_go_on)
{
    for (size_t i = 0; i < sizeof misbehaviours / sizeof *misbehaviours; i++)
        seam_run(t, misbehaviours[i].name, one_misbehaviour, &misbehaviours[i]);
}

SEAM_TEST(h2_a_request_that_is_reset_at_once_is_not_told)
{
    struct client client;

    start(t, &client);
    add_headers(&client, 1, END_STREAM, GET);
    add_number(&client, RST_STREAM, 1, NGHTTP2_CANCEL);
    add_headers(&client, 3, END_STREAM, GET);
    check_told(t, &client, "GET /\n<3 200 end\n");
    stop(&client);
}

SEAM_TEST(h2_a_body_that_is_refused_need_not_be_sent)
{
    static const char big[200];
    struct client client;

    start(t, &client);
    add_headers(&client, 1, 0, PUT);
    add_frame(&client, DATA, 0, 1, big, sizeof big);
    check_told(t, &client,
               "413 the body has more than 100 bytes\n<1 413 end\n<1 reset: NO_ERROR\n");
    add_frame(&client, DATA, 0, 1, big, sizeof big); /* was on its way */
    add_headers(&client, 3, END_STREAM, GET);
    check_told(t, &client, "GET /\n<3 200 end\n");
    stop(&client);
}

SEAM_TEST(h2_more_streams_than_allowed)
{
    struct client client;

    start(t, &client);
    for (int i = 0; i <= H2_STREAMS; i++)
        add_headers(&client, 2 * i + 1, 0, PUT);
    check_broken(t, &client, "<goaway PROTOCOL_ERROR\n");
    stop(&client);
}

SEAM_TEST(h2_a_body_behind_the_end)
{
    struct client client;

    start(t, &client);
    add_headers(&client, 1, END_STREAM, GET);
    add_frame(&client, DATA, 0, 1, "a", 1);
    check_broken(t, &client, "GET /\n<goaway STREAM_CLOSED\n");
    stop(&client);
}
