/* front/service_pool.c - services lent to requests; see service_pool.h. */

#include "front/service_pool.h"

void service_pool_init(struct service_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->returned, NULL);
    pool->count = 0;
}

void service_pool_fini(struct service_pool *pool)
{
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
}

const struct order_service *service_pool_take(struct service_pool *pool)
{
    const struct order_service *service;

    pthread_mutex_lock(&pool->lock);
    while (pool->count == 0)
        pthread_cond_wait(&pool->returned, &pool->lock);
    service = pool->idle[--pool->count];
    pthread_mutex_unlock(&pool->lock);
    return service;
}

void service_pool_give_back(struct service_pool *pool, const struct order_service *service)
{
    pthread_mutex_lock(&pool->lock);
    pool->idle[pool->count++] = service;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
}
