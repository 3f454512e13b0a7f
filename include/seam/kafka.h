/*
 * seam/kafka.h - a Kafka for a test.
 *
 *     SEAM_TEST(order_is_announced, .tags = "integration")
 *     {
 *         seam_kafka *kafka = seam_kafka_start(t);
 *         const char *topic = seam_kafka_topic(kafka, "orders", .partitions = 3);
 *         seam_kafka_consumer *consumer = seam_kafka_consume(kafka, topic);
 *
 *         announcer_send(seam_kafka_servers(kafka), topic, "7", "{\"state\": \"paid\"}");
 *         seam_kafka_expect(consumer, .key = "7", .json = "{'state': 'paid'}");
 *     }
 *
 * The tiers: an installed Kafka as a program of this machine (SEAM_KAFKA_HOME, kafka-server-start.sh in PATH,
 * /opt/kafka, or what images/kafka has made; KRaft, one node); a container (apache/kafka); and .tier =
 * SEAM_KAFKA_MOCK, librdkafka's mock cluster in the keeper, which is there in milliseconds, is the test's own, and
 * can be told to fail. A server is shared by the tests of the run; names of topics and groups have a prefix that is
 * the test's own, and what has it is removed when the test ends.
 *
 * Where none can be had the test is skipped with the reason and the command that mends it; under `-no-skip` it fails.
 * What the server logged of warnings and errors while the test ran is printed when the test fails.
 *
 * A test program links no Kafka library for this: the keeper of the run asks, by librdkafka, which it loads then.
 *
 * Ownership: the handle, records and strings belong to the (sub)test. Strings passed in are copied.
 *
 * Threads: only the thread that runs the (sub)test may call these; any thread may use the server.
 */
#ifndef SEAM_KAFKA_H
#define SEAM_KAFKA_H

#include <seam/message.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_kafka seam_kafka;

enum seam_kafka_tier {
    SEAM_KAFKA_ANY, /* what `-services` says: an installed one, else a container */
    SEAM_KAFKA_NATIVE,
    SEAM_KAFKA_CONTAINER,
    SEAM_KAFKA_MOCK /* librdkafka's mock cluster */
};

