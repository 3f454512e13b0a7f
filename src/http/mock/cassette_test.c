/* http/mock/cassette_test.c - exchanges are recorded from a real origin, replayed, and verified against it. */

#include "mock_test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct got *call(seam_t *t, const char *url, const char *json)
{
    struct curl_slist *fields = curl_slist_append(NULL, "Authorization: Bearer secret");
    struct caller *caller = caller_new(t);
    const struct got *got;

    fields = curl_slist_append(fields, "Content-Type: application/json");
    curl_easy_setopt(caller->easy, CURLOPT_HTTPHEADER, fields);
    if (json)
        curl_easy_setopt(caller->easy, CURLOPT_POSTFIELDS, json);
    got = caller_perform(caller, url);
    curl_easy_setopt(caller->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(fields);
    return got;
}

/* ---- the real origin */

struct origin {
    atomic_int calls;
    bool changed; /* it answers otherwise than it did */
};

static void answer(seam_http_exchange *x, void *arg)
{
    struct origin *origin = arg;
    int n = ++origin->calls;

    seam_http_add_field(x, "Set-Cookie", "session=secret");
    if (strcmp(seam_http_path(x), "/bytes") == 0) {
        seam_http_write(x, "\0\xff\x01", 3);
    } else if (strcmp(seam_http_path(x), "/empty") == 0) {
        seam_http_set_status(x, 204);
    } else {
        seam_http_add_field(x, "Content-Type", "application/json");
        seam_http_set_status(x, origin->changed ? 202 : 201);
        seam_http_printf(x,
                         origin->changed
                             ? "{\"id\":\"%d\"}"
                             : "{\"id\":%d,\"token\":\"s3cret\",\"name\":\"Ad\u00e4\"}",
                         n);
    }
}

static const char *serve(seam_t *t, struct origin *origin)
{
    return seam_format(t, "127.0.0.1:%d", seam_http_port(seam_http_serve(t, answer, origin)));
}

/* ---- */

struct run {
    const char *file;
    const char *address;
    int mode;
    const struct got *first, *second, *bytes, *empty;
};

SEAM_SUBTEST(calls_four_times)
{
    struct run *run = arg;

    seam_http_mock_record(t, "http://api.test", run->file, .mode = run->mode,
                          .redact = { "header X-Secret", "query key", "json /token" },
                          .address = run->address, .all_used = true);
    run->first = call(t, "http://api.test/charge?key=k1&x=1", "{\"a\":1,\"token\":\"t1\"}");
    run->second = call(t, "http://api.test/charge?key=k2&x=1", "{\"token\":\"t2\", \"a\":1}");
    run->bytes = call(t, "http://api.test/bytes", NULL);
    run->empty = call(t, "http://api.test/empty", NULL);
    seam_check_eq(t, run->first->status, 201);
    seam_check_contains(t, run->first->body, "\"id\":1,");
    seam_check_contains(t, run->first->head, "Content-Type: application/json\r\n");
    seam_check_contains(t, run->second->body, "\"id\":2,");
    seam_check_contains(t, run->second->body, "\"name\":\"Ad\u00e4\"");
    seam_check_mem(t, run->bytes->body, run->bytes->size, "\0\xff\x01", 3);
    seam_check_eq(t, run->empty->status, 204);
}

SEAM_TEST(what_was_recorded_is_replayed_without_its_secrets)
{
    struct origin origin = { 0 };
    struct run run = { .file = seam_path(t, "%s/x/tape.jsonl", seam_tempdir(t)),
                       .address = serve(t, &origin),
                       .mode = SEAM_HTTP_ONCE };
    const char *recorded;

    seam_require(t, seam_run(t, "record", calls_four_times, &run));
    seam_check_eq(t, origin.calls, 4);
    recorded = seam_read_file(t, run.file, NULL);
    seam_check_match(t, recorded,
                     "\\A\\{\"request\":\\{\"method\":\"POST\","
                     "\"target\":\"/charge\\?key=REDACTED&x=1\"");
    seam_check_contains(t, recorded, "\"base64\":\"AP8B\"");
    seam_check_contains(t, recorded, "[\"Set-Cookie\",\"REDACTED\"]");
    seam_check(t, !strstr(recorded, "secret"));
    seam_check(t, !strstr(recorded, "s3cret"));
    seam_check(t, !strstr(recorded, "k1"));
    seam_check(t, !strstr(recorded, "t2"));

    seam_require(t, seam_run(t, "replay", calls_four_times, &run));
    run.mode = SEAM_HTTP_REPLAY;
    seam_require(t, seam_run(t, "replay", calls_four_times, &run));
    seam_check_eq(t, origin.calls, 4);
    seam_check_str(t, seam_read_file(t, run.file, NULL), recorded);

    origin.calls = 0;
    run.mode = SEAM_HTTP_VERIFY;
    seam_require(t, seam_run(t, "verify", calls_four_times, &run));
    seam_check_eq(t, origin.calls, 4);

    origin.calls = 0;
    run.mode = SEAM_HTTP_RECORD;
    seam_require(t, seam_run(t, "record", calls_four_times, &run));
    seam_check_eq(t, origin.calls, 4);
}

SEAM_TEST(rules_come_before_the_recording)
{
    const char *file = seam_path(t, "%s/tape.jsonl", seam_tempdir(t));
    static const char line[] = "{\"request\":{\"method\":\"GET\",\"target\":\"/a\"},"
                               "\"answer\":{\"status\":404,\"fields\":[],\"body\":\"no\"}}\n";
    seam_http_mock *mock;

    seam_write_file(t, file, line, sizeof line - 1);
    mock = seam_http_mock_record(t, "https://api.test", file);
    seam_http_expect(mock, .path = "/b", .reply = { { .body = "rule" } });
    seam_check_str(t, call(t, "https://api.test/b", NULL)->body, "rule");
    seam_check_str(t, call(t, "https://api.test/a", NULL)->body, "no");
    seam_check_eq(t, seam_http_mock_call(mock, 1)->status, 404);
}
