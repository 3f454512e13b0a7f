/*
 * service/modules/redis_client.h - a connection to a redis server; the only user of hiredis.
 *
 * Threads: a connection by one at a time.
 */
#ifndef SERVICE_MODULES_REDIS_CLIENT_H
#define SERVICE_MODULES_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct redis_client;

/* Connect through a unix socket (`port` 0) or TCP and log in: by the password alone, as a user, or not at all (both
 * NULL). */
struct redis_address {
    const char *host; /* or the socket's path */
    int port;
    const char *user, *password;
};
int redis_open(const struct redis_address *address, struct redis_client **ret, struct err *err);
void redis_close(struct redis_client *client); /* takes NULL */

enum redis_found { REDIS_NULL, REDIS_VALUE };

/* Send one command. A reply of one value is added to `ret` as text; that of several with a newline
 * behind each but the last. -EREMOTEIO with the server's words when it answers with an error. */
int redis_command(struct redis_client *client, const char *const *words, const size_t *sizes,
                  size_t count, enum redis_found *ret_found, struct buf *ret, struct err *err);

/* The same for words that are texts, with the reply thrown away. */
int redis_run(struct redis_client *client, struct err *err, const char *const *words);

#endif
