/*
 * broker/amqp_session.h - one connection to a broker that speaks AMQP 0-9-1, with one channel on it
 * on which each message is confirmed.
 *
 * Every wait has an end. After a failure of anything but a single message the session is of no use
 * any more: close it and open another one.
 */
#ifndef BROKER_AMQP_SESSION_H
#define BROKER_AMQP_SESSION_H

#include <amqp.h>

#include "service/ports.h"

enum { AMQP_SESSION_CHANNEL = 1 };

/* Connect, log in, open the channel, declare the exchange: a durable one for topics. `url` is
 * "amqp://user:password@host:port/vhost". Returns 0; the caller ends *ret_connection with
 * amqp_session_close. */
int amqp_session_open(amqp_connection_state_t *ret_connection, const char *url,
                      const char *exchange, int timeout_ms, struct failure *failure);

/* NULL is fine. Waits for nobody. */
void amqp_session_close(amqp_connection_state_t connection);

/* What the broker did with a message. */
enum amqp_verdict {
    AMQP_TAKEN,
    AMQP_RETURNED, /* no queue wants it */
    AMQP_REFUSED, /* it cannot keep it now */
    AMQP_LOST, /* no answer, or a bad one: close the session */
};

/* Wait for the verdict on the one message that was sent and not confirmed yet. */
enum amqp_verdict amqp_session_confirm(amqp_connection_state_t connection, int timeout_ms,
                                       struct failure *failure);

#endif
