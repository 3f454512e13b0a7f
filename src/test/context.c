/* test/context.c - how long a test may still go on, as a thing to wait for. */

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/state.h"

struct seam_context {
    uint64_t deadline_ns; /* 0: none */
    atomic_bool cancelled;
    atomic_int
        fd; /* a timer that ends at the deadline, or at once when cancelled; below 0: none */
};

static const uint64_t margin_max_ns = 5000000000u;

uint64_t seam_deadline(const seam_t *t)
{
    (void)t;
    return process.deadline_ns;
}

/* A tenth of the time-out, at most five seconds, is left for clean-up. */
static uint64_t usable_deadline(void)
{
    uint64_t margin = process.timeout_ns / 10;

    if (process.deadline_ns == 0)
        return 0;
    if (margin > margin_max_ns)
        margin = margin_max_ns;
    return process.deadline_ns - margin;
}

static void release(void *arg)
{
    seam_context *context = arg;

    seam_context_cancel(context);
    if (context->fd >= 0)
        t_private_close(context->fd);
}

static seam_context *make(seam_t *t, uint64_t deadline_ns)
{
    seam_context *context = arena_zero(&t->arena, sizeof *context);

    context->deadline_ns = deadline_ns;
    context->fd = -1;
    seam_cleanup(t, release, context);
    return context;
}

seam_context *seam_context_of(seam_t *t)
{
    if (!t->context)
        t->context = make(t, usable_deadline());
    return t->context;
}

seam_context *seam_context_within(seam_t *t, int ms)
{
    uint64_t own = now_ns() + (uint64_t)(ms > 0 ? ms : 0) * 1000000u;
    uint64_t usable = usable_deadline();

    return make(t, usable && usable < own ? usable : own);
}

/* Not by libc: the test may have set the time that its functions go by. */
static void arm(int fd, uint64_t at_ns)
{
    struct itimerspec when = { .it_value = { .tv_sec = (time_t)(at_ns / 1000000000u),
                                             .tv_nsec = (long)(at_ns % 1000000000u) } };

    syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void seam_context_cancel(seam_context *context)
{
    int fd;

    context->cancelled = true;
    fd = context->fd;
    if (fd >= 0)
        arm(fd, 1);
}

bool seam_context_done(const seam_context *context)
{
    return context->cancelled || (context->deadline_ns && now_ns() >= context->deadline_ns);
}

int seam_context_remaining_ms(const seam_context *context)
{
    return seam_context_done(context) ? 0 : deadline_poll_ms(context->deadline_ns);
}

int seam_context_fd(seam_context *context)
{
    int fd;

    if (context->fd >= 0)
        return context->fd;
    fd = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -1;
    fd = t_private_fd(fd);
    if (fd < 0)
        return -1;
    if (context->deadline_ns)
        arm(fd, context->deadline_ns);
    context->fd = fd;
    if (context->cancelled) /* by another thread, before it could see the descriptor */
        arm(fd, 1);
    return fd;
}

int t_wait_ms(const seam_t *t, int want_ms)
{
    const seam_context *context = t->context;
    uint64_t usable = context ? context->deadline_ns : usable_deadline();
    int left_ms;

    if (context && context->cancelled)
        return 0;
    left_ms = deadline_poll_ms(usable);
    return left_ms >= 0 && left_ms < want_ms ? left_ms : want_ms;
}
