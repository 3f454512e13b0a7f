/* test/say.c - log, error, fatal, skip and the words around them. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events/agent_link.h"
#include "test/state.h"

enum { SAY_MAX = 16 << 20, ATTR_MAX = 64 << 10 }; /* bytes */

/* ---- seam_via: the lines of callers, innermost first, on this thread */

struct via {
    struct via *outer;
    seam_site site;
};

static _Thread_local struct via *vias;

void seam_via_begin(seam_t *t, seam_site at)
{
    struct via *via = malloc(sizeof *via);

    if (!via)
        seam_fatal_at(t, at, "out of memory");
    *via = (struct via){ vias, at };
    vias = via;
}

void seam_via_end(void)
{
    struct via *via = vias;

    vias = via->outer;
    free(via);
}

struct via *via_mark(void)
{
    return vias;
}

void via_unwind(struct via *mark)
{
    while (vias != mark)
        seam_via_end();
}

/* The outermost seam_via names the line in the test itself. */
static seam_site site_of(seam_site at)
{
    for (struct via *via = vias; via; via = via->outer)
        at = via->site;
    return at;
}

/* ---- */

static void say(seam_t *t, enum message_kind kind, seam_site at, const char *format,
                va_list args)
{
    struct buf words = BUF_INIT(SAY_MAX);

    if (emit_is_forked())
        buf_printf(&words, "[in forked process %d] ", (int)getpid());
    for (const seam_t *up = t; up; up = up->parent) {
        const char *scope = up->scope;

        if (scope && *scope) {
            buf_printf(&words, "%s: ", scope);
            break;
        }
    }
    if (buf_vprintf(&words, format, args) < 0)
        buf_add_text(&words, "(a message too long to be shown)");
    while (words.size > 0 && words.data[words.size - 1] == '\n')
        words.data[--words.size] = '\0';
    emit_message(t, kind, site_of(at), (struct text){ buf_text(&words), words.size });
    buf_fini(&words);
}

void seam_log_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(t, MESSAGE_LOG, at, format, args);
    va_end(args);
}

void t_warn_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(t, MESSAGE_WARNING, at, format, args);
    va_end(args);
}

void seam_error_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    t_fail(t);
    va_start(args, format);
    say(t, MESSAGE_ERROR, at, format, args);
    va_end(args);
}

/* A fatal of an ancestor ends the subtest that runs here, and then the ancestor. */
static SEAM_NORETURN void leave(seam_t *t)
{
    for (seam_t *up = current_test; up && up != t; up = up->parent)
        if (up->parent)
            up->parent->must_leave = true;
    seam_leave();
}

void seam_fatal_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    t_fail(t);
    va_start(args, format);
    say(t, MESSAGE_ERROR, at, format, args);
    va_end(args);
    leave(t);
}

void seam_skip_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    t->skipped = true;
    va_start(args, format);
    say(t, MESSAGE_SKIP, at, format, args);
    va_end(args);
    leave(t);
}

void t_unavailable_at(seam_t *t, seam_site at, const char *format, ...)
{
    bool fail = process.flags & AGENT_NO_SKIP;
    va_list args;

    if (fail)
        t_fail(t);
    else
        t->skipped = true;
    va_start(args, format);
    say(t, fail ? MESSAGE_ERROR : MESSAGE_SKIP, at, format, args);
    va_end(args);
    leave(t);
}

void seam_scope_at(seam_t *t, seam_site at, const char *format, ...)
{
    va_list args;

    (void)at;
    va_start(args, format);
    t->scope = arena_vprintf(&t->arena, format, args);
    va_end(args);
}

bool seam_failed(const seam_t *t)
{
    return t->failed;
}

bool seam_short(void)
{
    return process.flags & AGENT_SHORT;
}

const char *seam_name(const seam_t *t)
{
    return t->name;
}

void seam_attr(seam_t *t, const char *key, const char *value)
{
    struct event event = {
        .kind = EVENT_ATTR, .node = t->node, .file = text_of(key), .text = text_of(value)
    };

    if (!*key || strpbrk(key, " \t\r\n\v\f") || strpbrk(value, "\r\n") ||
        strlen(key) + strlen(value) > ATTR_MAX)
        seam_fatal_at(t, (seam_site){ 0 },
                      "seam_attr: '%.100s' must be one word, and its value one line of at most "
                      "%d KB",
                      key, ATTR_MAX >> 10);
    t->touched = true;
    emit(&event);
}
