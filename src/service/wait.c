/* service/wait.c - wait until a server is ready; see wait.h. */

#include "service/wait.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/deadline.h"

enum { PAUSE_MAX_MS = 100, ASK_MAX_MS = 2000, LOG_MAX = 64 << 20, SIGNALLED = 128 };

struct waiting {
    const struct wait_server *server;
    uint64_t deadline_ns;
    struct buf log; /* as far as it is known */
    bool log_is_wanted, health_is_wanted;
    bool ended;
    bool lost; /* nobody can say whether it has */
    int status;
    const char *health;
    struct buf *steps;
};

void wait_step(struct buf *steps, uint64_t begun_ns, const char *format, ...)
{
    va_list args;

    buf_printf(steps, "    %8.0f ms  ", (double)(now_ns() - begun_ns) / 1e6);
    va_start(args, format);
    buf_vprintf(steps, format, args);
    va_end(args);
    buf_add_char(steps, '\n');
}

static void note_wishes(struct waiting *waiting, const struct wait_condition *condition)
{
    waiting->log_is_wanted |= condition->kind == WAIT_LOG;
    waiting->health_is_wanted |= condition->kind == WAIT_HEALTHY;
    for (size_t i = 0; i < condition->part_count; i++)
        note_wishes(waiting, &condition->parts[i]);
}

/* ---- asking ----------------------------------------------------------------------------- */

static void set_last(struct wait_condition *condition, const char *text)
{
    snprintf(condition->last, sizeof condition->last, "%s", text);
}

static bool ask_health(struct waiting *waiting, struct wait_condition *condition)
{
    const char *health = waiting->health ? waiting->health : "no health check";

    if (strcmp(health, "healthy") == 0)
        return true;
    set_last(condition, health);
    return false;
}

static bool ask_end(struct waiting *waiting, struct wait_condition *condition)
{
    if (!waiting->ended)
        set_last(condition, "it still runs");
    else
        snprintf(condition->last, sizeof condition->last, "it has ended with status %d",
                 waiting->status);
    return waiting->ended && !waiting->lost && waiting->status == condition->status;
}

static int ask_ms(const struct waiting *waiting)
{
    int left = deadline_poll_ms(waiting->deadline_ns);

    return left >= 0 && left < ASK_MAX_MS ? left : ASK_MAX_MS;
}

static bool ask_leaf(struct waiting *waiting, struct wait_condition *condition)
{
    switch (condition->kind) {
    case WAIT_RUNS:
        return !waiting->ended;
    case WAIT_LOG:
        return wait_scan(condition, buf_text(&waiting->log), waiting->log.size);
    case WAIT_HEALTHY:
        return ask_health(waiting, condition);
    case WAIT_EXIT:
        return ask_end(waiting, condition);
    case WAIT_FILE: /* is asked of one that has ended as well */
        return wait_ask(condition, waiting->server, ask_ms(waiting));
    default:
        if (!waiting->ended)
            return wait_ask(condition, waiting->server, ask_ms(waiting));
        if (!condition->last[0])
            set_last(condition, "it has ended");
        return false;
    }
}

static bool holds(struct waiting *waiting, struct wait_condition *condition);

/* All parts are asked, so that each has its last error; of ANY the first that holds is enough. */
static bool parts_hold(struct waiting *waiting, struct wait_condition *condition)
{
    size_t held = 0;

    for (size_t i = 0; i < condition->part_count; i++) {
        held += holds(waiting, &condition->parts[i]);
        if (condition->kind == WAIT_ANY && held > 0)
            return true;
    }
    return condition->kind == WAIT_ALL && held == condition->part_count;
}

static bool holds(struct waiting *waiting, struct wait_condition *condition)
{
    bool inner = condition->kind == WAIT_ALL || condition->kind == WAIT_ANY;
    struct buf words = BUF_INIT(1024);

    if (condition->holds)
        return true;
    condition->holds = inner ? parts_hold(waiting, condition) : ask_leaf(waiting, condition);
    if (condition->holds && !inner) {
        wait_describe(condition, &words);
        wait_step(waiting->steps, waiting->server->begun_ns, "%s", buf_text(&words));
        buf_fini(&words);
    }
    return condition->holds;
}

/* Of a process that a signal has ended a shell makes 128 and the signal's number, and so do we. */
static const char *signal_name(int status, char *room, size_t size)
{
    const char *name = status > SIGNALLED ? sigabbrev_np(status - SIGNALLED) : NULL;

    room[0] = '\0';
    if (name)
        snprintf(room, size, " (SIG%s)", name);
    return room;
}

/* ---- the story -------------------------------------------------------------------------- */

