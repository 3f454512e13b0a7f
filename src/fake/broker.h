/*
 * fake/broker.h - the broker of a test: broker_core.h behind a lock, what was published, and what is expected.
 *
 * Locks: `lock` guards all but what is said to be the test's own thread's. Code of the user's (consumers, the
 * functions of expectations) runs without it.
 */
#ifndef FAKE_BROKER_H
#define FAKE_BROKER_H

#include <pthread.h>

#include "base/buf.h"
#include "fake/broker_core.h"
#include "fake/message_match.h"
#include "seam/broker.h"

/* A message that was taken. */
struct published {
    const seam_message *message;
    size_t number; /* from 1 */
    bool waited; /* a seam_broker_eventually has returned it */
    /* of the test's own thread: */
    const struct expectation *by; /* that takes it */
    const struct expectation *surplus_of; /* that would, had it not got all */
    bool reported;
};

struct expectation {
    struct expectation *next;
    seam_broker_expectation said; /* its texts are the caller's: not to be looked at */
    const char *name; /* for messages */
    struct message_match *match;
    int times;
    int taken;
    size_t first, last; /* numbers of what it took */
};

struct failure {
    struct failure *next;
    seam_broker_failure said;
    uint64_t first; /* publish, from 1 */
};

struct broker_callback {
    struct broker_callback *next;
    int consumer;
    seam_broker_consume_fn *fn; /* NULL: the door's */
    void *arg;
};

/*
 * Another way into a broker: connections of clients, which have a lock of their own. That is taken before the broker's.
 */
struct broker_door {
    void (*lock)(void);
    void (*unlock)(void);
    void (*outside)(void (*fn)(void *arg), void *arg); /* run code of the user's without it */
    void (*deliver)(void *arg,
                    const struct broker_delivery *delivery); /* to the door's own consumer */
    void (*cancelled)(void *arg); /* its queue was deleted */
    void (*done)(void *arg); /* with a run of deliveries; `arg` is the door's */
    void *arg;
};

struct seam_broker {
    seam_t *t;
    seam_site site;
    pthread_mutex_t lock;
    pthread_cond_t came; /* something was published */
    struct broker *core;
    const char *exchange;
    bool strict;
    struct buf journal; /* of struct published * */
    size_t offered; /* so many of it to all expectations; the test's own thread's */
    uint64_t publishes; /* asked for, also those that failed */
    struct failure *failures;
    struct broker_callback *callbacks;
    const struct broker_door *door; /* NULL: none */
    bool touched; /* the test itself has changed what is in it */
    struct expectation *expectations, **expectations_end; /* of the test's own thread */
};

/* What was published as number i from 0; NULL behind the last. */
struct published *broker_published(const seam_broker *broker, size_t i);

/* As seam_broker_start_at, without its exchange. */
seam_broker *broker_start(seam_t *t, const seam_broker_options *options);

/* Call consumers until none has anything to get. Without the lock, and without the door's. */
void broker_run_consumers(seam_broker *broker);

/* The same with the door's lock held. */
void broker_pump(seam_broker *broker);

/* The core, with the lock; and back. */
struct broker *broker_enter(seam_broker *broker);
void broker_leave(seam_broker *broker);

/* A consumer of the door's: a number as broker_consume_as has it. Within broker_enter. */
int broker_door_consume(seam_broker *broker, const char *queue,
                        const struct broker_consumer *as, void *arg, struct err *err);

/* ---- broker_publish.c */

/* A message that came by a door, and what became of it. */
struct broker_offer {
    seam_message message; /* without NULL where there has to be a text */
    bool mandatory;
    const void *attached; /* see broker_attach */
    size_t attached_size;
    const char *header_types;

    int queues; /* that got it */
    bool refused; /* in the words of `err` */
    bool returned; /* no queue, and it was mandatory */
    bool connection_lost, answer_lost, failed; /* by seam_broker_fail */
    bool taken;
    const char *note; /* NULL, or why */
};

/* Journal it and put it into queues; no consumer is called. Within broker_enter. */
void broker_offer(seam_broker *broker, struct broker_offer *offer, struct err *err);

/* ---- broker_expect.c: all say what they find; from the test's own thread, without the lock */
void broker_expect_end(seam_broker *broker);

/* ---- broker_report.c: words, in the arena */

/* "'order.paid' to 'events', the 2nd, after 3 ms" */
const char *broker_say_published(const struct published *published, struct arena *arena);

/* Lines about what was published and came nearest to a match, or that nothing was. */
const char *broker_say_nearest(const seam_broker *broker, const struct message_match *match,
                               struct arena *arena);

/* Lines about messages that nobody expected: those with `is`. NULL when there is none; marks them as reported. */
typedef bool broker_published_is(const struct published *published);
const char *broker_say_unexpected(seam_broker *broker, broker_published_is *is,
                                  struct arena *arena);

#endif
