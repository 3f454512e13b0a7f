/* http/mock/mock_journal_test.c - calls as a test finds them: in the journal, by an observer, from many threads. */

#include "mock_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- calls */

SEAM_TEST(calls_are_kept)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test");
    const seam_http_call *call;

    seam_http_expect(mock, .method = "POST", .any_times = true, .reply = { { .status = 204 } });
    seam_check_eq(t, seam_http_mock_count(mock), 0);
    caller_post(t, "https://api.test/a%20b?c=d", "{}");
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
    seam_check(t, strstr(call->rule.file, "mock_journal_test.c"));
    seam_check_same(t, seam_http_mock_call(mock, 0), call);
    seam_check_null(t, seam_http_mock_call(mock, 1));
    seam_check_null(t, seam_http_mock_call(mock, -1));
}

SEAM_TEST(only_the_last_thousand_calls_are_kept)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    struct caller *caller = caller_new(t);

    seam_http_expect(mock, .any_times = true, .reply = { { .status = 204 } });
    for (int i = 0; i < 1003; i++)
        caller_perform(caller, seam_format(t, "http://api.test/%d", i));
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

static void accept_late(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_set_status(x, 202);
}

SEAM_TEST(an_observer_has_seen_a_call_when_its_answer_is_there)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test", .lenient = true);
    char notes[1000] = "";

    own_thread = pthread_self();
    seam_http_mock_observe(mock, note_call, notes);
    seam_http_expect(mock, .path = "/a", .reply = { { .status = 201 } });
    seam_http_expect(mock, .path = "/b", .reply = { { .fn = accept_late } });
    caller_get(t, "http://api.test/a");
    seam_check_str(t, notes, "GET /a 201\n");
    caller_get(t, "http://api.test/b");
    seam_check_str(t, notes, "GET /a 201\nGET /b 202\n");
    caller_get(t, "http://api.test/c");
    seam_check_str(t, notes, "GET /a 201\nGET /b 202\nGET /c 501\n");
    seam_http_mock_observe(mock, NULL, NULL);
}

SEAM_TEST(a_reset_mock_has_no_rules_and_no_calls)
{
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");

    for (int row = 0; row < 3; row++) {
        seam_http_expect(mock, .reply = { { .status = 200 + row }, { .status = 500 } });
        seam_check_eq(t, caller_get(t, "http://api.test/")->status, 200 + row);
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
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, caller_keep_body);
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
