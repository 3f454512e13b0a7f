/* http/server_test.c - servers of a test, what comes in and what goes out, by raw sockets and by libcurl. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../link/*.c ../double/*.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../net/*.c ../wire/*.c ../test/trial_test.c
//seam:pkg-config openssl
//seam:pkg-config libnghttp2
//seam:pkg-config libcurl

#include "http/server_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- handlers */

static void show(seam_http_exchange *x, void *arg)
{
    const char *name = seam_http_query(x, "name");
    const char *kind = seam_http_field(x, "x-KIND");
    size_t size;
    const char *body = seam_http_body(x, &size);

    (void)arg;
    seam_http_printf(x, "%s %s %s '%s' name=%s kind=%s [%s] %zu %s", seam_http_version(x),
                     seam_http_method(x), seam_http_target(x), seam_http_path(x),
                     name ? name : "(none)", kind ? kind : "(none)", body, size,
                     strncmp(seam_http_peer(x), "127.0.0.1:", 10) == 0 ? "tcp"
                                                                       : seam_http_peer(x));
}

/* By the path: what a handler can do. */
static void serve_parts(seam_http_exchange *x, void *arg)
{
    const char *path = seam_http_path(x);

    (void)arg;
    if (strcmp(path, "/nothing") == 0)
        return;
    if (strcmp(path, "/status") == 0) {
        seam_http_set_status(x, 204);
        seam_http_add_field(x, "X-A", "1");
        seam_http_add_field(x, "X-A", "2");
    } else if (strcmp(path, "/chunks") == 0) {
        seam_http_inform(x, 103, "Link: </a.css>");
        seam_http_add_field(x, "X-A", "1");
        seam_http_write(x, "ab", 2);
        seam_http_flush(x);
        seam_http_printf(x, "c%d", 1);
        seam_http_flush(x);
        seam_http_write(x, "e", 1);
        seam_http_add_trailer(x, "X-Sum", "3");
    } else if (strcmp(path, "/close") == 0) {
        seam_http_close(x);
    } else if (strcmp(path, "/words-and-close") == 0) {
        seam_http_write(x, "bye", 3);
        seam_http_close(x);
    } else if (strcmp(path, "/short") == 0) {
        seam_http_add_field(x, "Content-Length", "10");
        seam_http_write(x, "abc", 3);
    } else if (strcmp(path, "/reset") == 0) {
        seam_http_write(x, "abc", 3);
        seam_http_flush(x);
        seam_http_reset(x);
    }
}

/* ---- what comes in */

SEAM_TEST(server_shows_the_request)
{
    seam_http_server *server = seam_http_serve(t, show, NULL);
    int fd = caller_connect(t, server);

    caller_say(
        t, fd,
        "POST /a%20b/%C3%A4?x=1&na%6De=Ada+L%2e&name=2 HTTP/1.1\r\nHost: h\r\n"
        "X-Kind: odd\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    seam_check_contains(t, caller_hear(t, fd, "tcp"),
                        "\r\n\r\nHTTP/1.1 POST /a%20b/%C3%A4?x=1&na%6De=Ada+L%2e&name=2 "
                        "'/a b/\xc3\xa4' name=Ada L. kind=odd [abcde] 5 tcp");
    close(fd);
}

SEAM_TEST(server_keeps_connections)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);
    CURL *curl = caller_curl(heard);
    long connects;

    for (int i = 0; i < 3; i++) {
        seam_check_eq(t, caller_get(t, curl, heard, seam_http_url(server, "/")),
                      "Hello, World");
        curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
        seam_check_eq(t, connects, i == 0 ? 1L : 0L);
    }
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_answers_pipelined_requests)
{
    seam_http_server *server = seam_http_serve(t, show, NULL);
    const char *heard = caller_ask(t, server, GET("/a") GET("/b") GET_LAST("/c"));
    const char *a = strstr(heard, "GET /a"), *b = strstr(heard, "GET /b");
    const char *c = strstr(heard, "GET /c");

    seam_check(t, a && b && c && a < b && b < c);
}

/* ---- what goes out */

