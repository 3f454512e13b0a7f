/* http/mock/mock_test.c - mocks, called by libcurl and over raw sockets: answers, delays, faults, the journal. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libcurl

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <seam/http_mock.h>
#include <seam/net.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- a program with libcurl */

struct got {
    CURLcode code;
    long status;
    char head[4096]; /* all status lines and fields */
    char body[65536];
    size_t size;
};

struct client {
    CURL *easy;
    struct got got;
};

static size_t keep_head(char *data, size_t one, size_t size, void *arg)
{
    struct got *got = arg;
    size_t before = strlen(got->head);

    (void)one;
    if (before + size < sizeof got->head)
        memcpy(got->head + before, data, size);
    return size;
}

static size_t keep_body(char *data, size_t one, size_t size, void *arg)
{
    struct got *got = arg;

    (void)one;
    if (got->size + size >= sizeof got->body)
        return 0;
    memcpy(got->body + got->size, data, size);
    got->size += size;
    return size;
}

static void free_client(void *arg)
{
    struct client *client = arg;

    curl_easy_cleanup(client->easy);
}

static struct client *new_client(seam_t *t)
{
    struct client *client = seam_alloc(t, sizeof *client);

    client->easy = curl_easy_init();
    seam_cleanup(t, free_client, client);
    return client;
}

static const struct got *perform(struct client *client, const char *url)
{
    memset(&client->got, 0, sizeof client->got);
    curl_easy_setopt(client->easy, CURLOPT_URL, url);
    curl_easy_setopt(client->easy, CURLOPT_HEADERFUNCTION, keep_head);
    curl_easy_setopt(client->easy, CURLOPT_HEADERDATA, &client->got);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, &client->got);
    client->got.code = curl_easy_perform(client->easy);
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &client->got.status);
    return &client->got;
}

static const struct got *get(seam_t *t, const char *url)
{
    return perform(new_client(t), url);
}

static const struct got *post(seam_t *t, const char *url, const char *json)
{
    struct client *client = new_client(t);
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/json");
    const struct got *got;

    curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, fields);
    got = perform(client, url);
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(fields);
    return got;
}

/* ---- a program with sockets */

static int dial(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* Send, and read until the end, or until nothing comes for so long. Returns what ended it: 0, or errno. */
static int say(int fd, const char *words, char *ret, size_t room, int quiet_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    size_t size = 0;
    ssize_t n;

    send(fd, words, strlen(words), MSG_NOSIGNAL);
    *ret = '\0';
    while (poll(&ready, 1, quiet_ms) > 0) {
        n = recv(fd, ret + size, room - size - 1, 0);
        if (n <= 0)
            return n < 0 ? errno : 0;
        size += (size_t)n;
        ret[size] = '\0';
    }
    return ETIMEDOUT;
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- answers */

SEAM_TEST(a_mock_with_a_url_of_its_own_answers)
{
    seam_http_mock *mock = seam_http_mock_start(t, NULL);
    const struct got *got;

    seam_http_expect(mock, .method = "GET", .path = "/users/1",
                     .reply = { { .status = 201,
                                  .header = { "X-One: 1", "X-Two: 2" },
                                  .json = "{'name': 'Ada'}" } });
    got = get(t, seam_http_mock_url(mock, "/users/1"));
    seam_check_eq(t, got->code, CURLE_OK);
    seam_check_eq(t, got->status, 201);
    seam_check_json(t, got->body, "{'name': 'Ada'}");
    seam_check_contains(t, got->head, "HTTP/1.1 201 Created\r\n");
    seam_check_contains(t, got->head, "X-One: 1\r\n");
    seam_check_contains(t, got->head, "X-Two: 2\r\n");
    seam_check_contains(t, got->head, "application/json");
}

SEAM_TEST(an_origin_is_answered_over_tls_to_a_default_handle)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    const struct got *got;

    seam_http_expect(pay, .method = "POST", .path = "/v1/charges",
                     .json = "{'amount': 4200, 'currency': 'EUR'}",
                     .reply = { { .status = 429, .header = { "Retry-After: 0" } },
                                { .json = "{'id': 'ch_1'}" } });
    got = post(t, "https://api.pay.test/v1/charges", "{\"currency\":\"EUR\",\"amount\":4200}");
    seam_check_eq(t, got->code, CURLE_OK);
    seam_check_eq(t, got->status, 429);
    got = post(t, "https://api.pay.test/v1/charges", "{\"currency\":\"EUR\",\"amount\":4200}");
    seam_check_eq(t, got->status, 200);
    seam_check_json(t, got->body, "{'id': 'ch_1'}");
}

SEAM_TEST(addresses_ports_and_families_of_names_are_origins)
{
    seam_http_mock *address = seam_http_mock_start(t, "http://10.0.0.7:8080");
    seam_http_mock *names = seam_http_mock_start(t, "http://.shop.test");

    seam_http_expect(address, .path = "/a", .reply = { { .body = "address" } });
    seam_http_expect(names, .host = "eu.shop.test", .reply = { { .body = "europe" } });
    seam_http_expect(names, .host = "us.shop.test", .reply = { { .body = "america" } });
    seam_check_str(t, get(t, "http://10.0.0.7:8080/a")->body, "address");
    seam_check_str(t, get(t, "http://us.shop.test/")->body, "america");
    seam_check_str(t, get(t, "http://eu.shop.test/")->body, "europe");
    seam_check_eq(t, seam_http_mock_call(names, 0)->url, "http://us.shop.test/");
}

SEAM_TEST(a_kept_connection_is_used_again)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);
    long connections = 0;

    seam_http_expect(mock, .any_times = true, .reply = { { .body = "again" } });
    for (int i = 0; i < 20; i++) {
        seam_check_str(t, perform(client, "http://api.test/")->body, "again");
        curl_easy_getinfo(client->easy, CURLINFO_NUM_CONNECTS, &connections);
        seam_check_eq(t, connections, i == 0);
    }
}

