/* runner/status.c - one line about what is running; see status.h. */

#include "runner/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/deadline.h"
#include "runner/run.h"

enum {
    DRAW_MS = 200,
    FIRST_MS = 500,
    PROGRESS_MS = 2500, /* one comes each second */
    LINE_MAX_SIZE = 160,
    NAME_MAX_SIZE = 80,
    NAME_MIN_SIZE = 8
};

void status_init(struct run *run)
{
    const struct options *options = run->options;
    bool streams = options->verbose && options->parallel == 1;

    if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && !options->json && !options->list &&
        !streams)
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

void status_progress(struct run *run, const char *text)
{
    snprintf(run->progress, sizeof run->progress, "%s", text);
    run->progress_ns = deadline_after_ms(PROGRESS_MS);
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

/* How much of a name fits beside `others` columns: a line that wraps cannot be cleared. */
static int name_room(int others)
{
    struct winsize window;
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
    int room = (columns > 0 ? columns : 80) - 1 - others;

    return room < NAME_MIN_SIZE ? NAME_MIN_SIZE : room > NAME_MAX_SIZE ? NAME_MAX_SIZE : room;
}

void status_tick(struct run *run)
{
    char count[48], time[24], line[LINE_MAX_SIZE];
    const struct attempt *first;
    unsigned running;

    if (!run->status_due_ns || now_ns() < run->status_due_ns)
        return;
    run->status_due_ns = deadline_after_ms(DRAW_MS);
    first = oldest(run, &running);
    if (!first)
        return;
    status_clear(run);
    snprintf(count, sizeof count, "running %u of %u \xc2\xb7 ", running, run->selected);
    snprintf(time, sizeof time, " %.1fs", (double)(now_ns() - first->begin_ns) / 1e9);
    snprintf(line, sizeof line, "%s%.*s%s", count,
             name_room((int)(strlen(count) + strlen(time))),
             now_ns() < run->progress_ns ? run->progress : first->test->name, time);
    fflush(stdout);
    fputs(line, stderr);
    run->status_shown = true;
}
