/* http/connection_test.c - a connection whose client is this test, at the other end of a socketpair. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../net/*.c ../wire/*.c
//seam:pkg-config openssl
//seam:pkg-config libnghttp2

#include "http/connection.h"

#include <errno.h>
#include <poll.h>
#include <seam/seam.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/t.h"

#define HOST "Host: h\r\n\r\n"

enum { SOON_MS = 5000, TEXT_MAX = 4 << 20 };

/* A service that writes down what it is told, and answers by the path:
 *   /later  by tell_later(); /defer  on the loop's thread; /parts  in parts; all else at once. */
struct bench {
    struct http_service service; /* first */
    seam_t *t;
    struct http_connection *connection;
    int fd; /* the client's end */
    struct http_exchange *later;
    struct buf log;
    bool poked;
};

static const struct http_field plain = { "Content-Type", "text/plain" };

static void answer(struct http_exchange *x)
{
    const char *target = x->request->target;
    const struct http_message message = {
        .status = 200, .fields = { &plain, 1 }, .body = target, .body_size = strlen(target)
    };

    http_exchange_reply(x, &message);
}

static void answer_in_parts(struct http_exchange *x)
{
    const struct http_message head = { .status = 200, .fields = { &plain, 1 } };
    const struct http_field trailer = { "X-Sum", "3" };
    const struct http_fields trailers = { &trailer, 1 };

    http_exchange_begin(x, &head, HTTP1_CHUNKED);
    http_exchange_body(x, "abc", 3);
    http_exchange_body(x, "", 0);
    http_exchange_body(x, "de", 2);
    http_exchange_end(x, &trailers);
}

static void request(struct http_service *service, struct http_exchange *x)
{
    struct bench *bench = (void *)service;

    buf_printf(&bench->log, "%s %s %s%s%s\n", x->request->method, x->request->target,
               x->request->body, http_exchange_is_inline(x) ? " inline" : "",
               loop_is_this_thread() ? " loop" : "");
    if (strcmp(x->request->target, "/later") == 0)
        bench->later = x;
    else if (strcmp(x->request->target, "/defer") == 0 && http_exchange_is_inline(x))
        http_exchange_defer(x);
    else if (strcmp(x->request->target, "/parts") == 0)
        answer_in_parts(x);
    else
        answer(x);
    loop_wake_waiters();
}

static void ended(struct http_service *service, struct http_exchange *x)
{
    struct bench *bench = (void *)service;

    if (bench->later == x)
        bench->later = NULL;
    buf_printf(&bench->log, "ended %s%s\n", x->request->target, x->answered ? "" : " cut");
    loop_wake_waiters();
}

static void malformed(struct http_service *service, struct http_connection *connection,
                      const struct http1_error *error)
{
    struct bench *bench = (void *)service;

    buf_printf(&bench->log, "malformed of %s: %d %s\n", http_connection_peer(connection),
               error->status, error->text);
    loop_wake_waiters();
}

static void opened(struct http_service *service, struct http_connection *connection)
{
    struct bench *bench = (void *)service;

    (void)connection;
    buf_add_text(&bench->log, "opened\n");
}

static void closed(struct http_service *service, struct http_connection *connection)
{
    struct bench *bench = (void *)service;

    buf_add_text(&bench->log, "closed\n");
    if (bench->connection == connection)
        bench->connection = NULL;
    loop_wake_waiters();
}

static void leave_unread(struct http_service *service, struct http_connection *connection)
{
    struct bench *bench = (void *)service;

    (void)connection;
    bench->poked = send(bench->fd, "x", 1, MSG_NOSIGNAL) == 1;
}

/* ---- what tests do */

static void finish(void *arg)
{
    struct bench *bench = arg;

    loop_lock();
    http_service_drop(&bench->service);
    loop_unlock();
    if (bench->fd >= 0)
        close(bench->fd);
    buf_fini(&bench->log);
}

static struct bench *start(seam_t *t, bool inline_thread)
{
    struct bench *bench = seam_alloc(t, sizeof *bench);
    int pair[2];

