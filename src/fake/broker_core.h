/*
 * fake/broker_core.h - a message broker as AMQP 0-9-1 and RabbitMQ have it, in memory and without a test.
 *
 *     publish ── exchange ── bindings ── queue ── get or consumer ── ack, reject, recover
 *                                          └── expired, rejected, too many: dead letters ── exchange ...
 *
 * What RabbitMQ refuses is refused with its words. Messages expire, are dropped and dead-lettered when somebody
 * asks: nothing happens between two calls.
 *
 * Ownership: a broker owns all that it hands out, until broker_free; what is passed in is copied.
 * Threads: one at a time; the caller locks.
 */
#ifndef FAKE_BROKER_CORE_H
#define FAKE_BROKER_CORE_H

#include "base/arena.h"
#include "base/err.h"
#include "seam/message.h"

struct broker;

/* What a broker goes by. */
struct broker_time {
    int64_t (*now_ms)(void *arg); /* never goes back */
    void *arg;
    int64_t epoch_ms; /* where its 0 is, since 1970 */
};

struct broker *broker_new(const struct broker_time *time); /* NULL when memory ends */
void broker_free(struct broker *broker); /* NULL is fine */
int64_t broker_now_ms(const struct broker *broker);
void *broker_alloc(struct broker *broker, size_t size); /* zeroed, as long as the broker */
char *broker_dup(struct broker *broker, const char *text);
void broker_name_host(struct broker *broker, const char *vhost); /* for messages; "/" before */

/* ---- what is in it */

enum broker_type { BROKER_DIRECT, BROKER_TOPIC, BROKER_FANOUT, BROKER_HEADERS };

struct broker_arguments { /* of a queue */
    const char *dead_letter_exchange; /* NULL: what would be dead-lettered is dropped */
    const char *dead_letter_key; /* NULL: the message's own */
    int message_ttl_ms; /* 0: none */
    int max_length; /* 0: none */
};

struct broker_headers { /* that a binding of a headers exchange asks for; a NULL value: any */
    const seam_message_header *at;
    size_t count;
    bool any; /* one of them; else all */
    const char *types; /* one character each, as broker_route_typed has them; NULL: not known */
};

/* As a client said it: x-message-ttl, signedint, 1000. */
struct broker_argument {
    const char *name, *type, *value;
};

/* What a client asks for; struct broker_arguments and a type alone stand for no such wishes: whoever says them first
 * is believed. */
struct broker_wish {
    const char *type; /* of an exchange */
    bool durable, auto_delete;
    bool internal; /* an exchange */
    bool exclusive; /* a queue: its owner's alone, with which it goes */
    uint64_t owner; /* who asks; never 0 */
    const struct broker_argument *arguments;
    size_t argument_count;
};

int broker_wish_exchange(struct broker *broker, const char *name,
                         const struct broker_wish *wish, struct err *err);
int broker_wish_queue(struct broker *broker, const char *name, const struct broker_wish *wish,
                      struct err *err);

/* 0 when it is there and may be used by that owner (0: by anybody); -ENOENT, -EBUSY with RabbitMQ's words. */
int broker_check_queue(const struct broker *broker, const char *name, uint64_t owner,
                       struct err *err);

/* The same of an exchange: the default one (-EINVAL) is nobody's to ask for. */
int broker_check_exchange(const struct broker *broker, const char *name, struct err *err);
int broker_check_internal(const struct broker *broker, const char *name,
                          struct err *err); /* -EINVAL: nobody may publish to it */
bool broker_matches_headers(const struct broker *broker, const char *exchange);

/* Where there is none, it is deleted already. -EBUSY for what `if_unused` or `if_empty` keeps. */
int broker_delete_exchange(struct broker *broker, const char *name, bool if_unused,
                           struct err *err);
int broker_delete_queue(struct broker *broker, const char *name, bool if_unused, bool if_empty,
                        size_t *ret_messages, struct err *err);
int broker_purge(struct broker *broker, const char *name, size_t *ret_messages,
                 struct err *err);
void broker_release_owner(struct broker *broker, uint64_t owner); /* its queues are deleted */

/* From exchange to exchange; and bindings taken back, of which there may be none. */
int broker_bind_exchange(struct broker *broker, const char *destination, const char *source,
                         const char *key, const struct broker_headers *headers,
                         struct err *err);
