/*
 * front/service_pool.h - services that are lent to one request at a time.
 *
 * A service's adapters serve one thread each: a connection to the database, a connection to the
 * payment provider. A pool of them serves as many requests side by side as it has services.
 *
 * Threads: any.
 */
#ifndef FRONT_SERVICE_POOL_H
#define FRONT_SERVICE_POOL_H

#include <pthread.h>

#include "service/order_service.h"

enum { SERVICE_POOL_MAX = 16 };

struct service_pool {
    pthread_mutex_t lock; /* guards `idle` and `count` */
    pthread_cond_t returned;
    const struct order_service *idle[SERVICE_POOL_MAX];
    size_t count;
};

/* An empty pool. Services are put in by giving them back; they are borrowed. */
void service_pool_init(struct service_pool *pool);
void service_pool_fini(struct service_pool *pool);

/* Take a service; waits until there is one. */
const struct order_service *service_pool_take(struct service_pool *pool);

/* At most SERVICE_POOL_MAX belong to a pool. */
void service_pool_give_back(struct service_pool *pool, const struct order_service *service);

#endif