typedef struct seam_kafka_options {
    enum seam_kafka_tier tier SEAM_0;
    int         brokers SEAM_0; /* of the mock; 0: one */
    bool        private_server SEAM_0; /* of this test's own, that it may stop and pause; a mock always is */
    const char *image SEAM_0; /* NULL: "apache/kafka" */
    struct seam_network *network SEAM_0; /* of seam_network_start: a container in it, of this test's own */
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_options;

/* Get a Kafka, ready. Ends the test when it cannot. */
#define seam_kafka_start(...) seam_kafka_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_start_(t, ...) seam_kafka_start_at((t), SEAM_NEW(seam_kafka_options, __VA_ARGS__))
seam_kafka *seam_kafka_start_at(seam_t *t, SEAM_REF(seam_kafka_options) options);

const char *seam_kafka_servers(const seam_kafka *kafka); /* bootstrap.servers: "127.0.0.1:port[,...]" */
const char *seam_kafka_version(const seam_kafka *kafka); /* of the server; of librdkafka for a mock */
const char *seam_kafka_group(const seam_kafka *kafka, const char *name); /* a consumer group of this test's own */

/* bootstrap.servers for a program in a container. For a native Kafka that container needs
 * `.host_ports = { seam_kafka_container_port(kafka) }`, and 0 means that it needs none. Ends the test with a mock. */
const char *seam_kafka_container_servers(const seam_kafka *kafka);
int         seam_kafka_container_port(const seam_kafka *kafka);

/* ---- topics -------------------------------------------------------------------------------------- */

typedef struct seam_kafka_topic_options {
    int         partitions SEAM_0; /* 0: one */
    const char *config[8] SEAM_0; /* "retention.ms=1000"; a mock has no use for them */
    bool        exact SEAM_0; /* by just this name; for a mock or a private server */
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_topic_options;

/* Make a topic; returns its name, which is the given one behind the test's prefix. It can be written at once. */
#define seam_kafka_topic(kafka, ...) seam_kafka_topic_(kafka, __VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_topic_(kafka, name, ...) \
    seam_kafka_topic_at((kafka), (name), SEAM_NEW(seam_kafka_topic_options, __VA_ARGS__))
const char *seam_kafka_topic_at(seam_kafka *kafka, const char *name, SEAM_REF(seam_kafka_topic_options) options);

/* The name that it would have, for what makes its topics itself. */
const char *seam_kafka_topic_name(const seam_kafka *kafka, const char *name);

/* Delete one now; all that begin with the test's prefix are deleted at its end. */
#define seam_kafka_delete_topic(kafka, topic) seam_kafka_delete_topic_at((kafka), SEAM_HERE, (topic))
void seam_kafka_delete_topic_at(seam_kafka *kafka, seam_site at, const char *topic);

/* ---- records ------------------------------------------------------------------------------------- */

typedef struct seam_kafka_record {
    const char *topic;
    int         partition;
    int64_t     offset;
    int64_t     timestamp_ms; /* since 1970 */
    const char *key; /* NULL: none; a NUL follows it, as with value */
    size_t      key_size;
    const char *value; /* NULL: a tombstone */
    size_t      value_size;
    const seam_message_header *headers; /* a value may be NULL */
    size_t      header_count;
} seam_kafka_record;

/* The value of a record's last header of that name; NULL: it has none. */
const char *seam_kafka_header_value(const seam_kafka_record *record, const char *name);

/* What to write; of `text`, `json` and `bytes` one, or none for a tombstone. */
typedef struct seam_kafka_produce_options {
    const char *key SEAM_0; /* NULL: none */
    size_t      key_size SEAM_0; /* 0: up to its NUL */
    const char *text SEAM_0; /* the value, or ... */
    const char *json SEAM_0; /* ... JSON, in which ' may stand for " */
    const void *bytes SEAM_0;
    size_t      size SEAM_0;
    seam_message_header headers[8] SEAM_0;
    int64_t     timestamp_ms SEAM_0; /* 0: now */
    int         partition SEAM_0; /* with .to_partition; else the key chooses */
    bool        to_partition SEAM_0;
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_produce_options;

/* Write a record and wait for its acknowledgement by all replicas; returns its offset. */
#define seam_kafka_produce(kafka, ...) seam_kafka_produce_(kafka, __VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_produce_(kafka, topic, ...) \
    seam_kafka_produce_at((kafka), (topic), SEAM_NEW(seam_kafka_produce_options, __VA_ARGS__))
int64_t seam_kafka_produce_at(seam_kafka *kafka, const char *topic, SEAM_REF(seam_kafka_produce_options) options);

/* The next record of a topic that this test has not got yet, of any partition, from the beginning. Ends the test when
 * none comes in time, with the offsets of each partition. */
#define seam_kafka_get(kafka, topic, within_ms) seam_kafka_get_at((kafka), SEAM_HERE, (topic), (within_ms))
const seam_kafka_record *seam_kafka_get_at(seam_kafka *kafka, seam_site at, const char *topic, int within_ms);

/* ---- a consumer of the test's own ---------------------------------------------------------------- */

typedef struct seam_kafka_consumer seam_kafka_consumer;

/* Read all partitions of a topic from the beginning, in no group: it takes nothing away from anybody, other consumers
 * and seam_kafka_get included. */
#define seam_kafka_consume(kafka, topic) seam_kafka_consume_at((kafka), SEAM_HERE, (topic))
seam_kafka_consumer *seam_kafka_consume_at(seam_kafka *kafka, seam_site at, const char *topic);

/* Wait for a record that matches, among all that came and were not expected before. With .in_order the next one has
 * to be it: Kafka keeps the order within a partition. When none comes in time the test fails here, with the nearest
 * of those that came. Fields that are left zero are not asked for. */
typedef struct seam_kafka_expectation {
    const char *key SEAM_0;
    const char *text SEAM_0; /* the whole value */
    const char *contains SEAM_0; /* this text in the value */
    const char *pattern SEAM_0; /* PCRE2, somewhere in the value */
    const char *json SEAM_0; /* the value is JSON with at least these members; ' may stand for " */
    const char *json_equal SEAM_0; /* the value is JSON with just this */
    seam_message_header headers[8] SEAM_0; /* each is there, with this value; a NULL value: any */
    bool        tombstone SEAM_0; /* it has no value */
    bool      (*fn)(const seam_kafka_record *record, void *arg) SEAM_0;
    void       *arg SEAM_0;
    int         within_ms SEAM_0; /* 0: 5000 */
    bool        in_order SEAM_0;
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_expectation;

#define seam_kafka_expect(...) seam_kafka_expect_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_expect_(consumer, ...) \
    seam_kafka_expect_at((consumer), SEAM_NEW(seam_kafka_expectation, __VA_ARGS__))
const seam_kafka_record *seam_kafka_expect_at(seam_kafka_consumer *consumer,
                                              SEAM_REF(seam_kafka_expectation) expectation);

/* That nothing else comes: fails with the first record that nobody expected, now or within so many milliseconds. */
#define seam_kafka_expect_nothing(consumer, within_ms) \
    seam_kafka_expect_nothing_at((consumer), SEAM_HERE, (within_ms))
void seam_kafka_expect_nothing_at(seam_kafka_consumer *consumer, seam_site at, int within_ms);

/* ---- offsets and groups -------------------------------------------------------------------------- */

/* Behind the last record of a partition. */
#define seam_kafka_end_offset(kafka, topic, partition) \
    seam_kafka_end_offset_at((kafka), SEAM_HERE, (topic), (partition))
int64_t seam_kafka_end_offset_at(seam_kafka *kafka, seam_site at, const char *topic, int partition);

/* Up to where a group, by its whole name, has committed; -1: nowhere. */
#define seam_kafka_committed(kafka, group, topic, partition) \
    seam_kafka_committed_at((kafka), SEAM_HERE, (group), (topic), (partition))
int64_t seam_kafka_committed_at(seam_kafka *kafka, seam_site at, const char *group, const char *topic, int partition);

/* How many records of a topic a group has not committed; and wait until that is none: the test fails when it is not
 * so in time. */
#define seam_kafka_lag(kafka, group, topic) seam_kafka_lag_at((kafka), SEAM_HERE, (group), (topic))
int64_t seam_kafka_lag_at(seam_kafka *kafka, seam_site at, const char *group, const char *topic);
#define seam_kafka_expect_caught_up(kafka, group, topic, within_ms) \
    seam_kafka_expect_caught_up_at((kafka), SEAM_HERE, (group), (topic), (within_ms))
void seam_kafka_expect_caught_up_at(seam_kafka *kafka, seam_site at, const char *group, const char *topic,
                                    int within_ms);

/* ---- failures ------------------------------------------------------------------------------------ */

/* These need .private_server, or a mock, and end the test without. A server that was restarted has its records, at
 * the same address; a paused one keeps connections and does not answer (not a mock). */
#define seam_kafka_stop(kafka) seam_kafka_do_at((kafka), SEAM_HERE, "stop")
#define seam_kafka_restart(kafka) seam_kafka_do_at((kafka), SEAM_HERE, "restart")
#define seam_kafka_pause(kafka) seam_kafka_do_at((kafka), SEAM_HERE, "pause")
#define seam_kafka_resume(kafka) seam_kafka_do_at((kafka), SEAM_HERE, "resume")
void seam_kafka_do_at(seam_kafka *kafka, seam_site at, const char *what);

/* Of a mock alone: the next requests of a kind ("Produce", "Fetch", "OffsetCommit", ...) are answered by an error, by
 * its name in librdkafka ("NOT_LEADER_FOR_PARTITION"), so often; each answer of a broker takes so long; a broker (the
 * first is 1) is down, or up again; a partition has another leader. */
#define seam_kafka_mock_fail(kafka, request, error, times) \
    seam_kafka_mock_fail_at((kafka), SEAM_HERE, (request), (error), (times))
void seam_kafka_mock_fail_at(seam_kafka *kafka, seam_site at, const char *request, const char *error, int times);
#define seam_kafka_mock_delay(kafka, broker, ms) seam_kafka_mock_delay_at((kafka), SEAM_HERE, (broker), (ms))
void seam_kafka_mock_delay_at(seam_kafka *kafka, seam_site at, int broker, int ms);
#define seam_kafka_mock_broker(kafka, broker, up) seam_kafka_mock_broker_at((kafka), SEAM_HERE, (broker), (up))
void seam_kafka_mock_broker_at(seam_kafka *kafka, seam_site at, int broker, bool up);
#define seam_kafka_mock_leader(kafka, topic, partition, broker) \
    seam_kafka_mock_leader_at((kafka), SEAM_HERE, (topic), (partition), (broker))
void seam_kafka_mock_leader_at(seam_kafka *kafka, seam_site at, const char *topic, int partition, int broker);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
