/*
 * amqp/session.h - one connection to an AMQP double: its stream, its engine, and its channels, here called lanes.
 *
 * Threads: the loop's lock is held.
 */
#ifndef AMQP_SESSION_H
#define AMQP_SESSION_H

#include "amqp/mock.h"
#include "net/stream.h"
#include "wire/amqp_server.h"

struct amqp_session {
    struct stream stream; /* first: this is how it is known there */
    struct seam_amqp_mock *mock; /* lives until the test's end; look at stream.dead */
    struct amqp_session *next, **link; /* of the mock's that are not dead */
    struct amqp_server *server;
    int number; /* from 1; its queues' owner */
    bool runs; /* amqp_session_run is on a stack */
    bool stalled; /* nothing is heard or said any more */
    bool was_open; /* it has logged in */
    bool released; /* and closed: its queues are gone */
    bool blocked; /* nothing more is heard of it until the mock is unblocked */
    bool lost; /* it is reset before anything else: by seam_broker_fail */
    bool greeted; /* its header is in the transcript */
    size_t heard; /* what of the engine's output is in it */
    struct loop_timer timer; /* of heartbeats, and of a close that nobody confirms */
    uint64_t heard_ns, said_ns;
    uint64_t closed_by_ns; /* 0: it is open */
};

/* A message that a lane's client has not settled. */
struct amqp_held {
    struct amqp_held *next;
    uint64_t tag; /* of the lane */
    uint64_t core_tag; /* of the broker */
};

/* Its memory is the broker's: that may know it longer than the lane lasts. */
struct amqp_consumer {
    struct amqp_consumer *next;
    struct amqp_lane *lane; /* NULL: it was cancelled */
    const char *tag;
    int number; /* of the broker's */
    bool no_ack;
};

struct amqp_lane {
    struct amqp_session *session;
    int channel;
    uint64_t tags; /* so far */
    struct amqp_held *held, **held_end; /* in the order of their tags */
    struct amqp_consumer *consumers;
    struct broker_limit limit; /* of all consumers */
    int prefetch; /* of each that comes */
    bool confirms;
    uint64_t published; /* since it confirms */
    char queue[256]; /* that was declared last; "" */
};

/* Serve a connected descriptor, which is taken also on failure. */
int amqp_session_new(struct amqp_session **ret, struct seam_amqp_mock *mock, int fd,
                     const char *peer, bool has_driver);

void amqp_session_run(struct amqp_session *session); /* as far as it goes */
void amqp_session_send(struct amqp_session *session); /* what the engine has written */

/* Each of the mock's; any of them may die of it. */
void amqp_session_each(struct seam_amqp_mock *mock, void (*fn)(struct amqp_session *session));

/* ---- serve.c */

/* Answer an ask. */
void amqp_serve(struct amqp_session *session, const struct amqp_ask *ask);

/* ---- what serve*.c share: each answers within an ask */

struct amqp_call {
    struct amqp_session *session;
    struct amqp_lane *lane;
    const struct amqp_ask *ask;
    int channel;
    struct broker *core; /* entered */
    struct buf *out; /* of the engine */
    struct arena arena; /* until it is answered */
    struct err err;
    const char *answer; /* for the report; NULL: the method that was written */
    const char *note;
    const char *body; /* of a message that was got, for the report */
    size_t body_size;
    const char *unsupported; /* what is refused, for the test */
    enum amqp_method_id confirm; /* basic.ack or .nack behind what consumers get; 0: none */
};

void amqp_serve_exchange(struct amqp_call *call);
void amqp_serve_queue(struct amqp_call *call);
void amqp_serve_basic(struct amqp_call *call);
void amqp_serve_publish(struct amqp_call *call);

uint64_t amqp_call_number(const struct amqp_call *call, int argument);
const char *amqp_call_text(const struct amqp_call *call, int argument);

/* Refuse in these words, or those of call->err. */
void amqp_call_refuse(struct amqp_call *call, const char *text);
void amqp_call_refuse_as(struct amqp_call *call, const char *format, ...) SEAM_PRINTF(2, 3);

/* Refuse what RabbitMQ does and the mock does not, and fail the test. */
void amqp_call_unsupported(struct amqp_call *call, const char *what);

/* The queue that argument names, "" for the last one: NULL when it was refused. */
const char *amqp_call_queue(struct amqp_call *call, int argument);

/* The arguments in a table, as the broker knows them. */
void amqp_call_wish(struct amqp_call *call, int argument, struct broker_wish *ret);

/* What a binding to that exchange asks for. False: it was refused. */
bool amqp_call_headers(struct amqp_call *call, int argument, const char *exchange,
                       struct broker_headers *ret);

/* The prefix and 22 letters. */
const char *amqp_call_new_name(struct amqp_call *call, const char *prefix);

/* ---- lane.c */

struct amqp_lane *amqp_lane_of(struct amqp_session *session, const struct amqp_ask *ask);
void amqp_lane_end(struct amqp_lane *lane); /* what it holds goes back; frees it */
uint64_t amqp_lane_hold(struct amqp_lane *lane, uint64_t core_tag, bool no_ack); /* a tag */
struct amqp_consumer *amqp_lane_consumer(const struct amqp_lane *lane, const char *tag);
void amqp_lane_forget(struct amqp_consumer *consumer);

/* Take the tags out that are meant: NULL and false when there is no such one. The list is the caller's. */
bool amqp_lane_take(struct amqp_lane *lane, uint64_t tag, bool multiple,
                    struct amqp_held **ret);

/* ---- message.c: messages of the wire and of the broker */

/* Returns the types of its headers. */
const char *amqp_message_read(struct arena *arena, const struct amqp_properties *properties,
                              seam_message *ret);

/* The properties of one that was delivered, as amqp_server_content takes them, in the arena. */
const char *amqp_message_properties(struct arena *arena, const seam_message *delivered,
                                    size_t *ret_size);

#endif
