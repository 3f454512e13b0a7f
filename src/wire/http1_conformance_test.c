/*
 * wire/http1_conformance_test.c - what RFC 9112 and RFC 9110 say of messages that are legal, odd and
 * illegal, and what comes of each. Each row begins with the section that decides it; "9110:" is the other RFC.
 *
 * Where an RFC leaves a choice the row has ours: a mistake of a client is told, not mended.
 */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c

#include "wire/http1.h"

#include <seam/seam.h>
#include <stdlib.h>
#include <string.h>

static void add_body(struct buf *to, const char *body, size_t size)
{
    buf_add_text(to, " [");
    for (size_t i = 0; i < size; i++)
        buf_add_char(to, body[i] ? body[i] : '0');
    buf_add_text(to, "]");
}

/* What came of a message: "GET / [body] +Trailer=value close", or the status of the refusal. */
static void describe(struct buf *to, const struct http_message *message)
{
    if (message->method)
        buf_printf(to, "%s %s", message->method, message->target);
    else
        buf_printf(to, "%d", message->status);
    if (message->body_size > 0)
        add_body(to, message->body, message->body_size);
    for (size_t i = 0; i < message->trailers.count; i++)
        buf_printf(to, " +%s=%s", message->trailers.at[i].name, message->trailers.at[i].value);
    buf_add_text(to, message->keep_alive ? "\n" : " close\n");
}

static enum http1_step drain(struct http1_reader *reader, struct buf *to)
{
    struct http_message message;
    enum http1_step step;

    while ((step = http1_next(reader, &message)) == HTTP1_MESSAGE || step == HTTP1_CONTINUE)
        if (step == HTTP1_MESSAGE)
            describe(to, &message);
        else
            buf_add_text(to, "waits\n");
    if (step == HTTP1_WRONG)
        buf_printf(to, "%d\n", reader->error.status);
    if (step == HTTP1_PREFACE)
        buf_add_text(to, "preface\n");
    return step;
}

struct row {
    const char *section;
    const char *name;
    const char *bytes;
    size_t size;
    const char *want;
    const char *method; /* that a response answers */
};

#define ROW(section, name, bytes, want)                                                        \
    {                                                                                          \
        section, name, bytes, sizeof(bytes) - 1, want, NULL                                    \
    }
#define TO(method, section, name, bytes, want)                                                 \
    {                                                                                          \
        section, name, bytes, sizeof(bytes) - 1, want, method                                  \
    }

static void check(seam_t *t, enum http1_kind kind, const struct row *row, size_t step)
{
    struct http1_reader reader;
    struct buf got = BUF_INIT(1 << 16);
    enum http1_step last = HTTP1_MORE;

    http1_reader_init(&reader, kind, &http1_usual_limits);
    http1_expect_response_to(&reader, row->method);
    for (size_t at = 0; last == HTTP1_MORE && at < row->size; at += step) {
        seam_check_ok(t, http1_feed(&reader, row->bytes + at,
                                    row->size - at < step ? row->size - at : step));
        last = drain(&reader, &got);
    }
    http1_end(&reader);
    if (last == HTTP1_MORE)
        drain(&reader, &got);
    seam_check_str(t, buf_text(&got), row->want);
    http1_reader_fini(&reader);
    buf_fini(&got);
}

/* Whole, and a byte at a time. */
static void check_rows(seam_t *t, enum http1_kind kind, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        seam_scope(t, "%s %s", rows[i].section, rows[i].name);
        check(t, kind, &rows[i], SIZE_MAX / 2);
        check(t, kind, &rows[i], 1);
    }
}

#define CHECK_ROWS(t, kind, rows) check_rows((t), (kind), (rows), sizeof(rows) / sizeof *(rows))

/* ---- 2: the message */

#define HOST "Host: h\r\n"
#define END "\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST END

