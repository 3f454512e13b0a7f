/*
 * wire/amqp_server.h - the server's side of an AMQP 0-9-1 connection, as RabbitMQ 3.10 has it: bytes in, bytes out.
 *
 *   bytes ─ amqp_server_feed ─ frames ─ amqp_server_next ─┬ login, tuning, channels, heartbeats: answered here
 *                                                         └ the rest: asked of the owner, who writes to _out
 *
 * What is out of order ends the channel or the connection with RabbitMQ's codes and texts.
 *
 * Ownership: an ask is valid until the next amqp_server_next. Threads: one at a time.
 */
#ifndef WIRE_AMQP_SERVER_H
#define WIRE_AMQP_SERVER_H

#include "wire/amqp.h"

struct amqp_server;

struct amqp_server_options { /* texts are borrowed */
    const char *user, *password; /* NULL: anybody's */
    const char *vhost;
    int heartbeat_s, frame_max, channel_max; /* that are proposed */
    /* A channel has ended, or all have: what is its owner's ends before the next call. */
    void (*channel_gone)(void *arg, int channel, void *memory);
    void *arg;
};

struct amqp_ask {
    int channel;
    void **memory; /* of the channel: the owner's */
    struct amqp_method method;
    struct amqp_content content; /* of a method that has one */
    const char *body;
    size_t body_size;
};

enum amqp_server_step {
    AMQP_SERVER_MORE, /* bytes are needed */
    AMQP_SERVER_ASK,
    AMQP_SERVER_END /* send what there is, and close */
};

int amqp_server_new(struct amqp_server **ret, const struct amqp_server_options *options);
void amqp_server_free(struct amqp_server *server); /* NULL is fine */

int amqp_server_feed(struct amqp_server *server, const void *data, size_t size);
enum amqp_server_step amqp_server_next(struct amqp_server *server, struct amqp_ask **ret);
struct buf *amqp_server_out(struct amqp_server *server);

/* What went wrong last, in our words or those that the client got; NULL: nothing since the last call. */
const char *amqp_server_trouble(struct amqp_server *server);

/* Refuse what was asked, in RabbitMQ's words, which begin with the name of their code: 403 to 406 end the channel,
 * all others the connection. */
void amqp_server_refuse(struct amqp_server *server, const struct amqp_ask *ask,
                        const char *text);

/* End the connection; as the server's own wish (320), or without a cause in the client's doing. */
void amqp_server_close(struct amqp_server *server, const char *text);

/* The connection is gone: so are its channels. */
void amqp_server_end(struct amqp_server *server);

/* To a channel, within what was tuned; the properties as amqp_add_content takes them. */
void amqp_server_content(struct amqp_server *server, int channel, const void *properties,
                         size_t properties_size, const void *body, size_t size);

/* What the client has said about itself. */
bool amqp_server_can(const struct amqp_server *server, const char *capability);
const char *amqp_server_login(const struct amqp_server *server); /* "" before */
bool amqp_server_is_open(
    const struct amqp_server *server); /* since connection.open-ok, until it closes */
int amqp_server_heartbeat_s(const struct amqp_server *server); /* as tuned; 0: none */
void *amqp_server_memory(const struct amqp_server *server,
                         int channel); /* NULL: it is not open */

/* Each frame of the client's, before it is dealt with, for whoever writes it down. */
typedef void amqp_server_watch_fn(void *arg, const struct amqp_frame *frame);
void amqp_server_watch(struct amqp_server *server, amqp_server_watch_fn *fn, void *arg);

#endif
