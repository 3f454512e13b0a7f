/* http/client_test.c - the test's own requests: what is sent, what comes back, and what goes wrong. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources client.c client_request.c record.c listen.c
//seam:sources connection.c connection_http1.c exchange.c handler.c server.c origin.c
//seam:sources ../test/trial_test.c
//seam:sources ../net/*.c ../wire/*.c ../base/*.c ../events/*.c ../test/*.c
//seam:pkg-config openssl libcurl libnghttp2

#include <seam/http.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/t.h"
#include "test/trial_test.h"

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

/* Answers with what it was sent. */
static void mirror(seam_http_exchange *x, void *arg)
{
    size_t size;
    const char *body = seam_http_body(x, &size);

    (void)arg;
    seam_http_add_field(x, "X-Peer", seam_http_peer(x));
    seam_http_printf(
        x, "%s %s type=%s length=%s expect=%s color=%s empty=%s ", seam_http_method(x),
        seam_http_target(x), or_dash(seam_http_field(x, "Content-Type")),
        or_dash(seam_http_field(x, "Content-Length")), or_dash(seam_http_field(x, "Expect")),
        or_dash(seam_http_field(x, "X-Color")), or_dash(seam_http_field(x, "X-Empty")));
    seam_http_write(x, body, size);
}

/* ---- what is sent */

SEAM_TEST(get_sends_no_more_than_it_must)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    const seam_http_response *r = seam_http_get(t, seam_http_url(server, "/a%20b?c=d"));

    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "GET /a%20b?c=d type=- length=- expect=- color=- empty=- ");
    seam_check_eq(t, r->size, strlen(r->body));
    seam_check_str(t, r->error, NULL);
    seam_check_eq(t, r->version, "HTTP/1.1");
}

struct send_row {
    const char *name;
    seam_http_request request;
    const char *want;
};

static void send_row(seam_t *t, void *arg)
{
    const struct send_row *row = arg;
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    seam_http_request request = row->request;

    request.url = seam_http_url(server, "/");
    request.site = SEAM_HERE;
    seam_check_eq(t, seam_http_do_at(t, &request)->body, row->want);
}

SEAM_TEST(request_is_sent_as_it_is_written)
{
    static const struct send_row rows[] = {
        { "json",
          { .json = "{'a': \"it's\"}" },
          "POST / type=application/json length=13 expect=- color=- empty=- {\"a\": \"it's\"}" },
        { "json of another type",
          { .json = "[1]", .header = { "content-type: application/x+json" } },
          "POST / type=application/x+json length=3 expect=- color=- empty=- [1]" },
        { "body without type",
          { .body = "a=b" },
          "POST / type=- length=3 expect=- color=- empty=- a=b" },
        { "fields",
          { .header = { "X-Color: \t blue ", "X-Empty:", "Expect: 100-continue" } },
          "GET / type=- length=- expect=100-continue color=blue empty= " },
        { "put without body",
          { .method = "PUT" },
          "PUT / type=- length=0 expect=- color=- empty=- " },
        { "delete",
          { .method = "DELETE" },
          "DELETE / type=- length=- expect=- color=- empty=- " },
        { "get with body",
          { .method = "GET", .body = "x" },
          "GET / type=- length=1 expect=- color=- empty=- x" },
        { "head", { .method = "HEAD" }, "" },
        { "big integer",
          { .json = "{'n': 123456789012345678901234567890}" },
          "POST / type=application/json length=37 expect=- color=- empty=- "
          "{\"n\": 123456789012345678901234567890}" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, send_row, &rows[i]);
}

SEAM_TEST(bytes_and_long_bodies_go_and_come_whole)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    size_t size = 3000000, head;
    char *body = seam_alloc(t, size);
    const seam_http_response *r;

    for (size_t i = 0; i < size; i++)
        body[i] = (char)(i * 7 / 3);
    r = seam_http_do(t, .url = seam_http_url(server, "/"), .body = body, .size = size);
    seam_require_lt(t, size, r->size);
    head = r->size - size;
    seam_check_mem(t, r->body + head, size, body, size);
    seam_check_contains(t, r->body, "length=3000000 expect=-");
    seam_check_eq(t, r->body[r->size], '\0');
}

/* ---- what comes back */