static const struct row {
    const char *target;
    const char *want;
} rows[] = {
    { "/nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n(end)" },
    { "/status",
      "HTTP/1.1 204 No Content\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n(end)" },
    { "/chunks",
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n"
      "Connection: close\r\n\r\n2\r\nab\r\n2\r\nc1\r\n1\r\ne\r\n0\r\nX-Sum: 3\r\n\r\n"
      "(end)" },
    { "/close", "(end)" },
    { "/words-and-close",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye(end)" },
    { "/short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc(end)" },
    { "/reset", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                "3\r\nabc\r\n(Connection reset by peer)" },
};

SEAM_SUBTEST(sends)
{
    const struct row *row = arg;
    seam_http_server *server = seam_http_serve(t, serve_parts, NULL);
    const char *request =
        seam_format(t, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", row->target);

    seam_check_str(t, caller_ask(t, server, request), row->want);
}

SEAM_TEST(server_sends_what_the_handler_says)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].target, sends, &rows[i]);
}

/* ---- more than one */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opens;
    bool open;
    atomic_int waiting;
};

static void wait_at_gate(seam_http_exchange *x, void *arg)
{
    struct gate *gate = arg;

    if (strcmp(seam_http_path(x), "/open") == 0) {
        pthread_mutex_lock(&gate->lock);
        gate->open = true;
        pthread_cond_broadcast(&gate->opens);
        pthread_mutex_unlock(&gate->lock);
        return;
    }
    pthread_mutex_lock(&gate->lock);
    gate->waiting++;
    while (!gate->open)
        pthread_cond_wait(&gate->opens, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

/* Twenty handlers block in a way that we do not see; the last request frees them. */
SEAM_TEST(server_serves_others_while_handlers_block)
{
    enum { CLIENTS = 20 };
    struct gate gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0 };
    seam_http_server *server = seam_http_serve(t, wait_at_gate, &gate);
    int fds[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = caller_connect(t, server);
        caller_say(t, fds[i], GET("/wait"));
    }
    seam_check_contains(t, caller_ask(t, server, GET_LAST("/open")), "HTTP/1.1 200 OK");
    for (int i = 0; i < CLIENTS; i++) {
        seam_check_contains(t, caller_hear(t, fds[i], "\r\n\r\n"), "HTTP/1.1 200 OK");
        close(fds[i]);
    }
    seam_check_lt(t, 0, (int)gate.waiting);
}

static void wait_long(seam_http_exchange *x, void *arg)
{
    (void)arg;
    if (strcmp(seam_http_path(x), "/wait") == 0)
        seam_http_wait(x, 60000);
}

SEAM_TEST(server_serves_others_while_one_waits)
{
    seam_http_server *server = seam_http_serve(t, wait_long, NULL);
    int waits = caller_connect(t, server);

    caller_say(t, waits, GET("/wait"));
    for (int i = 0; i < 20; i++)
        seam_check_contains(t, caller_ask(t, server, GET_LAST("/")), "HTTP/1.1 200 OK");
    seam_http_stop(server); /* ends the wait as well */
    seam_check_eq(t, caller_hear(t, waits, NULL),
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n(end)");
    close(waits);
}

static void ask_other(seam_http_exchange *x, void *arg)
{
    struct heard *heard = calloc(1, sizeof *heard);
    CURL *curl = caller_curl(heard);
    const char *body = caller_get(seam_http_test(x), curl, heard, arg);

    seam_http_respond(x, 200, NULL, body ? body : "(nothing)");
    curl_easy_cleanup(curl);
    free(heard);
}

SEAM_TEST(server_may_be_asked_by_the_handler_of_another)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *last = seam_http_serve(t, caller_greet, NULL);
    const char *url = seam_http_url(last, "/");
    CURL *curl = caller_curl(heard);

    for (int i = 0; i < 3; i++)
        url = seam_http_url(seam_http_serve(t, ask_other, (void *)url), "/");
    seam_check_eq(t, caller_get(t, curl, heard, url), "Hello, World");
    curl_easy_cleanup(curl);
}

static void count(seam_http_exchange *x, void *arg)
{
    atomic_int *counter = arg;

    (*counter)++;
    seam_check_eq(seam_http_test(x), seam_http_method(x), "GET");
    seam_http_respond(x, 200, NULL, "counted");
}

static void ask_often(seam_t *t, int index, void *arg)
{
    struct heard *heard = calloc(1, sizeof *heard);
    CURL *curl = caller_curl(heard);
    int good = 0;

    for (int i = 0; i < 200; i++) {
        const char *body = caller_get(t, curl, heard, arg);

        good += body && strcmp(body, "counted") == 0;
    }
    seam_check_eq(t, good, 200);
    seam_check_le(t, 0, index);
    curl_easy_cleanup(curl);
    free(heard);
}

SEAM_TEST(server_serves_threads)
{
    atomic_int counter = 0;
    seam_http_server *server = seam_http_serve(t, count, &counter);

    curl_global_init(CURL_GLOBAL_ALL);
    seam_threads(t, 2, ask_often, (void *)seam_http_url(server, "/"));
    seam_check_eq(t, (int)counter, 400);
}

static void add_one(seam_http_exchange *x, void *arg)
{
    int *sum = arg;

    (void)x;
    ++*sum;
}

/* A race to TSan, unless request and answer order what both sides do to memory. */
SEAM_TEST(server_orders_what_handler_and_test_do_to_memory)
{
    int sum = 0;
    seam_http_server *server = seam_http_serve(t, add_one, &sum);
    int fd = caller_connect(t, server);

    for (int i = 0; i < 10; i++) {
        sum++;
        caller_say(t, fd, GET("/"));
        caller_hear(t, fd, "\r\n\r\n");
        seam_check_eq(t, sum, 2 * i + 2);
    }
    close(fd);
}

/* ---- other sockets */

SEAM_TEST(server_listens_on_a_unix_socket)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, show, NULL, .unix_socket = "");
    seam_http_server *other = seam_http_serve(t, caller_greet, NULL, .unix_socket = "");
    CURL *curl = caller_curl(heard);

    seam_check_eq(t, seam_http_port(server), 0);
    seam_check_ne(t, seam_http_socket(server), seam_http_socket(other));
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, seam_http_socket(server));
    seam_check_eq(t, caller_get(t, curl, heard, seam_http_url(server, "/a")),
                  "HTTP/1.1 GET /a '/a' name=(none) kind=(none) [] 0 unix");
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, seam_http_socket(other));
    seam_check_eq(t, caller_get(t, curl, heard, seam_http_url(other, "/a")), "Hello, World");
    curl_easy_cleanup(curl);
    seam_http_stop(server);
    seam_check_eq(t, access(seam_http_socket(server), F_OK), -1);
}

