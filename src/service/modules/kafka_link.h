/* service/modules/kafka_link.h - a client's connections; between kafka_client.c and kafka_records.c. */
#ifndef SERVICE_MODULES_KAFKA_LINK_H
#define SERVICE_MODULES_KAFKA_LINK_H

#include "service/modules/kafka_client.h"

enum { KAFKA_TOPICS_MAX = 64 }; /* that one client reads, or knows to be there */

/* A record on its way. */
struct kafka_delivery {
    bool done;
    rd_kafka_resp_err_t error;
    int partition;
    int64_t offset;
};

struct kafka_client {
    const struct kafka_library *kafka;
    char *servers;
    rd_kafka_t *asking;
    rd_kafka_t *writing; /* NULL: nobody has written */
    rd_kafka_topic_t *written[KAFKA_TOPICS_MAX]; /* the topics that it knows */
    int written_count;
    rd_kafka_t *grouping; /* NULL: nobody has asked for a group */
    char *group; /* that it asks for */
    rd_kafka_t *reading; /* NULL: nobody has read */
    rd_kafka_queue_t *came; /* what reading has got */
    struct {
        rd_kafka_topic_t *topic;
        int partitions;
    } read[KAFKA_TOPICS_MAX];
    int read_count;
};

/* Settings are names and values, ended by NULL. */
rd_kafka_t *kafka_link_open(struct kafka_client *client, rd_kafka_type_t type,
                            const char *const *settings, struct err *err);
void kafka_link_forget_reading(struct kafka_client *client);
void kafka_link_forget_writing(struct kafka_client *client);
void kafka_link_delivered(rd_kafka_t *link, const rd_kafka_message_t *message, void *opaque);

/* What brokers know of one topic, or of all (NULL). */
int kafka_link_metadata(struct kafka_client *client, rd_kafka_t *link, rd_kafka_topic_t *topic,
                        int within_ms, const struct rd_kafka_metadata **ret, struct err *err);

/* Say what went wrong; `words` may be NULL. Returns -errno. */
int kafka_link_fail(const struct kafka_client *client, rd_kafka_resp_err_t code,
                    const char *words, struct err *err);

#endif
