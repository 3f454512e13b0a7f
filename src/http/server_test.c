/* http/server_test.c - servers of a test, by raw sockets and by libcurl. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../link/*.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../net/*.c ../wire/*.c ../test/trial_test.c
//seam:pkg-config openssl
//seam:pkg-config libnghttp2
//seam:pkg-config libcurl

#include <curl/curl.h>
#include <seam/http.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events/agent_link.h"
#include "http/server.h"
#include "test/state.h"
#include "test/trial_test.h"

enum { HEARD_MAX = 65536 };

/* ---- clients */

static int call_tcp(seam_t *t, seam_http_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)seam_http_port(server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = 5 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    seam_require_ok(t, connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

static void say(seam_t *t, int fd, const char *text)
{
    seam_require_eq(t, send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes until `end` stands there, or the connection ends. */
static const char *hear(seam_t *t, int fd, const char *end)
{
    char *text = seam_alloc(t, HEARD_MAX);
    size_t at = 0;

    while (at < HEARD_MAX - 1 && (!end || !strstr(text, end))) {
        ssize_t size = recv(fd, text + at, HEARD_MAX - 1 - at, 0);

        if (size < 0)
            return seam_format(t, "%s(%s)", text, strerror(errno));
        if (size == 0)
            return seam_format(t, "%s(end)", text);
        at += (size_t)size;
    }
    return text;
}

/* Send all of it, and all that comes until the server ends the connection. */
static const char *ask(seam_t *t, seam_http_server *server, const char *text)
{
    int fd = call_tcp(t, server);
    const char *heard;

    say(t, fd, text);
    heard = hear(t, fd, NULL);
    close(fd);
    return heard;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_LAST(target) "GET " target " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

struct heard {
    char text[HEARD_MAX];
    size_t size;
};

static size_t keep(char *data, size_t size, size_t count, void *arg)
{
    struct heard *heard = arg;

    if (heard->size + size * count >= sizeof heard->text)
        return 0;
    memcpy(heard->text + heard->size, data, size * count);
    heard->size += size * count;
    heard->text[heard->size] = '\0';
    return size * count;
}

static CURL *new_curl(struct heard *heard)
{
    CURL *curl = curl_easy_init();

    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, heard);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}

/* The body of a GET by libcurl; NULL when there is none, with its words in the log. */
static const char *get(seam_t *t, CURL *curl, struct heard *heard, const char *url)
{
    CURLcode code;

    heard->size = 0;
    heard->text[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        return heard->text;
    seam_log(t, "%s", curl_easy_strerror(code));
    return NULL;
}

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

static void greet(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 200, "text/plain", "Hello, World");
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
    int fd = call_tcp(t, server);

    say(t, fd,
        "POST /a%20b/%C3%A4?x=1&na%6De=Ada+L%2e&name=2 HTTP/1.1\r\nHost: h\r\n"
        "X-Kind: odd\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    seam_check_contains(t, hear(t, fd, "tcp"),
                        "\r\n\r\nHTTP/1.1 POST /a%20b/%C3%A4?x=1&na%6De=Ada+L%2e&name=2 "
                        "'/a b/\xc3\xa4' name=Ada L. kind=odd [abcde] 5 tcp");
    close(fd);
}

SEAM_TEST(server_keeps_connections)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, greet, NULL);
    CURL *curl = new_curl(heard);
    long connects;

    for (int i = 0; i < 3; i++) {
        seam_check_eq(t, get(t, curl, heard, seam_http_url(server, "/")), "Hello, World");
        curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
        seam_check_eq(t, connects, i == 0 ? 1L : 0L);
    }
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_answers_pipelined_requests)
{
    seam_http_server *server = seam_http_serve(t, show, NULL);
    const char *heard = ask(t, server, GET("/a") GET("/b") GET_LAST("/c"));
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

    seam_check_str(t, ask(t, server, request), row->want);
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
        fds[i] = call_tcp(t, server);
        say(t, fds[i], GET("/wait"));
    }
    seam_check_contains(t, ask(t, server, GET_LAST("/open")), "HTTP/1.1 200 OK");
    for (int i = 0; i < CLIENTS; i++) {
        seam_check_contains(t, hear(t, fds[i], "\r\n\r\n"), "HTTP/1.1 200 OK");
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
    int waits = call_tcp(t, server);

    say(t, waits, GET("/wait"));
    for (int i = 0; i < 20; i++)
        seam_check_contains(t, ask(t, server, GET_LAST("/")), "HTTP/1.1 200 OK");
    seam_http_stop(server); /* ends the wait as well */
    seam_check_eq(t, hear(t, waits, NULL),
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n(end)");
    close(waits);
}

static void ask_other(seam_http_exchange *x, void *arg)
{
    struct heard *heard = calloc(1, sizeof *heard);
    CURL *curl = new_curl(heard);
    const char *body = get(seam_http_test(x), curl, heard, arg);

    seam_http_respond(x, 200, NULL, body ? body : "(nothing)");
    curl_easy_cleanup(curl);
    free(heard);
}

SEAM_TEST(server_may_be_asked_by_the_handler_of_another)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *last = seam_http_serve(t, greet, NULL);
    const char *url = seam_http_url(last, "/");
    CURL *curl = new_curl(heard);

    for (int i = 0; i < 3; i++)
        url = seam_http_url(seam_http_serve(t, ask_other, (void *)url), "/");
    seam_check_eq(t, get(t, curl, heard, url), "Hello, World");
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
    CURL *curl = new_curl(heard);
    int good = 0;

    for (int i = 0; i < 200; i++) {
        const char *body = get(t, curl, heard, arg);

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
    int fd = call_tcp(t, server);

    for (int i = 0; i < 10; i++) {
        sum++;
        say(t, fd, GET("/"));
        hear(t, fd, "\r\n\r\n");
        seam_check_eq(t, sum, 2 * i + 2);
    }
    close(fd);
}

/* ---- other sockets */

SEAM_TEST(server_listens_on_a_unix_socket)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, show, NULL, .unix_socket = "");
    seam_http_server *other = seam_http_serve(t, greet, NULL, .unix_socket = "");
    CURL *curl = new_curl(heard);

    seam_check_eq(t, seam_http_port(server), 0);
    seam_check_ne(t, seam_http_socket(server), seam_http_socket(other));
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, seam_http_socket(server));
    seam_check_eq(t, get(t, curl, heard, seam_http_url(server, "/a")),
                  "HTTP/1.1 GET /a '/a' name=(none) kind=(none) [] 0 unix");
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, seam_http_socket(other));
    seam_check_eq(t, get(t, curl, heard, seam_http_url(other, "/a")), "Hello, World");
    curl_easy_cleanup(curl);
    seam_http_stop(server);
    seam_check_eq(t, access(seam_http_socket(server), F_OK), -1);
}

