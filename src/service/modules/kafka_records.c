/* service/modules/kafka_records.c - records to a Kafka and from it; see kafka_client.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/modules/kafka_link.h"

enum { DELIVER_MS = 20000, POLL_MS = 100, HEADERS_MAX = 64, PARTS = 6 + HEADERS_MAX };

/* ---- writing ---------------------------------------------------------------------------- */

void kafka_link_delivered(rd_kafka_t *link, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_delivery *delivery = message->_private;

    (void)link;
    (void)opaque;
    *delivery =
        (struct kafka_delivery){ true, message->err, message->partition, message->offset };
}

static int begin_writing(struct kafka_client *client, struct err *err)
{
    static const char *const settings[] = {
        "linger.ms",          "0",     "acks", "all", "message.timeout.ms", "20000",
        "request.timeout.ms", "10000", NULL
    };

    if (!client->writing)
        client->writing = kafka_link_open(client, RD_KAFKA_PRODUCER, settings, err);
    return client->writing ? 0 : -EIO;
}

void kafka_link_forget_writing(struct kafka_client *client)
{
    if (!client->writing)
        return;
    for (int i = 0; i < client->written_count; i++)
        client->kafka->topic_destroy(client->written[i]);
    client->written_count = 0;
    client->kafka->purge(client->writing, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    client->kafka->destroy(client->writing);
    client->writing = NULL;
}

/* Left alone, librdkafka asks only once a second for topics that it does not know yet. */
static int learn_topic(struct kafka_client *client, const char *topic, struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    const struct rd_kafka_metadata *found;
    rd_kafka_topic_t *handle;
    int r;

    for (int i = 0; i < client->written_count; i++)
        if (strcmp(kafka->topic_name(client->written[i]), topic) == 0)
            return 0;
    if (client->written_count == KAFKA_TOPICS_MAX)
        return 0; /* it is slower, nothing else */
    handle = kafka->topic_new(client->writing, topic, NULL);
    if (!handle)
        return kafka_link_fail(client, kafka->last_error(), NULL, err);
    client->written[client->written_count++] = handle;
    r = kafka_link_metadata(client, client->writing, handle, DELIVER_MS, &found, err);
    if (r == 0)
        kafka->metadata_destroy(found);
    return r;
}

/* Names of headers end in NUL there, so they are copied into `names`. */
static int add_headers(const struct message *request, rd_kafka_vu_t *parts, char **names,
                       struct err *err)
{
    struct message key, value;
    size_t at = 0;
    int count = 0;

    while (message_next(request, &at, &key, &value) == 1)
        if (message_is(&key, "header_name")) {
            if (count == HEADERS_MAX)
                return err_set(err, -E2BIG, "there are more than %d headers", HEADERS_MAX);
            names[count] = strndup(value.data, value.size);
            parts[count] = (rd_kafka_vu_t){ .vtype = RD_KAFKA_VTYPE_HEADER,
                                            .u.header = { names[count], NULL, 0 } };
            count++;
        } else if (message_is(&key, "header_value") && count > 0) {
            parts[count - 1].u.header.val = value.data;
            parts[count - 1].u.header.size = (ssize_t)value.size;
        }
    return count;
}

/* -ENOBUFS and the like never wait: a test writes one record at a time. */
static int send_parts(struct kafka_client *client, const rd_kafka_vu_t *parts, size_t count,
                      struct err *err)
{
    rd_kafka_error_t *error = client->kafka->produceva(client->writing, parts, count);
    int r = 0;

    if (error)
        r = kafka_link_fail(client, client->kafka->error_code(error),
                            client->kafka->error_string(error), err);
    if (error)
        client->kafka->error_destroy(error);
    return r;
}

static int await_delivery(struct kafka_client *client, const struct kafka_delivery *delivery,
                          struct err *err)
{
    while (!delivery->done) /* it is done, one way or the other, by message.timeout.ms */
        client->kafka->poll(client->writing, POLL_MS);
    return delivery->error ? kafka_link_fail(client, delivery->error, NULL, err) : 0;
}

int kafka_client_produce(struct kafka_client *client, const struct message *request,
                         struct buf *reply, struct err *err)
{
    struct message key = message_value(request, "key"), value = message_value(request, "value");
    char *topic = message_text(request, "topic"), *names[HEADERS_MAX] = { NULL };
    struct kafka_delivery delivery = { 0 };
    rd_kafka_vu_t parts[PARTS] = {
        { .vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic },
        { .vtype = RD_KAFKA_VTYPE_PARTITION,
          .u.i32 = (int)message_int(request, "partition", -1) },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = &delivery },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)(uintptr_t)key.data, key.size } },
        { .vtype = RD_KAFKA_VTYPE_VALUE,
          .u.mem = { (void *)(uintptr_t)value.data, value.size } },
        { .vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = message_int(request, "timestamp", 0) },
    };
    int r = begin_writing(client, err), headers = 0;

    if (r == 0)
        r = learn_topic(client, topic, err);
    if (r == 0)
        headers = r = add_headers(request, parts + PARTS - HEADERS_MAX, names, err);
    if (r >= 0)
        r = send_parts(client, parts, (size_t)(PARTS - HEADERS_MAX + headers), err);
    if (r == 0)
        r = await_delivery(client, &delivery, err);
    if (r == 0) {
        message_add_int(reply, "offset", delivery.offset);
        message_add_int(reply, "partition", delivery.partition);
    }
    for (size_t i = 0; i < HEADERS_MAX && names[i]; i++)
        free(names[i]);
    free(topic);
    return r;
}

