/* clock/clock.c - the functions of seam/clock.h; see clock.h. */

#include "clock/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/deadline.h"
#include "clock/clock_words.h"
#include "fake/now.h"
#include "clock/shared_page.h"
#include "link/hooks.h"
#include "link/link.h"
#include "link/time_wait.h"
#include "test/t.h"

enum { WORDS_MAX = 16 << 10, SLICE_MS = 10, END_MS = 1000 };

static const int64_t begin_ns = 1000000000 * TIME_SECOND; /* without .at */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static seam_clock *_Atomic running; /* set with it */

/* The hooks must be in each program that has a clock. */
static const char *const *const volatile hooks = link_hooks_time_anchor;

/* ---- the life of a clock ----------------------------------------------------------------- */

/* Doubles count milliseconds of the test: they go on from where they are. */
static int64_t fake_ms(void)
{
    seam_clock *clock = running;
    int64_t now = atomic_load(&page_now()->monotonic_ns);

    return clock ? clock->begin_fake_ms + (now - clock->begin_ns) / TIME_MILLI : 0;
}

void clock_end(seam_clock *clock)
{
    struct page *page = page_now();
    uint64_t deadline = deadline_after_ms(END_MS);

    if (atomic_exchange(&clock->ended, true))
        return;
    atomic_store(&page->runs, 0);
    atomic_store(&page->sleeps_advance, 0);
    atomic_fetch_add(&page->epoch, 1);
    time_tell();
    while (time_ring() > 0 && now_ns() < deadline)
        clock_pause(SLICE_MS * TIME_MILLI / 100);
}

/* What the failure may come from. */
static void say_who_sleeps(seam_clock *clock)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    char now[CLOCK_TEXT_SIZE];

    if (clock_count_sleepers(page_now()) > 0) {
        clock_write(atomic_load(&page_now()->wall_ns), now);
        clock_add_sleepers(&words, page_now());
        seam_log_at(clock->t, clock->site, "the clock stands still at %s; on it wait\n%s", now,
                    buf_text(&words));
    }
    buf_fini(&words);
}

static void stop(void *arg)
{
    seam_clock *clock = arg;

    clock_watch_end(clock);
    if (seam_failed(clock->t) && !atomic_load(&clock->ended))
        say_who_sleeps(clock);
    fake_now_by(NULL);
    clock_end(clock);
    pthread_mutex_lock(&lock);
    running = NULL;
    pthread_mutex_unlock(&lock);
}

static int64_t read_time(seam_t *t, seam_site at, const char *what, const char *text)
{
    int64_t ns = 0;
    int r = clock_read(text, &ns);

    if (r == -ERANGE)
        seam_fatal_at(t, at, "%s: '%s' is not between 1970 and 2261, where a clock may stand",
                      what, text);
    if (r < 0)
        seam_fatal_at(t, at,
                      "%s: '%s' is no time of RFC 3339, such as \"2026-11-21T12:00:00Z\"", what,
                      text);
    return ns;
}

static void check_hooks(seam_t *t, seam_site at)
{
    struct err err;
    int r = t_hooks_are_on() ? link_check(&err) : err_set(&err, -ENOTSUP, "-hooks is off");

    if (r < 0)
        seam_fatal_at(
            t, at,
            "seam_clock_start: libc's functions cannot go by it: %s\n"
            "try: .port_only = true, and seam_clock_now_ms behind the program's own clock",
            err.text);
}

static void take_place(seam_clock *clock)
{
    seam_clock *other;

    pthread_mutex_lock(&lock);
    other = running;
    if (!other)
        running = clock;
    pthread_mutex_unlock(&lock);
    if (other)
        seam_fatal_at(clock->t, clock->site,
                      "a clock runs already, from %s:%d: a test has one at a time",
                      other->site.file, other->site.line);
}

/* The monotonic time never goes back, from clock to clock either. */
static void set_page(seam_clock *clock, int64_t wall_ns)
{
    struct page *page = page_now();
    int64_t now = (int64_t)now_ns();

    if (atomic_load(&page->monotonic_ns) > now)
        now = atomic_load(&page->monotonic_ns);
    clock->begin_fake_ms = fake_now_ms();
    clock->begin_ns = now;
    atomic_store(&page->monotonic_ns, now);
    atomic_store(&page->wall_ns, wall_ns);
    atomic_store(&page->slept_ns, 0);
    atomic_store(&page->sleeps_advance, clock->moves_by_itself);
    atomic_store(&page->runs, !clock->port_only);
}