SEAM_TEST(server_speaks_tls)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, greet, NULL, .tls = true);
    CURL *curl = new_curl(heard);

    seam_check_match(t, seam_http_url(server, "/"), "^https://127.0.0.1:[0-9]+/$");
    seam_check_null(t, get(t, curl, heard, seam_http_url(server, "/")));
    curl_easy_setopt(curl, CURLOPT_CAINFO, seam_http_ca_file(t));
    seam_check_eq(t, get(t, curl, heard, seam_http_url(server, "/")), "Hello, World");
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_tells_a_client_that_uses_the_wrong_scheme)
{
    seam_http_server *server = seam_http_serve(t, greet, NULL, .tls = true);

    seam_check_contains(t, ask(t, server, GET("/")),
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
    seam_http_server *server = seam_http_serve(t, greet, NULL);
    char *many = seam_alloc(t, 80000);

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        seam_check_contains(t, ask(t, server, wrong[i].target), wrong[i].want);
    memset(many, 'a', 70000);
    memcpy(many, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
    seam_check_contains(t, ask(t, server, many),
                        "HTTP/1.1 431 Request Header Fields Too Large\r\n");
}

/* ---- failures and ends, each tried in a process of its own */

static void fail_a_check(seam_http_exchange *x, void *arg)
{
    int status = 1;

    (void)arg;
    seam_check_eq(seam_http_test(x), status, 2);
    seam_http_respond(x, 200, NULL, "still answered");
}

static void counts_checks(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, fail_a_check, NULL);

    seam_check_contains(t, ask(t, server, GET_LAST("/")), "still answered");
}

SEAM_TEST(server_counts_the_checks_of_a_handler)
{
    seam_check_match(t, trial_run(t, counts_checks, NULL),
                     "^error t: status\ngot:  1\nwant: 2\nend t fail\n$");
}

static void fail_for_good(seam_http_exchange *x, void *arg)
{
    if (strcmp(seam_http_path(x), "/sent") == 0)
        seam_http_flush(x);
    seam_http_write(x, "lost", 4);
    if (arg)
        seam_fatal(seam_http_test(x), "no way");
}

static void ends_a_handler(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, fail_for_good, t);
    const char *answer = ask(t, server, GET_LAST("/"));
    const char *cut = ask(t, server, GET_LAST("/sent"));

    seam_log(t, "%.12s %s", answer, strstr(answer, "\r\n\r\n") + 4);
    seam_log(t, "%s", strstr(cut, "\r\n\r\n") + 4);
}

