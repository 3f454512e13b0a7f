/* lease/kafka_test.c - topics and records of a Kafka: of the mock cluster, and of a real one. */
//seam:sources ../fake/message_key.c ../fake/message_match.c ../fake/message_rows.c
//seam:sources ../json/compare.c ../json/read.c ../json/text.c

#include <seam/kafka.h>
#include <stdlib.h>
#include <string.h>

SEAM_FILE(.tags = "integration");

static seam_kafka *start_mock(seam_t *t)
{
    return seam_kafka_start(t, .tier = SEAM_KAFKA_MOCK);
}

/* ---- what all tiers do ------------------------------------------------------------------ */

static void check_record_keeps_what_was_sent(seam_t *t, seam_kafka *kafka)
{
    const char *topic = seam_kafka_topic(kafka, "orders");
    const seam_kafka_record *record;

    seam_check_eq(t,
                  seam_kafka_produce(kafka, topic, .key = "7", .json = "{'id': 7}",
                                     .headers = { { "tenant", "acme" }, { "empty", NULL } },
                                     .timestamp_ms = 1700000000123),
                  0);
    record = seam_kafka_get(kafka, topic, 5000);
    seam_check_str(t, record->topic, topic);
    seam_check_eq(t, record->partition, 0);
    seam_check_eq(t, record->offset, 0);
    seam_check_eq(t, record->timestamp_ms, 1700000000123);
    seam_check_str(t, record->key, "7");
    seam_check_eq(t, record->key_size, 1);
    seam_check_str(t, record->value, "{\"id\": 7}");
    seam_check_eq(t, record->value_size, 9);
    seam_check_eq(t, record->header_count, 2);
    seam_check_str(t, seam_kafka_header_value(record, "tenant"), "acme");
    seam_check_null(t, seam_kafka_header_value(record, "empty"));
    seam_check_null(t, seam_kafka_header_value(record, "Tenant"));
}

static void check_keyless_and_tombstones(seam_t *t, seam_kafka *kafka)
{
    const char *topic = seam_kafka_topic(kafka, "plain");
    const seam_kafka_record *record;

    seam_kafka_produce(kafka, topic, .bytes = "a\0b", .size = 3);
    seam_check_eq(t, seam_kafka_produce(kafka, topic, .key = "7"), 1);
    record = seam_kafka_get(kafka, topic, 5000);
    seam_check_null(t, record->key);
    seam_check_mem(t, record->value, record->value_size, "a\0b", 3);
    record = seam_kafka_get(kafka, topic, 5000);
    seam_check_str(t, record->key, "7");
    seam_check_null(t, record->value);
}

static void check_consumers_expect(seam_t *t, seam_kafka *kafka)
{
    const char *topic = seam_kafka_topic(kafka, "events", .partitions = 3);
    const char *other = seam_kafka_topic(kafka, "other");
    seam_kafka_consumer *all = seam_kafka_consume(kafka, topic);
    seam_kafka_consumer *second = seam_kafka_consume(kafka, topic);
    const seam_kafka_record *record;

    seam_kafka_produce(kafka, topic, .key = "a", .json = "{'id': 1, 'state': 'new'}");
    seam_kafka_produce(kafka, other, .text = "elsewhere");
    seam_kafka_produce(kafka, topic, .to_partition = true, .partition = 2, .text = "in two");
    seam_check_eq(t, seam_kafka_end_offset(kafka, topic, 2) >= 1, 1);
    record = seam_kafka_expect(all, .text = "in two");
    seam_require(t, record != NULL);
    seam_check_eq(t, record->partition, 2);
    seam_check(t, seam_kafka_expect(all, .key = "a", .json = "{'state': 'new'}") != NULL);
    seam_kafka_expect_nothing(all, 20);
    seam_check(t, seam_kafka_expect(second, .contains = "new") != NULL);
    seam_check_str(t, seam_kafka_get(kafka, other, 5000)->value, "elsewhere");
    seam_check(t, seam_kafka_get(kafka, topic, 5000) != NULL);
}

static bool is_seven(const seam_kafka_record *record, void *arg)
{
    *(int *)arg += 1;
    return strcmp(record->key, "7") == 0;
}

static void check_order_and_functions(seam_t *t, seam_kafka *kafka)
{
    const char *topic = seam_kafka_topic(kafka, "ordered");
    seam_kafka_consumer *consumer = seam_kafka_consume(kafka, topic);
    int asked = 0;

    seam_kafka_produce(kafka, topic, .key = "6", .text = "first");
    seam_kafka_produce(kafka, topic, .key = "7", .text = "second");
    seam_kafka_produce(kafka, topic, .key = "6");
    seam_check(t, seam_kafka_expect(consumer, .text = "first", .in_order = true) != NULL);
    seam_check(t, seam_kafka_expect(consumer, .fn = is_seven, .arg = &asked) != NULL);
    seam_check(t, asked > 0);
    seam_check(t, seam_kafka_expect(consumer, .key = "6", .tombstone = true) != NULL);
}

static void check_groups_have_committed_nothing(seam_t *t, seam_kafka *kafka)
{
    const char *topic = seam_kafka_topic(kafka, "work", .partitions = 2);
    const char *group = seam_kafka_group(kafka, "workers");

    seam_check_eq(t, seam_kafka_end_offset(kafka, topic, 0), 0);
    seam_kafka_produce(kafka, topic, .to_partition = true, .text = "one");
    seam_kafka_produce(kafka, topic, .to_partition = true, .text = "two");
    seam_check_eq(t, seam_kafka_end_offset(kafka, topic, 0), 2);
    seam_check_eq(t, seam_kafka_committed(kafka, group, topic, 0), -1);
    seam_check_eq(t, seam_kafka_lag(kafka, group, topic), 2);
}