static const struct row lines[] = {
    ROW("2.2", "one empty line first", "\r\n" GET("/"), "GET /\n"),
    ROW("2.2", "a line feed first", "\n" GET("/"), "GET /\n"),
    ROW("2.2", "an empty line between requests", GET("/1") "\r\n" GET("/2"),
        "GET /1\nGET /2\n"),
    ROW("2.2", "line feeds alone and CR LF mixed", "GET / HTTP/1.1\nHost: h\r\n\n", "GET /\n"),
    ROW("2.2", "CR alone ends no line", "GET / HTTP/1.1\rHost: h\r\r", "400\n"),
    ROW("2.2", "CR at the start", "\rGET / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("2.2", "CR in the method", "G\rET / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("2.2", "CR in the target", "GET /a\rb HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("2.2", "CR CR LF", "GET / HTTP/1.1\r\r\n" HOST END, "400\n"),
    ROW("2.2", "CR in a field's name", "GET / HTTP/1.1\r\n" HOST "A\rb: c\r\n" END, "400\n"),
    ROW("2.2", "a blank before the first field", "GET / HTTP/1.1\r\n " HOST END, "400\n"),
    ROW("2.2", "a tab before the first field", "GET / HTTP/1.1\r\n\t" HOST END, "400\n"),
    ROW("2.2", "NUL in the request line", "GET /\0 HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("2.2", "NUL in a field's name", "GET / HTTP/1.1\r\nA\0: b\r\n" HOST END, "400\n"),
    ROW("2.2", "TLS", "\x16\x03\x01\x02\n", "400\n"),
    ROW("2.2", "nothing but blanks", "   \r\n" END, "400\n"),

    ROW("2.3", "small letters", "GET / http/1.1\r\n" HOST END, "400\n"),
    ROW("2.3", "capital and small letters", "GET / Http/1.1\r\n" HOST END, "400\n"),
    ROW("2.3", "two digits", "GET / HTTP/1.10\r\n" HOST END, "400\n"),
    ROW("2.3", "no point", "GET / HTTP/11\r\n" HOST END, "400\n"),
    ROW("2.3", "no minor version", "GET / HTTP/1\r\n" HOST END, "400\n"),
    ROW("2.3", "a comma", "GET / HTTP/1,1\r\n" HOST END, "400\n"),
    ROW("2.3", "a sign", "GET / HTTP/+1.1\r\n" HOST END, "400\n"),
    ROW("2.3", "another protocol", "GET / HTCPCP/1.1\r\n" HOST END, "400\n"),
    ROW("2.3", "0.9 by name", "GET / HTTP/0.9\r\n" HOST END, "505\n"),
    ROW("2.3", "2.0", "GET / HTTP/2.0\r\n" HOST END, "505\n"),
    ROW("2.3", "3.0", "GET / HTTP/3.0\r\n" HOST END, "505\n"),
    ROW("9110:2.5", "1.2 is served as 1.1", "GET / HTTP/1.2\r\n" HOST END, "GET /\n"),
    ROW("9110:2.5", "and must have a Host", "GET / HTTP/1.2\r\n" END, "400\n"),
};

SEAM_TEST(conformance_of_lines_and_versions)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, lines);
}

/* ---- 3: the request line */

static const struct row request_lines[] = {
    ROW("3", "no target", "GET HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3", "HTTP/0.9", "GET /\r\n", "400\n"),
    ROW("3", "two blanks before the version", "GET /  HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3", "a blank at the end", "GET / HTTP/1.1 \r\n" HOST END, "400\n"),
    ROW("3", "a blank at the start", " GET / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3", "a tab between", "GET\t/ HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3", "a vertical tab between", "GET\v/\vHTTP/1.1\r\n" HOST END, "400\n"),

    ROW("3.1", "a method that nobody knows", "BREW / HTTP/1.1\r\n" HOST END, "BREW /\n"),
    ROW("3.1", "small letters are another method", "get / HTTP/1.1\r\n" HOST END, "get /\n"),
    ROW("3.1", "with a minus", "M-SEARCH / HTTP/1.1\r\n" HOST END, "M-SEARCH /\n"),
    ROW("3.1", "of all odd characters", "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" HOST END,
        "!#$%&'*+-.^_`|~ /\n"),
    ROW("3.1", "with a colon", "GET: / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.1", "with a slash", "GE/T / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.1", "quoted", "\"GET\" / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.1", "not of ASCII", "G\xc3\x89T / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.1", "empty", " / HTTP/1.1\r\n" HOST END, "400\n"),

    ROW("3.2.1", "a query", GET("/a?b=c&d=%20"), "GET /a?b=c&d=%20\n"),
    ROW("3.2.1", "an empty query", GET("/?"), "GET /?\n"),
    ROW("3.2.1", "two slashes", GET("//a//b"), "GET //a//b\n"),
    ROW("3.2.1", "dots are left as they are", GET("/a/../b/./c"), "GET /a/../b/./c\n"),
    ROW("3.2.1", "a wrong escape is the server's matter", GET("/%zz"), "GET /%zz\n"),
    ROW("3.2.1", "characters that should be escaped", GET("/a|b{c}\"<>"), "GET /a|b{c}\"<>\n"),
    ROW("3.2.1", "UTF-8 that should be escaped", GET("/\xc3\xa4"), "GET /\xc3\xa4\n"),
    ROW("3.2.1", "a question mark in the query", GET("/a?b?c"), "GET /a?b?c\n"),
    ROW("3.2.1", "no slash", GET("a/b"), "400\n"),
    ROW("3.2.1", "only a query", GET("?a=b"), "400\n"),
    ROW("3.2.1", "a backslash", GET("\\a"), "400\n"),
    ROW("3.2.1", "a fragment", GET("/a#b"), "400\n"),
    ROW("3.2", "a tab", GET("/a\tb"), "400\n"),
    ROW("3.2", "a control character", GET("/a\x01"), "400\n"),
    ROW("3.2", "DEL", GET("/a\x7f"), "400\n"),

    ROW("3.2.2", "without a path", GET("http://h"), "GET http://h\n"),
    ROW("3.2.2", "with port and query", GET("http://h:8080?a"), "GET http://h:8080?a\n"),
    ROW("3.2.2", "another scheme", GET("https://h/a"), "GET https://h/a\n"),
    ROW("3.2.2", "capitals", GET("HTTP://H/a"), "GET HTTP://H/a\n"),
    ROW("3.2.2", "the Host is another; it is ignored", GET("http://other/"),
        "GET http://other/\n"),
    ROW("3.2.2", "an address", GET("http://[::1]:80/"), "GET http://[::1]:80/\n"),
    ROW("9110:4.2.1", "no host", GET("http:///a"), "400\n"),
    ROW("9110:4.2.1", "nothing behind the slashes", GET("http://"), "400\n"),
    ROW("9110:4.2.4", "a user's name", GET("http://user:word@h/"), "400\n"),
    ROW("9110:4.2.4", "but it may be in the query", GET("http://h/?a@b"),
        "GET http://h/?a@b\n"),
    ROW("3.2.2", "no scheme", GET("://h/"), "400\n"),
    ROW("3.2.2", "a name that is no URL of a host", GET("urn:a:b"), "400\n"),

    ROW("3.2.3", "an address", "CONNECT [::1]:443 HTTP/1.1\r\n" HOST END,
        "CONNECT [::1]:443\n"),
    ROW("3.2.3", "for another method", GET("h:443"), "400\n"),
    ROW("3.2.3", "a path", "CONNECT / HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.2.3", "a URL", "CONNECT http://h:443/ HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("9110:9.3.6", "no port", "CONNECT h HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("9110:9.3.6", "an empty port", "CONNECT h: HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("9110:9.3.6", "a port that is no number", "CONNECT h:https HTTP/1.1\r\n" HOST END,
        "400\n"),
    ROW("9110:9.3.6", "a port that is too great", "CONNECT h:65536 HTTP/1.1\r\n" HOST END,
        "400\n"),
    ROW("9110:9.3.6", "no host", "CONNECT :443 HTTP/1.1\r\n" HOST END, "400\n"),

    ROW("3.2.4", "of the whole server", "OPTIONS * HTTP/1.1\r\n" HOST END, "OPTIONS *\n"),
    ROW("3.2.4", "of a resource", "OPTIONS /a HTTP/1.1\r\n" HOST END, "OPTIONS /a\n"),
    ROW("3.2.4", "an asterisk and more", "OPTIONS *a HTTP/1.1\r\n" HOST END, "400\n"),
    ROW("3.2.4", "for another method", "POST * HTTP/1.1\r\n" HOST END, "400\n"),
};

SEAM_TEST(conformance_of_request_lines)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, request_lines);
}

