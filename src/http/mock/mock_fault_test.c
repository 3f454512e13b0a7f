/* http/mock/mock_fault_test.c - answers that break off, connections that fail, certificates with flaws. */

#include "mock_test.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- faults */

SEAM_TEST(connections_are_refused_unreachable_and_unknown)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(mock, .reply = { { .fault = SEAM_HTTP_REFUSE },
                                      { .fault = SEAM_HTTP_UNKNOWN_HOST },
                                      { .fault = SEAM_HTTP_UNREACHABLE },
                                      { .body = "back" } });
    curl_easy_setopt(caller->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    seam_check_eq(t, caller_perform(caller, "https://api.test/")->code, CURLE_COULDNT_CONNECT);
    seam_check_eq(t, caller_perform(caller, "https://api.test/")->code,
                  CURLE_COULDNT_RESOLVE_HOST);
    curl_easy_setopt(caller->easy, CURLOPT_CONNECTTIMEOUT_MS, 200L);
    seam_check_eq(t, caller_perform(caller, "https://api.test/")->code,
                  CURLE_OPERATION_TIMEDOUT);
    seam_check_str(t, caller_perform(caller, "https://api.test/")->body, "back");
    seam_check_eq(t, seam_http_mock_count(mock), 1);
}

SEAM_TEST(a_kept_connection_does_not_hide_a_refusal)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(
        mock,
        .reply = { { .body = "up" }, { .fault = SEAM_HTTP_REFUSE }, { .body = "up again" } });
    seam_check_str(t, caller_perform(caller, "http://api.test/")->body, "up");
    seam_check_contains(t, caller->got.head, "Connection: close\r\n");
    seam_check_eq(t, caller_perform(caller, "http://api.test/")->code, CURLE_COULDNT_CONNECT);
    seam_check_str(t, caller_perform(caller, "http://api.test/")->body, "up again");
}

SEAM_TEST(one_name_of_many_is_unknown)
{
    seam_http_mock *plain = seam_http_mock_start(t, "http://.shop.test");
    seam_http_mock *safe = seam_http_mock_start(t, "https://.shop.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(plain, .any_times = true, .reply = { { .body = "plain" } });
    seam_http_expect(safe, .host = "eu.shop.test",
                     .reply = { { .fault = SEAM_HTTP_UNKNOWN_HOST } });
    curl_easy_setopt(caller->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    seam_check_str(t, caller_perform(caller, "http://us.shop.test/")->body, "plain");
    seam_check_eq(t, caller_perform(caller, "http://eu.shop.test/")->code,
                  CURLE_COULDNT_RESOLVE_HOST);
    seam_check_str(t, caller_perform(caller, "http://eu.shop.test/")->body, "plain");
}

SEAM_TEST(a_proxy_that_says_no_is_a_rule)
{
    seam_http_mock *proxy = seam_http_mock_start(t, "http://proxy.test:3128");
    struct caller *caller = caller_new(t);

    seam_http_expect(proxy, .method = "CONNECT",
                     .reply = { { .status = 407, .header = { "Proxy-Authenticate: Basic" } } });
    curl_easy_setopt(caller->easy, CURLOPT_PROXY, "http://proxy.test:3128");
    seam_check_eq(t, caller_perform(caller, "https://api.test/")->code, CURLE_RECV_ERROR);
    seam_check_contains(t, caller->got.head, "HTTP/1.1 407 ");
    seam_check_contains(t, seam_http_mock_call(proxy, 0)->url, "api.test:443");
}

SEAM_TEST(certificates_have_flaws)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");

    seam_http_expect(mock, .reply = { { .fault = SEAM_HTTP_TLS_EXPIRED },
                                      { .fault = SEAM_HTTP_TLS_WRONG_NAME },
                                      { .fault = SEAM_HTTP_TLS_UNKNOWN_CA },
                                      { .body = "sound" } });
    for (int i = 0; i < 3; i++)
        seam_check_eq(t, caller_get(t, "https://api.test/")->code,
                      CURLE_PEER_FAILED_VERIFICATION);
    seam_check_str(t, caller_get(t, "https://api.test/")->body, "sound");
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
    struct caller *caller = caller_new(t);
    const struct got *got;

    seam_http_expect(mock, .reply = { cut->reply });
    curl_easy_setopt(caller->easy, CURLOPT_TIMEOUT_MS,
                     cut->reply.fault == SEAM_HTTP_STALL ? 200L : 5000L);
    got = caller_perform(caller, seam_http_mock_url(mock, "/"));
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
    int fd = caller_dial("api.test", "80");
    char got[1024];

    seam_http_expect(mock, .reply = { { .body = "0123456789", .fault = SEAM_HTTP_RESET } });
    seam_check_eq(
        t, caller_say(fd, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", got, sizeof got, 5000),
        ECONNRESET);
    close(fd);
}

/* ---- a program that goes while it is being answered */

static void wait_for_leave(seam_http_exchange *x, void *arg)
{
    sem_t *sems = arg;

    sem_post(&sems[0]);
    sem_wait(&sems[1]);
    seam_http_respond(x, 200, NULL, "late");
}

enum { BLOCKS = 64, BLOCK_MAX = 256, STEP = 8 };

/* What the mock gave back when the program closed is the program's now, and stays as that has left it. */
SEAM_TEST(a_client_that_goes_while_a_handler_runs_has_its_memory)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    unsigned char *blocks[BLOCKS], want[BLOCK_MAX];
    int fd = caller_dial("api.test", "80");
    sem_t sems[2];
    char got[4096];

    sem_init(&sems[0], 0, 0);
    sem_init(&sems[1], 0, 0);
    memset(want, 0x55, sizeof want);
    seam_http_expect(mock, .times = 2, .reply = { { .fn = wait_for_leave, .arg = sems } });
    caller_say(fd, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", got, sizeof got, 0);
    sem_wait(&sems[0]);
    close(fd);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = memset(malloc(i % 32 * STEP + STEP), 0x55, i % 32 * STEP + STEP);
    sem_post(&sems[1]);
    sem_post(&sems[1]);
    seam_check_str(t, caller_get(t, "http://api.test/")->body, "late");
    for (size_t i = 0; i < BLOCKS; i++) {
        seam_check_mem(t, blocks[i], i % 32 * STEP + STEP, want, i % 32 * STEP + STEP);
        free(blocks[i]);
    }
}
