/*
 * amqp/origin.h - the address of an AMQP double: origins taken apart, and said as a client wants it.
 *
 * Ownership: texts handed out live as long as the arena. Threads: any; nothing is shared but the arena.
 */
#ifndef AMQP_ORIGIN_H
#define AMQP_ORIGIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct amqp_origin {
    const char *user, *password; /* NULL: not said */
    const char *host, *vhost;
    int port;
    bool tls;
};

/* Take "amqp://user:password@host:5672/vhost" apart (also amqps://); all but the host may be absent. A path of one
 * slash is the virtual host "", none is "/". -EINVAL with a sentence for what is no origin. */
int amqp_origin_parse(struct arena *arena, const char *text, struct amqp_origin *ret,
                      struct err *err);

/* "amqp://host:5672/vhost", with user and password where there are any. */
const char *amqp_origin_url(struct arena *arena, const struct amqp_origin *origin);

#endif