/* ---- 3.2 and 9110:7.2: the Host */

#define WITH(fields) "GET / HTTP/1.1\r\n" fields END

static const struct row hosts[] = {
    ROW("9110:7.2", "a port", WITH("Host: h:8080\r\n"), "GET /\n"),
    ROW("9110:7.2", "an empty port", WITH("Host: h:\r\n"), "GET /\n"),
    ROW("9110:7.2", "an address", WITH("Host: 127.0.0.1:80\r\n"), "GET /\n"),
    ROW("9110:7.2", "an address of IPv6", WITH("Host: [2001:db8::7]:80\r\n"), "GET /\n"),
    ROW("9110:7.2", "an underscore", WITH("Host: my_service\r\n"), "GET /\n"),
    ROW("9110:7.2", "capitals in the name of the field", WITH("HOST: h\r\n"), "GET /\n"),
    ROW("9110:7.2", "not the first field", WITH("A: b\r\n" HOST), "GET /\n"),
    ROW("3.2", "twice the same", WITH(HOST "host: h\r\n"), "400\n"),
    ROW("3.2", "two in one", WITH("Host: a, b\r\n"), "400\n"),
    ROW("3.2", "two words", WITH("Host: a b\r\n"), "400\n"),
    ROW("3.2", "a port that is no number", WITH("Host: h:http\r\n"), "400\n"),
    ROW("3.2", "two ports", WITH("Host: h:1:2\r\n"), "400\n"),
    ROW("3.2", "an address of IPv6 without brackets", WITH("Host: ::1\r\n"), "400\n"),
    ROW("3.2", "a bracket that is open", WITH("Host: [::1\r\n"), "400\n"),
    ROW("3.2", "nothing in brackets", WITH("Host: []\r\n"), "400\n"),
    ROW("3.2", "words behind the brackets", WITH("Host: [::1]a\r\n"), "400\n"),
    ROW("3.2", "a URL", WITH("Host: http://h\r\n"), "400\n"),
    ROW("3.2", "a user", WITH("Host: u@h\r\n"), "400\n"),
    ROW("3.2", "a query", WITH("Host: h?a\r\n"), "400\n"),
    ROW("3.2", "not of ASCII", WITH("Host: \xc3\xa4\r\n"), "400\n"),
    ROW("3.2", "a brace", WITH("Host: {h}\r\n"), "400\n"),
    ROW("3.2", "none, with a URL as the target", "GET http://h/ HTTP/1.1\r\n" END, "400\n"),
    ROW("3.2", "1.0 needs none", "GET / HTTP/1.0\r\n" END, "GET / close\n"),
    ROW("3.2", "1.0 with two", "GET / HTTP/1.0\r\n" HOST HOST END, "400\n"),
};