SEAM_TEST(server_speaks_tls)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL, .tls = true);
    CURL *curl = caller_curl(heard);

    seam_check_match(t, seam_http_url(server, "/"), "^https://127.0.0.1:[0-9]+/$");
    seam_check_null(t, caller_get(t, curl, heard, seam_http_url(server, "/")));
    curl_easy_setopt(curl, CURLOPT_CAINFO, seam_http_ca_file(t));
    seam_check_eq(t, caller_get(t, curl, heard, seam_http_url(server, "/")), "Hello, World");
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_tells_a_client_that_uses_the_wrong_scheme)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL, .tls = true);

    seam_check_contains(t, caller_ask(t, server, GET("/")),
                        "\r\n\r\nthe client speaks HTTP, but this is for HTTPS\n(end)");
}

/* ---- bad input */

static const struct row wrong[] = {
    { "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n" },
    { "GET / HTTP/3.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n" },
    { "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n",
      "HTTP/1.1 413 Content Too Large\r\n" },
    { "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 501 Not Implemented\r\n" },
};

SEAM_TEST(server_refuses_what_is_no_request)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);
    char *many = seam_alloc(t, 80000);

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        seam_check_contains(t, caller_ask(t, server, wrong[i].target), wrong[i].want);
    memset(many, 'a', 70000);
    memcpy(many, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
    seam_check_contains(t, caller_ask(t, server, many),
                        "HTTP/1.1 431 Request Header Fields Too Large\r\n");
}