seam_clock *seam_clock_start_at(seam_t *t, const seam_clock_options *options)
{
    seam_clock *clock = arena_zero(t_arena(t), sizeof *clock);
    int64_t wall_ns = begin_ns;

    clock->t = t;
    clock->site = options->site;
    clock->port_only = options->port_only;
    clock->moves_by_itself = options->sleepers_advance;
    if (options->at)
        wall_ns = read_time(t, options->site, "seam_clock_start", options->at);
    if (!options->port_only && *hooks)
        check_hooks(t, options->site);
    shared_page(t, options->site);
    take_place(clock);
    seam_cleanup(t, stop, clock);
    set_page(clock, wall_ns);
    fake_now_by(fake_ms);
    clock_watch_begin(clock);
    return clock;
}

/* ---- for the application's port ---------------------------------------------------------- */

int64_t seam_clock_now_ns(void *clock)
{
    (void)clock;
    return atomic_load(&page_now()->wall_ns);
}

int64_t seam_clock_now_ms(void *clock)
{
    return seam_clock_now_ns(clock) / TIME_MILLI;
}

/* A signal does not end it. */
int seam_clock_sleep(void *arg, int64_t ms)
{
    seam_clock *clock = arg;
    int64_t span, until;

    if (ms <= 0 || atomic_load(&clock->ended))
        return 0;
    if (__builtin_mul_overflow(ms, TIME_MILLI, &span))
        span = INT64_MAX;
    until = time_after(span);
    while (time_sleep("seam_clock_sleep", until, NULL) < 0 && errno == EINTR)
        atomic_fetch_sub(&page_now()->slept_ns, until - atomic_load(&page_now()->monotonic_ns));
    return 0;
}

/* ---- moving it --------------------------------------------------------------------------- */

static void move(seam_clock *clock, seam_site at, int64_t span_ns)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    const char *copy;
    bool all_up;

    atomic_store(&clock->moves, true);
    all_up = clock_advance(page_now(), time_after(span_ns), &words);
    atomic_store(&clock->moves, false);
    if (all_up) {
        buf_fini(&words);
        return;
    }
    copy = arena_dup(t_arena(clock->t), buf_text(&words));
    buf_fini(&words);
    seam_fatal_at(
        clock->t, at,
        "the clock was moved past the time of sleepers that have not woken up in 2 s of "
        "the machine's:\n%s\n"
        "try: hold no lock that they need, and let no program be stopped",
        copy);
}

void seam_clock_advance_at(seam_clock *clock, seam_site at, int64_t ms)
{
    int64_t room = INT64_MAX - atomic_load(&page_now()->wall_ns), span;

    if (ms < 0)
        seam_fatal_at(clock->t, at,
                      "seam_clock_advance: %" PRId64 " ms: it goes on only\n"
                      "try: seam_clock_set, which puts wall time back",
                      ms);
    if (__builtin_mul_overflow(ms, TIME_MILLI, &span) || span > room)
        seam_fatal_at(clock->t, at, "seam_clock_advance: %" PRId64 " ms: that is beyond 2261",
                      ms);
    move(clock, at, span);
}

void seam_clock_set_at(seam_clock *clock, seam_site at, const char *when)
{
    int64_t wall = read_time(clock->t, at, "seam_clock_set", when);
    int64_t span = wall - atomic_load(&page_now()->wall_ns);

    if (span < 0)
        atomic_fetch_add(&page_now()->wall_ns, span);
    else
        move(clock, at, span);
}

/* ---- sleepers ---------------------------------------------------------------------------- */

int seam_clock_sleepers(seam_clock *clock)
{
    (void)clock;
    return clock_count_sleepers(page_now());
}

int64_t seam_clock_slept_ms(seam_clock *clock)
{
    (void)clock;
    return atomic_load(&page_now()->slept_ns) / TIME_MILLI;
}

static void say_too_few(seam_clock *clock, seam_site at, int count, int within_ms)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    const char *copy;

    clock_add_sleepers(&words, page_now());
    copy = arena_dup(t_arena(clock->t), buf_text(&words));
    buf_fini(&words);
    seam_fatal_at(clock->t, at,
                  "after %d ms of the machine's time %d of %d sleepers wait on the "
                  "clock%s%s",
                  within_ms, clock_count_sleepers(page_now()), count, *copy ? "\n" : "", copy);
}

void seam_clock_wait_for_sleepers_at(seam_clock *clock, seam_site at, int count, int within_ms)
{
    uint64_t deadline = now_ns() + (uint64_t)t_wait_ms(clock->t, within_ms) * 1000000u;

    for (;;) {
        uint32_t turn = atomic_load(&page_now()->turn);

        if (clock_count_sleepers(page_now()) >= count)
            return;
        if (now_ns() >= deadline)
            break;
        time_await_turn(turn, SLICE_MS * TIME_MILLI);
    }
    say_too_few(clock, at, count, within_ms);
}
