/*
 * lease/kafka_record.c - records to a Kafka and from it, and what tests expect of them; see seam/kafka.h.
 *
 * The keeper reads; what comes of any topic that the test reads comes here in the order of its coming, and is put to
 * the stream of its topic. Consumers of a topic share its stream: each has marks of its own of what it has expected.
 */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/message_match.h"
#include "lease/kafka.h"
#include "test/quote.h"
#include "test/t.h"

enum {
    WITHIN_MS = 5000,
    STORY_MAX = 1 << 20,
    NAME_MAX_SHOWN = 80,
    HEADERS = sizeof((seam_kafka_produce_options *)0)->headers / sizeof(seam_message_header)
};

/* One that came. As a message its key is the routing key, so that what compares messages compares it. */
struct kafka_arrival {
    seam_message message; /* first: the test's own function gets the record behind it */
    seam_kafka_record record;
    struct kafka_arrival *next;
};

/* A record that a consumer's expectation has taken, or that was reported. */
struct taken {
    struct taken *next;
    const struct kafka_arrival *arrival;
};

struct seam_kafka_consumer {
    seam_kafka *kafka;
    struct kafka_stream *stream;
    struct taken *taken;
};

/* ---- writing ---------------------------------------------------------------------------- */

/* JSON in which ' stands for ", unless it has a " itself. */
static const char *plain_json(seam_kafka *kafka, const char *json)
{
    char *copy = arena_dup(t_arena(kafka->t), json);

    if (!strchr(copy, '"'))
        for (char *at = copy; (at = strchr(at, '\'')); at++)
            *at = '"';
    return copy;
}

static void add_value(seam_kafka *kafka, const seam_kafka_produce_options *options,
                      struct buf *frame)
{
    if ((options->json != NULL) + (options->text != NULL) + (options->bytes != NULL) > 1)
        seam_fatal_at(kafka->t, options->site,
                      "kafka: .text, .json and .bytes exclude each other");
    if (options->bytes)
        message_add(frame, "value", options->bytes, options->size);
    else if (options->json)
        message_add_text(frame, "value", plain_json(kafka, options->json));
    else
        message_add_text(frame, "value", options->text);
}

int64_t seam_kafka_produce_at(seam_kafka *kafka, const char *topic,
                              const seam_kafka_produce_options *options)
{
    struct message answer;
    struct buf frame;

    if (options->to_partition && options->partition < 0)
        seam_fatal_at(kafka->t, options->site, "kafka: .partition is %d, which is none",
                      options->partition);
    lease_request(&frame, "produce");
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "partition", options->to_partition ? options->partition : -1);
    if (options->key)
        message_add(&frame, "key", options->key,
                    options->key_size > 0 ? options->key_size : strlen(options->key));
    add_value(kafka, options, &frame);
    for (size_t i = 0; i < HEADERS && options->headers[i].name; i++) {
        message_add_text(&frame, "header_name", options->headers[i].name);
        message_add_text(&frame, "header_value", options->headers[i].value);
    }
    message_add_int(&frame, "timestamp", options->timestamp_ms);
    kafka_ask(kafka, options->site, &frame, &answer, "write to", topic);
    return message_int(&answer, "offset", -1);
}

/* ---- coming ----------------------------------------------------------------------------- */

static void take_headers(seam_kafka *kafka, const struct message *answer, seam_kafka_record *to)
{
    struct arena *arena = t_arena(kafka->t);
    struct message key, value;
    seam_message_header *headers;
    size_t at = 0, count = 0;

    while (message_next(answer, &at, &key, &value) == 1)
        count += message_is(&key, "header_name");
    headers = arena_zero(arena, (count + 1) * sizeof *headers);
    to->headers = headers;
    at = 0;
    while (message_next(answer, &at, &key, &value) == 1)
        if (message_is(&key, "header_name"))
            headers[to->header_count++].name = arena_copy(arena, value.data, value.size);
        else if (message_is(&key, "header_value") && to->header_count > 0)
            headers[to->header_count - 1].value = arena_copy(arena, value.data, value.size);
}

