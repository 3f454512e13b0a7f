/* test/run.c - the life of a test and of its subtests. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/state.h"

void t_init(seam_t *t, seam_t *parent, const char *name)
{
    *t = (struct seam_t){ .parent = parent, .name = name, .begin_ns = now_ns() };
    if (parent)
        t->in_thread = parent->in_thread;
}

enum verdict t_verdict(const seam_t *t)
{
    return t->failed ? VERDICT_FAIL : t->skipped ? VERDICT_SKIP : VERDICT_PASS;
}

void t_fail(seam_t *t)
{
    for (; t; t = t->parent)
        t->failed = true;
}

seam_t *t_root(void)
{
    return process.root;
}

uint64_t t_begin_ns(void)
{
    return process.root ? process.root->begin_ns : 0;
}

struct arena *t_arena(seam_t *t)
{
    return &t->arena;
}

static void call_cleanup(seam_t *t, void *arg)
{
    struct cleanup *cleanup = arg;

    (void)t;
    cleanup->fn(cleanup->arg);
}

static void run_cleanups(seam_t *t)
{
    struct cleanup *cleanup;

    for (;;) {
        bool locked = emit_lock();

        cleanup = t->cleanups;
        if (cleanup)
            t->cleanups = cleanup->next;
        emit_unlock(locked);
        if (!cleanup)
            break;
        leave_call(t, call_cleanup, cleanup);
        free(cleanup);
    }
}

void seam_cleanup(seam_t *t, void (*fn)(void *arg), void *arg)
{
    struct cleanup *cleanup = malloc(sizeof *cleanup);
    bool locked;

    if (!cleanup)
        seam_fatal_at(t, (seam_site){ 0 }, "out of memory for a clean-up");
    t->touched = true;
    locked = emit_lock();
    *cleanup = (struct cleanup){ t->cleanups, fn, arg };
    t->cleanups = cleanup;
    emit_unlock(locked);
}

void t_finish(seam_t *t)
{
    struct event end = { .kind = EVENT_END, .node = t->node };

    t->finished = true;
    if (t->context)
        seam_context_cancel(t->context);
    if (t->waiting)
        parallel_run(t);
    run_cleanups(t);
    if (!t->parent)
        leaks_report(t);
    end.status = (uint8_t)t_verdict(t);
    end.elapsed_ns = now_ns() - t->begin_ns - t->paused_ns;
    emit(&end);
    map_fini(&t->names);
    arena_fini(&t->arena);
}

seam_t *t_make_root(const struct seam_test_record *record)
{
    seam_t *root = &process.root_room;

    t_init(root, NULL, record->name);
    root->node = process.nodes = EVENT_ROOT;
    return process.root = root;
}

static void call_test(seam_t *t, void *arg)
{
    const struct seam_test_record *record = arg;
    int r = group_enter(record);

    if (r != 0)
        seam_fatal_at(t, record->options->site,
                      "the set-up of group '%s' failed: it returned %d",
                      registry_options(record).group, r);
    record->fn(t);
}

bool run_test(const struct seam_test_record *record, uint32_t index, bool announce)
{
    struct event run = { .kind = EVENT_RUN, .node = EVENT_ROOT, .number = (int32_t)index };
    seam_t *root = t_make_root(record);

    current_test = root;
    if (announce) {
        run.test = text_of(record->name);
        emit(&run);
    }
    leave_call(root, call_test, (void *)record);
    t_finish(root);
    current_test = NULL;
    return !root->failed;
}

/* ---- subtests */

static char *full_name(seam_t *parent, const char *name)
{
    size_t before = strlen(parent->name);
    char *full = arena_zero(&parent->arena, before + 4 * strlen(name) + 2);

    memcpy(full, parent->name, before);
    full[before] = '/';
    filter_rewrite(full + before + 1, name);
    return full;
}

/* The number behind the last '#' where unique_name may have put it, and in *ret_size how much
 * stands before the '#'; else 0 and the whole size. */
static uint32_t suffix_number(const char *name, size_t *ret_size)
{
    const char *hash = strrchr(name, '#');
    size_t digits = hash ? strspn(hash + 1, "0123456789") : 0;

    *ret_size = strlen(name);
    if (digits < 2 || hash[1 + digits] || (digits > 2 && hash[1] == '0') || digits > 9)
        return 0;
    if (strcmp(hash, "#00") == 0 && (hash == name || hash[-1] != '/'))
        return 0; /* only an empty name gets it */
    *ret_size = (size_t)(hash - name);
    return (uint32_t)strtoul(hash + 1, NULL, 10);
}

/* Whether the name that a subtest asks for was already given to the nth use of another. */
static bool is_given(seam_t *parent, const char *name)
{
    size_t size;
    uint32_t number = suffix_number(name, &size);
    uint32_t *uses =
        name[size] ? map_find(&parent->names, arena_copy(&parent->arena, name, size)) : NULL;

    return uses && number < *uses;
}

/* Go's rule: the nth use of a name gets "#nn", unless a subtest asked for that name itself; then
 * the next number. The first use goes without one, but for an empty name. */
static const char *unique_name(seam_t *parent, const char *base, bool is_empty)
{
    for (;;) {
        uint32_t *uses = map_at(&parent->names, base);
        uint32_t n = uses ? (*uses)++ : 0;
        const char *name;

        if (!uses || (n == 0 && !is_empty && !is_given(parent, base)))
            return base;
        if (n == 0 && !is_empty)
            continue;
        name = arena_printf(&parent->arena, "%s#%02u", base, n);
        if (!map_find(&parent->names, name))
            return name;
    }
}

static bool selected(const seam_t *parent, const char *name)
{
    if (parent == process.root && parent->ordinal <= process.pass_over)
        return false;
    return filter_match(&process.run, name) != FILTER_NO &&
           (!process.skip.text || filter_match(&process.skip, name) != FILTER_FULL);
}

static uint32_t begin_node(void)
{
    bool locked = emit_lock();
    uint32_t node = ++process.nodes;

    emit_unlock(locked);
    return node;
}

static void refuse_late_run(seam_t *t, const char *name)
{
    if (t->finished)
        seam_fatal_at(t, (seam_site){ 0 },
                      "seam_run '%s': %s has ended; a clean-up cannot run subtests", name,
                      t->name);
}

bool seam_run(seam_t *t, const char *name, seam_fn *fn, const void *arg)
{
    struct event run = { .kind = EVENT_RUN, .parent = t->node };
    seam_t *outer = current_test;
    struct seam_t sub;
    const char *full;

    refuse_late_run(t, name);
    t->touched = true;
    full = unique_name(t, full_name(t, name), !*name);
    t->ordinal++;
    if (!selected(t, full))
        return true;
    t_init(&sub, t, full);
    sub.node = run.node = begin_node();
    run.test = text_of(full);
    emit(&run);
    current_test = &sub;
    leave_call(&sub, fn, (void *)arg);
    if (parallel_wanted(&sub))
        parallel_defer(&sub, fn, (void *)arg);
    else
        t_finish(&sub);
    current_test = outer;
    if (t->must_leave && outer == t)
        seam_leave();
    return !sub.failed;
}