SEAM_TEST(requests_that_come_together_are_answered_in_order)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    char got[4096];
    int fd = dial("api.test", "80");

    seam_http_expect(mock, .path = "/a", .reply = { { .body = "first", .delay_ms = 20 } });
    seam_http_expect(mock, .path = "/b", .reply = { { .body = "second" } });
    say(fd,
        "GET /a HTTP/1.1\r\nHost: api.test\r\n\r\n"
        "GET /b HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n",
        got, sizeof got, 5000);
    close(fd);
    seam_check_match(t, got, "(?s)first.*second");
}

SEAM_TEST(an_unmatched_request_of_a_lenient_mock_gets_501)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test", .lenient = true);
    const struct got *got = get(t, "http://api.test/x?y=1");

    (void)mock;
    seam_check_eq(t, got->status, 501);
    seam_check_str(t, got->body,
                   "seam: GET http://api.test/x?y=1: no rule of this mock matches; see the "
                   "report of the test\n");
}

SEAM_TEST(a_reply_has_trailers_and_answers_before_it)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const struct got *got;

    seam_http_expect(mock, .reply = { { .body = "whole",
                                        .trailer = "X-Sum: 12",
                                        .inform = "Link: </a.css>; rel=preload" } });
    got = get(t, "http://api.test/");
    seam_check_str(t, got->body, "whole");
    seam_check_match(t, got->head,
                     "(?s)HTTP/1.1 103 .*Link: </a.css>.*HTTP/1.1 200 .*chunked.*X-Sum: 12");
}

SEAM_TEST(a_reply_to_head_has_no_body)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);
    const struct got *got;

    seam_http_expect(mock, .any_times = true, .reply = { { .body = "eleven byte" } });
    curl_easy_setopt(client->easy, CURLOPT_NOBODY, 1L);
    got = perform(client, "http://api.test/");
    seam_check_eq(t, got->code, CURLE_OK);
    seam_check_eq(t, got->size, 0);
    seam_check_contains(t, got->head, "Content-Length: 11\r\n");
}

static void echo_body(seam_http_exchange *x, void *arg)
{
    size_t size;
    const char *body = seam_http_body(x, &size);

    seam_http_set_status(x, 202);
    seam_http_add_field(x, "X-Arg", arg);
    seam_http_write(x, body, size);
}

static bool is_long(const seam_http_exchange *x, void *arg)
{
    size_t size;

    seam_http_body(x, &size);
    return size > *(size_t *)arg;
}

SEAM_TEST(rules_and_replies_may_be_code)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");
    static size_t limit = 3;
    const struct got *got;

    seam_http_expect(mock, .matches = is_long, .arg = &limit,
                     .reply = { { .fn = echo_body, .arg = "long" } });
    seam_http_expect(mock, .reply = { { .fn = echo_body, .arg = "short" } });
    got = post(t, "https://api.test/", "1234");
    seam_check_eq(t, got->status, 202);
    seam_check_str(t, got->body, "1234");
    seam_check_contains(t, got->head, "X-Arg: long");
    got = post(t, "https://api.test/", "123");
    seam_check_contains(t, got->head, "X-Arg: short");
    seam_check_eq(t, seam_http_mock_call(mock, 1)->status, 202);
}

