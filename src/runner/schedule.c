/*
 * runner/schedule.c - which test goes next: one queue over all programs.
 *
 * A slot is taken from the moment a test is granted to start at once until it has ended. Beyond its
 * slots an agent may hold a few credits: tests that it starts by itself when one of its others ends, so
 * that no fork waits for us. The slot passes from the one to the other.
 */

#include "runner/run.h"
#include "runner/tokens.h"

#include <string.h>

enum { CREDITS_MAX = 4 };

static bool is_free(const struct test *test)
{
    return !test->declared->group &&
           !(test->declared->flags & (AGENT_SERIAL_TEST | AGENT_EXCLUSIVE));
}

/* The next pending test without conditions. Each test is passed once in a round. */
static struct test *next_free(struct package *package)
{
    for (; package->next < package->test_count; package->next++) {
        struct test *test = &package->tests[package->order[package->next]];

        if (test->state == TEST_PENDING && is_free(test))
            return test;
    }
    return NULL;
}

static bool group_runs(const struct run *run, const char *group)
{
    for (uint32_t p = 0; p < run->package_count; p++) {
        const struct package *package = run->packages[p];

        for (uint32_t i = 0; package->running > 0 && i < package->test_count; i++) {
            const struct test *test = &package->tests[i];

            if ((test->state == TEST_GRANTED || test->state == TEST_RUNNING) &&
                test->declared->group && strcmp(test->declared->group, group) == 0)
                return true;
        }
    }
    return false;
}

static bool may_run(const struct run *run, const struct test *test)
{
    const struct package *package = test->declared->package;

    if (test->declared->flags & AGENT_EXCLUSIVE)
        return run->in_flight == 0;
    if (test->declared->flags & AGENT_SERIAL_TEST && package->running > 0)
        return false;
    return !test->declared->group || !group_runs(run, test->declared->group);
}

/* Tests with conditions wait until the free ones of their package have been handed out. */
static struct test *next_conditional(struct run *run, struct package *package)
{
    if (package->conditional == 0)
        return NULL;
    for (uint32_t i = 0; i < package->test_count; i++) {
        struct test *test = &package->tests[package->order[i]];

        if (test->state == TEST_PENDING && !is_free(test) && may_run(run, test))
            return test;
    }
    return NULL;
}

static bool can_take(const struct package *package)
{
    return package->agent && package->agent->ready && !package->agent->in_process &&
           !package->ended && !package->serial_runs && package->left > 0;
}

void schedule_taken(struct package *package)
{
    package->running++;
    package->run->in_flight++;
}

static void grant(struct run *run, struct package *package, struct test *test)
{
    schedule_taken(package);
    package->serial_runs = test->declared->flags & (AGENT_SERIAL_TEST | AGENT_EXCLUSIVE);
    run->exclusive_runs = test->declared->flags & AGENT_EXCLUSIVE;
    agent_grant(package->agent, test, false);
}

/* Its credits waited for an end, and now a slot is free without one. */
static void start_next(struct package *package)
{
    schedule_taken(package);
    schedule_began_next(package);
    agent_start_next(package->agent);
}

static bool grant_one(struct run *run)
{
    for (uint32_t p = 0; p < run->package_count; p++) {
        struct package *package = run->packages[p];
        struct test *test;

        if (!can_take(package))
            continue;
        test = package->agent->credits > 0 ? NULL : next_free(package);
        if (!test && package->agent->credits == 0)
            test = next_conditional(run, package);
        if (!test && package->agent->credits == 0)
            continue;
        if (!tokens_take(run))
            return false;
        if (test)
            grant(run, package, test);
        else
            start_next(package);
        return true;
    }
    return false;
}

static void give_credits(struct package *package)
{
    struct agent *agent = package->agent;

    while (agent->credits < CREDITS_MAX) {
        struct test *test = next_free(package);

        if (!test)
            return;
        agent->credits++;
        agent_grant(agent, test, true);
    }
}

void schedule(struct run *run)
{
    if (run->stopping || run->exclusive_runs || run->options->list)
        return;
    while (run->in_flight < (uint32_t)run->options->parallel && !run->exclusive_runs)
        if (!grant_one(run))
            break;
    if (run->options->fail_fast || run->exclusive_runs)
        return;
    for (uint32_t p = 0; p < run->package_count; p++)
        if (can_take(run->packages[p]) && run->packages[p]->running > 0)
            give_credits(run->packages[p]);
}

void schedule_freed(struct package *package)
{
    package->running--;
    package->run->in_flight--;
    tokens_settle(package->run);
}

void schedule_began_next(struct package *package)
{
    if (package->agent)
        package->agent->credits--;
}

/* What start_next() meant has begun meanwhile at an end, which counts it, or is about to count it. */
void schedule_nothing(struct package *package)
{
    if (package->agent)
        package->agent->credits++;
    schedule_freed(package);
}

void schedule_ended(struct test *test, bool next_began)
{
    struct package *package = test->declared->package;

    package->serial_runs = false;
    if (test->declared->flags & AGENT_EXCLUSIVE)
        package->run->exclusive_runs = false;
    if (next_began)
        schedule_began_next(package); /* the slot is now that one's */
    else
        schedule_freed(package);
}

/* What was granted to a dead agent and never started goes back into the queue. */
void schedule_forget(struct package *package)
{
    for (uint32_t i = 0; i < package->test_count; i++)
        if (package->tests[i].state == TEST_GRANTED)
            package->tests[i].state = TEST_PENDING;
    package->run->in_flight -= package->running;
    package->running = 0;
    package->next = 0;
    package->serial_runs = false;
    package->run->exclusive_runs = false;
    if (package->agent)
        package->agent->credits = 0;
}
