/* http/mock/mock_test.c - mocks, called by libcurl and over raw sockets: answers and their time. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libcurl

#include "mock_test.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- answers */

SEAM_TEST(a_mock_with_a_url_of_its_own_answers)
{
    seam_http_mock *mock = seam_http_mock_start(t, NULL);
    const struct got *got;

    seam_http_expect(mock, .method = "GET", .path = "/users/1",
                     .reply = { { .status = 201,
                                  .header = { "X-One: 1", "X-Two: 2" },
                                  .json = "{'name': 'Ada'}" } });
    got = caller_get(t, seam_http_mock_url(mock, "/users/1"));
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
    got = caller_post(t, "https://api.pay.test/v1/charges",
                      "{\"currency\":\"EUR\",\"amount\":4200}");
    seam_check_eq(t, got->code, CURLE_OK);
    seam_check_eq(t, got->status, 429);
    got = caller_post(t, "https://api.pay.test/v1/charges",
                      "{\"currency\":\"EUR\",\"amount\":4200}");
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
    seam_check_str(t, caller_get(t, "http://10.0.0.7:8080/a")->body, "address");
    seam_check_str(t, caller_get(t, "http://us.shop.test/")->body, "america");
    seam_check_str(t, caller_get(t, "http://eu.shop.test/")->body, "europe");
    seam_check_eq(t, seam_http_mock_call(names, 0)->url, "http://us.shop.test/");
}

SEAM_TEST(a_kept_connection_is_used_again)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);
    long connections = 0;

    seam_http_expect(mock, .any_times = true, .reply = { { .body = "again" } });
    for (int i = 0; i < 20; i++) {
        seam_check_str(t, caller_perform(caller, "http://api.test/")->body, "again");
        curl_easy_getinfo(caller->easy, CURLINFO_NUM_CONNECTS, &connections);
        seam_check_eq(t, connections, i == 0);
    }
}

SEAM_TEST(requests_that_come_together_are_answered_in_order)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    char got[4096];
    int fd = caller_dial("api.test", "80");

    seam_http_expect(mock, .path = "/a", .reply = { { .body = "first", .delay_ms = 20 } });
    seam_http_expect(mock, .path = "/b", .reply = { { .body = "second" } });
    caller_say(fd,
               "GET /a HTTP/1.1\r\nHost: api.test\r\n\r\n"
               "GET /b HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n",
               got, sizeof got, 5000);
    close(fd);
    seam_check_match(t, got, "(?s)first.*second");
}

SEAM_TEST(an_unmatched_request_of_a_lenient_mock_gets_501)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test", .lenient = true);
    const struct got *got = caller_get(t, "http://api.test/x?y=1&token=abc");

    (void)mock;
    seam_check_eq(t, got->status, 501);
    seam_check_str(
        t, got->body,
        "seam: GET http://api.test/x?y=1&token=***: no rule of this mock matches; see the "
        "report of the test\n");
}

SEAM_TEST(a_reply_has_trailers_and_answers_before_it)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const struct got *got;

    seam_http_expect(mock, .reply = { { .body = "whole",
                                        .trailer = "X-Sum: 12",
                                        .inform = "Link: </a.css>; rel=preload" } });
    got = caller_get(t, "http://api.test/");
    seam_check_str(t, got->body, "whole");
    seam_check_match(t, got->head,
                     "(?s)HTTP/1.1 103 .*Link: </a.css>.*HTTP/1.1 200 .*chunked.*X-Sum: 12");
}

SEAM_TEST(a_reply_to_head_has_no_body)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);
    const struct got *got;

    seam_http_expect(mock, .any_times = true, .reply = { { .body = "eleven byte" } });
    curl_easy_setopt(caller->easy, CURLOPT_NOBODY, 1L);
    got = caller_perform(caller, "http://api.test/");
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
    got = caller_post(t, "https://api.test/", "1234");
    seam_check_eq(t, got->status, 202);
    seam_check_str(t, got->body, "1234");
    seam_check_contains(t, got->head, "X-Arg: long");
    got = caller_post(t, "https://api.test/", "123");
    seam_check_contains(t, got->head, "X-Arg: short");
    seam_check_eq(t, seam_http_mock_call(mock, 1)->status, 202);
}

static void ask_other(seam_http_exchange *x, void *arg)
{
    CURL *easy = curl_easy_init();
    struct got got = { 0 };

    curl_easy_setopt(easy, CURLOPT_URL, (const char *)arg);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, caller_keep_body);
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
    seam_check_str(t, caller_get(t, "http://outer.test/")->body, "from within");
}

/* ---- time */

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

SEAM_TEST(a_delay_comes_before_the_answer)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    long begin = now_ms();

    seam_http_expect(mock, .reply = { { .body = "late", .delay_ms = 60 },
                                      { .body = "later", .delay_ms = 1, .delay_max_ms = 3 } });
    seam_check_str(t, caller_get(t, "http://api.test/")->body, "late");
    seam_check_le(t, 60, now_ms() - begin);
    seam_check_str(t, caller_get(t, "http://api.test/")->body, "later");
}

SEAM_TEST(a_client_that_gives_up_does_no_harm)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(mock, .times = 2, .reply = { { .body = "late", .delay_ms = 500 } });
    curl_easy_setopt(caller->easy, CURLOPT_TIMEOUT_MS, 200L);
    seam_check_eq(t, caller_perform(caller, "http://api.test/")->code,
                  CURLE_OPERATION_TIMEDOUT);
    curl_easy_setopt(caller->easy, CURLOPT_TIMEOUT_MS, 5000L);
    seam_check_str(t, caller_perform(caller, "http://api.test/")->body, "late");
    seam_check_eq(t, seam_http_mock_call(mock, 0)->status, 0);
    seam_check_eq(t, seam_http_mock_call(mock, 1)->status, 200);
}

SEAM_TEST(a_delay_ends_with_the_test)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(mock, .reply = { { .body = "never", .delay_ms = 3600000 } });
    curl_easy_setopt(caller->easy, CURLOPT_TIMEOUT_MS, 200L);
    seam_check_eq(t, caller_perform(caller, "http://api.test/")->code,
                  CURLE_OPERATION_TIMEDOUT);
}

SEAM_TEST(a_body_drips)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    long begin = now_ms();
    const struct got *got;

    seam_http_expect(mock,
                     .reply = { { .body = "0123456789", .drip_bytes = 3, .drip_ms = 10 } });
    got = caller_get(t, "http://api.test/");
    seam_check_str(t, got->body, "0123456789");
    seam_check_contains(t, got->head, "Content-Length: 10\r\n");
    seam_check_le(t, 40, now_ms() - begin);
}
