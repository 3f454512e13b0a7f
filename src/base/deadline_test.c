/* base/deadline_test.c - points in time as poll() takes them. */

#include "base/deadline.h"

#include <seam/seam.h>

#include <limits.h>

SEAM_TEST(deadline_of_zero_is_never)
{
    seam_check_eq(t, deadline_after_ms(0), 0);
    seam_check_eq(t, deadline_after_ms(-5), 0);
    seam_check_eq(t, deadline_poll_ms(0), -1);
}

SEAM_TEST(deadline_rounds_up)
{
    seam_check_eq(t, deadline_poll_ms(now_ns() + 3600u * 1000000000ull), 3600000);
    seam_check_lt(t, 0, deadline_poll_ms(now_ns() + 900000));
}

SEAM_TEST(deadline_that_passed_is_zero)
{
    seam_check_eq(t, deadline_poll_ms(1), 0);
    seam_check_eq(t, deadline_poll_ms(now_ns()), 0);
}

SEAM_TEST(deadline_far_away_is_as_far_as_poll_goes)
{
    seam_check_eq(t, deadline_poll_ms(UINT64_MAX - 1000000), INT_MAX);
}

SEAM_TEST(deadline_is_ahead)
{
    uint64_t before = now_ns();
    uint64_t deadline = deadline_after_ms(1000);

    seam_check_le(t, before + 1000000000u, deadline);
    seam_check_le(t, deadline, now_ns() + 1000000000u);
}
