/*
 * seam/kafka.h - a Kafka for a test.
 *
 *     SEAM_TEST(order_is_announced, .tags = "integration")
 *     {
 *         seam_kafka *kafka = seam_kafka_start(t);
 *         const char *topic = seam_kafka_topic(kafka, "orders", .partitions = 3);
 *
 *         announcer_send(seam_kafka_servers(kafka), topic, "7", "paid");
 *         seam_check_eq(t, seam_kafka_get(kafka, topic, 5000)->value, "paid");
 *     }
 *
 * The tiers: an installed Kafka as a program of this machine (SEAM_KAFKA_HOME, or kafka-server-start.sh in PATH;
 * KRaft, one node); a container (apache/kafka); and .tier = SEAM_KAFKA_MOCK, librdkafka's mock cluster in the keeper,
 * which is there in milliseconds and has no transactions of a real one's strictness. A server is shared by the tests
 * of the run; names of topics and groups have a prefix that is the test's own, and topics are removed at its end.
 *
 * Where none can be had the test is skipped with the reason and the command that mends it; under `-no-skip` it fails.
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
    bool        private_server SEAM_0;
    const char *image SEAM_0; /* NULL: "apache/kafka" */
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_options;

#define seam_kafka_start(...) seam_kafka_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_start_(t, ...) seam_kafka_start_at((t), SEAM_NEW(seam_kafka_options, __VA_ARGS__))
seam_kafka *seam_kafka_start_at(seam_t *t, SEAM_REF(seam_kafka_options) options);

const char *seam_kafka_servers(const seam_kafka *kafka); /* bootstrap.servers: "127.0.0.1:port[,...]" */
const char *seam_kafka_group(const seam_kafka *kafka, const char *name); /* a consumer group of this test's own */
const char *seam_kafka_version(const seam_kafka *kafka);

typedef struct seam_kafka_topic_options {
    int         partitions SEAM_0; /* 0: one */
    const char *config[8] SEAM_0; /* "retention.ms=1000" */
    seam_site   site SEAM_0; /* set for you */
} seam_kafka_topic_options;

/* Make a topic; returns its name, which is the given one behind the test's prefix. It can be written at once. */
#define seam_kafka_topic(kafka, ...) seam_kafka_topic_(kafka, __VA_ARGS__, .site = SEAM_SITE)
#define seam_kafka_topic_(kafka, name, ...) \
    seam_kafka_topic_at((kafka), (name), SEAM_NEW(seam_kafka_topic_options, __VA_ARGS__))
const char *seam_kafka_topic_at(seam_kafka *kafka, const char *name, SEAM_REF(seam_kafka_topic_options) options);

typedef struct seam_kafka_record {
    const char *topic;
    int         partition;
    int64_t     offset;
    int64_t     timestamp_ms; /* since 1970 */
    const char *key; /* NULL: none; a NUL follows it, as with value */
    size_t      key_size;
    const char *value; /* NULL: a tombstone */
    size_t      value_size;
    const seam_message_header *headers;
    size_t      header_count;
} seam_kafka_record;

/* Write a record and wait for its acknowledgement. partition -1: by the key. */
#define seam_kafka_produce(kafka, topic, partition, key, value) \
    seam_kafka_produce_at((kafka), SEAM_HERE, (topic), (partition), (key), (value))
int64_t seam_kafka_produce_at(seam_kafka *kafka, seam_site at, const char *topic, int partition, const char *key,
                              const char *value);

/* The next record of a topic that this test has not got yet, of any partition, from the beginning. Ends the test when
 * none comes in time, with the offsets of each partition. */
#define seam_kafka_get(kafka, topic, within_ms) seam_kafka_get_at((kafka), SEAM_HERE, (topic), (within_ms))
const seam_kafka_record *seam_kafka_get_at(seam_kafka *kafka, seam_site at, const char *topic, int within_ms);

int64_t seam_kafka_end_offset(seam_kafka *kafka, const char *topic, int partition);
int64_t seam_kafka_committed(seam_kafka *kafka, const char *group, const char *topic, int partition); /* -1: none */

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
