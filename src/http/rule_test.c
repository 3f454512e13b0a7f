/* http/rule_test.c - which rule of a set answers, how often and when. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config zlib
//seam:sources match_coding.c match_form.c match_multipart.c ../json/*.c
//seam:sources match_path.c nearest.c nearest_row.c origin.c reply.c reply_template.c rule.c rule_add.c
//seam:sources rule_call.c rule_condition.c ../double/choice.c ../wire/http.c
//seam:sources ../base/*.c ../events/event.c ../test/*.c

#include "http/rule_test.h"

#include <stdio.h>
#include <time.h>

#define GET(path) rule_request_plain(t, "GET " path)

/* ---- specificity ------------------------------------------------------------------------- */

SEAM_TEST(rule_of_a_literal_path_comes_first)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .any_times = true, .reply = { { .status = 201 } });
    ADD(t, set, .any_times = true, .path_pattern = "/a/.*", .reply = { { .status = 202 } });
    ADD(t, set, .any_times = true, .path_template = "/a/{x}", .reply = { { .status = 203 } });
    ADD(t, set, .any_times = true, .path = "/a/b", .reply = { { .status = 204 } });
    seam_check_eq(t, rule_test_answer(set, GET("/a/b")), 204);
    seam_check_eq(t, rule_test_answer(set, GET("/a/c")), 203);
    seam_check_eq(t, rule_test_answer(set, GET("/a/c/d")), 202);
    seam_check_eq(t, rule_test_answer(set, GET("/")), 201);
}

SEAM_TEST(rule_with_more_conditions_comes_before_one_with_fewer)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path = "/a", .any_times = true, .reply = { { .status = 201 } });
    ADD(t, set, .path = "/a", .method = "GET", .any_times = true,
        .reply = { { .status = 202 } });
    ADD(t, set, .path = "/a", .method = "GET", .query = { "b" }, .any_times = true,
        .reply = { { .status = 203 } });
    ADD(t, set, .path = "/a", .host = "api.pay.test", .method = "GET", .query = { "b", "c" },
        .any_times = true, .reply = { { .status = 204 } });
    seam_check_eq(t, rule_test_answer(set, GET("/a?b&c")), 204);
    seam_check_eq(t, rule_test_answer(set, GET("/a?b")), 203);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 202);
    seam_check_eq(t, rule_test_answer(set, rule_request_plain(t, "PUT /a")), 201);
}

SEAM_TEST(rule_that_was_added_first_comes_first_of_equals)
{
    struct rule_set *set = rule_test_set(t);

    for (int i = 0; i < 20; i++)
        ADD(t, set, .path = "/a", .reply = { { .status = 200 + i } });
    for (int i = 0; i < 20; i++)
        seam_check_eq(t, rule_test_answer(set, GET("/a")), 200 + i);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 501);
}

SEAM_TEST(rule_of_higher_priority_comes_before_all_else)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path = "/a", .any_times = true, .reply = { { .status = 201 } });
    ADD(t, set, .priority = 1, .reply = { { .status = 202 } });
    ADD(t, set, .path = "/a", .priority = 2, .reply = { { .status = 204 } });
    ADD(t, set, .path = "/a", .priority = -1, .reply = { { .status = 203 } });
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 204);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 202);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 201);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 201);
}

/* ---- how often --------------------------------------------------------------------------- */

static void add_text(void *arg, seam_site site, const char *text)
{
    buf_printf(arg, "%s:%d: %s\n", site.file, site.line % 1000, text);
}

static const char *unused(seam_t *t, const struct rule_set *set)
{
    struct buf texts = BUF_INIT(1 << 16);
    const char *copy;

    rule_unused(set, add_text, &texts);
    copy = seam_format(t, "%s", buf_text(&texts));
    buf_fini(&texts);
    return copy;
}

SEAM_TEST(rule_answers_as_often_as_it_has_replies)
{
    static const seam_http_reply many[] = { { .status = 201 }, { .status = 202 },
                                            { .status = 203 }, { .status = 204 },
                                            { .status = 205 }, { .status = 206 },
                                            { .status = 207 }, { .status = 208 },
                                            { .status = 209 }, { 0 } };
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .replies = many);
    for (int i = 201; i < 210; i++)
        seam_check_eq(t, rule_test_answer(set, GET("/")), i);
    seam_check_eq(t, rule_test_answer(set, GET("/")), 501);
}

