/*
 * http_test.c - how long Seam's servers and mocks take; run by bench/parts/http.sh.
 *
 * Each test appends a figure, mostly the median of $BENCH_COUNT, to a file in the folder that BENCH_FIGURES
 * names.
 */
//seam:build bench
//seam:pkg-config libcurl
//seam:sources ../figure.c
//seam:cflags -I..

#include <seam/http.h>
#include <seam/http_mock.h>
#include <seam/seam.h>

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figure.h"

SEAM_CLEANUP_FN(cleanup, curl_easy_cleanup, CURL *);

/* ---- in subtests, which give back what their requests have left */

enum { BATCH = 200 };

struct batch {
    void (*call)(seam_t *t, void *arg, int number);
    void *arg;
    double *us; /* NULL: not noted */
    int begin;
    int end;
};

SEAM_SUBTEST(run_batch)
{
    const struct batch *batch = arg;

    for (int i = batch->begin; i < batch->end; i++) {
        double begin = now_us();

        batch->call(t, batch->arg, i);
        if (batch->us)
            batch->us[i] = now_us() - begin;
    }
}

/* Call it so many times, and a tenth as often before, and note how long each of them took. */
static double *repeat(seam_t *t, void (*call)(seam_t *t, void *arg, int number), void *arg,
                      int count)
{
    double *us = seam_alloc(t, (size_t)count * sizeof *us);
    struct batch batch = { call, arg, NULL, 0, count / 10 + 1 };

    seam_run(t, "warm-up", run_batch, &batch);
    batch.us = us;
    for (batch.begin = 0; batch.begin < count; batch.begin = batch.end) {
        batch.end = batch.begin + BATCH < count ? batch.begin + BATCH : count;
        seam_run(t, "batch", run_batch, &batch);
    }
    return us;
}

/* ---- servers */

static void hello(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 200, "text/plain", "hello");
}

static void get(seam_t *t, const seam_http_server *server)
{
    seam_require_str(t, seam_http_get(t, seam_http_url(server, "/"))->body, "hello");
}

static void start_close(seam_t *t, void *arg, int number)
{
    (void)arg;
    (void)number;
    seam_http_stop(seam_http_serve(t, hello, NULL));
}

static void start_get_close(seam_t *t, void *arg, int number)
{
    seam_http_server *server = seam_http_serve(t, hello, NULL, .tls = arg != NULL);

    (void)number;
    get(t, server);
    seam_http_stop(server);
}

static void get_again(seam_t *t, void *arg, int number)
{
    (void)number;
    get(t, arg);
}

SEAM_TEST(server_start_close)
{
    int count = count_of(2000);

    figure(t, "start-close", median(repeat(t, start_close, NULL, count), count));
}

SEAM_TEST(server_get)
{
    int count = count_of(2000);

    figure(t, "get", median(repeat(t, start_get_close, NULL, count), count));
}

SEAM_TEST(server_tls_get)
{
    int count = count_of(500);

    figure(t, "tls-get", median(repeat(t, start_get_close, "tls", count), count));
}

SEAM_TEST(server_keep_alive)
{
    int count = count_of(20000);
    seam_http_server *server = seam_http_serve(t, hello, NULL);

    figure(t, "keep-alive", median(repeat(t, get_again, server, count), count));
}

/* What was bound, used and closed still counts against the ports of 127.0.0.1 for a minute. */
SEAM_TEST(server_many)
{
    int count = 20 * count_of(1000);
    double *us = repeat(t, start_get_close, NULL, count);

    figure(t, "many.first", median(us, count / 20));
    figure(t, "many.last", median(us + count - count / 20, count / 20));
}

/* For wrk: the URL goes into the FIFO BENCH_URL, and the end of the FIFO BENCH_STOP is the end. */
SEAM_TEST(server_serve)
{
    seam_http_server *server = seam_http_serve(t, hello, NULL);
    const char *url = seam_format(t, "%s\n", seam_http_url(server, "/"));
    char byte;
    int fd;

    seam_require(t, getenv("BENCH_URL") && getenv("BENCH_STOP"));
    fd = open(getenv("BENCH_URL"), O_WRONLY | O_CLOEXEC);
    seam_require(t, fd >= 0);
    seam_require_eq(t, write(fd, url, strlen(url)), (ssize_t)strlen(url));
    close(fd);
    fd = open(getenv("BENCH_STOP"), O_RDONLY | O_CLOEXEC);
    seam_require(t, fd >= 0);
    seam_check_eq(t, read(fd, &byte, 1), 0);
    close(fd);
}

