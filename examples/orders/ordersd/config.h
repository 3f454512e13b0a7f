/*
 * ordersd/config.h - what the daemon is told by its environment.
 *
 *     LISTEN         address and port, 127.0.0.1:8080 when unset; port 0 is any that is free
 *     PORT           the port alone, for hosts that choose it; beats the one of LISTEN
 *     DATABASE_URL   what libpq takes; required
 *     PAYMENT_URL    the payment provider, https://api.pay.test when unset
 *     PAYMENT_TOKEN  what we show to it; required
 *     BROKER_URL     where events go, amqp://user:password@host:port/vhost; required
 *     TIMEOUT_MS     how long each answer of the provider and of the broker may take, 5000 when unset
 *     MIGRATIONS     the folder of migrations, for --migrate; repository/migrations when unset
 */
#ifndef ORDERSD_CONFIG_H
#define ORDERSD_CONFIG_H

#include <netinet/in.h>

#include "service/ports.h"

/* Texts are those of the environment: borrowed until it is changed. */
struct config {
    struct sockaddr_in listen;
    const char *database_url;
    const char *payment_url;
    const char *payment_token;
    const char *broker_url;
    int timeout_ms;
};

/* What --migrate is told. */
struct migration_config {
    const char *database_url;
    const char *folder;
};

/* Return 0, or -1 after naming the variable that is wrong. */
int config_read(struct config *ret_config, struct failure *failure);
int migration_config_read(struct migration_config *ret_config, struct failure *failure);

#endif
