/* fake/broker_test.c - the broker of a test: its port, consumers, failures, expectations and what they say. */

#include <seam/broker.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/now.h"
#include "test/trial_test.h"

static int64_t clock_ms;

static int64_t read_clock(void)
{
    return clock_ms;
}

/* A test's clock. */
static void stand_still(void)
{
    clock_ms = 3;
    fake_now_by(read_clock);
}

static int publish(seam_broker *broker, const char *key, const char *body)
{
    return seam_broker_publish(broker, key, body, strlen(body));
}

/* What a test says, without its exchanges. */
#define says(t, fn, want)                                                                      \
    seam_via(t, trial_says_with((t), (fn), &(struct trial_options){ .no_exchanges = true },    \
                                (want)))

/* ---- what was published ------------------------------------------------------------------ */

SEAM_TEST(messages_are_kept_in_order)
{
    const seam_message_header headers[] = { { "x-trace", "1" } };
    seam_broker *broker;
    const seam_message *message;

    stand_still();
    broker = seam_broker_start(t);
    seam_require_ok(t, seam_broker_publish(broker, "order.paid", "{\0}", 3));
    seam_require_ok(t, seam_broker_send(broker,
                                        &(seam_message){ .exchange = "amq.direct",
                                                         .body = "x",
                                                         .size = 1,
                                                         .message_id = "m1",
                                                         .redelivered = true,
                                                         .headers = headers,
                                                         .header_count = 1 },
                                        false));
    seam_check_eq(t, seam_broker_count(broker), 2);
    message = seam_broker_message(broker, 0);
    seam_check_eq(t, message->exchange, "events");
    seam_check_eq(t, message->routing_key, "order.paid");
    seam_check_mem(t, message->body, message->size, "{\0}", 3);
    seam_check_eq(t, message->at_ms, 3);
    seam_check_null(t, message->message_id);
    message = seam_broker_message(broker, 1);
    seam_check_eq(t, message->exchange, "amq.direct");
    seam_check_eq(t, message->routing_key, "");
    seam_check_eq(t, message->message_id, "m1");
    seam_check_eq(t, seam_message_header_value(message, "x-trace"), "1");
    seam_check_null(t, seam_message_header_value(message, "X-Trace"));
    seam_check(t, !message->redelivered);
    seam_check_null(t, seam_broker_message(broker, 2));
}

SEAM_TEST(time_is_the_tests)
{
    uint64_t later_ns = now_ns() + 2000000;
    seam_broker *broker;

    while (now_ns() < later_ns)
        continue;
    broker = seam_broker_start(t);
    publish(broker, "a", "1");
    seam_check_le(t, 2, seam_broker_message(broker, 0)->at_ms);
    seam_check_lt(t, seam_broker_message(broker, 0)->at_ms, 600000);
}

static void publishes_three_ways(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t, .exchange = "shop");

    seam_broker_queue(broker, "q");
    seam_broker_bind(broker, "q", "shop", "a");
    publish(broker, "a", "{\"token\":\"abc\"}");
    publish(broker, "b", "");
    seam_broker_send(broker, &(seam_message){ .routing_key = "b" }, true);
    seam_broker_fail(broker, .accepted = true);
    publish(broker, "a", "");
}

SEAM_TEST(publishes_are_exchanges_of_the_report)
{
    trial_says(t, publishes_three_ways,
               "exchange t: publish 'a' to 'shop'\n1 queue\n\n{\"token\":\"***\"}\n"
               "exchange t: publish 'b' to 'shop'\nno queue\n\n\n"
               "exchange t: publish 'b' to 'shop'\nreturned: no queue\n\n\n"
               "exchange t: publish 'a' to 'shop'\ntaken, and the answer is lost\n"
               "seam_broker_fail\n\n"
               "end t pass\n");
}

static void asks_for_what_is_not_there(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_check_eq(t, seam_broker_send(broker, &(seam_message){ .exchange = "none" }, false),
                  -ENOENT);
    seam_check_null(t, seam_broker_get(broker, "none"));
    seam_check_eq(t, seam_broker_ack(broker, 1), -ENOENT);
    seam_check_eq(t, seam_broker_count(broker), 0);
    seam_broker_exchange(broker, "events", "fanout");
}

