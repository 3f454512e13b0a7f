/* test/exchange_test.c - what is told of a request that crossed a seam. */

#include <seam/seam.h>

#include <pthread.h>
#include <string.h>

#include "base/deadline.h"
#include "test/t.h"
#include "test/trial_test.h"

static const struct t_exchange charge = {
    .seam = "http",
    .what = "POST https://joe:pw@api.pay.test/v1/charges?token=abc",
    .answer = "429",
    .elapsed_ns = 1000,
    .body = "{\"secret\":\"s\"}\n",
    .body_size = 15,
    .note = "reply 1 of 2",
};

static void reports_one(seam_t *t)
{
    t_exchange(t, &charge);
}

SEAM_TEST(exchange_is_told_in_four_lines)
{
    trial_says(t, reports_one,
               "exchange t: POST https://***@api.pay.test/v1/charges?token=***\n"
               "429\n"
               "reply 1 of 2\n"
               "{\"secret\":\"***\"}\\n\n"
               "end t pass\n");
}

static void reports_little(seam_t *t)
{
    t_exchange(t, &(struct t_exchange){ .seam = "http", .what = "GET /" });
}

SEAM_TEST(exchange_may_lack_all_but_the_question)
{
    trial_says(t, reports_little, "exchange t: GET /\n\n\n\nend t pass\n");
}

static void reports_a_method(seam_t *t)
{
    t_exchange(t, &(struct t_exchange){
                      .seam = "http", .method = "GET", .what = "http://joe@h/?key=1" });
}

SEAM_TEST(exchange_may_have_its_method_apart)
{
    trial_says(t, reports_a_method,
               "exchange t: GET http://***@h/?key=***\n\n\n\nend t pass\n");
}

/* ---- cut */

static char large[1 << 20];

static void reports_much(seam_t *t)
{
    struct t_exchange all = { .seam = "http",
                              .what = large,
                              .answer = large,
                              .body = large,
                              .body_size = sizeof large - 1,
                              .note = large };

    memset(large, 'x', sizeof large - 1);
    t_exchange(t, &all);
}

static const char *repeat(seam_t *t, char c, size_t count)
{
    char *text = seam_alloc(t, count + 1);

    memset(text, c, count);
    return text;
}

SEAM_TEST(exchange_is_cut)
{
    const char *words = repeat(t, 'x', 100);

    trial_says(t, reports_much,
               seam_format(t, "exchange t: %s...\n%s...\n%s...\n%s...\nend t pass\n",
                           repeat(t, 'x', 300), words, words, repeat(t, 'x', 117)));
}

static void reports_118_columns(seam_t *t)
{
    char body[119] = "";
    struct t_exchange exchange = { .seam = "http", .what = "GET /", .body = body };

    memset(body, 'x', 118);
    exchange.body_size = 117;
    t_exchange(t, &exchange);
    exchange.body_size = 118;
    t_exchange(t, &exchange);
}

SEAM_TEST(exchange_is_cut_where_its_columns_end)
{
    const char *body = repeat(t, 'x', 117);

    trial_says(t, reports_118_columns,
               seam_format(t,
                           "exchange t: GET /\n\n\n%s\n"
                           "exchange t: GET /\n\n\n%s...\n"
                           "end t pass\n",
                           body, body));
}

/* A mask that makes a text short must not make it look whole. */
static void reports_a_long_secret(seam_t *t)
{
    struct t_exchange exchange = { .seam = "http", .what = "GET /", .body = large };

    memset(large, 'x', sizeof large);
    memcpy(large, "{\"token\":\"", 10);
    exchange.body_size = sizeof large;
    t_exchange(t, &exchange);
}

SEAM_TEST(exchange_says_that_more_follows_behind_a_mask)
{
    trial_says(t, reports_a_long_secret,
               "exchange t: GET /\n\n\n{\"token\":\"***\"...\nend t pass\n");
}

/* Nothing of it may move the reader's cursor, or look like the next line. */
static void reports_odd_bytes(seam_t *t)
{
    struct t_exchange exchange = {
        .seam = "http", .what = "GET /\n\x1b[31m", .body = "\0\xff\\", .body_size = 3
    };

    t_exchange(t, &exchange);
}

SEAM_TEST(exchange_has_no_control_characters)
{
    trial_says(t, reports_odd_bytes,
               "exchange t: GET /\\n\\x1b[31m\n\n\n\\x00\\xff\\\nend t pass\n");
}

/* ---- whose it is */

static seam_t *owner;

SEAM_SUBTEST(calls)
{
    (void)t;
    t_exchange(owner, &(struct t_exchange){ .seam = "http", .what = "GET /sub" });
}

static void *call_on_thread(void *arg)
{
    (void)arg;
    t_exchange(owner, &(struct t_exchange){ .seam = "http", .what = "GET /thread" });
    return NULL;
}

static void owns_a_double(seam_t *t)
{
    pthread_t thread;

    owner = t;
    seam_run(t, "sub", calls, NULL);
    pthread_create(&thread, NULL, call_on_thread, NULL);
    pthread_join(thread, NULL);
}

SEAM_TEST(exchange_belongs_to_the_subtest_that_calls)
{
    trial_says(t, owns_a_double,
               "run t/sub\n"
               "exchange t/sub: GET /sub\n\n\n\n"
               "end t/sub pass\n"
               "exchange t: GET /thread\n\n\n\n"
               "end t pass\n");
}

SEAM_SUBTEST(is_served)
{
    (void)t;
    t_exchange(owner, &(struct t_exchange){ .seam = "http", .what = "GET /", .served = true });
}

static void owns_a_server(seam_t *t)
{
    owner = t;
    seam_run(t, "sub", is_served, NULL);
}

SEAM_TEST(exchange_of_a_server_belongs_to_its_test)
{
    trial_says(t, owns_a_server,
               "run t/sub\n"
               "exchange t: GET /\n\n\n\n"
               "end t/sub pass\n"
               "end t pass\n");
}

/* ---- many at once */

enum { THREADS = 4, EACH = 500 };

static void *call_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < EACH; i++)
        t_exchange(owner, &charge);
    return NULL;
}

static void reports_on_threads(seam_t *t)
{
    pthread_t threads[THREADS];

    owner = t;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_often, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

SEAM_TEST(exchange_is_told_whole_from_any_thread)
{
    const char *words = trial_run(t, reports_on_threads, NULL);
    int count = 0;

    for (const char *at = words; (at = strstr(at, "exchange t: POST ")); at++)
        count++;
    seam_check_eq(t, count, THREADS * EACH);
    seam_check_null(t, strstr(words, "no event"));
}
