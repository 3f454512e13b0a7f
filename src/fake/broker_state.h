/* fake/broker_state.h - what a broker is made of; for broker_*.c alone. */
#ifndef FAKE_BROKER_STATE_H
#define FAKE_BROKER_STATE_H

#include "fake/broker_core.h"

/* As it was published: shared by the queues that it is in. */
struct letter {
    seam_message message;
    const void *attached;
    size_t attached_size;
    const char *header_types; /* of the first ones; NULL: not known */
    struct broker_death *deaths;
};

/* As it was delivered. */
struct handed {
    seam_message message;
    const struct letter *letter;
};

/* A letter in a queue, or delivered from it. */
struct entry {
    struct entry *next;
    const struct letter *letter;
    struct queue *queue; /* NULL: it was deleted */
    uint64_t place; /* in the queue, to which it goes back */
    int64_t expires_ms; /* -1: never */
    int tries;
    uint64_t tag; /* of its delivery */
    int consumer; /* that has it; 0: it was got */
    struct broker_limit *limit; /* that it counts against; NULL */
};

struct consumer {
    struct consumer *next;
    int number;
    struct broker_consumer as;
    int held; /* unacknowledged */
    bool blocked; /* it had no room when it was its turn, and has had none since */
};

struct queue {
    struct queue *next;
    const char *name;
    struct broker_wish wish;
    bool is_wished; /* by a client: else its properties are anybody's */
    bool was_consumed;
    const char *dead_letter_exchange, *dead_letter_key; /* NULL: none */
    int64_t ttl_ms, max_length; /* -1: none */
    struct entry *ready; /* in the order of their places */
    struct entry **end;
    uint64_t last_place; /* of all that were in it */
    size_t ready_count, held_count;
    struct consumer *consumers; /* whose turn it is first */
};

struct binding {
    struct binding *next;
    struct queue *queue; /* one of them */
    struct exchange *exchange;
    const char *key;
    struct broker_headers headers;
};

struct exchange {
    struct exchange *next;
    const char *name;
    enum broker_type type;
    struct broker_wish wish;
    bool is_wished; /* by a client: else its properties are anybody's */
    const char *alternate; /* gets what no binding takes; NULL: none */
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
    struct consumer *cancelled; /* that nobody has been told of */
    const char *vhost;
};

/* ---- broker_route.c broker_wish.c */

struct exchange *broker_find_exchange(const struct broker *broker, const char *name);
struct queue *broker_find_queue(const struct broker *broker, const char *name);

int broker_no_queue(const struct broker *broker, const char *name, struct err *err);
int broker_no_exchange(const struct broker *broker, const char *name, struct err *err);

/* Each queue that gets the message, once. How many, or -ENOENT. */
typedef void broker_route_fn(struct broker *broker, struct queue *queue,
                             const struct letter *letter, void *arg);
int broker_route_letter(struct broker *broker, const struct letter *letter, broker_route_fn *fn,
                        void *arg, struct err *err);

/* ---- broker_wish.c: arguments, as clients and tests say them */

/* Copies what is wished; -EINVAL or -EEXIST in RabbitMQ's words. `kind`: "queue" or "exchange". */
struct broker_wish broker_copy_wish(struct broker *broker, const struct broker_wish *wish);
const struct broker_argument *broker_find_argument(const struct broker_wish *wish,
                                                   const char *name);
int broker_check_queue_wish(const struct broker *broker, const char *name,
                            const struct broker_wish *wish, struct err *err);
int broker_compare_wish(const struct broker *broker, const char *kind, const char *name,
                        const struct broker_wish *got, const struct broker_wish *has,
                        bool arguments_alone, struct err *err);

/* Whether the queue is that owner's, and as exclusive as it is asked for. */
int broker_check_lock(const struct broker *broker, const struct queue *queue, uint64_t owner,
                      bool exclusive, struct err *err);

/* ---- broker_delete.c */

bool broker_is_same_headers(const struct broker_headers *a, const struct broker_headers *b);

/* The queue has lost its last consumer. */
void broker_queue_left(struct broker *broker, struct queue *queue);

/* ---- broker_queue.c */

/* All that is ready is thrown away. */
size_t broker_drop_ready(struct broker *broker, struct queue *queue);

void broker_enqueue(struct broker *broker, struct queue *queue, const struct letter *letter);

/* -EINVAL when its time to live is none. */
int broker_check_expiration(const seam_message *message, struct err *err);

/* ---- broker_dead.c broker_delete.c: to the queue's dead letter exchange; the reason is "rejected", "expired" or "maxlen" */

void broker_dead_letter(struct broker *broker, struct queue *queue, const struct letter *letter,
                        const char *reason);

#endif