static void odd_answer(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_inform(x, 103, "Link: </early.css>");
    seam_http_set_status(x, 404);
    seam_http_add_field(x, "Twice", "one");
    seam_http_add_field(x, "Twice", "two");
    seam_http_write(x, "a\0b", 3);
    seam_http_flush(x);
    seam_http_add_trailer(x, "Sum", "7");
}

SEAM_TEST(answer_is_handed_out_as_it_came)
{
    seam_http_server *server = seam_http_serve(t, odd_answer, NULL);
    const seam_http_response *r = seam_http_get(t, seam_http_url(server, "/"));
    const struct seam_http_field *field = r->fields;

    seam_check_eq(t, r->status, 404);
    seam_check_mem(t, r->body, r->size, "a\0b", 3);
    seam_check_eq(t, seam_http_header(r, "twice"), "one");
    seam_check_eq(t, seam_http_header(r, "SUM"), "7");
    seam_check_null(t, seam_http_header(r, "Link"));
    while (strcmp(field->name, "Twice") != 0)
        field++;
    seam_check_eq(t, field[1].value, "two");
}

static void redirect(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_set_status(x, 302);
    seam_http_add_field(x, "Location", "/elsewhere");
}

SEAM_TEST(redirect_is_an_answer)
{
    seam_http_server *server = seam_http_serve(t, redirect, NULL);
    const seam_http_response *r = seam_http_get(t, seam_http_url(server, "/"));

    seam_check_eq(t, r->status, 302);
    seam_check_eq(t, seam_http_header(r, "location"), "/elsewhere");
}

/* ---- connections */

static const char *peer_of(seam_t *t, const char *url)
{
    return seam_http_header(seam_http_get(t, url), "X-Peer");
}

static void asks_again(seam_t *t, void *arg)
{
    const char *const *before = arg;

    seam_check_eq(t, peer_of(t, before[0]), before[1]);
}

SEAM_TEST(connection_is_kept_also_across_subtests)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    const char *url = seam_http_url(server, "/");
    const char *before[] = { url, peer_of(t, url) };

    seam_check_eq(t, peer_of(t, url), before[1]);
    seam_run(t, "sub", asks_again, before);
    seam_run(t, "sub", asks_again, before);
    seam_check_eq(t, peer_of(t, url), before[1]);
}

struct first {
    const char *url;
    char peer[64];
};

static void asks_first(seam_t *t, void *arg)
{
    struct first *first = arg;

    snprintf(first->peer, sizeof first->peer, "%s", peer_of(t, first->url));
}

SEAM_TEST(connection_of_a_subtest_outlives_it)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    struct first first = { .url = seam_http_url(server, "/") };

    seam_run(t, "sub", asks_first, &first);
    seam_check_eq(t, peer_of(t, first.url), first.peer);
}

SEAM_TEST(connection_that_the_server_closed_is_made_again)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    const char *url = seam_http_url(server, "/");

    for (int i = 0; i < 3; i++) {
        seam_check_eq(t, seam_http_get(t, url)->status, 200);
        seam_http_close_connections(server);
    }
}

static void many(seam_t *t, void *arg)
{
    seam_parallel(t);
    for (int i = 0; i < 20; i++)
        seam_check_eq(t, seam_http_get(t, arg)->status, 200);
}

SEAM_TEST(parallel_subtests_ask_at_the_same_time)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);

    for (int i = 0; i < 4; i++)
        seam_run(t, "many", many, seam_http_url(server, "/"));
}

/* In the place of all descriptors that were private before the fork. */
static void take_places(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        _exit(2);
    for (int fd = T_PRIVATE_FD; fd < T_PRIVATE_FD + 40; fd++)
        dup2(pair[0], fd);
}

static bool is_answered(seam_t *t, const char *url)
{
    return seam_http_do(t, .url = url, .timeout_ms = 5000, .may_fail = true)->status == 200;
}

/* What the child finds at the number of its parent's connection is none. */
SEAM_TEST(forked_child_has_connections_of_its_own)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL);
    const char *url = seam_http_url(server, "/");
    const char *before = peer_of(t, url);
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        take_places();
        _exit(!is_answered(t, url));
    }
    waitpid(pid, &status, 0);
    seam_check_eq(t, status, 0);
    seam_check_eq(t, peer_of(t, url), before);
}

