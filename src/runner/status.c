/* runner/status.c - one line about what is running; see status.h. */

#include "runner/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "runner/run.h"

enum { DRAW_MS = 200, FIRST_MS = 500, LINE_MAX_SIZE = 160 };

void status_init(struct run *run)
{
    const struct options *o = run->options;
    bool streams = o->verbose && o->parallel == 1;

    if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !o->json && !o->list && !streams)
        run->status_due_ns = deadline_after_ms(FIRST_MS);
}

uint64_t status_deadline(const struct run *run)
{
    return run->attempts ? run->status_due_ns : 0;
}

void status_clear(struct run *run)
{
    if (!run->status_shown)
        return;
    fflush(stdout);
    fputs("\r\033[K", stderr);
    run->status_shown = false;
}

static const struct attempt *oldest(const struct run *run, unsigned *ret_running)
{
    const struct attempt *first = NULL;

    *ret_running = 0;
    for (const struct attempt *attempt = run->attempts; attempt; attempt = attempt->next) {
        if (!attempt->test)
            continue;
        ++*ret_running;
        if (!first || attempt->begin_ns < first->begin_ns)
            first = attempt;
    }
    return first;
}

void status_tick(struct run *run)
{
    char line[LINE_MAX_SIZE];
    const struct attempt *first;
    unsigned running;

    if (!run->status_due_ns || now_ns() < run->status_due_ns)
        return;
    run->status_due_ns = deadline_after_ms(DRAW_MS);
    first = oldest(run, &running);
    if (!first)
        return;
    status_clear(run);
    snprintf(line, sizeof line, "running %u of %u \xc2\xb7 %.80s %.1fs", running, run->selected,
             first->test->name, (double)(now_ns() - first->begin_ns) / 1e9);
    fflush(stdout);
    fputs(line, stderr);
    run->status_shown = true;
}