static void ask_other(seam_http_exchange *x, void *arg)
{
    CURL *easy = curl_easy_init();
    struct got got = { 0 };

    curl_easy_setopt(easy, CURLOPT_URL, (const char *)arg);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got);
    curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    seam_http_respond(x, 200, "text/plain", got.body);
}

SEAM_TEST(a_handler_may_call_another_mock)
{
    seam_http_mock *outer = seam_http_mock_start(t, "http://outer.test");
    seam_http_mock *inner = seam_http_mock_start(t, "http://inner.test");

    seam_http_expect(outer, .reply = { { .fn = ask_other, .arg = "http://inner.test/" } });
    seam_http_expect(inner, .reply = { { .body = "from within", .delay_ms = 5 } });
    seam_check_str(t, get(t, "http://outer.test/")->body, "from within");
}

/* ---- time */

SEAM_TEST(a_delay_comes_before_the_answer)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    long begin = now_ms();

    seam_http_expect(mock, .reply = { { .body = "late", .delay_ms = 60 },
                                      { .body = "later", .delay_ms = 1, .delay_max_ms = 3 } });
    seam_check_str(t, get(t, "http://api.test/")->body, "late");
    seam_check_le(t, 60, now_ms() - begin);
    seam_check_str(t, get(t, "http://api.test/")->body, "later");
}

SEAM_TEST(a_client_that_gives_up_does_no_harm)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);

    seam_http_expect(mock, .times = 2, .reply = { { .body = "late", .delay_ms = 500 } });
    curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, 200L);
    seam_check_eq(t, perform(client, "http://api.test/")->code, CURLE_OPERATION_TIMEDOUT);
    curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, 5000L);
    seam_check_str(t, perform(client, "http://api.test/")->body, "late");
    seam_check_eq(t, seam_http_mock_call(mock, 0)->status, 0);
    seam_check_eq(t, seam_http_mock_call(mock, 1)->status, 200);
}

SEAM_TEST(a_delay_ends_with_the_test)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);

    seam_http_expect(mock, .reply = { { .body = "never", .delay_ms = 3600000 } });
    curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, 200L);
    seam_check_eq(t, perform(client, "http://api.test/")->code, CURLE_OPERATION_TIMEDOUT);
}

SEAM_TEST(a_body_drips)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    long begin = now_ms();
    const struct got *got;

    seam_http_expect(mock,
                     .reply = { { .body = "0123456789", .drip_bytes = 3, .drip_ms = 10 } });
    got = get(t, "http://api.test/");
    seam_check_str(t, got->body, "0123456789");
    seam_check_contains(t, got->head, "Content-Length: 10\r\n");
    seam_check_le(t, 40, now_ms() - begin);
}

/* ---- faults */

SEAM_TEST(connections_are_refused_unreachable_and_unknown)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");
    struct client *client = new_client(t);

    seam_http_expect(mock, .reply = { { .fault = SEAM_HTTP_REFUSE },
                                      { .fault = SEAM_HTTP_UNKNOWN_HOST },
                                      { .fault = SEAM_HTTP_UNREACHABLE },
                                      { .body = "back" } });
    curl_easy_setopt(client->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    seam_check_eq(t, perform(client, "https://api.test/")->code, CURLE_COULDNT_CONNECT);
    seam_check_eq(t, perform(client, "https://api.test/")->code, CURLE_COULDNT_RESOLVE_HOST);
    curl_easy_setopt(client->easy, CURLOPT_CONNECTTIMEOUT_MS, 200L);
    seam_check_eq(t, perform(client, "https://api.test/")->code, CURLE_OPERATION_TIMEDOUT);
    seam_check_str(t, perform(client, "https://api.test/")->body, "back");
    seam_check_eq(t, seam_http_mock_count(mock), 1);
}

