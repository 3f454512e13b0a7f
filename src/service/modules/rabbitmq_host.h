/*
 * service/modules/rabbitmq_host.h - virtual hosts, each with a user of the same name.
 *
 * To make one takes the broker some 15 ms, of which a test need not wait for any: two are made ahead.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_RABBITMQ_HOST_H
#define SERVICE_MODULES_RABBITMQ_HOST_H

#include "service/modules/rabbitmq_http.h"

enum { RABBITMQ_NAME = 32 };

struct rabbitmq_host {
    char name[RABBITMQ_NAME]; /* needs no quoting anywhere */
    char password[RABBITMQ_SECRET];
};

int rabbitmq_host_make(struct rabbitmq_http *http, struct rabbitmq_host *ret, struct err *err);
void rabbitmq_host_remove(struct rabbitmq_http *http, const char *name);

/* One of the server that tests share, made ahead where there is one. */
int rabbitmq_host_take(const struct rabbitmq_server *server, struct rabbitmq_http *http,
                       struct rabbitmq_host *ret, struct err *err);

#endif