    *bench = (struct bench){ .service = { .request = request,
                                          .ended = ended,
                                          .malformed = malformed,
                                          .opened = opened,
                                          .closed = closed,
                                          .leave_unread = leave_unread },
                             .t = t,
                             .fd = -1,
                             .log = BUF_INIT(TEXT_MAX) };
    seam_cleanup(t, finish, bench);
    seam_require_ok(t, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    bench->fd = pair[0];
    loop_lock();
    seam_check_ok(t, http_connection_new(&bench->connection, &bench->service,
                                         t_private_fd(pair[1]), "unix", inline_thread));
    loop_unlock();
    return bench;
}

static void feed_bytes(struct bench *bench, const void *data, size_t size)
{
    loop_lock();
    if (bench->connection)
        http_connection_feed(bench->connection, data, size);
    loop_unlock();
}

static void feed(struct bench *bench, const char *text)
{
    feed_bytes(bench, text, strlen(text));
}

static void say(struct bench *bench, const char *text)
{
    seam_require_eq(bench->t, send(bench->fd, text, strlen(text), MSG_NOSIGNAL),
                    (ssize_t)strlen(text));
}

/* What the client can read, up to `size` bytes; waits until that or the end is there, but not for ever. */
static const char *hear(struct bench *bench, size_t size)
{
    char *text = seam_alloc(bench->t, size + 1);
    size_t at = 0;

    while (at < size) {
        struct pollfd can = { .fd = bench->fd, .events = POLLIN };
        ssize_t got;

        if (poll(&can, 1, SOON_MS) != 1)
            return seam_format(bench->t, "%s(silence)", text);
        got = recv(bench->fd, text + at, size - at, 0);
        if (got < 0)
            return seam_format(bench->t, "%s(%s)", text, strerror(errno));
        if (got == 0)
            return seam_format(bench->t, "%s(end)", text);
        at += (size_t)got;
    }
    return text;
}

static const char *hear_end(struct bench *bench)
{
    return hear(bench, 100000);
}

/* What lies in the socket now. */
static const char *overhear(struct bench *bench)
{
    char text[8192];
    ssize_t size = recv(bench->fd, text, sizeof text - 1, MSG_DONTWAIT);

    if (size < 0)
        return strerror(errno);
    text[size] = '\0';
    return seam_format(bench->t, "%s", text);
}

struct wish {
    struct bench *bench;
    const char *words;
};

static bool is_said(void *arg)
{
    struct wish *wish = arg;

    return strstr(buf_text(&wish->bench->log), wish->words);
}

/* Wait until the log says so. */
static void wait_for(struct bench *bench, const char *words)
{
    struct wish wish = { bench, words };
    bool is;

    loop_lock();
    is = loop_wait(is_said, &wish, deadline_after_ms(SOON_MS));
    loop_unlock();
    seam_check(bench->t, is);
}

static const char *log_of(struct bench *bench)
{
    const char *log;

    loop_lock();
    log = seam_format(bench->t, "%s", buf_text(&bench->log));
    loop_unlock();
    return log;
}

static void answer_later(struct bench *bench)
{
    loop_lock();
    if (bench->later)
        answer(bench->later);
    loop_unlock();
}

#define OK(length)                                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " #length "\r\n\r\n"

/* ---- tests */

SEAM_TEST(connection_answers_inline_before_the_client_goes_on)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /a HTTP/1.1\r\n" HOST);
    seam_check_str(t, overhear(bench), OK(2) "/a");
    feed(bench, "POST /b HTTP/1.1\r\nContent-Length: 4\r\n" HOST "bo");
    seam_check_str(t, overhear(bench), strerror(EAGAIN));
    feed(bench, "dy");
    seam_check_str(t, overhear(bench), OK(2) "/b");
    seam_check_str(t, log_of(bench),
                   "opened\nGET /a  inline\nended /a\nPOST /b body inline\nended /b\n");
}

SEAM_TEST(connection_answers_through_the_kernel)
{
    struct bench *bench = start(t, false);

    say(bench, "GET /a HTTP/1.1\r\n" HOST);
    seam_check_str(t, hear(bench, strlen(OK(2)) + 2), OK(2) "/a");
    seam_check_str(t, log_of(bench), "opened\nGET /a  loop\nended /a\n");
}

