/* ordersd/crew.c - services and what they work with; see crew.h. */

#include "ordersd/crew.h"

#include <stdio.h>

#include "ordersd/system.h"

static int worker_open(struct worker *worker, const struct config *config,
                       const struct http_gateway_settings *settings, struct bell bell,
                       struct failure *failure)
{
    if (postgres_repository_open(&worker->repository, config->database_url, failure))
        return -1;
    if (http_gateway_open(&worker->gateway, settings) < 0) {
        snprintf(failure->text, sizeof failure->text, "no memory for a payment gateway");
        return -1;
    }
    worker->service = (struct order_service){
        .orders = postgres_repository_port(worker->repository),
        .payments = http_gateway_port(worker->gateway),
        .bell = bell,
        .clock = system_clock(),
        .ids = system_ids(),
    };
    return 0;
}

int crew_open(struct crew *crew, const struct config *config, struct waiter waiter,
              struct bell bell, struct failure *failure)
{
    const struct http_gateway_settings settings = {
        .base_url = config->payment_url,
        .token = config->payment_token,
        .timeout_ms = config->timeout_ms,
        .waiter = waiter,
    };

    *crew = (struct crew){ 0 };
    service_pool_init(&crew->services);
    for (size_t i = 0; i < CREW_SIZE; i++) {
        if (worker_open(&crew->workers[i], config, &settings, bell, failure) < 0) {
            crew_close(crew);
            return -1;
        }
        service_pool_give_back(&crew->services, &crew->workers[i].service);
    }
    return 0;
}

void crew_close(struct crew *crew)
{
    for (size_t i = 0; i < CREW_SIZE; i++) {
        http_gateway_close(crew->workers[i].gateway);
        postgres_repository_close(crew->workers[i].repository);
    }
    service_pool_fini(&crew->services);
}
