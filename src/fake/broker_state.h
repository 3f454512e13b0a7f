/* fake/broker_state.h - what a broker is made of; for broker_*.c alone. */
#ifndef FAKE_BROKER_STATE_H
#define FAKE_BROKER_STATE_H

#include "fake/broker_core.h"

/* How often a message died in a queue of the same cause; RabbitMQ's header x-death. The latest first. */
struct death {
    struct death *next;
    const char *queue, *reason, *exchange, *key;
    int64_t time_s;
    int count;
};

/* As it was published: shared by the queues that it is in. */
struct letter {
    seam_message message;
    struct death *deaths;
};

/* A letter in a queue, or delivered from it. */
struct entry {
    struct entry *next;
    const struct letter *letter;
    struct queue *queue;
    uint64_t place; /* in the queue, to which it goes back */
    int64_t expires_ms; /* -1: never */
    int tries;
    uint64_t tag; /* of its delivery */
    int consumer; /* that has it; 0: it was got */
};

struct consumer {
    struct consumer *next;
    int number;
    int prefetch;
    int held; /* unacknowledged */
};

struct queue {
    struct queue *next;
    const char *name;
    struct broker_arguments arguments;
    struct entry *ready; /* in the order of their places */
    struct entry **end;
    uint64_t last_place; /* of all that were in it */
    size_t ready_count, held_count;
    struct consumer *consumers; /* whose turn it is first */
};

struct binding {
    struct binding *next;
    struct queue *queue;
    const char *key;
    struct broker_headers headers;
};

struct exchange {
    struct exchange *next;
    const char *name;
    enum broker_type type;
    struct binding *bindings; /* in the order of their making */
};

struct broker {
    struct arena arena;
    struct broker_time time;
    struct exchange *exchanges;
    struct queue *queues; /* in the order of their making */
    struct entry *held; /* unacknowledged, in the order of their tags */
    struct entry **held_end;
    struct entry *spare; /* entries to be used again */
    uint64_t places, tags;
    int consumers;
};

/* ---- broker_route.c */

struct exchange *broker_find_exchange(const struct broker *broker, const char *name);
struct queue *broker_find_queue(const struct broker *broker, const char *name);

/* Each queue that gets the message, once. How many, or -ENOENT. */
typedef void broker_route_fn(struct broker *broker, struct queue *queue,
                             const struct letter *letter, void *arg);
int broker_route_letter(struct broker *broker, const struct letter *letter, broker_route_fn *fn,
                        void *arg, struct err *err);

/* ---- broker_queue.c */

void broker_enqueue(struct broker *broker, struct queue *queue, const struct letter *letter);

/* -EINVAL when its time to live is none. */
int broker_check_expiration(const seam_message *message, struct err *err);

/* ---- broker_dead.c: to the queue's dead letter exchange; the reason is "rejected", "expired" or "maxlen" */

void broker_dead_letter(struct broker *broker, struct queue *queue, const struct letter *letter,
                        const char *reason);

#endif