/* ---- reading ---------------------------------------------------------------------------- */

static int begin_reading(struct kafka_client *client, struct err *err)
{
    static const char *const settings[] = { "fetch.wait.max.ms",
                                            "20",
                                            "fetch.error.backoff.ms",
                                            "10",
                                            "auto.offset.reset",
                                            "earliest",
                                            "enable.auto.commit",
                                            "false",
                                            "isolation.level",
                                            "read_committed",
                                            "check.crcs",
                                            "false",
                                            NULL };

    if (client->reading)
        return 0;
    client->reading = kafka_link_open(client, RD_KAFKA_CONSUMER, settings, err);
    if (!client->reading)
        return -EIO;
    client->came = client->kafka->queue_new(client->reading);
    return 0;
}

void kafka_link_forget_reading(struct kafka_client *client)
{
    const struct kafka_library *kafka = client->kafka;

    if (!client->reading)
        return;
    for (int i = 0; i < client->read_count; i++) {
        for (int n = 0; n < client->read[i].partitions; n++)
            kafka->consume_stop(client->read[i].topic, n);
        kafka->topic_destroy(client->read[i].topic);
    }
    client->read_count = 0;
    kafka->queue_destroy(client->came);
    kafka->destroy_flags(client->reading, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    client->reading = NULL;
}

int kafka_client_read(struct kafka_client *client, const char *topic, struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    rd_kafka_topic_t *handle;
    int partitions, r = begin_reading(client, err);

    for (int i = 0; r == 0 && i < client->read_count; i++)
        if (strcmp(kafka->topic_name(client->read[i].topic), topic) == 0)
            return 0;
    if (r == 0 && client->read_count == KAFKA_TOPICS_MAX)
        r = err_set(err, -E2BIG, "a test reads at most %d topics", KAFKA_TOPICS_MAX);
    partitions = r == 0 ? kafka_client_partitions(client, topic, err) : r;
    if (partitions < 0)
        return partitions;
    handle = kafka->topic_new(client->reading, topic, NULL);
    if (!handle)
        return kafka_link_fail(client, kafka->last_error(), NULL, err);
    for (int i = 0; i < partitions; i++)
        kafka->consume_start_queue(handle, i, 0, client->came);
    client->read[client->read_count].topic = handle;
    client->read[client->read_count++].partitions = partitions;
    return 0;
}

static void add_record(struct kafka_client *client, const rd_kafka_message_t *message,
                       struct buf *reply)
{
    const struct kafka_library *kafka = client->kafka;
    rd_kafka_headers_t *headers;
    rd_kafka_timestamp_type_t type;
    const char *name;
    const void *value;
    size_t size;

    message_add_text(reply, "topic", kafka->topic_name(message->rkt));
    message_add_int(reply, "partition", message->partition);
    message_add_int(reply, "offset", message->offset);
    message_add_int(reply, "timestamp", kafka->message_timestamp(message, &type));
    if (message->key)
        message_add(reply, "key", message->key, message->key_len);
    if (message->payload)
        message_add(reply, "value", message->payload, message->len);
    if (kafka->message_headers(message, &headers))
        return;
    for (size_t i = 0; !kafka->header_get_all(headers, i, &name, &value, &size); i++) {
        message_add_text(reply, "header_name", name);
        if (value)
            message_add(reply, "header_value", value, size);
    }
}

/* A partition that tells of a failure goes on by itself; only what does not mend is the test's. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__PARTITION_EOF || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

int kafka_client_next(struct kafka_client *client, uint64_t deadline_ns, struct buf *reply,
                      struct err *err)
{
    const struct kafka_library *kafka = client->kafka;

    for (;;) {
        rd_kafka_message_t *message =
            kafka->consume_queue(client->came, deadline_poll_ms(deadline_ns));
        rd_kafka_resp_err_t code = message ? message->err : RD_KAFKA_RESP_ERR_NO_ERROR;

        if (!message)
            return -ETIMEDOUT;
        if (!code)
            add_record(client, message, reply);
        kafka->message_destroy(message);
        if (!code)
            return 0;
        if (!is_passing(code))
            return kafka_link_fail(client, code, NULL, err);
    }
}