SEAM_TEST(a_kept_connection_does_not_hide_a_refusal)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);

    seam_http_expect(
        mock,
        .reply = { { .body = "up" }, { .fault = SEAM_HTTP_REFUSE }, { .body = "up again" } });
    seam_check_str(t, perform(client, "http://api.test/")->body, "up");
    seam_check_contains(t, client->got.head, "Connection: close\r\n");
    seam_check_eq(t, perform(client, "http://api.test/")->code, CURLE_COULDNT_CONNECT);
    seam_check_str(t, perform(client, "http://api.test/")->body, "up again");
}

SEAM_TEST(certificates_have_flaws)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");

    seam_http_expect(mock, .reply = { { .fault = SEAM_HTTP_TLS_EXPIRED },
                                      { .fault = SEAM_HTTP_TLS_WRONG_NAME },
                                      { .fault = SEAM_HTTP_TLS_UNKNOWN_CA },
                                      { .body = "sound" } });
    for (int i = 0; i < 3; i++)
        seam_check_eq(t, get(t, "https://api.test/")->code, CURLE_PEER_FAILED_VERIFICATION);
    seam_check_str(t, get(t, "https://api.test/")->body, "sound");
}

struct cut {
    const char *name;
    const char *origin;
    seam_http_reply reply;
    CURLcode code;
    size_t body; /* bytes of it that came */
};

/* The head of the answer is 45 bytes: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" and so on. */
static const struct cut cuts[] = {
    { "reset at once",
      "http://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_RESET },
      CURLE_RECV_ERROR,
      0 },
    { "reset in the body",
      "http://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_RESET, .fault_after = 44 },
      CURLE_RECV_ERROR,
      5 },
    { "reset over TLS",
      "https://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_RESET, .fault_after = 44 },
      CURLE_RECV_ERROR,
      5 },
    { "empty reply", "http://api.test", { .fault = SEAM_HTTP_CLOSE }, CURLE_GOT_NOTHING, 0 },
    { "closed in the body",
      "http://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_CLOSE, .fault_after = 42 },
      CURLE_PARTIAL_FILE,
      3 },
    { "closed in the body, slowly",
      "http://api.test",
      { .body = "0123456789",
        .fault = SEAM_HTTP_CLOSE,
        .fault_after = 42,
        .drip_bytes = 5,
        .drip_ms = 1 },
      CURLE_PARTIAL_FILE,
      3 },
    { "bad chunk",
      "http://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_BAD_CHUNK },
      CURLE_RECV_ERROR,
      10 },
    { "garbage",
      "http://api.test",
      { .fault = SEAM_HTTP_GARBAGE },
      CURLE_UNSUPPORTED_PROTOCOL,
      0 },
    { "stall",
      "http://api.test",
      { .body = "0123456789", .fault = SEAM_HTTP_STALL, .fault_after = 41 },
      CURLE_OPERATION_TIMEDOUT,
      2 },
};

SEAM_SUBTEST(answer_is_cut)
{
    const struct cut *cut = arg;
    seam_http_mock *mock = seam_http_mock_start(t, cut->origin);
    struct client *client = new_client(t);
    const struct got *got;

    seam_http_expect(mock, .reply = { cut->reply });
    curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS,
                     cut->reply.fault == SEAM_HTTP_STALL ? 200L : 5000L);
    got = perform(client, seam_http_mock_url(mock, "/"));
    seam_log(t, "%s", curl_easy_strerror(got->code));
    seam_check_eq(t, got->code, cut->code);
    seam_check_eq(t, got->size, cut->body);
    seam_check_eq(t, seam_http_mock_call(mock, 0)->status, 0);
}

SEAM_TEST(answers_are_cut_at_any_byte)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        seam_run(t, cuts[i].name, answer_is_cut, &cuts[i]);
}

SEAM_TEST(a_reset_is_one_to_a_raw_socket)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    int fd = dial("api.test", "80");
    char got[1024];

    seam_http_expect(mock, .reply = { { .body = "0123456789", .fault = SEAM_HTTP_RESET } });
    seam_check_eq(t, say(fd, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", got, sizeof got, 5000),
                  ECONNRESET);
    close(fd);
}

/* ---- calls */