/* Bytes of the answer; NULL when it has none. */
static const char *bytes_of(seam_kafka *kafka, const struct message *answer, const char *key,
                            size_t *ret_size)
{
    struct message value = message_value(answer, key);

    *ret_size = value.size;
    return value.data ? arena_copy(t_arena(kafka->t), value.data, value.size) : NULL;
}

static struct kafka_arrival *take_arrival(seam_kafka *kafka, const struct message *answer)
{
    struct kafka_arrival *arrival = arena_zero(t_arena(kafka->t), sizeof *arrival);
    seam_kafka_record *record = &arrival->record;

    record->topic = lease_text(kafka->lease, answer, "topic");
    record->partition = (int)message_int(answer, "partition", 0);
    record->offset = message_int(answer, "offset", 0);
    record->timestamp_ms = message_int(answer, "timestamp", 0);
    record->key = bytes_of(kafka, answer, "key", &record->key_size);
    record->value = bytes_of(kafka, answer, "value", &record->value_size);
    take_headers(kafka, answer, record);
    arrival->message = (seam_message){ .exchange = record->topic,
                                       .routing_key = record->key ? record->key : "",
                                       .body = record->value ? record->value : "",
                                       .size = record->value_size,
                                       .headers = record->headers,
                                       .header_count = record->header_count,
                                       .priority = -1 };
    return arrival;
}

/* Wait for one more record of any stream. False: none came. */
static bool wait_for_more(seam_kafka *kafka, seam_site at, const char *topic,
                          uint64_t deadline_ns)
{
    struct kafka_arrival *arrival;
    struct message answer;
    struct buf frame;

    lease_request(&frame, "next");
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "within_ms", deadline_poll_ms(deadline_ns));
    kafka_ask(kafka, at, &frame, &answer, "read", topic);
    if (message_int(&answer, "none", 0) != 0)
        return false;
    arrival = take_arrival(kafka, &answer);
    for (struct kafka_stream *stream = kafka->streams; stream; stream = stream->next)
        if (strcmp(stream->topic, arrival->record.topic) == 0) {
            *stream->end = arrival;
            stream->end = &arrival->next;
        }
    return true;
}

/* The stream of a topic; reading begins with the first who asks. */
static struct kafka_stream *open_stream(seam_kafka *kafka, seam_site at, const char *topic)
{
    struct kafka_stream *stream = kafka->streams;
    struct message answer;
    struct buf frame;

    while (stream && strcmp(stream->topic, topic) != 0)
        stream = stream->next;
    if (stream)
        return stream;
    lease_request(&frame, "read");
    message_add_text(&frame, "topic", topic);
    kafka_ask(kafka, at, &frame, &answer, "read", topic);
    stream = arena_zero(t_arena(kafka->t), sizeof *stream);
    *stream = (struct kafka_stream){ .next = kafka->streams,
                                     .topic = arena_dup(t_arena(kafka->t), topic),
                                     .end = &stream->first };
    return kafka->streams = stream;
}

/* Where each partition begins and ends; "" when nobody says. */
static const char *tell_offsets(seam_kafka *kafka, seam_site at, const char *topic)
{
    struct message answer;
    struct buf frame;
    const char *story;
    size_t size;

    lease_request(&frame, "story");
    message_add_text(&frame, "topic", topic);
    if (kafka_try(kafka, at, &frame, &answer) < 0)
        return "";
    story = lease_text(kafka->lease, &answer, "story");
    size = strlen(story);
    return arena_printf(t_arena(kafka->t), "\n%.*s", (int)(size > 0 ? size - 1 : 0), story);
}

static uint64_t deadline_of(seam_kafka *kafka, int within_ms, int *ret_ms)
{
    *ret_ms = t_wait_ms(kafka->t, within_ms);
    return now_ns() + (uint64_t)(*ret_ms > 0 ? *ret_ms : 0) * 1000000u;
}