SEAM_TEST(server_answers_500_when_a_fatal_ends_a_handler)
{
    trial_says(t, ends_a_handler,
               "error t: no way\n"
               "error t: no way\n"
               "log t: HTTP/1.1 500 a failure ended the handler; see the test's report\n(end)\n"
               "log t: (Connection reset by peer)\n"
               "end t fail\n");
}

static void misuse(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_add_field(x, "X", "a\r\nb");
    seam_http_set_status(x, 100);
    seam_http_inform(x, 103, "no field");
    seam_http_flush(x);
    seam_http_set_status(x, 201);
}

static void misuses(seam_t *t)
{
    ask(t, seam_http_serve(t, misuse, NULL), GET_LAST("/a"));
}

SEAM_TEST(server_says_what_a_handler_cannot_do)
{
    trial_says(
        t, misuses,

        "error t: seam_http_add_field: 'X: a\r\nb' is no field: a name is one word, a value "
        "one line\n"
        "error t: seam_http_set_status: 100 is no status of an answer: 200 to 999\n"
        "error t: seam_http_inform: 'no field' is not 'Name: value'\n"
        "error t: seam_http_set_status: the status and fields of the answer to GET /a have "
        "been sent; call it before seam_http_flush\n"
        "end t fail\n");
}

static void says_malformed(seam_t *t)
{
    ask(t, seam_http_serve(t, greet, NULL), "HELO\r\n\r\n");
}

SEAM_TEST(server_reports_a_malformed_request)
{
    seam_check_match(t, trial_run(t, says_malformed, NULL),
                     "^log t: a request from '127.0.0.1:[0-9]+' was answered with 400: the "
                     "request line is not 'method target version': 'HELO'\nend t pass\n$");
}

struct blocked {
    pthread_mutex_t lock;
    pthread_cond_t runs;
    bool is_running;
};

/* Blocks until the server has said so, which is what it waits for. */
static void block(seam_http_exchange *x, void *arg)
{
    struct blocked *blocked = arg;

    pthread_mutex_lock(&blocked->lock);
    blocked->is_running = true;
    pthread_cond_broadcast(&blocked->runs);
    pthread_mutex_unlock(&blocked->lock);
    while (!seam_failed(seam_http_test(x)))
        poll(NULL, 0, 1);
}

static void blocks(seam_t *t)
{
    static struct blocked blocked = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                                      false };
    seam_http_server *server = seam_http_serve(t, block, &blocked);
    int fd = call_tcp(t, server);

    http_server_patience_ms = 50;
    say(t, fd, GET("/slow"));
    pthread_mutex_lock(&blocked.lock);
    while (!blocked.is_running)
        pthread_cond_wait(&blocked.runs, &blocked.lock);
    pthread_mutex_unlock(&blocked.lock);
    seam_http_stop(server);
    close(fd);
}