/* stdio and raw system calls pass by the hooks. */
SEAM_TEST(connection_takes_bytes_on_both_ways_in_their_order)
{
    struct bench *bench = start(t, true);

    say(bench, "GET /one HTTP/1.1\r\n");
    feed(bench, HOST "GET /two HTTP/1.1\r\n" HOST);
    seam_check_str(t, hear(bench, 2 * (strlen(OK(4)) + 4)), OK(4) "/one" OK(4) "/two");
}

SEAM_TEST(connection_answers_pipelined_requests_in_order)
{
    struct bench *bench = start(t, false);

    say(bench,
        "GET /later HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST "GET /c HTTP/1.1\r\n" HOST);
    wait_for(bench, "GET /later");
    seam_check_str(t, overhear(bench), strerror(EAGAIN));
    answer_later(bench);
    seam_check_str(t, hear(bench, strlen(OK(6)) + 6 + 2 * (strlen(OK(2)) + 2)),
                   OK(6) "/later" OK(2) "/b" OK(2) "/c");
}

SEAM_TEST(connection_answers_all_when_the_client_has_ended_its_side)
{
    struct bench *bench = start(t, false);

    say(bench, "GET /later HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST);
    shutdown(bench->fd, SHUT_WR);
    wait_for(bench, "GET /later");
    answer_later(bench);
    seam_check_str(t, hear_end(bench), OK(6) "/later" OK(2) "/b(end)");
    wait_for(bench, "closed");
}

SEAM_TEST(connection_defers_code_of_the_user)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /defer HTTP/1.1\r\n" HOST);
    seam_check_str(t, hear(bench, strlen(OK(6)) + 6), OK(6) "/defer");
    seam_check_str(t, log_of(bench),
                   "opened\nGET /defer  inline\nGET /defer  loop\nended /defer\n");
}

SEAM_TEST(connection_sends_parts_and_trailers)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /parts HTTP/1.1\r\n" HOST);
    seam_check_str(t, overhear(bench),
                   "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 3\r\n\r\n");
}

/* ---- forms of answers */

static const struct form {
    const char *name;
    const char *bytes;
    const char *want;
} forms[] = {
    { "HEAD has no body", "HEAD /a HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST,
      OK(2) OK(2) "/b" },
    { "HEAD in parts", "HEAD /parts HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST,
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" OK(2) "/b" },
    { "close", "GET /a HTTP/1.1\r\nConnection: close\r\n" HOST "GET /b HTTP/1.1\r\n" HOST,
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
      "Connection: close\r\n\r\n/a(end)" },
    { "HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
      "Connection: close\r\n\r\n/a(end)" },
    { "HTTP/1.0 knows no chunks", "GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nabcde(end)" },
    { "HTTP/1.0 that stays", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n"
      "Content-Length: 2\r\n\r\n/a" },
    { "upgrade is passed over",
      "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" HOST, OK(2) "/a" },
    { "continue", "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n" HOST,
      "HTTP/1.1 100 Continue\r\n\r\n" },
    { "not HTTP", "HELO h\r\n",
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 58\r\nConnection: close\r\n\r\n"
      "the request line is not 'method target version': 'HELO h'\n(end)" },
    { "HTTP/2 without .http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "HTTP/1.1 505 HTTP Version Not Supported\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 73\r\nConnection: close\r\n\r\n"
      "the client speaks HTTP/2, but this server does not: start it with .http2\n(end)" },
    { "TLS where there is none", "\x16\x03\x01\x02", "(end)" },
};

SEAM_SUBTEST(takes_form)
{
    const struct form *form = arg;
    struct bench *bench = start(t, true);
    size_t size = strlen(form->want);
    bool ends = size > 5 && strcmp(form->want + size - 5, "(end)") == 0;

    feed(bench, form->bytes);
    seam_check_str(t,
                   ends || strcmp(form->want, "(end)") == 0 ? hear_end(bench) : overhear(bench),
                   form->want);
}

SEAM_TEST(connection_answers_in_the_form_that_the_client_needs)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        seam_run(t, forms[i].name, takes_form, &forms[i]);
}