SEAM_TEST(refusals_fail_the_test)
{
    says(
        t, asks_for_what_is_not_there,
        "error t: NOT_FOUND - no exchange 'none' in vhost '/'\n"
        "error t: NOT_FOUND - no queue 'none' in vhost '/'\n"
        "error t: PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'events' in vhost "
        "'/': received 'fanout' but current is 'topic'\n"
        "end t fail\n");
}

/* ---- queues and consumers ---------------------------------------------------------------- */

SEAM_TEST(queues_by_the_tests_clock)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_queue(broker, "dead");
    seam_broker_queue(broker, "q", .dead_letter_exchange = "", .dead_letter_key = "dead",
                      .message_ttl_ms = 1000, .max_length = 5);
    seam_broker_bind(broker, "q", "events", "order.*");
    publish(broker, "order.paid", "7");
    seam_check_eq(t, seam_broker_ready(broker, "q"), 1);
    clock_ms += 1000;
    seam_check_eq(t, seam_broker_ready(broker, "q"), 0);
    seam_check_eq(t, seam_broker_get(broker, "dead")->body, "7");
    seam_check_eq(t, seam_broker_unacknowledged(broker, "dead"), 1);
}

SEAM_TEST(bindings_by_headers)
{
    const seam_message_header pdf[] = { { "format", "pdf" } };
    seam_broker *broker = seam_broker_start(t);

    seam_broker_exchange(broker, "docs", "headers");
    seam_broker_queue(broker, "pdf");
    seam_broker_bind_headers(broker, "pdf", "docs", .match = { { "format", "pdf" } });
    seam_broker_send(broker, &(seam_message){ .exchange = "docs" }, false);
    seam_check_eq(t, seam_broker_ready(broker, "pdf"), 0);
    seam_broker_send(
        broker, &(seam_message){ .exchange = "docs", .headers = pdf, .header_count = 1 }, true);
    seam_check_eq(t, seam_broker_ready(broker, "pdf"), 1);
}

struct worker {
    char bodies[16];
    int depth, depth_max;
};

/* Publishes what follows, and acknowledges. */
static void work(seam_broker *broker, const seam_message *message, void *arg)
{
    struct worker *worker = arg;

    worker->depth++;
    if (worker->depth > worker->depth_max)
        worker->depth_max = worker->depth;
    worker->bodies[strlen(worker->bodies)] = *message->body; /* zeroed */
    if (*message->body < '3')
        publish(broker, "work", *message->body == '1' ? "2" : "3");
    seam_broker_ack(broker, message->delivery_tag);
    worker->depth--;
}

SEAM_TEST(consumers_are_called_one_after_another)
{
    struct worker worker = { 0 };
    seam_broker *broker = seam_broker_start(t);
    int consumer;

    seam_broker_queue(broker, "work");
    seam_broker_bind(broker, "work", "events", "work");
    publish(broker, "work", "1");
    consumer = seam_broker_consume(broker, "work", 1, work, &worker);
    seam_check_eq(t, worker.bodies, "123");
    seam_check_eq(t, worker.depth_max, 1);
    seam_broker_cancel(broker, consumer);
    publish(broker, "work", "4");
    seam_check_eq(t, worker.bodies, "123");
    seam_check_eq(t, seam_broker_ready(broker, "work"), 1);
}

static void send_back(seam_broker *broker, const seam_message *message, void *arg)
{
    (void)arg;
    seam_broker_reject(broker, message->delivery_tag, true);
}

static void sends_back_for_ever(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_queue(broker, "q");
    seam_broker_consume(broker, "q", 0, send_back, NULL);
    seam_broker_send(broker, &(seam_message){ .exchange = "", .routing_key = "q" }, true);
    seam_check_eq(t, seam_broker_ready(broker, "q"), 1);
}

SEAM_TEST(a_message_that_always_comes_back_is_no_hang)
{
    says(
        t, sends_back_for_ever,
        "error t: queue 'q' gave out one message 1000 times, which its consumer sends back: it "
        "is given to consumers no more\n"
        "end t fail\n");
}

/* ---- failures ---------------------------------------------------------------------------- */

