/*
 * service/modules/kafka_client.h - what is asked of a Kafka: topics, offsets, records; by librdkafka.
 *
 * A client has several connections, each made by the first that needs it: for questions (any thread may ask), for
 * groups, for writing and for reading (one thread at a time).
 *
 * Functions return 0 or -errno with words; -ENXIO says that a topic is not there.
 */
#ifndef SERVICE_MODULES_KAFKA_CLIENT_H
#define SERVICE_MODULES_KAFKA_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"
#include "service/modules/kafka_library.h"

struct kafka_client;

/* `servers` is copied. NULL with words; librdkafka's when it is not installed. */
struct kafka_client *kafka_client_new(const char *servers, struct err *err);
void kafka_client_free(struct kafka_client *client); /* NULL is fine */

/* The name of a broker's error: "NOT_LEADER_OR_FOLLOWER". */
int kafka_error_of(const char *name, rd_kafka_resp_err_t *ret);

/* Ask until a broker has answered, or -ETIMEDOUT; short, for a look whether one is ready. */
int kafka_client_ping(struct kafka_client *client, int within_ms, struct err *err);

/* Make a topic, with its "config" fields "name=value", and wait until it can be written. */
int kafka_client_create(struct kafka_client *client, const char *topic, int partitions,
                        const struct message *configs, struct err *err);
int kafka_client_delete(struct kafka_client *client, const char *topic, struct err *err);

/* Delete all topics whose names begin so. */
void kafka_client_delete_all(struct kafka_client *client, const char *prefix);

/* Add the names of topics that begin so, each in a line behind `indent`. Returns how many, or -errno. */
int kafka_client_list(struct kafka_client *client, const char *prefix, const char *indent,
                      struct buf *ret);

/* The number of a topic's partitions; -ENXIO: there is none of that name. */
int kafka_client_partitions(struct kafka_client *client, const char *topic, struct err *err);
int kafka_client_offsets(struct kafka_client *client, const char *topic, int partition,
                         int64_t *ret_begin, int64_t *ret_end, struct err *err);

/* Up to where a group has committed in `count` partitions; -1: nowhere. By one thread at a time, as is the next. */
int kafka_client_committed(struct kafka_client *client, const char *group, const char *topic,
                           int first, int count, int64_t *ret, struct err *err);

/* How many records of a topic a group has not committed yet. */
int kafka_client_lag(struct kafka_client *client, const char *group, const char *topic,
                     int64_t *ret, struct err *err);

/* Write a record, whose fields are `request`'s, and wait until it is acknowledged. */
int kafka_client_produce(struct kafka_client *client, const struct message *request,
                         struct buf *reply, struct err *err);

/* Read a topic from now on, from its beginning; does nothing when it is read already. */
int kafka_client_read(struct kafka_client *client, const char *topic, struct err *err);

/* The next record of any topic that is read, added to `reply`. -ETIMEDOUT: none came. */
int kafka_client_next(struct kafka_client *client, uint64_t deadline_ns, struct buf *reply,
                      struct err *err);

#endif