SEAM_TEST(server_names_the_handler_that_blocks_its_end)
{
    seam_check_match(t, trial_run(t, blocks, NULL),
                     "^error t: this server cannot stop: for 50 ms it has waited for the "
                     "handler that answers GET /slow of '127.0.0.1:[0-9]+'\nend t fail\n$");
}

static void starts_in_vain(seam_t *t)
{
    seam_http_serve(t, greet, NULL, .unix_socket = "/nowhere/socket");
}

SEAM_TEST(server_says_why_it_cannot_start)
{
    trial_says(
        t, starts_in_vain,

        "error t: cannot start a server: cannot listen on '/nowhere/socket': No such file "
        "or directory\n"
        "end t fail\n");
}

static void starts_without_tls(seam_t *t)
{
    seam_http_serve(t, greet, NULL, .client_ca = "ca.pem");
}

SEAM_TEST(server_says_that_client_ca_needs_tls)
{
    trial_says(t, starts_without_tls,
               "error t: cannot start a server: .client_ca 'ca.pem' needs .tls\n"
               "end t fail\n");
}

SEAM_TEST(server_stops_before_the_test_ends)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, greet, NULL);
    CURL *curl = new_curl(heard);

    seam_check(t, get(t, curl, heard, seam_http_url(server, "/")));
    seam_http_stop(server);
    seam_http_stop(server);
    seam_check_null(t, get(t, curl, heard, seam_http_url(server, "/")));
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_closes_connections_and_goes_on)
{
    seam_http_server *server = seam_http_serve(t, greet, NULL);
    int fd = call_tcp(t, server);

    say(t, fd, GET("/"));
    hear(t, fd, "World");
    seam_http_close_connections(server);
    seam_check_match(t, hear(t, fd, NULL), "^\\((end|Connection reset by peer)\\)$");
    seam_check_contains(t, ask(t, server, GET_LAST("/")), "Hello, World");
    close(fd);
}

/* It has the descriptors no more, and must not stop what is its parent's. */
SEAM_TEST(server_belongs_to_the_process_that_started_it)
{
    seam_http_server *server = seam_http_serve(t, greet, NULL, .unix_socket = "");
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        seam_http_stop(server);
        _exit(0);
    }
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    seam_check_eq(t, status, 0);
    seam_check_ok(t, access(seam_http_socket(server), F_OK));
}

/* Blocks until a connection that lay idle has been closed. */
static void hear_end(seam_http_exchange *x, void *arg)
{
    const int *idle = arg;

    (void)x;
    while (recv(*idle, (char[1]){ 0 }, 1, 0) > 0)
        ;
}

SEAM_TEST(server_closes_idle_connections_before_it_waits_for_handlers)
{
    int idle = -1;
    seam_http_server *server = seam_http_serve(t, hear_end, &idle);
    int busy = call_tcp(t, server);

    idle = call_tcp(t, server);
    http_server_patience_ms = 1000;
    say(t, busy, GET("/"));
    seam_http_stop(server);
    hear(t, busy, NULL);
    close(busy);
    close(idle);
}

static void serves_one(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, wait_long, NULL);

    seam_check_contains(t, ask(t, server, GET_LAST("/")), "HTTP/1.1 200 OK");
}

SEAM_TEST(server_leaves_nothing_behind)
{
    static const struct trial_options leaks = { .flags = AGENT_LEAKS };

    const char *said = trial_run(t, serves_one, &leaks);

    seam_check_contains(t, said, "2 descriptors open: 3 pipe, 4 pipe\n"); /* the trial's own */
    seam_check(t, !strstr(said, "thread"));
}

static void *sleep_on(void *arg)
{
    pause();
    return arg;
}

static void leaves_a_thread(seam_t *t)
{
    pthread_t thread;

    serves_one(t);
    pthread_create(&thread, NULL, sleep_on, NULL);
    pthread_detach(thread);
}

SEAM_TEST(server_threads_are_not_those_that_a_test_leaves)
{
    static const struct trial_options leaks = { .flags = AGENT_LEAKS };

    if (crash_is_sanitized())
        seam_skip(t, "threads are not counted beside those of a sanitizer");
    seam_check_contains(t, trial_run(t, leaves_a_thread, &leaks), "left 1 thread running");
}