static const char *without_lines(seam_t *t, const char *text)
{
    char *copy = seam_format(t, "%s", text);
    char *to = copy;

    for (; *text; text++) {
        *to++ = *text;
        if (*text == ':')
            while (strchr("0123456789", text[1]) && text[1])
                text++;
    }
    *to = '\0';
    return copy;
}

SEAM_TEST(rule_repeats_its_last_reply)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .times = 3, .path = "/t", .reply = { { .status = 201 }, { .status = 202 } });
    ADD(t, set, .any_times = true, .path = "/a",
        .reply = { { .status = 201 }, { .status = 202 } });
    seam_check_eq(t, rule_test_answer(set, GET("/t")), 201);
    seam_check_eq(t, rule_test_answer(set, GET("/t")), 202);
    seam_check_eq(t, without_lines(t, unused(t, set)),
                  "a_test.c:: called 2 times instead of 3\n");
    seam_check_eq(t, rule_test_answer(set, GET("/t")), 202);
    seam_check_eq(t, rule_test_answer(set, GET("/t")), 501);
    seam_check_eq(t, unused(t, set), "");
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 201);
    for (int i = 0; i < 10; i++)
        seam_check_eq(t, rule_test_answer(set, GET("/a")), 202);
}

SEAM_TEST(rule_says_what_was_never_used)
{
    struct rule_set *set = rule_test_set(t);
    const seam_http_reply ok = { .status = 200 };

    ADD(t, set, .path = "/1", .reply = { ok });
    ADD(t, set, .path = "/2", .reply = { ok, ok });
    ADD(t, set, .path = "/3", .reply = { ok, ok, ok });
    ADD(t, set, .path = "/4", .times = 2, .reply = { ok }, .name = "refund");
    ADD(t, set, .path = "/5", .times = 5, .optional = true, .reply = { ok });
    ADD(t, set, .path = "/6", .any_times = true, .reply = { ok });
    ADD(t, set, .path = "/7", .never = true);
    ADD(t, set, .path = "/8", .optional = true, .reply = { ok, ok });
    rule_test_answer(set, GET("/2"));
    rule_test_answer(set, GET("/4"));
    rule_test_answer(set, GET("/8"));
    seam_check_eq(t, without_lines(t, unused(t, set)),
                  "a_test.c:: its reply was never used\n"
                  "a_test.c:: reply 2 of 2 was never used\n"
                  "a_test.c:: replies 1 to 3 of 3 were never used\n"
                  "a_test.c:: refund: called 1 time instead of 2\n");
    rule_set_clear(set);
    seam_check_eq(t, unused(t, set), "");
    seam_check_eq(t, rule_test_answer(set, GET("/1")), 501);
}

SEAM_TEST(rule_that_is_never_used_forbids)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path = "/a", .never = true, .query = { "debug" });
    ADD(t, set, .path = "/a", .any_times = true, OK);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/a?debug")), -1);
    seam_check_eq(t, rule_test_answer(set, GET("/a?debug=1")), -1);
    seam_check_eq(t, rule_test_answer(set, GET("/a")), 200);
}

/* ---- when -------------------------------------------------------------------------------- */

SEAM_TEST(rule_of_a_state_answers_in_it)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path = "/order", .state = "", .any_times = true,
        .reply = { { .status = 404 } });
    ADD(t, set, .path = "/order", .state = "made", .any_times = true, OK);
    ADD(t, set, .path = "/make", .next_state = "made", .reply = { { .status = 201 } });
    ADD(t, set, .path = "/drop", .state = "made", .next_state = "",
        .reply = { { .status = 204 } });
    seam_check_eq(t, rule_test_answer(set, GET("/order")), 404);
    seam_check_eq(t, rule_test_answer(set, GET("/drop")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/make")), 201);
    seam_check_eq(t, rule_test_answer(set, GET("/order")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/drop")), 204);
    seam_check_eq(t, rule_test_answer(set, GET("/order")), 404);
    rule_test_answer(set, GET("/make"));
    rule_set_clear(set);
    ADD(t, set, .state = "", OK);
    seam_check_eq(t, rule_test_answer(set, GET("/")), 200);
}

SEAM_TEST(rule_waits_for_those_before_it_in_its_order)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .order = "flow", .path = "/1",
        .reply = { { .status = 200 }, { .status = 200 } });
    ADD(t, set, .order = "flow", .path = "/2", .optional = true, OK);
    ADD(t, set, .order = "flow", .path = "/3", OK);
    ADD(t, set, .order = "other", .path = "/4", OK);
    ADD(t, set, .order = "flow", .path = "/1", .reply = { { .status = 299 } });
    seam_check_eq(t, rule_test_answer(set, GET("/3")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/1")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/2")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/4")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/1")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/3")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/2")), 501); /* its turn has passed */
    seam_check_eq(t, rule_test_answer(set, GET("/1")), 299);
}