SEAM_TEST(calls_are_kept)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");
    const seam_http_call *call;

    seam_http_expect(mock, .method = "POST", .any_times = true, .reply = { { .status = 204 } });
    seam_check_eq(t, seam_http_mock_count(mock), 0);
    post(t, "https://api.test/a%20b?c=d", "{}");
    seam_require_eq(t, seam_http_mock_count(mock), 1);
    call = seam_http_mock_call(mock, 0);
    seam_check_eq(t, call->method, "POST");
    seam_check_eq(t, call->url, "https://api.test/a%20b?c=d");
    seam_check_eq(t, call->path, "/a b");
    seam_check_eq(t, call->body, "{}");
    seam_check_eq(t, call->size, 2);
    seam_check_eq(t, call->status, 204);
    seam_check_eq(t, call->fields[0].name, "Host");
    seam_check_eq(t, call->fields[0].value, "api.test");
    seam_check(t, strstr(call->rule.file, "mock_test.c"));
    seam_check_same(t, seam_http_mock_call(mock, 0), call);
    seam_check_null(t, seam_http_mock_call(mock, 1));
    seam_check_null(t, seam_http_mock_call(mock, -1));
}

SEAM_TEST(only_the_last_thousand_calls_are_kept)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct client *client = new_client(t);

    seam_http_expect(mock, .any_times = true, .reply = { { .status = 204 } });
    for (int i = 0; i < 1003; i++)
        perform(client, seam_format(t, "http://api.test/%d", i));
    seam_check_eq(t, seam_http_mock_count(mock), 1003);
    seam_check_null(t, seam_http_mock_call(mock, 2));
    seam_check_eq(t, seam_http_mock_call(mock, 3)->path, "/3");
    seam_check_eq(t, seam_http_mock_call(mock, 1002)->path, "/1002");
}

static pthread_t own_thread;

static void note_call(const seam_http_call *call, void *arg)
{
    char *notes = arg;

    snprintf(notes + strlen(notes), 100, "%s %s %d%s\n", call->method, call->path, call->status,
             pthread_equal(pthread_self(), own_thread) ? " on the test's thread" : "");
}

SEAM_TEST(an_observer_has_seen_a_call_when_its_answer_is_there)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test", .lenient = true);
    char notes[1000] = "";

    own_thread = pthread_self();
    seam_http_mock_observe(mock, note_call, notes);
    seam_http_expect(mock, .path = "/a", .reply = { { .status = 201 } });
    seam_http_expect(mock, .path = "/b", .reply = { { .fn = echo_body, .arg = "x" } });
    get(t, "http://api.test/a");
    seam_check_str(t, notes, "GET /a 201\n");
    get(t, "http://api.test/b");
    seam_check_str(t, notes, "GET /a 201\nGET /b 202\n");
    get(t, "http://api.test/c");
    seam_check_str(t, notes, "GET /a 201\nGET /b 202\nGET /c 501\n");
    seam_http_mock_observe(mock, NULL, NULL);
}

SEAM_TEST(a_reset_mock_has_no_rules_and_no_calls)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");

    for (int row = 0; row < 3; row++) {
        seam_http_expect(mock, .reply = { { .status = 200 + row }, { .status = 500 } });
        seam_check_eq(t, get(t, "http://api.test/")->status, 200 + row);
        seam_check_eq(t, seam_http_mock_count(mock), 1);
        seam_http_mock_reset(mock);
        seam_check_eq(t, seam_http_mock_count(mock), 0);
    }
}

/* ---- threads */

static void call_often(seam_t *t, int index, void *arg)
{
    CURL *easy = curl_easy_init();
    struct got *got = malloc(sizeof *got);

    (void)index;
    for (int i = 0; i < 100; i++) {
        *got = (struct got){ 0 };
        curl_easy_setopt(easy, CURLOPT_URL, (const char *)arg);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, got);
        seam_check_eq(t, curl_easy_perform(easy), CURLE_OK);
        seam_check_str(t, got->body, "hello");
    }
    free(got);
    curl_easy_cleanup(easy);
}

SEAM_TEST(threads_call_at_once)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");

    seam_http_expect(mock, .times = 300, .reply = { { .body = "hello" } });
    seam_threads(t, 3, call_often, "https://api.test/");
    seam_check_eq(t, seam_http_mock_count(mock), 300);
}

/* ---- the real origin */

static void real(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_set_status(x, 203);
    seam_http_add_field(x, "X-Real", "yes");
    seam_http_add_field(x, "X-Target", seam_http_target(x));
    seam_http_add_field(x, "X-Host", seam_http_field(x, "Host"));
    seam_http_printf(x, "%s %s", seam_http_method(x), seam_http_body(x, NULL));
}

static const char *address_of(seam_t *t, const seam_http_server *server)
{
    return seam_format(t, "127.0.0.1:%d", seam_http_port(server));
}