SEAM_TEST(failures_on_demand)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_queue(broker, "q");
    seam_broker_bind(broker, "q", "events", "#");
    seam_broker_fail(broker, .at = 2, .times = 2);
    seam_check_ok(t, publish(broker, "a", "1"));
    seam_check_eq(t, publish(broker, "a", "2"), -EIO);
    seam_check_eq(t, publish(broker, "a", "3"), -EIO);
    seam_check_ok(t, publish(broker, "a", "4"));
    seam_check_eq(t, seam_broker_count(broker), 2);
    seam_broker_fail(broker, .unroutable = true);
    seam_check_eq(t, publish(broker, "a", "5"), -ENOENT);
    seam_broker_fail(broker, .unroutable = true);
    seam_check_ok(t, seam_broker_send(broker, &(seam_message){ .routing_key = "a" }, false));
    seam_check_eq(t, seam_broker_count(broker), 3);
    seam_check_eq(t, seam_broker_ready(broker, "q"), 2);
    seam_broker_fail(broker, .times = -1, .accepted = true);
    seam_check_eq(t, publish(broker, "a", "6"), -EIO);
    seam_check_eq(t, publish(broker, "a", "7"), -EIO);
    seam_check_eq(t, seam_broker_ready(broker, "q"), 4);
}

SEAM_TEST(a_lost_connection_gives_back_what_it_held)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_queue(broker, "q");
    seam_broker_bind(broker, "q", "events", "#");
    publish(broker, "a", "1");
    seam_check_eq(t, seam_broker_get(broker, "q")->body, "1");
    seam_broker_fail(broker, .connection_lost = true);
    seam_check_eq(t, publish(broker, "a", "2"), -ENOTCONN);
    seam_check_eq(t, seam_broker_unacknowledged(broker, "q"), 0);
    seam_check(t, seam_broker_get(broker, "q")->redelivered);
    seam_check_null(t, seam_broker_get(broker, "q"));
}

static void fails_in_two_ways(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_fail(broker, .unroutable = true, .accepted = true);
}

SEAM_TEST(failures_that_exclude_each_other)
{
    says(t, fails_in_two_ways,
         "error t: seam_broker_fail: .unroutable and .accepted exclude each other\n"
         "end t fail\n");
}

/* ---- expectations ------------------------------------------------------------------------ */

SEAM_TEST(expectations_that_are_met)
{
    const seam_message_header headers[] = { { "n", "1" } };
    seam_broker *broker = seam_broker_start(t, .strict = true);

    seam_broker_expect(broker, .routing_key = "a", .times = 2, .in_order = true);
    seam_broker_expect(broker, .key_pattern = "order.*", .json = "{'id': 7}",
                       .exchange = "events", .in_order = true);
    seam_broker_expect(broker, .text = "x", .headers = { { "n", "1" }, { "n", NULL } },
                       .content_type = "text/plain", .message_id = "m");
    seam_broker_expect(broker, .routing_key = "c", .optional = true);
    seam_broker_expect(broker, .routing_key = "d", .never = true);
    seam_broker_expect(broker, .json_equal = "[1]", .contains = "1", .pattern = "^\\[");
    publish(broker, "a", "1");
    publish(broker, "a", "2");
    publish(broker, "order.paid", "{\"id\":7,\"b\":2}");
    publish(broker, "e", "[1.0]");
    seam_broker_send(broker,
                     &(seam_message){ .body = "x",
                                      .size = 1,
                                      .content_type = "text/plain",
                                      .message_id = "m",
                                      .headers = headers,
                                      .header_count = 1 },
                     false);
    seam_broker_expect_nothing_else(broker);
}

static void misses_one(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "order.paid",
                       .json = "{'id': 7, 'token': 'abcdefg'}",
                       .headers = { { "x-trace", "1" } });
    publish(broker, "cart", "x");
    publish(broker, "order.payed", "{\"id\":8,\"token\":\"abcdefgh\"}");
}

SEAM_TEST(the_nearest_message_stands_beside)
{
    says(t, misses_one,
         "error t: 'order.paid' was not published\n"
         "the nearest of 2 messages: 'order.payed' to 'events', the 2nd, after 3 ms\n"
         "expected                              | published\n"
         "key     order.paid                    | order.payed                         <<<\n"
         "header  x-trace: 1                    | (absent)                            <<<\n"
         "json    $.id  7                       | 8                                   <<<\n"
         "json    $.token  ab... (7 characters) | ab... (8 characters)                <<<\n"
         "end t fail\n");
}

