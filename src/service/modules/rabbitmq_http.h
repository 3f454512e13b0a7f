/*
 * service/modules/rabbitmq_http.h - the management API of a broker.
 *
 * Threads: one of these by one at a time.
 */
#ifndef SERVICE_MODULES_RABBITMQ_HTTP_H
#define SERVICE_MODULES_RABBITMQ_HTTP_H

#include <jansson.h>

#include "base/err.h"
#include "service/modules/rabbitmq_server.h"

struct rabbitmq_http;

/* Its connection is kept between calls. NULL without memory. */
struct rabbitmq_http *rabbitmq_http_new(const struct rabbitmq_server *server);
void rabbitmq_http_free(struct rabbitmq_http *http); /* NULL is fine */

/* Send a request, `body` NULL for none. -EREMOTEIO with the broker's words when it refuses. *ret_json (may be NULL)
 * is what it answers, to be released by json_decref; NULL when that is nothing. */
int rabbitmq_http_call(struct rabbitmq_http *http, const char *method, const char *path,
                       const char *body, json_t **ret_json, struct err *err);

#endif