const seam_kafka_record *seam_kafka_get_at(seam_kafka *kafka, seam_site at, const char *topic,
                                           int within_ms)
{
    struct kafka_stream *stream = open_stream(kafka, at, topic);
    uint64_t deadline = deadline_of(kafka, within_ms, &within_ms);
    const struct kafka_arrival *next;

    while (!(next = stream->got ? stream->got->next : stream->first) &&
           wait_for_more(kafka, at, topic, deadline))
        ;
    if (!next)
        seam_fatal_at(kafka->t, at, "kafka: no record came from '%s' within %d ms%s", topic,
                      within_ms, tell_offsets(kafka, at, topic));
    stream->got = next;
    return &next->record;
}

const char *seam_kafka_header_value(const seam_kafka_record *record, const char *name)
{
    for (size_t i = record->header_count; i > 0; i--)
        if (strcmp(record->headers[i - 1].name, name) == 0)
            return record->headers[i - 1].value;
    return NULL;
}

/* ---- consumers -------------------------------------------------------------------------- */

seam_kafka_consumer *seam_kafka_consume_at(seam_kafka *kafka, seam_site at, const char *topic)
{
    seam_kafka_consumer *consumer = arena_zero(t_arena(kafka->t), sizeof *consumer);

    consumer->kafka = kafka;
    consumer->stream = open_stream(kafka, at, topic);
    return consumer;
}

static bool is_taken(const seam_kafka_consumer *consumer, const struct kafka_arrival *arrival)
{
    const struct taken *at = consumer->taken;

    while (at && at->arrival != arrival)
        at = at->next;
    return at != NULL;
}

static void take(seam_kafka_consumer *consumer, const struct kafka_arrival *arrival)
{
    struct taken *taken = arena_zero(t_arena(consumer->kafka->t), sizeof *taken);

    *taken = (struct taken){ consumer->taken, arrival };
    consumer->taken = taken;
}

static struct kafka_arrival *first_left(const seam_kafka_consumer *consumer)
{
    struct kafka_arrival *at = consumer->stream->first;

    while (at && is_taken(consumer, at))
        at = at->next;
    return at;
}

/* ---- matching --------------------------------------------------------------------------- */

struct wish {
    const seam_kafka_expectation *wanted;
    struct message_match *match;
    struct arena *arena;
};

static int read_wish(seam_kafka *kafka, const seam_kafka_expectation *wanted, struct wish *ret,
                     struct err *err)
{
    seam_message_match match = { .routing_key = wanted->key,
                                 .text = wanted->text,
                                 .contains = wanted->contains,
                                 .pattern = wanted->pattern,
                                 .json = wanted->json,
                                 .json_equal = wanted->json_equal };

    _Static_assert(sizeof match.headers == sizeof wanted->headers,
                   "one is copied to the other");
    memcpy(match.headers, wanted->headers, sizeof match.headers);
    *ret = (struct wish){ wanted, NULL, t_arena(kafka->t) };
    return message_match_new(ret->arena, &match, &ret->match, err);
}

/* What the comparison of messages does not know is asked last. */
static bool holds(const struct wish *wish, const struct kafka_arrival *arrival)
{
    const seam_kafka_expectation *wanted = wish->wanted;

    return (!wanted->tombstone || !arrival->record.value) &&
           (!wanted->key || arrival->record.key) &&
           message_match_holds(wish->match, &arrival->message, wish->arena) &&
           (!wanted->fn || wanted->fn(&arrival->record, wanted->arg));
}

static struct kafka_arrival *find(const seam_kafka_consumer *consumer, const struct wish *wish)
{
    for (struct kafka_arrival *at = first_left(consumer); at; at = at->next) {
        if (!is_taken(consumer, at) && holds(wish, at))
            return at;
        if (wish->wanted->in_order)
            return NULL;
    }
    return NULL;
}

/* ---- saying ----------------------------------------------------------------------------- */

