/* ordersd/crew.h - some order services side by side, each with connections of its own. */
#ifndef ORDERSD_CREW_H
#define ORDERSD_CREW_H

#include "front/service_pool.h"
#include "ordersd/config.h"
#include "payment/http_gateway.h"
#include "repository/postgres_repository.h"

enum { CREW_SIZE = 4 };

struct worker {
    struct postgres_repository *repository;
    struct http_gateway *gateway;
    struct order_service service;
};

struct crew {
    struct worker workers[CREW_SIZE];
    struct service_pool services; /* of all of them */
};

/* `waiter` lets time pass between two attempts to charge, `bell` is rung for each event. Returns 0,
 * or -1 with nothing left open. */
int crew_open(struct crew *crew, const struct config *config, struct waiter waiter,
              struct bell bell, struct failure *failure);

/* No service is lent any more. */
void crew_close(struct crew *crew);

#endif
