/*
 * ordersd/courier.h - a thread that sends what is in the outbox.
 *
 * It looks when the bell rings, and every second for what was left by others or could not be sent;
 * a broker that is away delays events and nothing else. The first failure of a row is written to
 * stderr, and the end of the row.
 *
 * Threads: start and stop belong to the program's own; the bell may be rung by any.
 */
#ifndef ORDERSD_COURIER_H
#define ORDERSD_COURIER_H

#include <pthread.h>
#include <stdbool.h>

#include "broker/amqp_publisher.h"
#include "ordersd/config.h"
#include "repository/postgres_outbox.h"
#include "service/announcer.h"

struct courier {
    struct postgres_outbox *outbox;
    struct amqp_publisher *publisher;
    struct announcer announcer;
    int bell_fd; /* an eventfd: readable when the bell was rung */
    int stop_fd; /* an eventfd: readable when it is to end */
    bool failing; /* the last attempt failed */
    pthread_t thread;
};

/* Returns 0, or -1 with nothing left open. The broker need not be there. */
int courier_start(struct courier *courier, const struct config *config,
                  struct failure *failure);

/* Have it look once more, wait until it has, and end it. */
void courier_stop(struct courier *courier);

/* Good until the courier is stopped. */
struct bell courier_bell(struct courier *courier);

#endif