/* ---- mocks */

static size_t take(char *data, size_t size, size_t count, void *body)
{
    memcpy(body, data, size * count < 3 ? size * count : 3);
    return size * count;
}

struct client {
    CURL *curl;
    const char *origin;
    int rules;
    char body[4];
};

static void use(struct client *client)
{
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client->body);
}

static void call(seam_t *t, void *arg, int number)
{
    struct client *client = arg;
    char url[64];

    snprintf(url, sizeof url, "%s/p/%06d", client->origin, number * 7919 % client->rules);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    memset(client->body, 0, sizeof client->body);
    seam_require_eq(t, curl_easy_perform(client->curl), CURLE_OK);
    seam_require_str(t, client->body, "ok");
}

/* A connection of its own, by a client that knows nothing of Seam. */
static void call_anew(seam_t *t, void *arg, int number)
{
    struct client *client = arg;

    client->curl = curl_easy_init();
    use(client);
    call(t, client, number);
    curl_easy_cleanup(client->curl);
}

static void start_mock(seam_t *t, const struct client *client)
{
    seam_http_mock *mock = seam_http_mock_start(t, client->origin);

    for (int i = 0; i < client->rules; i++)
        seam_http_expect(mock, .method = "GET", .path = seam_format(t, "/p/%06d", i),
                         .any_times = true, .reply = { { .body = "ok" } });
}

static void answer_calls(seam_t *t, int rules)
{
    struct client client = { curl_easy_init(), "http://api.test", rules, "" };
    int count = count_of(20000);

    seam_cleanup(t, cleanup, client.curl);
    use(&client);
    start_mock(t, &client);
    figure(t, seam_format(t, "mock-%d", rules), median(repeat(t, call, &client, count), count));
}

SEAM_TEST(mock_1)
{
    answer_calls(t, 1);
}

SEAM_TEST(mock_100)
{
    answer_calls(t, 100);
}

SEAM_TEST(mock_1000)
{
    answer_calls(t, 1000);
}

SEAM_TEST(mock_https)
{
    struct client client = { NULL, "https://api.test", 1, "" };
    int count = count_of(500);

    start_mock(t, &client);
    figure(t, "mock-https", median(repeat(t, call_anew, &client, count), count) / 1e3);
}

/* ---- calls that are none of ours, on descriptors that the kernel is done with at once */

typedef ssize_t send_fn(int fd, const void *data, size_t size, int flags);
typedef ssize_t read_fn(int fd, void *data, size_t size);

static double send_ns(send_fn *fn, int fd, int count)
{
    double begin = now_us();

    for (int i = 0; i < count; i++)
        fn(fd, "", 0, MSG_NOSIGNAL);
    return (now_us() - begin) * 1e3 / count;
}

static double read_ns(read_fn *fn, int fd, int count)
{
    double begin = now_us();
    char byte;

    for (int i = 0; i < count; i++)
        if (fn(fd, &byte, 1) != 0)
            return 1e9;
    return (now_us() - begin) * 1e3 / count;
}

/* Beside libc's own, in turn, while a mock is there. */
SEAM_TEST(foreign)
{
    enum { TURNS = 41 };
    struct client client = { NULL, "http://api.test", 1, "" };
    double sends[TURNS], reads[TURNS];
    int count = count_of(10000), null = open("/dev/null", O_RDONLY | O_CLOEXEC), pair[2];
    send_fn *libc_send;
    read_fn *libc_read;

    *(void **)&libc_send = dlsym(RTLD_NEXT, "send");
    *(void **)&libc_read = dlsym(RTLD_NEXT, "read");
    seam_require(t, libc_send && libc_read && null >= 0);
    seam_require_ok(t, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    start_mock(t, &client);
    for (int i = 0; i < TURNS; i++) {
        sends[i] = send_ns(send, pair[0], count) - send_ns(libc_send, pair[0], count);
        reads[i] = read_ns(read, null, count) - read_ns(libc_read, null, count);
    }
    figure(t, "foreign-send", median(sends, TURNS));
    figure(t, "foreign-read", median(reads, TURNS));
    close(null);
    close(pair[0]);
    close(pair[1]);
}
