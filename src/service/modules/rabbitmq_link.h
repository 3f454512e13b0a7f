/*
 * service/modules/rabbitmq_link.h - a connection to a broker with one channel, which is opened again when the broker
 * has closed it over an error.
 *
 * Threads: a link by one at a time.
 */
#ifndef SERVICE_MODULES_RABBITMQ_LINK_H
#define SERVICE_MODULES_RABBITMQ_LINK_H

#include <amqp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { RABBITMQ_CHANNEL = 1 };

struct rabbitmq_address {
    const char *host;
    int port;
    const char *user, *password, *vhost;
};

struct rabbitmq_link {
    amqp_connection_state_t state; /* NULL: there is none */
    bool has_channel;
    bool confirms; /* the channel does */
};
#define RABBITMQ_LINK_NONE ((struct rabbitmq_link){ 0 })

/* Connect, log in and open the channel, as far as that is not done. */
int rabbitmq_link_open(struct rabbitmq_link *link, const struct rabbitmq_address *address,
                       struct err *err);
void rabbitmq_link_close(
    struct rabbitmq_link *link); /* takes RABBITMQ_LINK_NONE, and leaves that */

/* The broker's version, as it said at the beginning. */
void rabbitmq_link_version(const struct rabbitmq_link *link, char *room, size_t size);

/* What the last call came to: 0; -EREMOTEIO, the broker refused it and the channel is gone; -ENOTCONN, the
 * connection is. */
int rabbitmq_link_result(struct rabbitmq_link *link, amqp_rpc_reply_t reply, struct err *err);

/* The same of a method that came instead of what was waited for. */
int rabbitmq_link_refused(struct rabbitmq_link *link, amqp_method_t method, struct err *err);

/* The next frame, or -ETIMEDOUT at the deadline. */
int rabbitmq_link_frame(struct rabbitmq_link *link, uint64_t deadline_ns, amqp_frame_t *ret,
                        struct err *err);

#endif