static int next_descriptor(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

SEAM_TEST(sockets_stay_out_of_the_way)
{
    seam_http_server *one = seam_http_serve(t, mirror, NULL);
    seam_http_server *other = seam_http_serve(t, mirror, NULL);
    int next;

    seam_http_get(t, seam_http_url(one, "/"));
    next = next_descriptor();
    seam_http_get(t, seam_http_url(other, "/"));
    seam_check_eq(t, next_descriptor(), next);
}

/* ---- TLS and unix sockets */

SEAM_TEST(authority_of_the_test_is_trusted)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL, .tls = true);
    const seam_http_response *r = seam_http_get(t, seam_http_url(server, "/x"));

    seam_check_contains(t, seam_http_url(server, ""), "https://127.0.0.1:");
    seam_check_eq(t, r->status, 200);
    seam_check_contains(t, r->body, "GET /x");
    seam_check_eq(t, peer_of(t, seam_http_url(server, "/")), seam_http_header(r, "X-Peer"));
}

/* Hosts of elsewhere are looked up among the system's authorities as well. */
SEAM_TEST(name_in_the_certificate_counts)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL, .tls = true, .unix_socket = "");
    const char *socket = seam_http_socket(server);
    const seam_http_response *r;

    r = seam_http_do(t, .url = "https://example.com/", .unix_socket = socket);
    seam_check_eq(t, r->status, 200);
    r = seam_http_do(t, .url = "https://localhost/", .unix_socket = socket);
    seam_check_eq(t, r->status, 200);
    r = seam_http_do(t, .url = "https://other.test/", .unix_socket = socket, .may_fail = true);
    seam_check_eq(t, r->status, 0);
    seam_check_contains(t, r->error, "no alternative certificate subject name matches");
}

SEAM_TEST(unix_socket_is_asked)
{
    seam_http_server *server = seam_http_serve(t, mirror, NULL, .unix_socket = "");
    const seam_http_response *r =
        seam_http_do(t, .url = "http://any.test/x", .unix_socket = seam_http_socket(server));

    seam_check_contains(t, r->body, "GET /x");
    seam_check_eq(t, seam_http_header(r, "X-Peer"), "unix");
}

static void speaks_http2(seam_t *t, void *arg)
{
    bool tls = *(const bool *)arg;
    seam_http_server *server = seam_http_serve(t, mirror, NULL, .tls = tls, .http2 = true);
    const char *url = seam_http_url(server, "/x");
    const seam_http_response *r =
        seam_http_do(t, .url = url, .header = { "X-Color: red" }, .body = "b", .http2 = true);

    seam_check_eq(t, r->version, "HTTP/2");
    seam_check_eq(t, r->status, 200);
    seam_check_contains(t, r->body, "POST /x");
    seam_check_contains(t, r->body, "color=red");
    seam_check_eq(t, seam_http_get(t, url)->version, "HTTP/1.1");
}

SEAM_TEST(http2_is_spoken_when_asked)
{
    static const bool tls[] = { false, true };

    seam_run(t, "plain", speaks_http2, &tls[0]);
    seam_run(t, "tls", speaks_http2, &tls[1]);
}

/* ---- what goes wrong */

static const char *closed_port(seam_t *t)
{
    int port = 0;

    close(seam_http_listen(t, &port));
    return seam_format(t, "http://127.0.0.1:%d/x", port);
}

static void nobody_there(seam_t *t)
{
    seam_http_do(t, .url = "http://127.0.0.1:1/x", .json = "{}");
}

SEAM_TEST(no_answer_ends_the_test)
{
    trial_says(t, nobody_there,
               "error t: POST http://127.0.0.1:1/x: could not connect: Connection refused\n"
               "end t fail\n");
}

SEAM_TEST(no_answer_can_be_what_is_wanted)
{
    const seam_http_response *r = seam_http_do(t, .url = closed_port(t), .may_fail = true);

    seam_check_eq(t, r->status, 0);
    seam_check_eq(t, r->error, "could not connect: Connection refused");
    seam_check_eq(t, r->body, "");
    seam_check_null(t, r->fields[0].name);
}

struct wrong_row {
    const char *name;
    seam_http_request request;
    const char *want;
};

static const struct wrong_row *wrong;

