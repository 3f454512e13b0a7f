/* test/parallel_test.c - seam_parallel: who waits for whom, and what it refuses. */

#include <seam/seam.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "test/trial_test.h"

static void says(void *t)
{
    seam_log((seam_t *)t, "cleaned up");
}

/* ---- order ------------------------------------------------------------------------------- */

SEAM_SUBTEST(runs_later)
{
    seam_parallel(t);
    seam_log(t, "%s", (const char *)arg);
}

static void defers_one(seam_t *t)
{
    seam_cleanup(t, says, t);
    seam_check(t, seam_run(t, "a", runs_later, "in a"));
    seam_log(t, "returns");
}

SEAM_TEST(parallel_subtest_runs_when_its_parent_has_returned)
{
    trial_says(t, defers_one,
               "run t/a\n"
               "pause t/a\n"
               "log t: returns\n"
               "continue t/a\n"
               "log t/a: in a\n"
               "end t/a pass\n"
               "log t: cleaned up\n"
               "end t pass\n");
}

SEAM_SUBTEST(fails_later)
{
    seam_parallel(t);
    seam_cleanup(t, says, t);
    seam_fatal(t, "broken");
}

static void defers_a_failure(seam_t *t)
{
    seam_check(t, seam_run(t, "a", fails_later, NULL));
    seam_fatal(t, "gone early");
}

SEAM_TEST(parallel_subtest_runs_though_its_parent_left)
{
    trial_says(t, defers_a_failure,
               "run t/a\n"
               "pause t/a\n"
               "error t: gone early\n"
               "continue t/a\n"
               "error t/a: broken\n"
               "log t/a: cleaned up\n"
               "end t/a fail\n"
               "end t fail\n");
}

/* Groups as in Go: a subtest ends when its own parallel subtests have. */
SEAM_SUBTEST(holds_a_group)
{
    seam_run(t, "x", runs_later, "in x");
}

static void runs_groups(seam_t *t)
{
    seam_run(t, "a", holds_a_group, NULL);
    seam_log(t, "behind a");
    seam_run(t, "b", holds_a_group, NULL);
}

SEAM_TEST(parallel_group_ends_with_its_parent)
{
    trial_says(t, runs_groups,
               "run t/a\nrun t/a/x\npause t/a/x\n"
               "continue t/a/x\nlog t/a/x: in x\nend t/a/x pass\nend t/a pass\n"
               "log t: behind a\n"
               "run t/b\nrun t/b/x\npause t/b/x\n"
               "continue t/b/x\nlog t/b/x: in x\nend t/b/x pass\nend t/b pass\n"
               "end t pass\n");
}

SEAM_SUBTEST(holds_a_parallel_group)
{
    seam_parallel(t);
    seam_run(t, "x", runs_later, "in x");
}

static void nests(seam_t *t)
{
    seam_run(t, "a", holds_a_parallel_group, NULL);
}

/* With one slot: the outer subtest gives its own away while it waits. */
SEAM_TEST(parallel_subtests_nest)
{
    trial_says(t, nests,
               "run t/a\npause t/a\ncontinue t/a\n"
               "run t/a/x\npause t/a/x\ncontinue t/a/x\nlog t/a/x: in x\nend t/a/x pass\n"
               "end t/a pass\n"
               "end t pass\n");
}

/* ---- how many ------------------------------------------------------------------------------ */

enum { SIBLINGS = 6, SLOTS = 2 };

static atomic_int running;
static atomic_int most;

SEAM_SUBTEST(counts_its_siblings)
{
    int now, before;

    seam_parallel(t);
    now = atomic_fetch_add(&running, 1) + 1;
    before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    pthread_barrier_wait(arg);
    atomic_fetch_sub(&running, 1);
}

static pthread_barrier_t pair;

static void reports_most(void *t)
{
    seam_check_eq((seam_t *)t, atomic_load(&most), SLOTS);
}

/* None goes on before two have met: fewer slots would hang, and more would be seen. */
static void has_siblings(seam_t *t)
{
    pthread_barrier_init(&pair, NULL, SLOTS);
    seam_cleanup(t, reports_most, t);
    for (int i = 0; i < SIBLINGS; i++)
        seam_run(t, "x", counts_its_siblings, &pair);
}

SEAM_TEST(parallel_subtests_take_so_many_slots)
{
    struct trial_options options = { .parallel = SLOTS };

    seam_check_contains(t, trial_run(t, has_siblings, &options), "end t pass\n");
}

/* ---- what it refuses ------------------------------------------------------------------------ */

SEAM_SUBTEST(speaks_first)
{
    seam_log(t, "hello");
    seam_parallel(t);
}

SEAM_SUBTEST(sets_in_parallel)
{
    seam_parallel(t);
    seam_setenv(t, "SEAM_UNIT", "x");
}

static void has_one_that_speaks_first(seam_t *t)
{
    seam_run(t, "a", speaks_first, NULL);
}

static void has_one_that_sets(seam_t *t)
{
    seam_run(t, "a", sets_in_parallel, NULL);
}

static void sets_before(seam_t *t)
{
    seam_setenv(t, "SEAM_UNIT", "x");
    seam_run(t, "a", runs_later, "never");
}

SEAM_TEST(parallel_refuses_what_would_run_twice)
{
    trial_says(
        t, has_one_that_speaks_first,
        "run t/a\n"
        "log t/a: hello\n"
        "error t/a: seam_parallel must be the first thing that a subtest does: what stands "
        "before it runs twice\n"
        "end t/a fail\n"
        "end t fail\n");
}

SEAM_TEST(parallel_does_not_go_with_a_changed_environment)
{
    trial_says(
        t, has_one_that_sets,
        "run t/a\npause t/a\ncontinue t/a\n"
        "error t/a: seam_setenv in a parallel subtest would change it for its siblings too\n"
        "end t/a fail\n"
        "end t fail\n");
    trial_says(t, sets_before,
               "run t/a\n"
               "error t/a: a test that uses seam_setenv or seam_chdir cannot have parallel "
               "subtests: they share one environment\n"
               "end t/a fail\n"
               "end t fail\n");
}

static void asks_at_the_top(seam_t *t)
{
    seam_parallel(t);
    seam_log(t, "goes on");
}

SEAM_TEST(parallel_at_the_top_means_nothing)
{
    trial_says(t, asks_at_the_top, "log t: goes on\nend t pass\n");
}
