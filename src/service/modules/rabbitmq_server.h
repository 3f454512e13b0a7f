/*
 * service/modules/rabbitmq_server.h - one RabbitMQ: start, stop, pause.
 *
 * Of this machine it is one process with its helpers and no epmd: Erlang's distribution listens on a port of its own,
 * which the broker wants to see, and registers nowhere. Else it is a container of the official image.
 *
 * Threads: by one at a time.
 */
#ifndef SERVICE_MODULES_RABBITMQ_SERVER_H
#define SERVICE_MODULES_RABBITMQ_SERVER_H

#include <stdbool.h>

#include "service/authority.h"
#include "service/keeper.h"
#include "service/modules/box.h"

enum { RABBITMQ_SECRET = 33 };

#define RABBITMQ_ADMIN "seam" /* our own user */

/* What makes two servers different. */
struct rabbitmq_wish {
    const char *plugins; /* names with blanks between them, besides the management's; NULL */
    bool tls;
    bool is_boxed; /* in a container */
    bool may_pull; /* whose image may be pulled */
    bool is_private;
    struct box_choice choice;
};

struct rabbitmq_server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    enum identity identity;
    bool paused;
    char host[64];
    int port; /* AMQP */
    int tls_port; /* 0: none */
    struct authority authority; /* of TLS */
    char *plugins;
    struct server *box; /* the container; NULL: a process of this machine */
    int management_port;
    int distribution_port;
    char password[RABBITMQ_SECRET]; /* of our own user */
    struct child child;
};

/* Where the program is. -ENOENT: it is not installed. */
int rabbitmq_server_find(char *ret, size_t size, struct err *err);

/* Start one, ready when this returns. *ret_skip: it cannot be had on this machine; *ret_remedy may be what mends it. */
int rabbitmq_server_start(struct keeper *keeper, const struct rabbitmq_wish *wish,
                          struct rabbitmq_server **ret, bool *ret_skip, const char **ret_remedy,
                          struct err *err);
void rabbitmq_server_free(struct rabbitmq_server *server);

/* Nobody gets it any more; who has it finds out. */
void rabbitmq_server_abandon(struct rabbitmq_server *server);
void rabbitmq_server_count(struct rabbitmq_server *server,
                           int change); /* of leases, for the list */

/* Where its log is, and what becomes readable when it ends. */
const char *rabbitmq_server_folder(const struct rabbitmq_server *server);
int rabbitmq_server_end_fd(const struct rabbitmq_server *server);

/* The settings and the list of plugins that both tiers have. */
void rabbitmq_settings(const struct rabbitmq_server *server, struct buf *ret);
void rabbitmq_plugins(const struct rabbitmq_server *server, struct buf *ret);

/* Start the container of one; -ENOENT as of box_start. */
int rabbitmq_box_start(struct rabbitmq_server *server, const struct rabbitmq_wish *wish,
                       const char **ret_remedy, struct err *err);

/* Connect as our own user once, which tells its version. */
int rabbitmq_server_greet(struct rabbitmq_server *server, struct err *err);

bool rabbitmq_server_is_alive(const struct rabbitmq_server *server);
int rabbitmq_server_boot(struct rabbitmq_server *server, struct err *err);
void rabbitmq_server_stop(struct rabbitmq_server *server); /* what is durable is kept */
void rabbitmq_server_pause(struct rabbitmq_server *server, bool pause);

/* As many hexadecimal digits as fit. Returns 0 or -errno. */
int rabbitmq_secret(char secret[RABBITMQ_SECRET]);

#endif
