/* test/context_test.c - when a context is done, and how one finds out. */

#include <seam/seam.h>

#include <poll.h>

#include "test/t.h"
#include "test/trial_test.h"

static bool is_readable(int fd)
{
    return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1;
}

SEAM_TEST(context_is_cancelled_once_and_for_all)
{
    seam_context *context = seam_context_within(t, 600000);
    int fd = seam_context_fd(context);

    seam_check(t, !seam_context_done(context));
    seam_check(t, !is_readable(fd));
    seam_check_lt(t, 0, seam_context_remaining_ms(context));
    seam_context_cancel(context);
    seam_check(t, seam_context_done(context));
    seam_check(t, is_readable(fd));
    seam_check_eq(t, seam_context_remaining_ms(context), 0);
    seam_check_eq(t, seam_context_fd(context), fd);
}

SEAM_TEST(context_that_is_done_has_a_readable_descriptor)
{
    seam_context *context = seam_context_within(t, 0);
    seam_context *cancelled = seam_context_within(t, 600000);

    seam_context_cancel(cancelled);
    seam_check(t, seam_context_done(context));
    seam_check(t, is_readable(seam_context_fd(context)));
    seam_check(t, is_readable(seam_context_fd(cancelled)));
}

SEAM_TEST(context_ends_by_itself)
{
    seam_context *context = seam_context_within(t, 5);
    struct pollfd wait = { .fd = seam_context_fd(context), .events = POLLIN };

    seam_check_eq(t, poll(&wait, 1, 60000), 1);
    seam_check(t, seam_context_done(context));
}

/* A tenth of the time-out is left for clean-up. */
static void has_ten_minutes(seam_t *t)
{
    int left_ms = seam_context_remaining_ms(seam_context_of(t));

    seam_check_lt(t, 590000, left_ms);
    seam_check_le(t, left_ms, 595000); /* no more than five seconds of it */
    seam_check_same(t, seam_context_of(t), seam_context_of(t));
    seam_check_eq(t, t_wait_ms(t, 100), 100);
    seam_check_le(t, seam_context_remaining_ms(seam_context_within(t, 900000)), 595000);
}

static void has_a_second(seam_t *t)
{
    seam_check_le(t, seam_context_remaining_ms(seam_context_of(t)), 900);
    seam_check_le(t, t_wait_ms(t, 5000), 900);
    seam_context_cancel(seam_context_of(t));
    seam_check_eq(t, t_wait_ms(t, 5000), 0);
}

static void has_for_ever(seam_t *t)
{
    seam_check_eq(t, seam_deadline(t), 0);
    seam_check_eq(t, seam_context_remaining_ms(seam_context_of(t)), -1);
    seam_check(t, !seam_context_done(seam_context_of(t)));
    seam_check(t, !is_readable(seam_context_fd(seam_context_of(t))));
    seam_check_eq(t, t_wait_ms(t, 5000), 5000);
}

SEAM_TEST(context_leaves_time_to_clean_up)
{
    struct trial_options ten_minutes = { .timeout_ms = 600000 };
    struct trial_options second = { .timeout_ms = 1000 };

    seam_via(t, trial_says_with(t, has_ten_minutes, &ten_minutes, "end t pass\n"));
    seam_via(t, trial_says_with(t, has_a_second, &second, "end t pass\n"));
    trial_says(t, has_for_ever, "end t pass\n");
}

static void cancel_or_ask(seam_t *t, int index, void *context)
{
    if (index == 0)
        seam_context_cancel(context);
    else
        seam_check_le(t, seam_context_remaining_ms(context), 600000);
}

SEAM_TEST(context_is_cancelled_from_any_thread)
{
    seam_context *context = seam_context_within(t, 600000);

    seam_threads(t, 2, cancel_or_ask, context);
    seam_check(t, seam_context_done(context));
    seam_check(t, is_readable(seam_context_fd(context)));
}

struct seen {
    seam_t *t;
    seam_context *context;
};

static void look(void *arg)
{
    const struct seen *seen = arg;

    seam_check(seen->t, seam_context_done(seen->context));
}

SEAM_TEST(context_is_done_when_its_function_has_returned)
{
    static struct seen seen;

    seen = (struct seen){ t, seam_context_of(t) };
    seam_cleanup(t, look, &seen);
    seam_check(t, !seam_context_done(seen.context));
}