/* ---- the mock --------------------------------------------------------------------------- */

SEAM_TEST(kafka_mock_record_keeps_what_was_sent)
{
    check_record_keeps_what_was_sent(t, start_mock(t));
}

SEAM_TEST(kafka_mock_has_keyless_records_and_tombstones)
{
    check_keyless_and_tombstones(t, start_mock(t));
}

SEAM_TEST(kafka_mock_consumers_expect)
{
    check_consumers_expect(t, start_mock(t));
}

SEAM_TEST(kafka_mock_keeps_order_and_asks_functions)
{
    check_order_and_functions(t, start_mock(t));
}

SEAM_TEST(kafka_mock_groups_have_committed_nothing)
{
    check_groups_have_committed_nothing(t, start_mock(t));
}

SEAM_TEST(kafka_mock_is_the_tests_own)
{
    seam_kafka *one = start_mock(t),
               *two = seam_kafka_start(t, .tier = SEAM_KAFKA_MOCK, .brokers = 3);

    seam_check_str(t, seam_kafka_topic(one, "orders", .exact = true), "orders");
    seam_check_str(t, seam_kafka_topic(two, "orders", .exact = true), "orders");
    seam_kafka_produce(one, "orders", .text = "one");
    seam_check_eq(t, seam_kafka_end_offset(one, "orders", 0), 1);
    seam_check_eq(t, seam_kafka_end_offset(two, "orders", 0), 0);
}

SEAM_TEST(kafka_mock_survives_an_error_that_passes)
{
    seam_kafka *kafka = start_mock(t);
    const char *topic = seam_kafka_topic(kafka, "orders");

    seam_kafka_mock_fail(kafka, "Produce", "NOT_LEADER_FOR_PARTITION", 2);
    seam_kafka_produce(kafka, topic, .text = "late");
    seam_check_str(t, seam_kafka_get(kafka, topic, 5000)->value, "late");
    seam_kafka_mock_delay(kafka, 1, 20);
    seam_kafka_produce(kafka, topic, .text = "slow");
    seam_kafka_mock_delay(kafka, 1, 0);
}

SEAM_TEST(kafka_mock_moves_leaders_and_loses_brokers)
{
    seam_kafka *kafka = seam_kafka_start(t, .tier = SEAM_KAFKA_MOCK, .brokers = 2);
    const char *topic = seam_kafka_topic(kafka, "orders");

    seam_kafka_mock_leader(kafka, topic, 0, 2);
    seam_kafka_mock_broker(kafka, 1, false);
    seam_kafka_produce(kafka, topic, .text = "by the second");
    seam_kafka_mock_broker(kafka, 1, true);
    seam_check_str(t, seam_kafka_get(kafka, topic, 5000)->value, "by the second");
}

/* ---- a real one ------------------------------------------------------------------------- */

/* The gate says by the environment that it could not have a Kafka, and why. */
static void need_kafka(seam_t *t)
{
    const char *missing = getenv("SEAM_WITHOUT_KAFKA");

    if (missing && *missing)
        seam_skip(t, "%s", missing);
}

static seam_kafka *start_real(seam_t *t)
{
    need_kafka(t);
    return seam_kafka_start(t);
}

SEAM_TEST(kafka_record_keeps_what_was_sent)
{
    check_record_keeps_what_was_sent(t, start_real(t));
}

SEAM_TEST(kafka_has_keyless_records_and_tombstones)
{
    check_keyless_and_tombstones(t, start_real(t));
}

SEAM_TEST(kafka_consumers_expect)
{
    check_consumers_expect(t, start_real(t));
}

SEAM_TEST(kafka_keeps_order_and_asks_functions)
{
    check_order_and_functions(t, start_real(t));
}

SEAM_TEST(kafka_groups_have_committed_nothing)
{
    check_groups_have_committed_nothing(t, start_real(t));
}

SEAM_TEST(kafka_names_are_the_tests_own)
{
    seam_kafka *one = start_real(t), *two = start_real(t);
    const char *first = seam_kafka_topic(one, "orders", .config = { "retention.ms=1000" });
    const char *second = seam_kafka_topic(two, "orders");

    seam_check_str(t, seam_kafka_servers(one), seam_kafka_servers(two));
    seam_check(t, strcmp(first, second) != 0);
    seam_check_str(t, first, seam_kafka_topic_name(one, "orders"));
    seam_check(t, strcmp(seam_kafka_group(one, "g"), seam_kafka_group(two, "g")) != 0);
    seam_check(t, strchr(seam_kafka_version(one), '.') != NULL);
    seam_kafka_delete_topic(one, first);
    seam_check_str(t, seam_kafka_topic(one, "orders"), first);
}

SEAM_TEST(kafka_private_server_keeps_its_records)
{
    seam_kafka *kafka;
    const char *servers, *topic;

    need_kafka(t);
    kafka = seam_kafka_start(t, .private_server = true);
    servers = seam_kafka_servers(kafka);
    topic = seam_kafka_topic(kafka, "orders", .exact = true);
    seam_kafka_produce(kafka, topic, .text = "kept");
    seam_kafka_pause(kafka);
    seam_kafka_resume(kafka);
    seam_kafka_stop(kafka);
    seam_kafka_restart(kafka);
    seam_check_str(t, seam_kafka_servers(kafka), servers);
    seam_check_str(t, seam_kafka_get(kafka, "orders", 10000)->value, "kept");
}
