/* wire/http1_test.c - requests and responses that are legal, odd and wrong, whole and byte by byte. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c

#include "wire/http1.h"

#include <errno.h>
#include <seam/seam.h>
#include <stdio.h>
#include <string.h>

#define HOST "Host: h\r\n"

/* One message as a line: what was understood of it. */
static void describe(struct buf *to, const struct http_message *message)
{
    if (message->method)
        buf_printf(to, "%s %s 1.%d", message->method, message->target, message->minor);
    else
        buf_printf(to, "%d '%s' 1.%d", message->status, message->reason, message->minor);
    for (size_t i = 0; i < message->fields.count; i++)
        buf_printf(to, " %s=%s", message->fields.at[i].name, message->fields.at[i].value);
    if (message->body_size > 0)
        buf_printf(to, " [%.*s]", (int)message->body_size, message->body);
    for (size_t i = 0; i < message->trailers.count; i++)
        buf_printf(to, " +%s=%s", message->trailers.at[i].name, message->trailers.at[i].value);
    buf_add_text(to, message->keep_alive ? "\n" : " close\n");
}

/* Add all that comes until the reader wants more. Returns false when it reads nothing more. */
static bool drain(struct http1_reader *reader, struct buf *to)
{
    struct http_message message;

    for (;;)
        switch (http1_next(reader, &message)) {
        case HTTP1_MESSAGE:
            describe(to, &message);
            break;
        case HTTP1_CONTINUE:
            buf_printf(to, "%s waits\n", message.method);
            break;
        case HTTP1_WRONG:
            buf_printf(to, "%d %s\n", reader->error.status, reader->error.text);
            return false;
        case HTTP1_PREFACE:
            buf_add_text(to, "preface\n");
            return false;
        case HTTP1_MORE:
            return true;
        }
}

static const struct http1_limits small = { .line = 40, .head = 120, .fields = 4, .body = 20 };

/* What comes of `bytes` fed in pieces of `step`, and of the end of the connection behind them. */
static void read_all(struct buf *to, enum http1_kind kind, const char *method,
                     const char *bytes, size_t step)
{
    struct http1_reader reader;
    size_t size = strlen(bytes);
    bool more = true;

    http1_reader_init(&reader, kind, &small);
    http1_expect_response_to(&reader, method);
    for (size_t at = 0; more && at < size; at += step) {
        http1_feed(&reader, bytes + at, size - at < step ? size - at : step);
        more = drain(&reader, to);
    }
    if (more) {
        http1_end(&reader);
        drain(&reader, to);
    }
    http1_reader_fini(&reader);
}

struct row {
    const char *name;
    const char *bytes;
    const char *want;
    const char *method; /* that a response answers */
};

static void check_row(seam_t *t, enum http1_kind kind, const struct row *row, size_t step)
{
    struct buf got = BUF_INIT(1 << 16);

    read_all(&got, kind, row->method, row->bytes, step);
    seam_check_str(t, buf_text(&got), row->want);
    buf_fini(&got);
}

SEAM_SUBTEST(one_request)
{
    check_row(t, HTTP1_REQUESTS, arg, SIZE_MAX / 2);
    check_row(t, HTTP1_REQUESTS, arg, 1);
}

SEAM_SUBTEST(one_response)
{
    check_row(t, HTTP1_RESPONSES, arg, SIZE_MAX / 2);
    check_row(t, HTTP1_RESPONSES, arg, 1);
}

