/* service/probe_words.c - what servers are asked, and what is thought of their answers; see probe.h. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "seam/service.h"
#include "service/probe.h"

/* Longer frames are no answer to what we ask. */
enum { FRAME_MAX = 1 << 20 };

static uint32_t big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Something came that no such server says: show its head. */
static int refuse(const char *name, const unsigned char *data, size_t size, struct err *err)
{
    char shown[64];
    size_t used = 0;

    for (size_t i = 0; i < size && i < 12; i++)
        used += (size_t)snprintf(shown + used, sizeof shown - used,
                                 data[i] >= ' ' && data[i] < 127 ? "%c" : "\\x%02x", data[i]);
    return err_set(err, -EPROTO, "what answers is no %s: '%s'", name, shown);
}

/* ---- PostgreSQL: version 3, user and database postgres */

static const char postgres_words[] = "\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0";

/* A field of an error response; "" when it has none. */
static const char *error_field(const unsigned char *data, size_t size, char field)
{
    for (size_t at = 0; at < size && data[at];) {
        const char *text = (const char *)data + at + 1;
        size_t length = strnlen(text, size - at - 1);

        if (data[at] == field)
            return length < size - at - 1 ? text : "";
        at += length + 2;
    }
    return "";
}

/* Any answer but "the database system is starting up" is one of a server that is ready. */
static int judge_postgres(const unsigned char *data, size_t size, struct err *err)
{
    const char *code;
    uint32_t length;

    if (data[0] == 'R')
        return 0;
    if (data[0] != 'E')
        return refuse("PostgreSQL", data, size, err);
    if (size < 5)
        return -EINPROGRESS;
    length = big_endian(data + 1);
    if (length < 4 || length > FRAME_MAX)
        return refuse("PostgreSQL", data, size, err);
    if (size < length + 1)
        return -EINPROGRESS;
    code = error_field(data + 5, length - 4, 'C');
    if (strcmp(code, "57P03") != 0)
        return 0;
    return err_set(err, -EAGAIN, "%.200s", error_field(data + 5, length - 4, 'M'));
}

/* ---- Redis */

static int judge_redis(const unsigned char *data, size_t size, struct err *err)
{
    const char *end = memchr(data, '\n', size);

    if (data[0] != '+' && data[0] != '-')
        return refuse("Redis", data, size, err);
    if (!end)
        return -EINPROGRESS;
    if (data[0] == '-' && strncmp((const char *)data, "-LOADING", 8) == 0)
        return err_set(err, -EAGAIN, "%.*s", (int)strcspn((const char *)data, "\r\n"),
                       (const char *)data);
    return 0;
}

/* ---- AMQP 0-9-1: the answer to its header is connection.start, a method frame of channel 0 */

static int judge_amqp(const unsigned char *data, size_t size, struct err *err)
{
    if (data[0] != 1)
        return refuse("AMQP 0-9-1 broker", data, size, err);
    return size < 11                       ? -EINPROGRESS
           : data[7] == 0 && data[8] == 10 ? 0
                                           : refuse("AMQP 0-9-1 broker", data, size, err);
}

/* ---- Kafka: ApiVersions, version 0, correlation id 7, client "seam" */

static const char kafka_words[] = "\0\0\0\x0e\0\x12\0\0\0\0\0\x07\0\4seam";

static int judge_kafka(const unsigned char *data, size_t size, struct err *err)
{
    if (size < 10)
        return -EINPROGRESS;
    if (big_endian(data) < 6 || big_endian(data) > FRAME_MAX || big_endian(data + 4) != 7)
        return refuse("Kafka", data, size, err);
    if (data[8] != 0 || data[9] != 0)
        return err_set(err, -EAGAIN, "Kafka answers with error %d", data[8] << 8 | data[9]);
    return 0;
}

/* ---- MySQL: it speaks first; version 10, or an error */

static int judge_mysql(const unsigned char *data, size_t size, struct err *err)
{
    size_t length;

    if (size < 5)
        return -EINPROGRESS;
    if (data[3] != 0)
        return refuse("MySQL", data, size, err);
    length = 4 + (data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16);
    if (data[4] == 10)
        return 0;
    if (data[4] != 0xff)
        return refuse("MySQL", data, size, err);
    if (size < length && length < FRAME_MAX)
        return -EINPROGRESS;
    return err_set(err, -EAGAIN, "%.*s", (int)(size > 7 ? size - 7 : 0),
                   (const char *)data + (size > 7 ? 7 : 0));
}

/* ---- MQTT 3.1.1: any CONNACK, also one that refuses us */

static const char mqtt_words[] = "\x10\x10\0\4MQTT\4\2\0\x3c\0\4seam";

static int judge_mqtt(const unsigned char *data, size_t size, struct err *err)
{
    if (data[0] != 0x20)
        return refuse("MQTT broker", data, size, err);
    return size < 4 ? -EINPROGRESS : 0;
}

/* ---- all */

static const struct {
    const char *name;
    const char *words;
    size_t size;
    int (*judge)(const unsigned char *data, size_t size, struct err *err);
} probes[] = {
    [SEAM_PROBE_POSTGRES] = { "PostgreSQL", postgres_words, sizeof postgres_words,
                              judge_postgres },
    [SEAM_PROBE_REDIS] = { "Redis", "PING\r\n", 6, judge_redis },
    [SEAM_PROBE_AMQP] = { "AMQP", "AMQP\0\0\x09\x01", 8, judge_amqp },
    [SEAM_PROBE_KAFKA] = { "Kafka", kafka_words, sizeof kafka_words - 1, judge_kafka },
    [SEAM_PROBE_MYSQL] = { "MySQL", "", 0, judge_mysql },
    [SEAM_PROBE_MQTT] = { "MQTT", mqtt_words, sizeof mqtt_words - 1, judge_mqtt },
};

enum { PROBES = sizeof probes / sizeof *probes };

const char *probe_name(int probe)
{
    return probe > 0 && probe < PROBES ? probes[probe].name : NULL;
}

void probe_question(int probe, struct buf *ret)
{
    if (probe_name(probe))
        buf_add(ret, probes[probe].words, probes[probe].size);
}

int probe_judge(int probe, const void *data, size_t size, struct err *err)
{
    if (!probe_name(probe))
        return err_set(err, -EPROTO, "there is no probe %d", probe);
    return size == 0 ? -EINPROGRESS : probes[probe].judge(data, size, err);
}