static void tell_missing(const struct wait_condition *condition, struct buf *story)
{
    if (condition->holds)
        return;
    if (condition->kind == WAIT_ALL || condition->kind == WAIT_ANY) {
        for (size_t i = 0; i < condition->part_count; i++)
            tell_missing(&condition->parts[i], story);
        return;
    }
    buf_add_text(story, "        ");
    wait_describe(condition, story);
    buf_printf(story, "%s%s\n", condition->last[0] ? ": " : "", condition->last);
}

static void tell_log(const struct waiting *waiting, struct buf *story)
{
    struct buf log = BUF_INIT(LOG_MAX);

    waiting->server->log(waiting->server->of, 0, 0, &log);
    wait_log_tail(buf_text(&log), log.size, story);
    buf_fini(&log);
}

static void tell(const struct waiting *waiting, const struct wait_condition *condition, int why,
                 struct buf *story)
{
    const struct wait_server *server = waiting->server;
    double ms = (double)(now_ns() - server->begun_ns) / 1e6;
    char name[32];

    if (why == -ENOTCONN)
        buf_printf(
            story,
            "%s at '%s' does not answer any more, and '%s' was not ready, after %.0f ms\n",
            server->owner, server->where, server->name, ms);
    else if (why == -ECHILD && waiting->status < 0)
        buf_printf(story, "somebody has removed '%s' before it was ready, after %.0f ms\n",
                   server->name, ms);
    else if (why == -ECHILD)
        buf_printf(
            story, "'%s' has ended with status %d%s before it was ready, after %.0f ms\n",
            server->name, waiting->status, signal_name(waiting->status, name, sizeof name), ms);
    else if (why == -ECANCELED)
        buf_printf(story, "'%s' is not wanted any more\n", server->name);
    else
        buf_printf(story, "'%s' was not ready within %.0f ms\n", server->name, ms);
    buf_add_text(story, "    what happened:\n");
    buf_add_text(story, buf_text(waiting->steps));
    buf_add_text(story, "    what was still waited for:\n");
    tell_missing(condition, story);
    tell_log(waiting, story);
    while (story->size > 0 && story->data[story->size - 1] == '\n')
        story->data[--story->size] = '\0';
}

/* ---- waiting ---------------------------------------------------------------------------- */

/* The end is looked for before the log: what a server that has ended wrote is then in it. */
static void look(struct waiting *waiting)
{
    const struct wait_server *server = waiting->server;

    int state = server->state(server->of, waiting->health_is_wanted, &waiting->status,
                              &waiting->health);

    waiting->ended = state <= 0;
    waiting->lost = state < 0;
    if (waiting->log_is_wanted)
        server->log(server->of, waiting->log.size, 0, &waiting->log);
}

/* Wait a while, or until the log grows or the server ends. */
static void pause_for(struct waiting *waiting, int ms)
{
    const struct wait_server *server = waiting->server;
    struct buf ignored = BUF_INIT(1);
    int left = deadline_poll_ms(waiting->deadline_ns);

    if (left >= 0 && left < ms)
        ms = left;
    if (waiting->log_is_wanted)
        server->log(server->of, waiting->log.size, ms, &waiting->log);
    else
        server->log(server->of, SIZE_MAX, ms, &ignored);
    buf_fini(&ignored);
}

static int wait_on(struct waiting *waiting, struct wait_condition *condition, const int *cancel)
{
    int pause_ms = 1;

    for (;;) {
        look(waiting);
        if (holds(waiting, condition))
            return 0;
        if (waiting->lost)
            return -ENOTCONN;
        if (waiting->ended)
            return -ECHILD;
        if (cancel && *(const volatile int *)cancel)
            return -ECANCELED;
        if (now_ns() >= waiting->deadline_ns)
            return -ETIMEDOUT;
        pause_for(waiting, pause_ms);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
    }
}

int wait_for(struct wait_condition *condition, const struct wait_server *server,
             uint64_t deadline_ns, const int *cancel, struct buf *steps, struct buf *story)
{
    struct waiting waiting = {
        .server = server, .deadline_ns = deadline_ns, .log = BUF_INIT(LOG_MAX), .steps = steps
    };
    char name[32];
    int r;

    note_wishes(&waiting, condition);
    r = wait_on(&waiting, condition, cancel);
    if (r == -ENOTCONN)
        wait_step(steps, server->begun_ns, "%s is gone", server->owner);
    else if (r == -ECHILD && waiting.status < 0)
        wait_step(steps, server->begun_ns, "it is gone");
    else if (r == -ECHILD)
        wait_step(steps, server->begun_ns, "it has ended with status %d%s", waiting.status,
                  signal_name(waiting.status, name, sizeof name));
    else if (r < 0)
        wait_step(steps, server->begun_ns, "given up");
    if (r < 0)
        tell(&waiting, condition, r, story);
    buf_fini(&waiting.log);
    return r;
}