SEAM_TEST(conformance_of_hosts)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, hosts);
}

/* ---- 5: fields */

static const struct row fields[] = {
    ROW("5.1", "no blank", WITH("Host:h\r\nA:b\r\n"), "GET /\n"),
    ROW("5.1", "a tab", WITH("Host:\th\r\n"), "GET /\n"),
    ROW("5.1", "blanks at the end", WITH("Host: h  \t\r\n"), "GET /\n"),
    ROW("5.1", "a tab before the colon", WITH("Host\t: h\r\n"), "400\n"),
    ROW("5.1", "no name", WITH(HOST ": b\r\n"), "400\n"),
    ROW("5.1", "a blank in the name", WITH(HOST "A b: c\r\n"), "400\n"),
    ROW("5.1", "a colon in the value", WITH(HOST "A: b:c\r\n"), "GET /\n"),
    ROW("5.2", "folded, with a tab", WITH(HOST "A: b\r\n\tc\r\n"), "400\n"),
    ROW("5.2", "folded, with nothing on the line", WITH(HOST "A: b\r\n \r\n"), "400\n"),
    ROW("9110:5.1", "odd names are legal", WITH(HOST "!#$%&'*+-.^_`|~9: b\r\n"), "GET /\n"),
    ROW("9110:5.1", "a parenthesis", WITH(HOST "A(b): c\r\n"), "400\n"),
    ROW("9110:5.1", "a slash", WITH(HOST "A/b: c\r\n"), "400\n"),
    ROW("9110:5.1", "not of ASCII", WITH(HOST "\xc3\x84: b\r\n"), "400\n"),
    ROW("9110:5.1", "a control character", WITH(HOST "A\x01: b\r\n"), "400\n"),
    ROW("9110:5.5", "bytes above ASCII", WITH(HOST "A: \xe4\xff\r\n"), "GET /\n"),
    ROW("9110:5.5", "a tab in the value", WITH(HOST "A: b\tc\r\n"), "GET /\n"),
    ROW("9110:5.5", "NUL", WITH(HOST "A: b\0c\r\n"), "400\n"),
    ROW("9110:5.5", "DEL", WITH(HOST "A: b\x7f\r\n"), "400\n"),
    ROW("9110:5.5", "escape", WITH(HOST "A: \x1b[0m\r\n"), "400\n"),
    ROW("9110:5.3", "the same name again", WITH(HOST "A: 1\r\nB: 2\r\na: 3\r\n"), "GET /\n"),
    ROW("9110:7.8", "an upgrade that is not taken",
        WITH(HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n"), "GET /\n"),
};

SEAM_TEST(conformance_of_fields)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, fields);
}