SEAM_TEST(what_no_rule_answers_passes_to_the_real_origin)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const struct got *got;

    seam_http_mock_pass(mock, address_of(t, server), NULL);
    seam_http_expect(mock, .path = "/mocked", .reply = { { .body = "mocked" } });
    seam_check_str(t, get(t, "http://api.test/mocked")->body, "mocked");
    got = post(t, "http://api.test/a%20b?c=d", "{}");
    seam_check_eq(t, got->status, 203);
    seam_check_str(t, got->body, "POST {}");
    seam_check_contains(t, got->head, "X-Real: yes\r\n");
    seam_check_contains(t, got->head, "X-Target: /a%20b?c=d\r\n");
    seam_check_contains(t, got->head, "X-Host: api.test\r\n");
}

SEAM_TEST(an_overlay_replaces_what_it_has)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const seam_http_reply over = { .status = 418, .header = { "X-Real: no" } };
    const struct got *got;

    seam_http_mock_pass(mock, address_of(t, server), &over);
    got = get(t, "http://api.test/x");
    seam_check_eq(t, got->status, 418);
    seam_check_str(t, got->body, "GET ");
    seam_check_contains(t, got->head, "X-Real: no\r\n");
    seam_check(t, !strstr(got->head, "X-Real: yes"));
}

/* The same address leads the program to the mock and the mock to the server. */
SEAM_TEST(a_mock_stands_before_a_server)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock =
        seam_http_mock_start(t, seam_format(t, "http://localhost:%d", seam_http_port(server)));

    seam_http_mock_pass(mock, NULL, NULL);
    seam_http_expect(mock, .path = "/mocked", .reply = { { .body = "mocked" } });
    seam_check_str(t, get(t, seam_http_mock_url(mock, "/mocked"))->body, "mocked");
    seam_check_str(t, get(t, seam_http_mock_url(mock, "/x"))->body, "GET ");
    seam_check_eq(t, seam_http_mock_count(mock), 2);
}

SEAM_TEST(a_real_origin_is_reached_over_tls)
{
    seam_http_server *server = seam_http_serve(t, real, NULL, .tls = true);
    seam_http_mock *mock = seam_http_mock_start(t, "https://example.com");

    seam_http_mock_pass(mock, address_of(t, server), NULL);
    seam_check_str(t, post(t, "https://example.com/", "{}")->body, "POST {}");
}

/* ---- HTTP/2 */

SEAM_TEST(http2_is_spoken_where_it_is_asked_for)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test", .http2 = true);
    struct client *client = new_client(t);
    long version = 0;

    seam_http_expect(mock, .path = "/a", .reply = { { .json = "{'a': 1}" } });
    seam_http_expect(mock, .path = "/b",
                     .reply = { { .body = "0123456789", .drip_bytes = 4, .drip_ms = 1 } });
    seam_http_expect(
        mock, .path = "/c",
        .reply = { { .body = "01234", .fault = SEAM_HTTP_RESET, .fault_after = 2 } });
    seam_check_str(t, perform(client, "https://api.test/a")->body, "{\"a\": 1}");
    curl_easy_getinfo(client->easy, CURLINFO_HTTP_VERSION, &version);
    seam_check_eq(t, version, CURL_HTTP_VERSION_2_0);
    seam_check_str(t, perform(client, "https://api.test/b")->body, "0123456789");
    seam_check_ne(t, perform(client, "https://api.test/c")->code, CURLE_OK);
    seam_check_eq(t, seam_http_mock_call(mock, 0)->url, "https://api.test/a");
}

/* ---- what is not mocked */

SEAM_TEST(what_is_allowed_passes_beside_a_mock)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    char port[16];
    int fd;

    seam_http_mock_start(t, "http://api.test");
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&at, &size);
    snprintf(port, sizeof port, "%d", ntohs(at.sin_port));
    fd = dial("127.0.0.1", port); /* a listener of the test's own */
    seam_check_le(t, 0, fd);
    close(fd);
    seam_net_break(t, seam_format(t, "127.0.0.1:%s", port), SEAM_NET_REFUSED);
    fd = dial("127.0.0.1", port);
    seam_check_eq(t, fd, -1);
    seam_check_eq(t, errno, ECONNREFUSED);
    seam_net_mend(t, seam_format(t, "127.0.0.1:%s", port));
    fd = dial("127.0.0.1", port);
    seam_check_le(t, 0, fd);
    close(fd);
    close(listener);
}
