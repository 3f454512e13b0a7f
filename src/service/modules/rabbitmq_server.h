/*
 * service/modules/rabbitmq_server.h - one RabbitMQ of this machine: start, stop, pause.
 *
 * It is one process with its helpers and no epmd: Erlang's distribution listens on a port of its own, which the
 * broker wants to see, and registers nowhere.
 *
 * Threads: by one at a time.
 */
#ifndef SERVICE_MODULES_RABBITMQ_SERVER_H
#define SERVICE_MODULES_RABBITMQ_SERVER_H

#include <stdbool.h>

#include "service/keeper.h"

enum { RABBITMQ_SECRET = 33 };

#define RABBITMQ_ADMIN "seam" /* our own user */

struct rabbitmq_server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    enum identity identity;
    bool paused;
    int port; /* AMQP */
    int management_port;
    int distribution_port;
    char password[RABBITMQ_SECRET]; /* of our own user */
    struct child child;
};

/* Start one, ready when this returns. *ret_skip: it cannot be had on this machine; the remedy is then set. */
int rabbitmq_server_start(struct keeper *keeper, struct rabbitmq_server **ret,
                          const char **ret_remedy, struct err *err);
void rabbitmq_server_free(struct rabbitmq_server *server);

bool rabbitmq_server_is_alive(const struct rabbitmq_server *server);
int rabbitmq_server_boot(struct rabbitmq_server *server, struct err *err);
void rabbitmq_server_stop(struct rabbitmq_server *server); /* what is durable is kept */
void rabbitmq_server_pause(struct rabbitmq_server *server, bool pause);

/* As many hexadecimal digits as fit. Returns 0 or -errno. */
int rabbitmq_secret(char secret[RABBITMQ_SECRET]);

#endif