static void ask_wrongly(seam_t *t)
{
    seam_http_request request = wrong->request;

    request.site = SEAM_HERE;
    seam_http_do_at(t, &request);
}

SEAM_TEST(request_that_makes_no_sense_is_refused)
{
    static const struct wrong_row rows[] = {
        { "url", { .method = "GET" }, ".url is missing" },
        { "colon",
          { .url = "/", .header = { "Bad" } },
          ".header 'Bad' is none: write \"Name: value\"" },
        { "name",
          { .url = "/", .header = { "a b: c" } },
          ".header 'a b: c' is none: write \"Name: value\"" },
        { "break",
          { .url = "/", .header = { "a: b\r\nc: d" } },
          ".header 'a: b\r\nc: d' has a line break: write one field in each" },
        { "both",
          { .url = "/", .json = "1", .body = "" },
          "both .json and .body: a request has one body" },
        { "size", { .url = "/", .size = 3 }, ".size without .body" },
        { "method", { .url = "/", .method = "GET /" }, ".method 'GET /' is no word" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wrong = &rows[i];
        seam_scope(t, "%s", rows[i].name);
        trial_says(t, ask_wrongly, seam_format(t, "error t: %s\nend t fail\n", rows[i].want));
    }
}

static void asks_bad_json(seam_t *t)
{
    seam_http_do(t, .url = "http://127.0.0.1:1/", .json = "{'a' 1}");
}

SEAM_TEST(json_that_is_none_is_refused)
{
    seam_check_contains(t, trial_run(t, asks_bad_json, NULL),
                        ".json is not JSON: line 1, column 6");
}

static void slow(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_printf(x, "begun");
    seam_http_flush(x);
    seam_http_wait(x, 60000);
}

SEAM_TEST(time_out_is_kept)
{
    seam_http_server *server = seam_http_serve(t, slow, NULL);
    const seam_http_response *r =
        seam_http_do(t, .url = seam_http_url(server, "/"), .timeout_ms = 50, .may_fail = true);

    seam_check_eq(t, r->error, "no whole answer within 50 ms");
    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "begun");
}

struct cancelled {
    pthread_t thread;
    seam_context *context;
    int listening;
    int connected;
};

static bool comes_request(int fd)
{
    char byte;

    return recv(fd, &byte, 1, 0) == 1;
}

/* Answers once, and then never. On a connection that is used again no timer of libcurl's is left that would
 * wake the client. */
static void *answer_and_cancel(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct cancelled *cancelled = arg;
    char request[1000];

    cancelled->connected = accept(cancelled->listening, NULL, NULL);
    if (recv(cancelled->connected, request, sizeof request, 0) > 0 &&
        send(cancelled->connected, answer, sizeof answer - 1, 0) > 0 &&
        comes_request(cancelled->connected))
        seam_context_cancel(cancelled->context);
    return NULL;
}

SEAM_TEST(cancelled_context_ends_a_request, .timeout_ms = 20000)
{
    struct cancelled cancelled = { .context = seam_context_of(t) };
    const seam_http_response *r;
    const char *url;
    int port = 0;

    cancelled.listening = seam_http_listen(t, &port);
    url = seam_format(t, "http://127.0.0.1:%d/", port);
    seam_require_ok(t, pthread_create(&cancelled.thread, NULL, answer_and_cancel, &cancelled));
    seam_check_eq(t, seam_http_get(t, url)->status, 200);
    r = seam_http_do(t, .url = url, .may_fail = true);
    pthread_join(cancelled.thread, NULL);
    close(cancelled.listening);
    close(cancelled.connected);
    seam_check_eq(t, r->error, "the test ended before the whole answer had come");
    seam_check_lt(t, now_ns(), seam_deadline(t) - 10000000000u);
}

static void half(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_add_field(x, "Content-Length", "100");
    seam_http_printf(x, "half");
    seam_http_flush(x);
    seam_http_close(x);
}

SEAM_TEST(answer_that_breaks_off_shows_what_came)
{
    seam_http_server *server = seam_http_serve(t, half, NULL);
    const seam_http_response *r =
        seam_http_do(t, .url = seam_http_url(server, "/"), .may_fail = true);

    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "half");
    seam_check(t, r->error != NULL);
}
