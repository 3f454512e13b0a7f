/*
 * service/modules/kafka_cluster.h - a Kafka that tests lease, in one of three tiers:
 *
 *   kafka_native.c      a program of this machine
 *   kafka_container.c   a container
 *   kafka_mock.c        librdkafka's mock cluster, in the keeper itself
 *   kafka_log.c         of a broker's log what is about one test
 *   kafka.c             who shares them, and what leases ask
 *
 * Threads: a cluster's functions by one at a time; its client as kafka_client.h says.
 */
#ifndef SERVICE_MODULES_KAFKA_CLUSTER_H
#define SERVICE_MODULES_KAFKA_CLUSTER_H

#include "service/keeper.h"
#include "service/modules/kafka_client.h"

enum { KAFKA_SERVERS = 512 };

/* What a test asks for. */
struct kafka_wish {
    struct keeper *keeper;
    bool is_private;
    bool pull, offline; /* as of the command line; for containers */
    int brokers; /* of a mock; 0: one */
    char *image; /* NULL: the default one */
    char *network; /* of a container; NULL: the engine's own */
};

struct kafka_cluster {
    struct service *service;
    struct keeper *keeper;
    const struct kafka_tier *tier;
    struct kafka_client *client; /* for questions; NULL while it is stopped */
    char servers[KAFKA_SERVERS]; /* for this machine */
    char inside[KAFKA_SERVERS]; /* for containers; "" when they cannot reach it */
    int inside_port; /* of this machine, that a container needs in .host_ports; 0: none */
    bool paused;
};

/* Why there is none. */
struct kafka_trouble {
    bool is_missing; /* something is not on this machine: the test is skipped */
    const char *remedy; /* static; NULL */
    struct buf story;
};

struct kafka_tier {
    const char *word; /* "native" */
    /* Ready when it returns; the client is made by the caller. */
    int (*start)(const struct kafka_wish *wish, struct kafka_cluster **ret,
                 struct kafka_trouble *trouble);
    bool (*is_alive)(struct kafka_cluster *cluster);
    int (*control)(struct kafka_cluster *cluster, const char *what, struct err *err);
    void (*free)(struct kafka_cluster *cluster);
    void (*look)(struct kafka_cluster *cluster,
                 struct buf *note); /* how a person looks at it */
};

extern const struct kafka_tier kafka_native_tier, kafka_container_tier, kafka_mock_tier;

/* Say why it cannot be had. Returns `code`. */
int kafka_fail(struct kafka_trouble *trouble, int code, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* One that has just started has a client, and answers. */
int kafka_cluster_meet(struct kafka_cluster *cluster, struct err *err);

/* How much the log has; and what behind `from` is bad and of the names with this prefix, or of nobody's. */
size_t kafka_log_size(const struct kafka_cluster *cluster);
void kafka_log_slice(const struct kafka_cluster *cluster, size_t from, const char *prefix,
                     struct buf *ret);

/* A mock's own verbs: fail, delay, broker, leader. -ENOSYS when it is none of them. */
int kafka_mock_verb(struct kafka_cluster *cluster, const char *verb,
                    const struct message *request, struct buf *reply);
int kafka_mock_create(struct kafka_cluster *cluster, const char *topic, int partitions,
                      struct err *err);

#endif
