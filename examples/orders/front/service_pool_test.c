/* front/service_pool_test.c - no service is lent twice at a time. */

#include <seam/seam.h>

#include <stdatomic.h>

#include "front/service_pool.h"

enum { BORROWERS = 8, TURNS = 200 };

struct office {
    struct service_pool pool;
    struct order_service services[2];
    atomic_int users[2]; /* of each */
};

static void borrow_often(seam_t *t, int index, void *arg)
{
    struct office *office = arg;

    (void)index;
    for (int i = 0; i < TURNS; i++) {
        const struct order_service *service = service_pool_take(&office->pool);
        atomic_int *users = &office->users[service - office->services];

        seam_check_eq(t, atomic_fetch_add(users, 1), 0);
        atomic_fetch_sub(users, 1);
        service_pool_give_back(&office->pool, service);
    }
}

SEAM_TEST(a_service_has_one_user_at_a_time)
{
    struct office office = { 0 };

    service_pool_init(&office.pool);
    service_pool_give_back(&office.pool, &office.services[0]);
    service_pool_give_back(&office.pool, &office.services[1]);
    seam_threads(t, BORROWERS, borrow_often, &office);
    seam_check(t, service_pool_take(&office.pool) != service_pool_take(&office.pool));
    service_pool_fini(&office.pool);
}