/* ---- 6: the length of the body */

#define PUT(fields) "PUT / HTTP/1.1\r\n" HOST fields END
#define LENGTH(value) PUT("Content-Length: " value "\r\n")
#define CODING(value) PUT("Transfer-Encoding: " value "\r\n")
#define LAST "0\r\n\r\n"

static const struct row lengths[] = {
    ROW("6", "none is no body", PUT("") GET("/2"), "PUT /\nGET /2\n"),
    ROW("6", "GET may have one", "GET / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nok",
        "GET / [ok]\n"),
    ROW("6", "a body with CR, LF and NUL", LENGTH("5") "\r\n\0\r\n", "PUT / [\r\n0\r\n]\n"),
    ROW("6.2", "0", LENGTH("0") GET("/2"), "PUT /\nGET /2\n"),
    ROW("6.2", "leading zeros", LENGTH("0000000000000000000000002") "ok", "PUT / [ok]\n"),
    ROW("6.2", "blanks around", LENGTH(" \t2 ") "ok", "PUT / [ok]\n"),
    ROW("6.2", "empty", LENGTH("") "ok", "400\n"),
    ROW("6.2", "negative", LENGTH("-1"), "400\n"),
    ROW("6.2", "hexadecimal", LENGTH("0x2") "ok", "400\n"),
    ROW("6.2", "a fraction", LENGTH("2.0") "ok", "400\n"),
    ROW("6.2", "an exponent", LENGTH("1e1"), "400\n"),
    ROW("6.2", "two numbers", LENGTH("2 2") "ok", "400\n"),
    ROW("6.2", "a unit", LENGTH("2b") "ok", "400\n"),
    ROW("6.2", "quoted", LENGTH("\"2\"") "ok", "400\n"),
    ROW("6.2", "digits that are not ASCII", LENGTH("\xd9\xa2") "ok", "400\n"),
    ROW("6.2", "2 to the 64th, and 2", LENGTH("18446744073709551618") "ok", "413\n"),
    ROW("6.3", "the same three times", LENGTH("2,2 , 2") "ok", "PUT / [ok]\n"),
    ROW("6.3", "the same in two fields", PUT("Content-Length: 2\r\ncontent-length: 2\r\n") "ok",
        "PUT / [ok]\n"),
    ROW("6.3", "others in two fields", PUT("Content-Length: 2\r\nContent-Length: 3\r\n") "ok!",
        "400\n"),
    ROW("6.3", "others in the third", LENGTH("2, 2, 3") "ok!", "400\n"),
    ROW("6.3", "a comma behind it", LENGTH("2,") "ok", "400\n"),
    ROW("6.3", "a comma before it", LENGTH(",2") "ok", "400\n"),
    ROW("6.3", "two commas", LENGTH("2,,2") "ok", "400\n"),
    ROW("6.3", "the end comes too early", LENGTH("3") "ok", "400\n"),

    ROW("6.1", "capitals", CODING("CHUNKED") LAST, "PUT /\n"),
    ROW("6.1", "blanks around", CODING(" \tchunked\t") LAST, "PUT /\n"),
    ROW("6.1", "no blank", PUT("Transfer-Encoding:chunked\r\n") LAST, "PUT /\n"),
    ROW("6.1", "chunked twice", CODING("chunked, chunked") LAST, "400\n"),
    ROW("6.1", "chunked in two fields",
        PUT("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") LAST, "400\n"),
    ROW("6.1", "chunked, then another field",
        PUT("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") LAST, "400\n"),
    ROW("6.1", "another field, then chunked",
        PUT("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") LAST, "501\n"),
    ROW("9110:5.6.1", "empty members", CODING(", chunked ,,") LAST, "PUT /\n"),
    ROW("6.1", "only empty members", CODING(",") LAST, "400\n"),
    ROW("6.1", "chunked is not the last", CODING("chunked, gzip") LAST, "400\n"),
    ROW("6.1", "nothing", CODING("") LAST, "400\n"),
    ROW("6.1", "identity", CODING("identity") LAST, "400\n"),
    ROW("6.1", "a word that has chunked in it", CODING("xchunked") LAST, "400\n"),
    ROW("6.1", "a parameter", CODING("chunked;a=b") LAST, "400\n"),
    ROW("6.1", "quoted", CODING("\"chunked\"") LAST, "400\n"),
    ROW("6.1", "a vertical tab", CODING("\vchunked") LAST, "400\n"),
    ROW("6.1", "two codings before", CODING("gzip, deflate, chunked") LAST, "501\n"),
    ROW("6.1", "an underscore is another field",
        PUT("Transfer_Encoding: chunked\r\n") GET("/2"), "PUT /\nGET /2\n"),
    ROW("6.1", "a blank before the colon", PUT("Transfer-Encoding : chunked\r\n") LAST,
        "400\n"),
    ROW("6.3", "a length of 0 beside it",
        PUT("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") LAST, "400\n"),
};

