/* clock/clock_words_test.c - points in time, read and written. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror -U_FILE_OFFSET_BITS
//seam:sources clock.c clock_advance.c clock_watch.c clock_words.c shared_page.c thread_state.c uuid.c ../fake/now.c
//seam:sources ../link/check.c ../link/connect.c ../link/destination.c ../link/hooks_files.c ../link/hooks_net.c
//seam:sources ../link/hooks_time.c ../link/hooks_time_lock.c ../link/hooks_time_poll.c ../link/hooks_time_timer.c
//seam:sources ../link/name_server.c ../link/owner.c ../link/page.c ../link/random.c ../link/hooks_random.c ../link/real.c ../link/real_static.c
//seam:sources ../link/resolve.c ../link/table.c ../link/time_real.c ../link/time_real_static.c ../link/time_wait.c
//seam:sources ../link/trust.c ../base/*.c ../events/*.c ../json/*.c ../test/*.c ../test/trial_test.c

#include "clock/clock_words.h"

#include <errno.h>
#include <seam/seam.h>
#include <string.h>

static void check_both(seam_t *t, const char *text, int64_t ns)
{
    char written[CLOCK_TEXT_SIZE];
    int64_t read = -1;

    seam_check_eq(t, clock_read(text, &read), 0);
    seam_check_eq(t, read, ns);
    clock_write(ns, written);
    seam_check_eq(t, written, text);
}

SEAM_TEST(times_are_read_and_written)
{
    check_both(t, "1970-01-01T00:00:00Z", 0);
    check_both(t, "2001-09-09T01:46:40Z", 1000000000000000000);
    check_both(t, "2024-02-29T23:59:59.5Z", 1709251199500000000);
    check_both(t, "2024-02-29T23:59:59.000000001Z", 1709251199000000001);
    check_both(t, "2261-12-31T23:59:59.999999999Z", 9214646399999999999);
}

SEAM_TEST(a_zone_is_taken_off)
{
    int64_t ns = 0;

    seam_check_eq(t, clock_read("2026-11-21t13:30:00+01:30", &ns), 0);
    seam_check_eq(t, ns, INT64_C(1795262400) * 1000000000);
    seam_check_eq(t, clock_read("2026-11-21 09:00:00.25-03:00", &ns), 0);
    seam_check_eq(t, ns, INT64_C(1795262400) * 1000000000 + 250000000);
}

SEAM_TEST(what_is_no_time)
{
    static const char *const wrong[] = { "",
                                         "now",
                                         "2026-11-21",
                                         "2026-11-21T12:00:00",
                                         "2026-11-21T12:00Z",
                                         "2026-02-30T12:00:00Z",
                                         "2025-02-29T12:00:00Z",
                                         "2026-13-01T12:00:00Z",
                                         "2026-00-01T12:00:00Z",
                                         "2026-11-21T24:00:00Z",
                                         "2026-11-21T12:60:00Z",
                                         "2026-11-21T12:00:60Z",
                                         "2026-11-21T12:00:00.Z",
                                         "2026-11-21T12:00:00.1234567890Z",
                                         "2026-11-21T12:00:00+24:00",
                                         "2026-11-21T12:00:00+1:00",
                                         "2026-11-21T12:00:00Zulu",
                                         "+026-11-21T12:00:00Z" };
    int64_t ns = 7;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        seam_check_eq(t, clock_read(wrong[i], &ns), -EINVAL);
        seam_check_eq(t, ns, 7);
    }
    seam_check_eq(t, clock_read("1969-12-31T23:59:59Z", &ns), -ERANGE);
    seam_check_eq(t, clock_read("2262-01-01T00:00:00Z", &ns), -ERANGE);
}