/* ---- the index --------------------------------------------------------------------------- */

SEAM_TEST(rule_of_a_thousand_is_found)
{
    struct rule_set *set = rule_test_set(t);

    for (int i = 0; i < 1000; i++)
        ADD(t, set, .method = i % 2 ? "GET" : NULL, .host = i % 3 ? "api.pay.test" : NULL,
            .path = seam_format(t, "/v1/%d", i), .any_times = true,
            .reply = { { .status = 200 + i % 700 } });
    for (int i = 0; i < 1000; i++) {
        const char *line = seam_format(t, "%s /v1/%d", i % 2 ? "GET" : "PUT", i);

        seam_require_eq(t, rule_test_answer(set, rule_request_plain(t, line)), 200 + i % 700);
    }
    seam_check_eq(t, rule_test_answer(set, GET("/v1/1000")), 501);
    seam_check_eq(t, rule_test_answer(set, rule_request_plain(t, "POST /v1/1")), 501);
}

/* The least time that an answer took, in nanoseconds of this thread. */
static double answer_ns(seam_t *t, struct rule_set *set, const char *line)
{
    struct rule_request *request = rule_request_plain(t, line);
    double least = 1e9;

    for (int round = 0; round < 50; round++) {
        struct timespec begin, end;
        double ns;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        for (int i = 0; i < 20; i++) {
            struct arena arena = { 0 };

            request->call.arena = &arena;
            request->call.parts = NULL;
            rule_choose(set, &request->call);
            arena_fini(&arena);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
        least = ns / 20 < least ? ns / 20 : least;
    }
    return least;
}

SEAM_TEST(rule_of_a_thousand_costs_what_one_does)
{
    struct rule_set *one = rule_test_set(t);
    struct rule_set *many = rule_test_set(t);
    double one_ns, many_ns;

    ADD(t, one, .method = "GET", .path = "/v1/999", .any_times = true, OK);
    for (int i = 0; i < 1000; i++)
        ADD(t, many, .method = "GET", .path = seam_format(t, "/v1/%d", i), .any_times = true,
            OK);
    one_ns = answer_ns(t, one, "GET /v1/999");
    many_ns = answer_ns(t, many, "GET /v1/999");
    seam_log(t, "%.0f ns of one, %.0f ns of a thousand", one_ns, many_ns);
    seam_check_lt(t, many_ns, 4 * one_ns); /* a scan takes 10 times as long and more */
}

SEAM_TEST(rule_path_is_decoded)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path = "/a b/\xc3\xbc", .any_times = true, OK);
    ADD(t, set, .path = "*", .any_times = true, .reply = { { .status = 204 } });
    seam_check_eq(t, rule_test_answer(set, GET("/a%20b/%C3%BC?x=1")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("https://api.pay.test/a%20b/%c3%bc")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/a+b/%C3%BC")), 501);
    seam_check_eq(t, rule_test_answer(set, rule_request_plain(t, "OPTIONS *")), 204);
}

SEAM_TEST(rule_template_takes_whole_segments)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path_template = "/users/{id}/files/{name}", .any_times = true, OK);
    seam_check_eq(t, rule_test_answer(set, GET("/users/7/files/a.txt")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/users/7/files/a%2Fb")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/us%65rs/7/files/a")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/users//files/a")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/users/7/files/")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/users/7/files/a/")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/users/7/files")), 501);
}