SEAM_TEST(connection_tells_of_malformed_requests)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET / HTTP/1.1\r\n\r\n");
    seam_check_contains(t, log_of(bench), "malformed of unix: 400 there is no Host field\n");
    feed(bench, "GET / HTTP/1.1\r\n" HOST);
    seam_check(t, !strstr(log_of(bench), "GET"));
    seam_check_contains(t, hear_end(bench), "there is no Host field\n(end)");
}

/* A close with something unread is a reset, which may overtake the answer. */
SEAM_TEST(connection_lets_the_client_read_why_it_was_refused)
{
    static const struct http1_limits limits = {
        .line = 100, .head = 1000, .fields = 10, .body = 10
    };
    struct bench *bench = start(t, false);

    bench->service.limits = &limits;
    say(bench, "PUT /a HTTP/1.1\r\nContent-Length: 100\r\n" HOST);
    wait_for(bench, "malformed");
    say(bench, "the client has not heard it yet");
    seam_check_match(t, hear_end(bench),
                     "^HTTP/1.1 413 Content Too Large\r\n(?s:.*)more than 10\n\\(end\\)$");
    shutdown(bench->fd, SHUT_WR);
    wait_for(bench, "closed");
}

/* ---- ends */

SEAM_TEST(connection_cuts_the_exchange_when_the_client_goes)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    close(bench->fd);
    bench->fd = -1;
    wait_for(bench, "closed");
    seam_check_str(t, log_of(bench), "opened\nGET /later  inline\nended /later cut\nclosed\n");
}

SEAM_TEST(connection_keeps_an_exchange_that_is_held)
{
    struct bench *bench = start(t, true);
    struct http_exchange *held;

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    held = bench->later;
    http_exchange_hold(held);
    http_connection_gone(bench->connection);
    seam_check_eq(t, held->request->target, "/later");
    seam_check(t, held->ended);
    answer(held);
    seam_check(t, bench->connection);
    http_exchange_release(held);
    seam_check(t, !bench->connection);
    loop_unlock();
}

/* The next request may not take the place of one that is still looked at. */
SEAM_TEST(connection_waits_with_the_next_request_while_one_is_held)
{
    struct bench *bench = start(t, true);
    struct http_exchange *held;

    feed(bench, "GET /later HTTP/1.1\r\n" HOST "GET /b HTTP/1.1\r\n" HOST);
    loop_lock();
    held = bench->later;
    http_exchange_hold(held);
    answer(held);
    seam_check_eq(t, held->request->target, "/later");
    seam_check_str(t, overhear(bench), OK(6) "/later");
    http_exchange_release(held);
    seam_check_str(t, overhear(bench), OK(2) "/b");
    loop_unlock();
}

SEAM_TEST(connection_is_reset_on_an_inline_client)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_abort(bench->later, true);
    loop_unlock();
    seam_check(t, bench->poked);
    seam_check_str(t, hear_end(bench), seam_format(t, "(%s)", strerror(ECONNRESET)));
    seam_check(t, !bench->connection);
}

SEAM_TEST(connection_is_closed_in_order_behind_raw_bytes)
{
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_raw(bench->later, "HTTP/1.1 2", 10);
    http_exchange_abort(bench->later, false);
    loop_unlock();
    seam_check_str(t, hear_end(bench), "HTTP/1.1 2(end)");
}