SEAM_TEST(conformance_of_lengths)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, lengths);
}

/* ---- 7: chunks */

#define CHUNKED CODING("chunked")

static const struct row chunks[] = {
    ROW("7.1", "none", CHUNKED LAST GET("/2"), "PUT /\nGET /2\n"),
    ROW("7.1", "small hexadecimal digits", CHUNKED "a\r\n0123456789\r\n" LAST,
        "PUT / [0123456789]\n"),
    ROW("7.1", "capital ones", CHUNKED "A\r\n0123456789\r\n" LAST, "PUT / [0123456789]\n"),
    ROW("7.1", "leading zeros", CHUNKED "0002\r\nok\r\n" LAST, "PUT / [ok]\n"),
    ROW("7.1", "many zeros end it", CHUNKED "0000\r\n\r\n" GET("/2"), "PUT /\nGET /2\n"),
    ROW("7.1", "data that looks like the end", CHUNKED "5\r\n0\r\n\r\n\r\n" LAST,
        "PUT / [0\r\n\r\n]\n"),
    ROW("7.1", "no size", CHUNKED "\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "a blank before the size", CHUNKED " 2\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "a sign", CHUNKED "+2\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "a letter behind the size", CHUNKED "2g\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "a word behind the size", CHUNKED "2 a\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "CR in the line", CHUNKED "2\r;\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "2 to the 64th, and 2", CHUNKED "10000000000000002\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "data is longer", CHUNKED "2\r\nok!\r\n" LAST, "400\n"),
    ROW("7.1", "data is shorter", CHUNKED "3\r\nok\r\n" LAST, "400\n"),
    ROW("7.1", "data ends with a line feed alone", CHUNKED "2\r\nok\n" LAST, "400\n"),
    ROW("7.1", "no last chunk", CHUNKED "2\r\nok\r\n", "400\n"),
    ROW("7.1", "no line behind the last chunk", CHUNKED "0\r\n", "400\n"),
    ROW("7.1.1", "an extension", CHUNKED "2;a\r\nok\r\n" LAST, "PUT / [ok]\n"),
    ROW("7.1.1", "one with a value", CHUNKED "2;a=b;c=\"d;e\"\r\nok\r\n" LAST, "PUT / [ok]\n"),
    ROW("7.1.1", "blanks before it", CHUNKED "2 \t;a=b\r\nok\r\n" LAST, "PUT / [ok]\n"),
    ROW("7.1.1", "of the last chunk", CHUNKED "0;a=b\r\n\r\n", "PUT /\n"),
    ROW("7.1.2", "trailers", CHUNKED "0\r\nA: b\r\nC:d\r\n\r\n", "PUT / +A=b +C=d\n"),
    ROW("7.1.2", "a trailer does not change the length",
        CHUNKED "2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n", "PUT / [ok] +Content-Length=9\n"),
    ROW("7.1.2", "nor where the request goes", CHUNKED "0\r\nHost: other\r\n\r\n",
        "PUT / +Host=other\n"),
    ROW("7.1.2", "a trailer without a colon", CHUNKED "0\r\nA\r\n\r\n", "400\n"),
    ROW("7.1.2", "a blank before the colon", CHUNKED "0\r\nA : b\r\n\r\n", "400\n"),
    ROW("7.1.2", "folded", CHUNKED "0\r\nA: b\r\n c\r\n\r\n", "400\n"),
};

SEAM_TEST(conformance_of_chunks)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, chunks);
}