int broker_unbind(struct broker *broker, const char *destination, bool is_queue,
                  const char *source, const char *key, const struct broker_headers *headers,
                  struct err *err);

/* -EINVAL, -EEXIST or -ENOENT with RabbitMQ's words. */
int broker_declare_exchange(struct broker *broker, const char *name, const char *type,
                            struct err *err);
int broker_declare_queue(struct broker *broker, const char *name,
                         const struct broker_arguments *arguments, struct err *err);
int broker_bind(struct broker *broker, const char *queue, const char *exchange, const char *key,
                const struct broker_headers *headers, struct err *err);
bool broker_has_exchange(const struct broker *broker, const char *name);

/* ---- messages */

/* How many queues would get it; -ENOENT or -EINVAL with RabbitMQ's words. */
int broker_route(struct broker *broker, const seam_message *message, struct err *err);

/* A copy with the time it was made at, in no queue yet. */
const seam_message *broker_copy(struct broker *broker, const seam_message *message);

/* The same of a message whose headers have types, one character each: of two that
 * are known both have to be the same. */
int broker_route_typed(struct broker *broker, const seam_message *message,
                       const char *header_types, struct err *err);

/* Bytes that go with a copy, a client's own properties, and the types of its headers. */
void broker_attach(struct broker *broker, const seam_message *copy, const void *data,
                   size_t size, const char *header_types);

/* Why a message was dead-lettered, how often, the latest first; RabbitMQ's header x-death. */
struct broker_death {
    struct broker_death *next;
    const char *queue, *reason, *exchange, *key;
    const char *expiration; /* that it had of its own; NULL: none */
    int64_t time_s;
    int count;
    bool
        is_first; /* nothing had died of it before: RabbitMQ writes this one in another order */
};

/* Of a message that was delivered. */
struct broker_attached {
    const void *data;
    size_t size;
    const struct broker_death *deaths;
};
struct broker_attached broker_attached(const seam_message *delivered);

/* Put a copy into the queues that broker_route has counted. */
void broker_publish(struct broker *broker, const seam_message *copy);

/* The next message, delivered and not acknowledged; *ret is NULL when there is none. */
int broker_get(struct broker *broker, const char *queue, const seam_message **ret,
               struct err *err);

/* 0; -ENOENT: nothing unacknowledged has that tag. */
int broker_ack(struct broker *broker, uint64_t tag);
int broker_reject(struct broker *broker, uint64_t tag, bool requeue);
void broker_recover(struct broker *broker);

struct broker_counts {
    size_t ready;
    size_t unacknowledged;
    size_t consumers;
};
int broker_counts(struct broker *broker, const char *queue, struct broker_counts *ret,
                  struct err *err);

/* ---- consumers */

/* A number from 1, or -ENOENT. prefetch: how many may be unacknowledged; 0: no limit. */
int broker_consume(struct broker *broker, const char *queue, int prefetch, struct err *err);

/* Shared by the consumers of a channel; the caller's, as long as one of them holds a message. */
struct broker_limit {
    int prefetch; /* 0: none */
    int held;
};

void broker_limit_changed(struct broker *broker);

struct broker_consumer {
    int prefetch;
    struct broker_limit *limit; /* NULL: none */
    bool exclusive; /* -EBUSY when the queue has another */
    bool no_ack; /* what it gets is not held */
};
int broker_consume_as(struct broker *broker, const char *queue,
                      const struct broker_consumer *as, struct err *err);
void broker_cancel(struct broker *broker,
                   int consumer); /* what it has not acknowledged stays so */

enum { BROKER_TRIES_MAX = 1000 };

struct broker_delivery {
    int consumer;
    const char *queue;
    const seam_message *message;
    int tries; /* how often this message was given out from its queue, this time included; at BROKER_TRIES_MAX
                  it stays in the queue for a broker_get */
};

/* A consumer whose queue was deleted, one after the other; 0: no more. */
int broker_next_cancelled(struct broker *broker);

/* When the next message expires that is first in its queue, by broker_now_ms; -1: none does. */
int64_t broker_next_expiry(const struct broker *broker);

/* Give the next message that is due to a consumer; of several of a queue each in its turn. False: none is. */
bool broker_deliver(struct broker *broker, struct broker_delivery *ret);

#endif