static void misses_what_another_took(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .key_pattern = "#");
    seam_broker_expect(broker, .routing_key = "abd");
    publish(broker, "abc", "1");
    publish(broker, "a", "1");
}

SEAM_TEST(a_message_that_counts_elsewhere_is_less_near)
{
    seam_check_contains(t, trial_run(t, misses_what_another_took, NULL),
                        "error t: 'abd' was not published\n"
                        "the nearest of 2 messages: 'a' to 'events', the 2nd, after 3 ms\n");
}

SEAM_TEST(expectations_may_come_after_the_message)
{
    seam_broker *broker = seam_broker_start(t, .strict = true);

    publish(broker, "a", "1");
    seam_check_eq(t, seam_broker_eventually(broker, .routing_key = "a")->body, "1");
    seam_broker_expect_nothing_else(broker);
    seam_broker_expect(broker, .routing_key = "a");
}

static void misses_all(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_expect(broker, .key_pattern = "order.#", .times = 2);
}

static void misses_the_second(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "a", .times = 2);
    publish(broker, "a", "1");
}

SEAM_TEST(too_few)
{
    says(t, misses_all,
         "error t: 'order.#' was not published\nnothing was published\nend t fail\n");
    says(t, misses_the_second,
         "error t: 'a' was published once, not 2 times\n"
         "nothing else was published\n"
         "end t fail\n");
}

static void publishes_twice(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t, .strict = true);
    seam_broker_expect(broker, .routing_key = "a");
    publish(broker, "a", "1");
    publish(broker, "a", "2");
}

SEAM_TEST(too_many)
{
    says(t, publishes_twice,
         "error t: 'a' was published 2 times, not once\n"
         "the first that is too many: 'a' to 'events', the 2nd, after 3 ms\n"
         "end t fail\n");
}

static void publishes_another(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t, .strict = true);
    publish(broker, "a", "{\"password\":\"x\"}");
    publish(broker, "b", "2");
}

static void publishes_more(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "a", .text = "1", .optional = true);
    publish(broker, "b", "2");
    seam_check_eq(t, seam_broker_eventually(broker, .routing_key = "b")->body, "2");
    seam_broker_expect_nothing_else(broker);
    publish(broker, "ab", "1");
    seam_broker_expect_nothing_else(broker);
    seam_broker_expect_nothing_else(broker);
}

SEAM_TEST(what_nobody_expected)
{
    says(t, publishes_another,
         "error t: 2 messages were not expected:\n"
         "    'a' to 'events', the 1st, after 3 ms: {\"password\":\"***\"}\n"
         "    'b' to 'events', the 2nd, after 3 ms: 2\n"
         "end t fail\n");
    seam_check_contains(t, trial_run(t, publishes_more, NULL),
                        "error t: 1 message was not expected:\n"
                        "    'ab' to 'events', the 2nd, after 3 ms: 1\n"
                        "the expectation nearest to the 2nd is at broker_test.c:");
    seam_check_contains(
        t, trial_run(t, publishes_more, NULL),
        "\n"
        "expected                            | published\n"
        "key   a                             | ab                                  <<<\n"
        "body  \"1\"                           | \"1\"                                 ok\n"
        "end t fail\n");
}

static void publishes_the_forbidden(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "a", .never = true);
    seam_broker_expect(broker, .routing_key = "a", .optional = true);
    publish(broker, "a", "1");
}

static void publishes_in_another_order(seam_t *t)
{
    seam_broker *broker;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "a", .in_order = true);
    seam_broker_expect(broker, .routing_key = "c");
    seam_broker_expect(broker, .routing_key = "b", .in_order = true);
    publish(broker, "b", "1");
    publish(broker, "a", "1");
    publish(broker, "c", "1");
}

SEAM_TEST(never_and_in_order)
{
    says(t, publishes_the_forbidden,
         "error t: 'a' was published, which never should be: 'a' to 'events', the 1st, after 3 "
         "ms\n"
         "end t fail\n");
    says(t, publishes_in_another_order,
         "error t: 'b' was published before 'a', which is expected before it\n"
         "    'b' to 'events', the 1st, after 3 ms\n"
         "    'a' to 'events', the 2nd, after 3 ms\n"
         "end t fail\n");
}