SEAM_TEST(rule_pattern_is_of_the_whole_path)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .path_pattern = "/v[12]/users|/x", .any_times = true, OK);
    seam_check_eq(t, rule_test_answer(set, GET("/v2/users?a=b")), 200);
    seam_check_eq(t, rule_test_answer(set, GET("/v3/users")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/v2/users/7")), 501);
    seam_check_eq(t, rule_test_answer(set, GET("/x/v1/users")), 501);
}

SEAM_TEST(rule_host_is_exact)
{
    struct rule_set *set = rule_test_set(t);
    struct rule_request *request = GET("/");

    ADD(t, set, .host = "EU.pay.test", .any_times = true, OK);
    seam_check_eq(t, rule_test_answer(set, request), 501);
    request->call.host = "eu.pay.test";
    seam_check_eq(t, rule_test_answer(set, request), 200);
}

/* ---- the user's own function ----------------------------------------------------------------- */

static bool count_and_say(const seam_http_exchange *x, void *arg)
{
    int *asked = arg;

    return x && ++*asked > 1;
}

SEAM_TEST(rule_function_is_asked_once_and_last)
{
    struct rule_set *set = rule_test_set(t);
    struct rule_request *request = GET("/a");
    int no = 0, yes = 1;

    ADD(t, set, .path = "/a", .query = { "x" }, .matches = count_and_say, .arg = &yes, OK);
    ADD(t, set, .path = "/a", .matches = count_and_say, .arg = &no,
        .reply = { { .status = 201 } });
    ADD(t, set, .path = "/a", .reply = { { .status = 202 } });
    request->call.exchange = (const seam_http_exchange *)&no; /* any: nobody looks into it */
    seam_check(t, rule_needs_user(set, &request->call));
    seam_check(t, !rule_needs_user(set, &GET("/b")->call));
    seam_check_eq(t, rule_test_answer(set, request), 202);
    seam_check_eq(t, no, 1);
    seam_check_eq(t, yes, 1);
    seam_check(t, !rule_needs_user(set, &request->call)); /* it has been asked */
    request = GET("/a?x");
    request->call.exchange = (const seam_http_exchange *)&no;
    seam_check_eq(t, rule_test_answer(set, request), 200);
    seam_check_eq(t, yes, 2);
}

SEAM_TEST(rule_function_is_not_needed_where_another_rule_answers_before)
{
    struct rule_set *set = rule_test_set(t);
    int asked = 1;

    ADD(t, set, .matches = count_and_say, .arg = &asked, OK);
    ADD(t, set, .path = "/a", .any_times = true, OK);
    seam_check(t, !rule_needs_user(set, &GET("/a")->call));
    seam_check(t, rule_needs_user(set, &GET("/b")->call));
}

/* ---- faults of the connection ------------------------------------------------------------------ */

SEAM_TEST(rule_of_a_connection_is_asked_when_it_is_made)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .reply = { { .fault = SEAM_HTTP_REFUSE }, { .status = 200 } });
    ADD(t, set, .reply = { { .fault = SEAM_HTTP_UNREACHABLE } });
    seam_check_eq(t, rule_test_answer(set, GET("/")), 501); /* not by a request */
    seam_check_eq(t, rule_connection_fault(set, "h", false), SEAM_HTTP_REFUSE);
    seam_check_eq(t, rule_connection_fault(set, "h", true), SEAM_HTTP_REFUSE);
    seam_check_eq(t, rule_connection_fault(set, "h", true), SEAM_HTTP_NO_FAULT);
    seam_check_eq(t, rule_test_answer(set, GET("/")), 200);
    seam_check_eq(t, rule_connection_fault(set, "h", true), SEAM_HTTP_UNREACHABLE);
    seam_check_eq(t, rule_connection_fault(set, "h", true), SEAM_HTTP_NO_FAULT);
    seam_check_eq(t, unused(t, set), "");
}

SEAM_TEST(rule_of_a_connection_may_name_the_host)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .any_times = true, .host = "a.pay.test",
        .reply = { { .fault = SEAM_HTTP_UNKNOWN_HOST } });
    ADD(t, set, .path = "/x", .any_times = true, OK);
    seam_check_eq(t, rule_connection_fault(set, "b.pay.test", true), SEAM_HTTP_NO_FAULT);
    seam_check_eq(t, rule_connection_fault(set, "a.pay.test", true), SEAM_HTTP_UNKNOWN_HOST);
}