/* ---- 9: the connection; 9110:10.1.1: expectations */

#define CONNECTION(version, value)                                                             \
    "GET / HTTP/" version "\r\n" HOST "Connection: " value "\r\n" END

static const struct row connections[] = {
    ROW("9.3", "1.1 goes on", GET("/"), "GET /\n"),
    ROW("9.3", "1.1 keep-alive", CONNECTION("1.1", "keep-alive"), "GET /\n"),
    ROW("9.3", "1.0 keep-alive in capitals", CONNECTION("1.0", "Keep-Alive"), "GET /\n"),
    ROW("9.3", "1.0 close", CONNECTION("1.0", "close"), "GET / close\n"),
    ROW("9.3", "close wins", CONNECTION("1.1", "keep-alive, close"), "GET / close\n"),
    ROW("9.3", "close in the second field", WITH(HOST "Connection: a\r\nConnection: close\r\n"),
        "GET / close\n"),
    ROW("9.3", "a word that has close in it", CONNECTION("1.1", "closed, enclose"), "GET /\n"),
    ROW("9.3.2", "pipelined, with bodies", LENGTH("1") "a" CHUNKED "1\r\nb\r\n" LAST GET("/3"),
        "PUT / [a]\nPUT / [b]\nGET /3\n"),
    ROW("9.3.2", "nothing is read behind a wrong one",
        GET("/1") "GET a HTTP/1.1\r\n" HOST END GET("/3"), "GET /1\n400\n"),

    ROW("9110:10.1.1", "the client waits", PUT("Expect: 100-continue\r\nContent-Length: 2\r\n"),
        "waits\n400\n"),
    ROW("9110:10.1.1", "capitals", PUT("Expect: 100-Continue\r\nContent-Length: 2\r\n"),
        "waits\n400\n"),
    ROW("9110:10.1.1", "without a body it does not", PUT("Expect: 100-continue\r\n"),
        "PUT /\n"),
    ROW("9110:10.1.1", "1.0 knows no expectations",
        "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        "PUT / [ok] close\n"),
    ROW("9110:10.1.1", "another expectation as well",
        PUT("Expect: 100-continue, a\r\nContent-Length: 1\r\n") "a", "417\n"),
    ROW("9110:10.1.1", "another expectation without a body", PUT("Expect: a\r\n"), "417\n"),
    ROW("3.4 of 9113", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "preface\n"),
    ROW("3.4 of 9113", "another target", "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", "505\n"),
};

SEAM_TEST(conformance_of_connections)
{
    CHECK_ROWS(t, HTTP1_REQUESTS, connections);
}

/* ---- 4 and 6.3: responses */

#define RESPONSE(status, fields) "HTTP/1.1 " status "\r\n" fields END
#define SIZED(status) RESPONSE(status, "Content-Length: 2\r\n")

static const struct row responses[] = {
    ROW("4", "no reason, but its blank", SIZED("200 ") "ok", "200 [ok]\n"),
    ROW("4", "a reason of several words", SIZED("404 Not Found Here") "ok", "404 [ok]\n"),
    ROW("4", "bytes above ASCII in the reason", SIZED("200 \xc3\x84") "ok", "200 [ok]\n"),
    ROW("4", "a status of no known class", SIZED("799 Odd") "ok", "799 [ok]\n"),
    ROW("4", "two digits", SIZED("99 Low") "ok", "400\n"),
    ROW("4", "four digits", SIZED("2000 High") "ok", "400\n"),
    ROW("4", "a letter", SIZED("2x0 Odd") "ok", "400\n"),
    ROW("4", "below 100", SIZED("099 Low") "ok", "400\n"),
    ROW("4", "two blanks", SIZED(" 200 OK") "ok", "400\n"),
    ROW("4", "a version of one number", "HTTP/2 200\r\n\r\n", "400\n"),
    ROW("4", "another protocol", "ICY 200 OK\r\n\r\n", "400\n"),
    ROW("6.3", "1xx has no body", SIZED("103 Early Hints") SIZED("200 OK") "ok",
        "103\n200 [ok]\n"),
    ROW("6.3", "204 has none, whatever is said", SIZED("204 No Content"), "204\n"),
    ROW("6.3", "304 has none, whatever is said", SIZED("304 Not Modified"), "304\n"),
    ROW("6.3", "205 is as any other", SIZED("205 Reset Content") "ok", "205 [ok]\n"),
    TO("HEAD", "6.3", "to HEAD, chunked", RESPONSE("200 OK", "Transfer-Encoding: chunked\r\n"),
       "200\n"),
    TO("CONNECT", "6.3", "to CONNECT", SIZED("200 OK"), "200\n"),
    TO("CONNECT", "6.3", "to CONNECT, refused", SIZED("407 Who") "ok", "407 [ok]\n"),
    TO("GET", "6.3", "chunked, with an end that is missing",
       RESPONSE("200 OK", "Transfer-Encoding: chunked\r\n") "2\r\nok\r\n", "400\n"),
    ROW("6.3", "1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nok", "200 [ok] close\n"),
    ROW("6.3", "1.0 with a length, kept",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        "200 [ok]\n"),
    ROW("6.3", "less than its length", SIZED("200 OK") "o", "400\n"),
    ROW("6.3", "two lengths",
        RESPONSE("200 OK", "Content-Length: 2\r\nContent-Length: 3\r\n") "ok!", "400\n"),
    ROW("6.3", "length and coding",
        RESPONSE("200 OK", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") LAST,
        "400\n"),
    ROW("5.2", "folded", RESPONSE("200 OK", "A: b\r\n c\r\nContent-Length: 0\r\n"), "400\n"),
    ROW("9.6", "the last one", RESPONSE("200 OK", "Connection: close\r\nContent-Length: 0\r\n"),
        "200 close\n"),
};

SEAM_TEST(conformance_of_responses)
{
    CHECK_ROWS(t, HTTP1_RESPONSES, responses);
}
