/* fake/broker_core_test.c - the broker without a test around it: routing, queues, dead letters, time. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources broker.c broker_core.c broker_dead.c broker_delete.c broker_expect.c broker_publish.c broker_queue.c
//seam:sources broker_report.c broker_route.c broker_wish.c message_key.c message_match.c message_rows.c now.c
//seam:sources ../base/*.c ../events/*.c ../json/*.c ../test/*.c ../test/trial_test.c

#include "fake/broker_core.h"

#include <errno.h>
#include <seam/seam.h>
#include <stdlib.h>
#include <string.h>

#include "fake/message_key.h"

static int64_t clock_ms;

static int64_t read_clock(void *arg)
{
    (void)arg;
    return clock_ms;
}

static void release(void *arg)
{
    broker_free(arg);
}

static struct broker *start(seam_t *t)
{
    struct broker *broker =
        broker_new(&(struct broker_time){ .now_ms = read_clock, .epoch_ms = 1000000000000 });

    seam_require(t, broker);
    seam_cleanup(t, release, broker);
    return broker;
}

static void declare(seam_t *t, struct broker *broker, const char *name,
                    struct broker_arguments arguments)
{
    struct err err;

    if (broker_declare_queue(broker, name, &arguments, &err) < 0)
        seam_fatal(t, "%s", err.text);
}

static void bind_key(seam_t *t, struct broker *broker, const char *queue, const char *exchange,
                     const char *key)
{
    struct err err;

    if (broker_bind(broker, queue, exchange, key, NULL, &err) < 0)
        seam_fatal(t, "%s", err.text);
}

static int publish_message(struct broker *broker, const seam_message *message)
{
    struct err err;
    int r = broker_route(broker, message, &err);

    if (r >= 0)
        broker_publish(broker, broker_copy(broker, message));
    return r;
}

static int publish(struct broker *broker, const char *exchange, const char *key,
                   const char *body)
{
    return publish_message(broker, &(seam_message){ .exchange = exchange,
                                                    .routing_key = key,
                                                    .body = body,
                                                    .size = strlen(body) });
}

static const seam_message *get(struct broker *broker, const char *queue)
{
    const seam_message *message = NULL;

    broker_get(broker, queue, &message, NULL);
    return message;
}

static const char *get_body(struct broker *broker, const char *queue)
{
    const seam_message *message = get(broker, queue);

    return message ? message->body : "(none)";
}

static struct broker_counts counts(struct broker *broker, const char *queue)
{
    struct broker_counts ret;

    broker_counts(broker, queue, &ret, NULL);
    return ret;
}

/* ---- routing ----------------------------------------------------------------------------- */