SEAM_TEST(connection_ends_after_an_answer_that_is_too_short)
{
    static const struct http_field length = { "Content-Length", "10" };
    const struct http_message head = { .status = 200, .fields = { &length, 1 } };
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_begin(bench->later, &head, HTTP1_SIZED);
    http_exchange_body(bench->later, "abc", 3);
    http_exchange_end(bench->later, NULL);
    loop_unlock();
    seam_check_str(t, hear_end(bench), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc(end)");
}

SEAM_TEST(connection_sends_no_more_than_it_promised)
{
    static const struct http_field length = { "Content-Length", "2" };
    const struct http_message head = { .status = 200, .fields = { &length, 1 } };
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_begin(bench->later, &head, HTTP1_SIZED);
    http_exchange_body(bench->later, "abc", 3);
    http_exchange_end(bench->later, NULL);
    loop_unlock();
    feed(bench, "GET /b HTTP/1.1\r\n" HOST);
    seam_check_str(t, overhear(bench),
                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab" OK(2) "/b");
}

/* More than a socket takes: the loop sends the rest as the client reads. */
SEAM_TEST(connection_sends_what_the_socket_has_no_room_for)
{
    enum { SIZE = 3 << 20 };
    struct bench *bench = start(t, true);
    char *body = seam_alloc(t, SIZE + 1);
    const struct http_message message = { .status = 200, .body = body, .body_size = SIZE };
    const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n";
    const char *heard;

    memset(body, 'x', SIZE);
    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_reply(bench->later, &message);
    loop_unlock();
    heard = hear(bench, strlen(head) + SIZE);
    seam_check(t, strncmp(heard, head, strlen(head)) == 0);
    seam_check_eq(t, strlen(heard), strlen(head) + SIZE);
    feed(bench, "GET /b HTTP/1.1\r\n" HOST);
    seam_check_str(t, overhear(bench), OK(2) "/b");
}

SEAM_TEST(connection_counts_what_is_unsent)
{
    enum { SIZE = 3 << 20 };
    struct bench *bench = start(t, true);
    const struct http_message head = { .status = 200 };
    char *body = seam_alloc(t, SIZE);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_begin(bench->later, &head, HTTP1_UNTIL_CLOSE);
    seam_check_eq(t, http_exchange_unsent(bench->later), 0u);
    http_exchange_body(bench->later, body, SIZE);
    seam_check_lt(t, (size_t)SIZE / 2, http_exchange_unsent(bench->later));
    http_service_drop(&bench->service);
    loop_unlock();
    seam_check(t, !bench->connection);
}

SEAM_TEST(connection_reads_no_further_ahead_than_it_must)
{
    enum { SIZE = 4 << 20 };
    struct bench *bench = start(t, false);
    const char *ask = "GET /b HTTP/1.1\r\n" HOST;
    char *many = seam_alloc(t, SIZE);
    size_t sent = 0;
    ssize_t now = 0;

    for (size_t at = 0; at + strlen(ask) < SIZE; at += strlen(ask))
        memcpy(many + at, ask, strlen(ask));
    say(bench, "GET /later HTTP/1.1\r\n" HOST);
    wait_for(bench, "GET /later");
    do { /* until there has been no room for some time */
        struct pollfd can = { .fd = bench->fd, .events = POLLOUT };

        now = poll(&can, 1, 200) == 1 ? send(bench->fd, many, 65536, MSG_DONTWAIT) : 0;
        sent += now > 0 ? (size_t)now : 0;
    } while (now > 0 && sent < SIZE);
    seam_check_lt(t, sent, (size_t)2 << 20);
    answer_later(bench);
    seam_check_str(t, hear(bench, strlen(OK(6)) + 6 + strlen(OK(2)) + 2),
                   OK(6) "/later" OK(2) "/b");
}

SEAM_TEST(connection_answers_500_for_what_http_cannot_carry)
{
    static const struct http_field bad = { "X", "a\r\nb" };
    const struct http_message message = { .status = 200, .fields = { &bad, 1 } };
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_reply(bench->later, &message);
    loop_unlock();
    seam_check_match(t, hear_end(bench), "^HTTP/1.1 500 (?s:.*)cannot carry\n\\(end\\)$");
}

SEAM_TEST(connection_tells_of_103_before_the_answer)
{
    static const struct http_field link = { "Link", "</a.css>" };
    const struct http_fields fields = { &link, 1 };
    struct bench *bench = start(t, true);

    feed(bench, "GET /later HTTP/1.1\r\n" HOST);
    loop_lock();
    http_exchange_inform(bench->later, 103, &fields);
    loop_unlock();
    seam_check_str(t, overhear(bench), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    answer_later(bench);
    seam_check_str(t, overhear(bench), OK(6) "/later");
}
