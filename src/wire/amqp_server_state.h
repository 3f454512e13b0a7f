/* wire/amqp_server_state.h - what a server's side is made of; for amqp_server*.c alone. */
#ifndef WIRE_AMQP_SERVER_STATE_H
#define WIRE_AMQP_SERVER_STATE_H

#include "wire/amqp_server.h"

enum amqp_server_state {
    AMQP_AT_HEADER, /* that one is awaited */
    AMQP_AT_START_OK,
    AMQP_AT_TUNE_OK,
    AMQP_AT_OPEN,
    AMQP_AT_WORK,
    AMQP_AT_CLOSE_OK,
    AMQP_AT_REST, /* nothing is heard any more: the client is to close */
    AMQP_AT_END
};

enum amqp_channel_part { AMQP_PART_METHOD, AMQP_PART_HEADER, AMQP_PART_BODY };

struct amqp_channel {
    struct amqp_channel *next;
    int number;
    bool closing; /* close-ok is awaited */
    enum amqp_channel_part part; /* that is awaited */
    struct amqp_ask ask; /* what has come of it */
    uint64_t missing; /* of the body */
    struct arena arena; /* of the ask's */
    struct buf body;
};

struct amqp_server {
    struct amqp_server_options options;
    enum amqp_server_state state;
    struct buf in, out;
    size_t in_at; /* what of `in` was dealt with */
    struct arena arena; /* of the connection */
    struct arena passing; /* of the frame that is being looked at */
    struct amqp_channel *channels;
    int channel_count;
    struct amqp_channel *asked; /* its ask is the owner's: to be cleared */
    const char *login;
    struct amqp_value capabilities;
    size_t frame_max; /* now */
    int channel_max, heartbeat_s;
    char trouble[300];
    bool has_trouble;
    amqp_server_watch_fn *watch;
    void *watch_arg;
};

/* Close with a code and text; `id` of the method that is at fault, 0: none. */
void amqp_server_fail(struct amqp_server *server, uint32_t id, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* Without a word to the client. */
void amqp_server_break(struct amqp_server *server, const char *why);

void amqp_server_drop_channels(struct amqp_server *server);

/* ---- amqp_server_start.c */

/* The header; 0: more is needed. */
int amqp_server_greet(struct amqp_server *server, const char *data, size_t size);

/* A method of a connection that is not at work yet. */
void amqp_server_start(struct amqp_server *server, const struct amqp_method *method);

#endif
