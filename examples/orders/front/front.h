/*
 * front/front.h - the order service's HTTP interface, a handler for libmicrohttpd.
 *
 *     POST /orders        place an order; needs an Idempotency-Key
 *                         201 the order, 402 the order, whose payment was declined
 *     GET  /orders/{id}   200 the order
 *     GET  /healthz       200 when requests are answered at all
 *
 * Bodies are JSON. An error is {"error": "<word>", "detail": "<for people>"}:
 *
 *     400 the request cannot be read       404 no such order
 *     405 not in this way                  413 more than 64 KiB
 *     422 the order makes no sense, or the key belongs to a different one
 *     500 our mistake                      503 try again, after the time in Retry-After
 *
 * What is our own affair, such as a database's words, is written to stderr and not sent.
 *
 * Threads: any number of libmicrohttpd's.
 */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include <microhttpd.h>
#include <pthread.h>

#include "front/service_pool.h"

struct front {
    struct service_pool *services;
    pthread_mutex_t lock; /* guards `busy` */
    pthread_cond_t ended;
    size_t busy; /* requests that have begun and not ended */
};

void front_init(struct front *front, struct service_pool *services);
void front_fini(struct front *front);

/* What MHD_start_daemon takes, both with a struct front * as their `cls`: the handler, and for
 * MHD_OPTION_NOTIFY_COMPLETED what ends each request, answered or not. */
enum MHD_Result front_handle(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload_data,
                             size_t *upload_data_size, void **context);
void front_completed(void *cls, struct MHD_Connection *connection, void **context,
                     enum MHD_RequestTerminationCode code);

/* Wait until no request is under way, at most so long. Returns 0, or -1 when time ran out. */
int front_drain(struct front *front, int within_ms);

#endif