static const struct row requests[] = {
    { "plain", "GET /a?b=c HTTP/1.1\r\n" HOST "\r\n", "GET /a?b=c 1.1 Host=h\n", NULL },
    { "absolute", "GET http://x/y HTTP/1.1\r\n" HOST "\r\n", "GET http://x/y 1.1 Host=h\n",
      NULL },
    { "asterisk", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * 1.1 Host=h\n", NULL },
    { "authority", "CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n", "CONNECT x:443 1.1 Host=h\n",
      NULL },
    { "blanks around a value", "GET / HTTP/1.1\r\nHost: \t h \t\r\n\r\n", "GET / 1.1 Host=h\n",
      NULL },
    { "empty value", "GET / HTTP/1.1\r\nHost:\r\nA:\r\n\r\n", "GET / 1.1 Host= A=\n", NULL },
    { "empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1.1 Host=h\n",
      NULL },
    { "line feed alone", "GET / HTTP/1.1\nHost: h\n\n", "GET / 1.1 Host=h\n", NULL },
    { "close", "GET / HTTP/1.1\r\n" HOST "Connection: a, Close\r\n\r\n",
      "GET / 1.1 Host=h Connection=a, Close close\n", NULL },
    { "1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close\n", NULL },
    { "1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET / 1.0 Connection=keep-alive\n", NULL },
    { "1.7 is 1.1", "GET / HTTP/1.7\r\n" HOST "\r\n", "GET / 1.1 Host=h\n", NULL },
    { "pipelined", "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n",
      "GET /1 1.1 Host=h\nGET /2 1.1 Host=h\n", NULL },
    { "body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.0\r\n\r\n",
      "POST / 1.1 Host=h Content-Length=5 [hello]\nGET / 1.0 close\n", NULL },
    { "one length, said twice", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 2, 2\r\n\r\nok",
      "PUT / 1.1 Host=h Content-Length=2, 2 [ok]\n", NULL },
    { "chunked",
      "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nSum: 7\r\n\r\n",
      "POST / 1.1 Host=h Transfer-Encoding=chunked [abc0123456789] +Sum=7\n", NULL },
    { "preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "preface\n", NULL },

    { "no version", "GET /\r\n\r\n",
      "400 the request line is not 'method target version': 'GET /'\n", NULL },
    { "two blanks", "GET  / HTTP/1.1\r\n\r\n",
      "400 the request line is not 'method target version': 'GET  / HTTP/1.1'\n", NULL },
    { "method", "G@T / HTTP/1.1\r\n\r\n", "400 the method is 'G@T'\n", NULL },
    { "target", "GET a HTTP/1.1\r\n\r\n", "400 the target of GET is 'a'\n", NULL },
    { "asterisk for GET", "GET * HTTP/1.1\r\n\r\n", "400 the target of GET is '*'\n", NULL },
    { "version 2", "GET / HTTP/2.0\r\n\r\n", "505 the version is HTTP/2.0, not HTTP/1.1\n",
      NULL },
    { "version", "GET / HTTP/1.x\r\n\r\n", "400 the version is 'HTTP/1.x', not HTTP/1.1\n",
      NULL },
    { "no host", "GET / HTTP/1.1\r\n\r\n", "400 there is no Host field\n", NULL },
    { "two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "400 there are two Host fields\n",
      NULL },
    { "odd host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 the Host is 'a/b'\n", NULL },
    { "blank before a colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
      "400 a field is not 'name: value': 'Host : h'\n", NULL },
    { "no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n",
      "400 a field is not 'name: value': 'Host'\n", NULL },
    { "folded", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
      "400 a field is folded over two lines: ' c'\n", NULL },
    { "carriage return", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
      "400 a line has a carriage return in it: 'A: b?c'\n", NULL },
    { "control", "GET / HTTP/1.1\r\nA: \001\r\n\r\n",
      "400 a field is not 'name: value': 'A: ?'\n", NULL },
    { "many fields", "GET / HTTP/1.1\r\n" HOST "A:1\r\nA:2\r\nA:3\r\nA:4\r\n\r\n",
      "431 there are more than 4 fields\n", NULL },
    { "big head",
      "GET / HTTP/1.1\r\n" HOST "A:01234567890123456789012345678901234567890123456789\r\n"
      "B:01234567890123456789012345678901234567890123456789\r\n\r\n",
      "431 the fields have more than 120 bytes\n", NULL },
    { "length", "PUT / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n",
      "400 the Content-Length is '+1'\n", NULL },
    { "two lengths", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1, 2\r\n\r\n",
      "400 the Content-Length is '1, 2' and was another before\n", NULL },
    { "too long", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 21\r\n\r\n",
      "413 the body is to have 21 bytes, more than 20\n", NULL },
    { "huge length",
      "PUT / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
      "413 the body is to have 99999999999999999999999 bytes, more than 20\n", NULL },
    { "length and coding",
      "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "400 both Content-Length and Transfer-Encoding are given\n", NULL },
    { "coding", "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n",
      "400 the Transfer-Encoding 'gzip' does not end in chunked\n", NULL },
    { "two codings", "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
      "501 the Transfer-Encoding 'gzip, chunked' is not supported\n", NULL },
    { "chunked 1.0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "400 Transfer-Encoding in HTTP/1.0\n", NULL },
    { "expectation", "PUT / HTTP/1.1\r\n" HOST "Expect: x\r\nContent-Length: 1\r\n\r\n",
      "417 it expects 'x'\n", NULL },
    { "end in the head", "GET / HT", "400 the connection ended within the head\n", NULL },
    { "end in the body", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe",
      "400 the connection ended within the body\n", NULL },
    { "no request at all", "", "", NULL },
};

#define CHUNKED "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static const struct row chunks[] = {
    { "size", CHUNKED "x\r\n", "400 the size of a chunk is 'x'\n", NULL },
    { "negative size", CHUNKED "-1\r\n", "400 the size of a chunk is '-1'\n", NULL },
    { "size with 0x", CHUNKED "0x1\r\n", "400 the size of a chunk is '0x1'\n", NULL },
    { "huge size", CHUNKED "ffffffffffffffff\r\n",
      "400 the size of a chunk is 'ffffffffffffffff'\n", NULL },
    { "too long", CHUNKED "15\r\n", "413 the body has more than 20 bytes\n", NULL },
    { "too long together", CHUNKED "a\r\n0123456789\r\nb\r\n",
      "413 the body has more than 20 bytes\n", NULL },
    { "line feed alone", CHUNKED "1\n", "400 a line of a chunked body ends without CR: '1'\n",
      NULL },
    { "end in a chunk", CHUNKED "5\r\nab", "400 the connection ended within the body\n", NULL },
    { "end in the trailers", CHUNKED "0\r\nA: b\r\n",
      "400 the connection ended within the body\n", NULL },
};

static const struct row responses[] = {
    { "sized", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "200 'OK' 1.1 Content-Length=2 [ok]\n", NULL },
    { "no reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", "404 '' 1.1 Content-Length=0\n",
      NULL },
    { "until the end", "HTTP/1.1 200 OK\r\n\r\nall that comes",
      "200 'OK' 1.1 [all that comes] close\n", NULL },
    { "to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
      "200 'OK' 1.1 Content-Length=9\n", "HEAD" },
    { "204", "HTTP/1.1 204 No Content\r\n\r\n", "204 'No Content' 1.1\n", NULL },
    { "informational first",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "100 'Continue' 1.1\n200 'OK' 1.1 Content-Length=0\n", "HEAD" },
    { "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "200 'OK' 1.1 Transfer-Encoding=chunked [a]\n", NULL },
    { "too much", "HTTP/1.1 200 OK\r\n\r\n012345678901234567890",
      "413 the body has more than 20 bytes\n", NULL },
    { "status", "HTTP/1.1 20 OK\r\n\r\n",
      "400 the status line is not 'version status reason': 'HTTP/1.1 20 OK'\n", NULL },
    { "not HTTP", "SSH-2.0-x\r\n\r\n",
      "400 the status line is not 'version status reason': 'SSH-2.0-x'\n", NULL },
};

SEAM_TEST(http1_requests)
{
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        seam_run(t, requests[i].name, one_request, &requests[i]);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        seam_run(t, chunks[i].name, one_request, &chunks[i]);
}

SEAM_TEST(http1_responses)
{
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
        seam_run(t, responses[i].name, one_response, &responses[i]);
}

/* How much of the line is there to quote depends on the pieces. */
SEAM_TEST(http1_a_long_line_is_refused_before_it_ends)
{
    struct buf got = BUF_INIT(1 << 12);

    read_all(&got, HTTP1_REQUESTS, NULL,
             "GET /0123456789012345678901234567890123456789 HTTP/1.1\r\n\r\n", 1);
    seam_check_str(t, buf_text(&got),
                   "414 a line is longer than 40 bytes: "
                   "'GET /012345678901234567890123456789012345...'\n");
    buf_fini(&got);
}

SEAM_TEST(http1_a_client_that_waits_is_told_of_once)
{
    static const char head[] = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                               "Content-Length: 2\r\n\r\n";
    struct http1_reader reader;
    struct buf got = BUF_INIT(1 << 12);

    http1_reader_init(&reader, HTTP1_REQUESTS, &http1_usual_limits);
    http1_feed(&reader, head, sizeof head - 1);
    seam_check(t, drain(&reader, &got));
    seam_check(t, drain(&reader, &got));
    http1_feed(&reader, "ok", 2);
    seam_check(t, drain(&reader, &got));
    http1_feed(&reader, head, sizeof head - 1);
    seam_check(t, drain(&reader, &got));
    seam_check_str(t, buf_text(&got),
                   "PUT waits\n"
                   "PUT / 1.1 Host=h Expect=100-continue Content-Length=2 [ok]\n"
                   "PUT waits\n");
    http1_reader_fini(&reader);
    buf_fini(&got);
}

/* ---- writing */

static void check_written(seam_t *t, const struct http_message *message,
                          enum http1_framing framing, const char *want)
{
    struct buf got = BUF_INIT(1 << 12);

    seam_check_ok(t, http1_write(&got, message, framing));
    seam_check_str(t, buf_text(&got), want);
    buf_fini(&got);
}

SEAM_TEST(http1_writes_what_frames_the_body)
{
    static const struct http_field type = { "Content-Type", "text/plain" };
    struct http_message message = { .status = 200,
                                    .minor = 1,
                                    .fields = { &type, 1 },
                                    .body = "hi",
                                    .body_size = 2,
                                    .keep_alive = true };

    check_written(t, &message, HTTP1_SIZED,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
    check_written(t, &message, HTTP1_CHUNKED,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n");
    message.keep_alive = false;
    check_written(t, &message, HTTP1_UNTIL_CLOSE,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    message = (struct http_message){ .status = 100, .minor = 1 };
    check_written(t, &message, HTTP1_BODILESS, "HTTP/1.1 100 Continue\r\n\r\n");
    message =
        (struct http_message){ .method = "GET", .target = "/", .minor = 1, .keep_alive = true };
    check_written(t, &message, HTTP1_SIZED, "GET / HTTP/1.1\r\n\r\n");
}

SEAM_TEST(http1_writes_chunks)
{
    static const struct http_field sum = { "Sum", "7" };
    const struct http_fields trailers = { &sum, 1 };
    struct buf got = BUF_INIT(1 << 12);

    seam_check_ok(t, http1_write_chunk(&got, "0123456789abcdef", 16));
    seam_check_ok(t, http1_write_chunk(&got, "", 0));
    seam_check_ok(t, http1_write_last(&got, &trailers));
    seam_check_str(t, buf_text(&got), "10\r\n0123456789abcdef\r\n0\r\nSum: 7\r\n\r\n");
    buf_fini(&got);
}

SEAM_TEST(http1_refuses_to_write_what_would_break_the_message)
{
    struct http_field field = { "A", "b\r\nC: d" };
    struct http_message message = { .status = 200, .minor = 1, .fields = { &field, 1 } };
    struct buf got = BUF_INIT(1 << 12);

    seam_check_eq(t, http1_write(&got, &message, HTTP1_SIZED), -EINVAL);
    field = (struct http_field){ "A b", "c" };
    seam_check_eq(t, http1_write(&got, &message, HTTP1_SIZED), -EINVAL);
    message = (struct http_message){ .method = "GET", .target = "/ HTTP/1.0", .minor = 1 };
    seam_check_eq(t, http1_write(&got, &message, HTTP1_SIZED), -EINVAL);
    seam_check_eq(t, got.size, 0);
    buf_fini(&got);
}

SEAM_TEST(http_lists_have_members)
{
    static const struct http_field fields[] = { { "TE", "a" }, { "te", "gzip ,Chunked" } };
    const struct http_fields both = { fields, 2 };

    seam_check(t, http_has_member(&both, "te", "chunked"));
    seam_check(t, http_has_member(&both, "te", "A"));
    seam_check(t, !http_has_member(&both, "te", "chunk"));
    seam_check_str(t, http_value(&both, "Te"), "a");
    seam_check_null(t, http_value(&both, "t"));
}