static void fails_before(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    seam_broker_expect(broker, .routing_key = "a");
    seam_error(t, "wrong");
}

SEAM_TEST(in_a_failed_test_it_is_a_note)
{
    says(t, fails_before,
         "error t: wrong\n"
         "log t: 'a' was not published\nnothing was published\n"
         "end t fail\n");
}

static bool says_no(const seam_message *message, void *arg)
{
    (void)message;
    ++*(int *)arg;
    return false;
}

static void asks_a_function(seam_t *t)
{
    seam_broker *broker;
    int asked = 0;

    stand_still();
    broker = seam_broker_start(t);
    seam_broker_expect(broker, .routing_key = "a", .fn = says_no, .arg = &asked);
    publish(broker, "b", "1");
    publish(broker, "a", "1");
    seam_broker_expect_nothing_else(broker);
    seam_check_eq(t, asked, 1);
}

SEAM_TEST(a_function_is_asked_last)
{
    seam_check_contains(
        t, trial_run(t, asks_a_function, NULL),
        "fn   (function)                     | said no                             <<<\n");
}

/* ---- expectations that make no sense ----------------------------------------------------- */

#define REFUSES(name, ...)                                                                     \
    static void name(seam_t *t)                                                                \
    {                                                                                          \
        seam_broker_expect(seam_broker_start(t), __VA_ARGS__);                                 \
    }

REFUSES(expects_bad_json, .json = "{'a': }")
REFUSES(expects_two_keys, .routing_key = "a", .key_pattern = "b")
REFUSES(expects_two_kinds_of_json, .json = "1", .json_equal = "1")
REFUSES(expects_a_bad_pattern, .pattern = "(")
REFUSES(expects_less_than_nothing, .times = -1)
REFUSES(expects_never_twice, .never = true, .times = 2)
REFUSES(expects_within, .within_ms = 5)

SEAM_TEST(expectations_that_make_no_sense)
{
    static const struct {
        void (*fn)(seam_t *t);
        const char *words;
    } rows[] = {
        { expects_bad_json, ".json is not JSON: line 1, column 7" },
        { expects_two_keys, ".routing_key and .key_pattern exclude each other" },
        { expects_two_kinds_of_json, ".json and .json_equal exclude each other" },
        { expects_a_bad_pattern, "missing closing parenthesis" },
        { expects_less_than_nothing, ".times is below 0" },
        { expects_never_twice, ".never excludes .times, .optional and .in_order" },
        { expects_within, ".within_ms is for seam_broker_eventually" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_check_contains(t, trial_run(t, rows[i].fn, NULL), rows[i].words);
}

/* ---- waiting ----------------------------------------------------------------------------- */

struct late {
    seam_broker *broker;
    int count;
};

static void *publish_later(void *arg)
{
    struct late *late = arg;

    for (int i = 0; i < late->count; i++)
        publish(late->broker, "late", i == 0 ? "1" : "2");
    return NULL;
}

SEAM_TEST(messages_of_other_threads_are_waited_for)
{
    seam_broker *broker = seam_broker_start(t);
    struct late late = { broker, 3 };
    pthread_t thread;

    seam_broker_expect(broker, .routing_key = "late", .times = 3);
    seam_require_eq(t, pthread_create(&thread, NULL, publish_later, &late), 0);
    seam_check_eq(t, seam_broker_eventually(broker, .routing_key = "late")->body, "1");
    seam_check_eq(t, seam_broker_eventually(broker, .routing_key = "late", .times = 2)->body,
                  "2");
    pthread_join(thread, NULL);
}

static void waits_in_vain(seam_t *t)
{
    seam_broker *broker = seam_broker_start(t);

    publish(broker, "a", "1");
    seam_broker_eventually(broker, .routing_key = "a");
    seam_check_null(t, seam_broker_eventually(broker, .routing_key = "a", .within_ms = 1));
}

SEAM_TEST(each_message_is_waited_for_once)
{
    seam_check_contains(t, trial_run(t, waits_in_vain, NULL),
                        "error t: within 1 ms 'a' was not published\n"
                        "one message was published: 'a' to 'events'");
}