SEAM_TEST(topic_patterns)
{
    static const struct {
        const char *pattern, *key;
        bool matches;
    } rows[] = {
        { "a.b", "a.b", true },       { "a.b", "a.c", false },
        { "*", "a", true },           { "*", "", true },
        { "*", "a.b", false },        { "#", "", true },
        { "#", "a.b.c", true },       { "a.*", "a", false },
        { "a.*", "a.b", true },       { "a.*", "a.b.c", false },
        { "a.#", "a", true },         { "a.#", "a.b.c", true },
        { "#.c", "a.b.c", true },     { "#.c", "c", true },
        { "#.c", "c.d", false },      { "#.b.#", "a.b.b.d", true },
        { "#.*", "a", true },         { "*.#", "a.b", true },
        { "#.a.#.b", "a.c.b", true }, { "#.a.#.b", "c.b", false },
        { "a.#.b", "a.b", true },     { "a.#.#.b", "a.x.b", true },
        { "ab", "a", false },         { "a", "ab", false },
        { "#a", "a", false },         { "", "", true },
        { "", "a", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (message_key_matches(rows[i].pattern, rows[i].key) != rows[i].matches)
            seam_error(t, "'%s' and '%s'", rows[i].pattern, rows[i].key);
}

SEAM_TEST(exchanges_route_by_their_type)
{
    struct broker *broker = start(t);
    static const char *const queues[] = { "a", "b" };

    for (size_t i = 0; i < 2; i++)
        declare(t, broker, queues[i], (struct broker_arguments){ 0 });
    bind_key(t, broker, "a", "amq.direct", "x");
    bind_key(t, broker, "b", "amq.topic", "x.*");
    bind_key(t, broker, "b", "amq.topic", "#");
    bind_key(t, broker, "a", "amq.fanout", "");
    bind_key(t, broker, "b", "amq.fanout", "any");
    seam_check_eq(t, publish(broker, "", "a", "1"), 1);
    seam_check_eq(t, publish(broker, "", "none", "2"), 0);
    seam_check_eq(t, publish(broker, "amq.direct", "x", "3"), 1);
    seam_check_eq(t, publish(broker, "amq.direct", "x.y", "4"), 0);
    seam_check_eq(t, publish(broker, "amq.topic", "x.y", "5"), 1); /* once for two bindings */
    seam_check_eq(t, publish(broker, "amq.fanout", "whatever", "6"), 2);
    seam_check_eq(t, get_body(broker, "a"), "1");
    seam_check_eq(t, get_body(broker, "a"), "3");
    seam_check_eq(t, get_body(broker, "a"), "6");
    seam_check_eq(t, get_body(broker, "a"), "(none)");
    seam_check_eq(t, get_body(broker, "b"), "5");
    seam_check_eq(t, get_body(broker, "b"), "6");
    seam_check_eq(t, get_body(broker, "b"), "(none)");
}

SEAM_TEST(headers_exchanges_compare_headers)
{
    struct broker *broker = start(t);
    const seam_message_header wanted[] = { { "format", "pdf" }, { "size", NULL } };
    const seam_message_header one[] = { { "format", "pdf" } };
    const seam_message_header both[] = { { "size", "7" }, { "format", "pdf" } };
    const seam_message_header other[] = { { "size", "7" }, { "format", "png" } };
    seam_message message = { .exchange = "amq.headers", .routing_key = "", .body = "" };
    struct broker_headers headers = { .at = wanted, .count = 2 };

    declare(t, broker, "all", (struct broker_arguments){ 0 });
    declare(t, broker, "any", (struct broker_arguments){ 0 });
    seam_require_ok(t, broker_bind(broker, "all", "amq.headers", "", &headers, NULL));
    headers.any = true;
    seam_require_ok(t, broker_bind(broker, "any", "amq.headers", "", &headers, NULL));
    seam_check_eq(t, publish_message(broker, &message), 0);
    message.headers = one;
    message.header_count = 1;
    seam_check_eq(t, publish_message(broker, &message), 1);
    message.headers = both;
    message.header_count = 2;
    seam_check_eq(t, publish_message(broker, &message), 2);
    message.headers = other;
    seam_check_eq(t, publish_message(broker, &message), 1);
    seam_check_eq(t, counts(broker, "all").ready, 1);
    seam_check_eq(t, counts(broker, "any").ready, 3);
}

/* ---- what is refused --------------------------------------------------------------------- */

SEAM_TEST(refusals_are_rabbitmqs)
{
    struct broker *broker = start(t);
    struct broker_arguments arguments = { .message_ttl_ms = 5000 };
    struct err err;

    seam_check_eq(t, broker_declare_exchange(broker, "e", "tropic", &err), -EINVAL);
    seam_check_eq(t, err.text, "COMMAND_INVALID - unknown exchange type 'tropic'");
    seam_check_eq(t, broker_declare_exchange(broker, "", "direct", &err), -EINVAL);
    seam_check_eq(t, err.text,
                  "ACCESS_REFUSED - operation not permitted on the default exchange");
    seam_check_eq(t, broker_declare_exchange(broker, "amq.mine", "direct", &err), -EINVAL);
    seam_check_eq(t, err.text,
                  "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'");
    seam_check_ok(t, broker_declare_exchange(broker, "e", "topic", &err));
    seam_check_ok(t, broker_declare_exchange(broker, "e", "topic", &err));
    seam_check_eq(t, broker_declare_exchange(broker, "e", "fanout", &err), -EEXIST);
    seam_check_eq(
        t, err.text,
        "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'e' in vhost '/': "
        "received 'fanout' but current is 'topic'");
    declare(t, broker, "q", (struct broker_arguments){ 0 });
    seam_check_eq(t, broker_declare_queue(broker, "q", &arguments, &err), -EEXIST);
    seam_check_eq(
        t, err.text,
        "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost "
        "'/': received the value '5000' of type 'signedint' but current is none");
    seam_check_eq(t, broker_bind(broker, "none", "e", "", NULL, &err), -ENOENT);
    seam_check_eq(t, err.text, "NOT_FOUND - no queue 'none' in vhost '/'");
    seam_check_eq(t, broker_bind(broker, "q", "none", "", NULL, &err), -ENOENT);
    seam_check_eq(t, err.text, "NOT_FOUND - no exchange 'none' in vhost '/'");
    seam_check_eq(t, publish(broker, "none", "", ""), -ENOENT);
    seam_check_eq(t, broker_ack(broker, 1), -ENOENT);
}

SEAM_TEST(an_expiration_is_a_number)
{
    struct broker *broker = start(t);
    seam_message message = { .exchange = "", .routing_key = "q", .body = "" };
    static const char *const wrong[][2] = { { "", "no_integer" },
                                            { "-1", "{value_negative,-1}" },
                                            { "1s", "{leftover_string,\"s\"}" },
                                            { " 1", "no_integer" } };
    struct err err;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        message.expiration = wrong[i][0];
        seam_check_eq(t, broker_route(broker, &message, &err), -EINVAL);
        seam_check_eq(t, err.text,
                      seam_format(t, "PRECONDITION_FAILED - invalid expiration '%s': %s",
                                  wrong[i][0], wrong[i][1]));
    }
}

/* ---- acknowledgement --------------------------------------------------------------------- */

SEAM_TEST(what_is_requeued_goes_back_to_its_place)
{
    struct broker *broker = start(t);
    const seam_message *one, *two, *again;

    declare(t, broker, "q", (struct broker_arguments){ 0 });
    publish(broker, "", "q", "1");
    publish(broker, "", "q", "2");
    publish(broker, "", "q", "3");
    one = get(broker, "q");
    two = get(broker, "q");
    seam_check_eq(t, counts(broker, "q").ready, 1);
    seam_check_eq(t, counts(broker, "q").unacknowledged, 2);
    seam_check(t, !one->redelivered);
    seam_check_ok(t, broker_reject(broker, two->delivery_tag, true));
    seam_check_ok(t, broker_reject(broker, one->delivery_tag, true));
    again = get(broker, "q");
    seam_check_eq(t, again->body, "1");
    seam_check(t, again->redelivered);
    seam_check_ne(t, again->delivery_tag, one->delivery_tag);
    seam_check_eq(t, broker_ack(broker, one->delivery_tag), -ENOENT);
    seam_check_ok(t, broker_ack(broker, again->delivery_tag));
    seam_check_eq(t, get_body(broker, "q"), "2");
    seam_check_eq(t, get_body(broker, "q"), "3");
    broker_recover(broker);
    seam_check_eq(t, counts(broker, "q").unacknowledged, 0);
    publish(broker, "", "q", "4");
    seam_check_eq(t, get_body(broker, "q"), "2");
    seam_check_eq(t, get_body(broker, "q"), "3");
    seam_check_eq(t, get_body(broker, "q"), "4");
}

/* ---- dead letters ------------------------------------------------------------------------ */

static void declare_pair(seam_t *t, struct broker *broker, struct broker_arguments arguments)
{
    arguments.dead_letter_exchange = "amq.topic";
    declare(t, broker, "q", arguments);
    declare(t, broker, "dead", (struct broker_arguments){ 0 });
    bind_key(t, broker, "dead", "amq.topic", "#");
}

SEAM_TEST(rejected_messages_are_dead_lettered)
{
    struct broker *broker = start(t);
    const seam_message *dead;

    clock_ms = 1500;
    declare_pair(t, broker, (struct broker_arguments){ .dead_letter_key = "dead.q" });
    publish(broker, "", "q", "1");
    seam_check_ok(t, broker_reject(broker, get(broker, "q")->delivery_tag, false));
    dead = get(broker, "dead");
    seam_require(t, dead);
    seam_check_eq(t, dead->exchange, "amq.topic");
    seam_check_eq(t, dead->routing_key, "dead.q");
    seam_check_json(t, seam_message_header_value(dead, "x-death"),
                    "[{'count': 1, 'reason': 'rejected', 'queue': 'q', 'time': 1000000001,"
                    " 'exchange': '', 'routing-keys': ['q']}]");
    seam_check_eq(t, seam_message_header_value(dead, "x-first-death-queue"), "q");
    seam_check_eq(t, seam_message_header_value(dead, "x-first-death-reason"), "rejected");
    seam_check_eq(t, seam_message_header_value(dead, "x-first-death-exchange"), "");
}

SEAM_TEST(deaths_are_counted)
{
    struct broker *broker = start(t);
    const seam_message *dead;

    declare(t, broker, "q", (struct broker_arguments){ .dead_letter_exchange = "" });
    publish(broker, "", "q", "1");
    for (int i = 0; i < 3; i++)
        seam_require_ok(t, broker_reject(broker, get(broker, "q")->delivery_tag, false));
    dead = get(broker, "q");
    seam_require(t, dead);
    seam_check(t, strstr(seam_message_header_value(dead, "x-death"), "\"count\":3"));
    seam_check_eq(t, dead->header_count, 4);
}

SEAM_TEST(messages_expire_by_the_clock)
{
    struct broker *broker = start(t);
    seam_message message = {
        .exchange = "", .routing_key = "q", .body = "2", .size = 1, .expiration = "10"
    };
    const seam_message *dead;

    clock_ms = 0;
    declare_pair(t, broker, (struct broker_arguments){ .message_ttl_ms = 100 });
    publish(broker, "", "q", "1");
    publish_message(broker, &message);
    clock_ms = 99; /* the second waits behind the first */
    seam_check_eq(t, counts(broker, "q").ready, 2);
    clock_ms = 100;
    seam_check_eq(t, counts(broker, "q").ready, 0);
    seam_check_eq(t, get_body(broker, "dead"), "1");
    dead = get(broker, "dead");
    seam_require(t, dead);
    seam_check_eq(t, dead->body, "2");
    seam_check_null(t, dead->expiration);
    seam_check_eq(t, seam_message_header_value(dead, "x-first-death-reason"), "expired");
}

SEAM_TEST(the_oldest_makes_room)
{
    struct broker *broker = start(t);

    declare_pair(t, broker, (struct broker_arguments){ .max_length = 2 });
    publish(broker, "", "q", "1");
    publish(broker, "", "q", "2");
    publish(broker, "", "q", "3");
    seam_check_eq(t, get_body(broker, "q"), "2");
    seam_check_eq(t, get_body(broker, "q"), "3");
    seam_check_eq(t, get_body(broker, "dead"), "1");
}

SEAM_TEST(dead_letters_do_not_go_round_for_ever)
{
    struct broker *broker = start(t);

    clock_ms = 0;
    declare(t, broker, "a",
            (struct broker_arguments){
                .dead_letter_exchange = "", .dead_letter_key = "b", .message_ttl_ms = 1 });
    declare(t, broker, "b",
            (struct broker_arguments){
                .dead_letter_exchange = "", .dead_letter_key = "a", .message_ttl_ms = 1 });
    publish(broker, "", "a", "1");
    clock_ms = 1;
    seam_check_eq(t, counts(broker, "b").ready, 1);
    clock_ms = 2;
    seam_check_eq(t, counts(broker, "b").ready, 0);
    seam_check_eq(t, counts(broker, "a").ready, 0);
}

SEAM_TEST(without_an_exchange_the_dead_are_dropped)
{
    struct broker *broker = start(t);

    declare(t, broker, "q", (struct broker_arguments){ .dead_letter_exchange = "none" });
    publish(broker, "", "q", "1");
    seam_check_ok(t, broker_reject(broker, get(broker, "q")->delivery_tag, false));
    seam_check_eq(t, counts(broker, "q").ready + counts(broker, "q").unacknowledged, 0);
}

/* ---- consumers --------------------------------------------------------------------------- */

SEAM_TEST(consumers_take_turns_within_their_prefetch)
{
    struct broker *broker = start(t);
    struct broker_delivery delivery;
    uint64_t first_tag = 0;
    int order[4] = { 0 };

    declare(t, broker, "q", (struct broker_arguments){ 0 });
    seam_check_eq(t, broker_consume(broker, "q", 1, NULL), 1);
    seam_check_eq(t, broker_consume(broker, "q", 2, NULL), 2);
    for (int i = 0; i < 5; i++)
        publish(broker, "", "q", "x");
    for (int i = 0; i < 3; i++) {
        seam_require(t, broker_deliver(broker, &delivery));
        order[i] = delivery.consumer;
        if (i == 0)
            first_tag = delivery.message->delivery_tag;
    }
    seam_check_eq(t, order[0] * 100 + order[1] * 10 + order[2], 122);
    seam_check(t, !broker_deliver(broker, &delivery));
    seam_check_ok(t, broker_ack(broker, first_tag));
    seam_require(t, broker_deliver(broker, &delivery));
    seam_check_eq(t, delivery.consumer, 1);
    broker_cancel(broker, 1);
    seam_check_ok(t, broker_ack(broker, delivery.message->delivery_tag));
    seam_check(t, !broker_deliver(broker, &delivery));
    seam_check_eq(t, counts(broker, "q").ready, 1);
}

SEAM_TEST(a_consumer_that_waits_gets_what_expires_at_once)
{
    struct broker *broker = start(t);
    struct broker_delivery delivery;
    const seam_message message = {
        .exchange = "", .routing_key = "q", .body = "", .expiration = "0"
    };

    declare(t, broker, "q", (struct broker_arguments){ 0 });
    publish_message(broker, &message);
    seam_check_eq(t, counts(broker, "q").ready, 0);
    broker_consume(broker, "q", 0, NULL);
    publish_message(broker, &message);
    seam_check(t, broker_deliver(broker, &delivery));
}
