/* service/modules/rabbitmq_lease.h - what a test holds of a broker; between rabbitmq.c and what serves its verbs. */
#ifndef SERVICE_MODULES_RABBITMQ_LEASE_H
#define SERVICE_MODULES_RABBITMQ_LEASE_H

#include "service/modules/rabbitmq_host.h"
#include "service/modules/rabbitmq_http.h"
#include "service/modules/rabbitmq_link.h"
#include "service/modules/rabbitmq_server.h"

struct rabbitmq_lease {
    struct rabbitmq_server *server;
    bool is_private;
    char name[RABBITMQ_NAME]; /* of the virtual host, and of its user */
    char password[RABBITMQ_SECRET];
    size_t log_from; /* what the log had when the lease began */
    struct rabbitmq_http *http;
    struct rabbitmq_link link; /* for calls */
    struct rabbitmq_link consuming; /* for consumers, as what comes to them comes at any time */
    int consumers;
};

/* Our own connections to the virtual host, as our own user; opened by the first who needs them. */
int rabbitmq_lease_open(struct rabbitmq_lease *mine, struct rabbitmq_link *link,
                        struct err *err);

/* Verbs about messages and what they go through: exchange, queue, bind, publish, get, count, purge, consume, next.
 * -ENOSYS when it is none of them. */
int rabbitmq_call(struct rabbitmq_lease *mine, const char *verb, const struct message *request,
                  struct buf *reply);

/* Add what queues and bindings the virtual host has, for messages. */
void rabbitmq_story(struct rabbitmq_lease *mine, struct buf *ret);

#endif
