/* broker/amqp_publisher.c - events as messages; see amqp_publisher.h. */

#define _DEFAULT_SOURCE

#include "broker/amqp_publisher.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/amqp_session.h"

enum { TIMEOUT_MS = 5000, PERSISTENT = 2 };

struct amqp_publisher {
    char *url;
    int timeout_ms;
    amqp_connection_state_t connection; /* NULL: none */
};

static int send_event(const struct amqp_publisher *publisher, const struct event *event,
                      struct failure *failure)
{
    const amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_MESSAGE_ID_FLAG,
        .content_type = amqp_cstring_bytes("application/json"),
        .delivery_mode = PERSISTENT,
        .message_id = amqp_cstring_bytes(event->id),
    };
    const int mandatory = true, immediate = false;
    int error = amqp_basic_publish(publisher->connection, AMQP_SESSION_CHANNEL,
                                   amqp_cstring_bytes(AMQP_PUBLISHER_EXCHANGE),
                                   amqp_cstring_bytes(event->routing_key), mandatory, immediate,
                                   &properties, amqp_cstring_bytes(event->body));

    if (error == AMQP_STATUS_OK)
        return 0;
    snprintf(failure->text, sizeof failure->text, "the broker: cannot send: %s",
             amqp_error_string2(error));
    return -1;
}

static enum amqp_verdict send_and_confirm(const struct amqp_publisher *publisher,
                                          const struct event *event, struct failure *failure)
{
    if (send_event(publisher, event, failure) < 0)
        return AMQP_LOST;
    return amqp_session_confirm(publisher->connection, publisher->timeout_ms, failure);
}

static int publish(void *self, const struct event *event, struct failure *failure)
{
    struct amqp_publisher *publisher = self;
    enum amqp_verdict verdict;

    if (!publisher->connection &&
        amqp_session_open(&publisher->connection, publisher->url, AMQP_PUBLISHER_EXCHANGE,
                          publisher->timeout_ms, failure) < 0)
        return -1;
    verdict = send_and_confirm(publisher, event, failure);
    if (verdict == AMQP_LOST) {
        amqp_session_close(publisher->connection);
        publisher->connection = NULL;
    }
    return verdict == AMQP_TAKEN ? 0 : -1;
}

/* ---- its life --------------------------------------------------------------------------- */

int amqp_publisher_open(struct amqp_publisher **ret_publisher,
                        const struct amqp_publisher_settings *settings)
{
    struct amqp_publisher *publisher = calloc(1, sizeof *publisher);

    if (!publisher)
        return -1;
    publisher->url = strdup(settings->url);
    publisher->timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS;
    if (!publisher->url) {
        amqp_publisher_close(publisher);
        return -1;
    }
    *ret_publisher = publisher;
    return 0;
}

void amqp_publisher_close(struct amqp_publisher *publisher)
{
    if (!publisher)
        return;
    amqp_session_close(publisher->connection);
    free(publisher->url);
    free(publisher);
}

struct event_publisher amqp_publisher_port(struct amqp_publisher *publisher)
{
    return (struct event_publisher){ .self = publisher, .publish = publish };
}
