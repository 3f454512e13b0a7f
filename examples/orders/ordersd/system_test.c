/* ordersd/system_test.c - time and names from this machine. */

//seam:build integration

#include <seam/seam.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include "ordersd/system.h"

SEAM_TEST(ids_are_uuids_and_differ)
{
    struct id_generator ids = system_ids();
    char first[ORDER_ID_LENGTH + 1], second[ORDER_ID_LENGTH + 1];

    seam_require_ok(t, ids.next(ids.self, first));
    seam_require_ok(t, ids.next(ids.self, second));
    seam_check_match(t, first,
                     "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                     "[0-9a-f]{12}$");
    seam_check_ne(t, first, second);
}

SEAM_TEST(time_is_that_of_this_century)
{
    struct clock clock = system_clock();

    seam_check_lt(t, 1700000000000000, clock.now_us(clock.self));
    seam_check_lt(t, clock.now_us(clock.self), 4100000000000000);
}

/* An hour, but for the stop. */
SEAM_TEST(stop_ends_a_wait)
{
    int stop_fd = eventfd(0, EFD_CLOEXEC);
    struct waiter waiter = system_waiter(&stop_fd);

    seam_check_eq(t, waiter.wait(waiter.self, 1), 0);
    seam_require_ok(t, eventfd_write(stop_fd, 1));
    seam_check_eq(t, waiter.wait(waiter.self, 3600000), -1);
    close(stop_fd);
}