static const char *name_of(const struct kafka_arrival *arrival, struct arena *arena)
{
    const seam_kafka_record *record = &arrival->record;
    struct buf name = BUF_INIT(4096);
    const char *text;

    if (record->key)
        quote_add_head(&name, record->key, record->key_size, NAME_MAX_SHOWN, '\'');
    else
        buf_add_text(&name, "one without a key");
    buf_printf(&name, " at %d/%lld%s", record->partition, (long long)record->offset,
               record->value ? "" : ", a tombstone");
    text = arena_dup(arena, buf_text(&name));
    buf_fini(&name);
    return text;
}

/* A record beside what was wanted, behind words that name it. */
static const char *say_beside(const char *words, const struct wish *wish,
                              const struct kafka_arrival *arrival)
{
    struct buf text = BUF_INIT(STORY_MAX);
    const char *all;

    buf_printf(&text, "%s, %s:\n", words, name_of(arrival, wish->arena));
    if (wish->wanted->tombstone && arrival->record.value)
        buf_add_text(&text, "it has a value, and none was expected\n");
    message_match_beside(wish->match, &arrival->message, wish->arena, &text);
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.data[--text.size] = '\0';
    all = arena_dup(wish->arena, buf_text(&text));
    buf_fini(&text);
    return all;
}

static const char *say_nearest(const seam_kafka_consumer *consumer, const struct wish *wish)
{
    const struct kafka_arrival *nearest = NULL;
    size_t best = 0, count = 0, taken = 0;

    for (const struct kafka_arrival *at = consumer->stream->first; at; at = at->next) {
        size_t weight = message_match_weight(wish->match, &at->message, wish->arena);
        bool is_gone = is_taken(consumer, at);

        taken += is_gone;
        count++;
        if (!is_gone && (!nearest || weight > best)) {
            nearest = at;
            best = weight;
        }
    }
    if (count == 0)
        return "no record came at all";
    if (!nearest)
        return arena_printf(wish->arena, "%zu came, and all were expected before", taken);
    return say_beside(arena_printf(wish->arena,
                                   "%zu came, %zu of them expected before; the nearest of the "
                                   "others",
                                   count, taken),
                      wish, nearest);
}

/* ---- expecting -------------------------------------------------------------------------- */

const seam_kafka_record *seam_kafka_expect_at(seam_kafka_consumer *consumer,
                                              const seam_kafka_expectation *wanted)
{
    seam_kafka *kafka = consumer->kafka;
    const char *topic = consumer->stream->topic;
    struct kafka_arrival *found, *other;
    struct err err = { "" };
    struct wish wish;
    int within_ms;
    uint64_t deadline =
        deadline_of(kafka, wanted->within_ms > 0 ? wanted->within_ms : WITHIN_MS, &within_ms);

    if (read_wish(kafka, wanted, &wish, &err) < 0)
        seam_fatal_at(kafka->t, wanted->site, "%s", err.text);
    while (!(found = find(consumer, &wish)) && !(wanted->in_order && first_left(consumer)) &&
           wait_for_more(kafka, wanted->site, topic, deadline))
        ;
    other = wanted->in_order ? first_left(consumer) : NULL;
    if (found)
        take(consumer, found);
    else if (other)
        seam_error_at(kafka->t, wanted->site, "%s",
                      say_beside(arena_printf(wish.arena,
                                              "the next record of '%s' is another one", topic),
                                 &wish, other));
    else
        seam_error_at(kafka->t, wanted->site, "no such record came from '%s' within %d ms\n%s",
                      topic, within_ms, say_nearest(consumer, &wish));
    message_match_fini(wish.match);
    return found ? &found->record : NULL;
}

void seam_kafka_expect_nothing_at(seam_kafka_consumer *consumer, seam_site at, int within_ms)
{
    seam_kafka *kafka = consumer->kafka;
    uint64_t deadline = deadline_of(kafka, within_ms, &within_ms);
    struct kafka_arrival *left;

    while (!(left = first_left(consumer)) &&
           wait_for_more(kafka, at, consumer->stream->topic, deadline))
        ;
    if (!left)
        return;
    take(consumer, left);
    seam_error_at(
        kafka->t, at, "a record came from '%s' that nobody expected: %s\n    value: %.200s",
        consumer->stream->topic, name_of(left, t_arena(kafka->t)), left->message.body);
}
