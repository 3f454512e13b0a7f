/*
 * report/tree.c - one top-level test and its subtests, turned into text; see tree.h.
 *
 * What an open (sub)test keeps in `shown`: quiet, all that stands under its header if it
 * fails (its log lines, its output, the blocks of its failed subtests, in the order of
 * events); verbose, the results of its subtests. In `left`, quiet: what is shown even if it
 * passes.
 *
 * A block is written with its final indentation at once, so that a parent only takes it over.
 */

#include "report/tree.h"

#include <stdlib.h>

#include "report/lines.h"

enum { OUT_MAX = 2 * OPEN_TEXT_MAX + (1 << 20), DEPTH_MAX = 100 };

struct tree *tree_new(struct text name, bool verbose)
{
    struct tree *tree = calloc(1, sizeof *tree);
    struct open *root = tree ? opens_add(&tree->opens, EVENT_ROOT, name) : NULL;

    if (!root) {
        free(tree);
        return NULL;
    }
    tree->name = root->name;
    tree->out = BUF_INIT(OUT_MAX);
    tree->verbose = verbose;
    tree->speaker = EVENT_ROOT;
    return tree;
}

void tree_free(struct tree *tree)
{
    buf_fini(&tree->out);
    opens_fini(&tree->opens);
    free(tree);
}

/* What comes after the end of a subtest goes to the top-level test. */
static struct open *owner(const struct tree *tree, uint32_t node)
{
    struct open *open = opens_find(&tree->opens, node);

    return open ? open : opens_find(&tree->opens, EVENT_ROOT);
}

static void begin(struct tree *tree, const struct event *event)
{
    struct open *parent, *open;

    if (opens_find(&tree->opens, event->node))
        return; /* the top-level test, or one that is run again after a crash */
    parent = owner(tree, event->parent);
    open = opens_add(&tree->opens, event->node, event->test);
    if (!open)
        return;
    open->parent = parent->node;
    open->depth = parent->depth < DEPTH_MAX ? parent->depth + 1 : DEPTH_MAX;
}

/* What did not fit in whole is not shown in part. */
static void undo_refused(struct buf *buf, size_t size_before)
{
    if (!buf->failed)
        return;
    buf->size = size_before;
    lines_close(buf);
}

/* ---- quiet */

static void quiet_speak(struct open *open, const struct event *event)
{
    size_t before = open->shown.size;

    if (event->kind == EVENT_LEFT ||
        (event->kind == EVENT_MESSAGE && event->status == MESSAGE_WARNING))
        lines_message(&open->left, event, open->depth);
    if (open->shown.failed)
        return;
    if (event->kind == EVENT_OUTPUT) {
        lines_raw(&open->shown, event->text, open->depth + 1);
    } else {
        lines_close(&open->shown);
        lines_message(&open->shown, event, open->depth);
    }
    undo_refused(&open->shown, before);
}

static void say_refused(struct buf *to, const struct buf *from)
{
    if (from->failed)
        buf_add_text(to,
                     "    warning: more came than is kept in memory; the rest is not shown\n");
}

static void add_block(struct buf *to, const struct open *open, const struct event *end,
                      const struct buf *body)
{
    lines_close(to);
    lines_result(to, end->status, open->name, end->elapsed_ns, open->depth);
    buf_add(to, body->data, body->size);
    lines_close(to);
    say_refused(to, body);
}

static void quiet_end(struct tree *tree, const struct open *open, struct open *parent,
                      const struct event *end)
{
    bool passed = end->status == VERDICT_PASS || end->status == VERDICT_SKIP;
    struct buf *to = parent ? &parent->shown : &tree->out;

    if (!passed || open->left.size > 0)
        add_block(to, open, end, passed ? &open->left : &open->shown);
    if (!passed)
        traffic_print(&open->traffic, to, open->depth);
    if (parent && open->left.size > 0)
        add_block(&parent->left, open, end, &open->left);
}

/* ---- verbose */

static void close_line(struct tree *tree)
{
    if (tree->line_open)
        buf_add_char(&tree->out, '\n');
    tree->line_open = false;
}

static void verbose_frame(struct tree *tree, const struct event *event)
{
    const struct open *open = owner(tree, event->node);

    if (tree->out.failed)
        return;
    close_line(tree);
    lines_frame(&tree->out, event, open->name);
    tree->speaker = open->node;
}

/* What is shown next is said by that one. */
static void turn_to(struct tree *tree, const struct open *open)
{
    if (tree->speaker == open->node)
        return;
    close_line(tree);
    lines_name(&tree->out, open->name);
    tree->speaker = open->node;
}

static void verbose_speak(struct tree *tree, const struct open *open, const struct event *event)
{
    size_t before = tree->out.size;

    if (tree->out.failed)
        return;
    turn_to(tree, open);
    if (event->kind != EVENT_OUTPUT) {
        close_line(tree);
        lines_message(&tree->out, event, 0);
    } else if (event->text.size > 0) {
        lines_raw(&tree->out, event->text, 0);
        tree->line_open = event->text.data[event->text.size - 1] != '\n';
    }
    undo_refused(&tree->out, before);
    tree->line_open &= !tree->out.failed;
}

static void verbose_traffic(struct tree *tree, const struct open *open)
{
    if (open->traffic.count == 0 || tree->out.failed)
        return;
    turn_to(tree, open);
    close_line(tree);
    traffic_print(&open->traffic, &tree->out, 0);
}

static void verbose_end(struct tree *tree, const struct open *open, struct open *parent,
                        const struct event *end)
{
    struct buf *to = parent ? &parent->shown : &tree->out;

    if (end->status == VERDICT_FAIL)
        verbose_traffic(tree, open);
    if (!parent) {
        tree->out.cap = SIZE_MAX / 2; /* results are never refused */
        close_line(tree);
        say_refused(to, &tree->out);
    }
    lines_result(to, end->status, open->name, end->elapsed_ns, open->depth);
    buf_add(to, open->shown.data, open->shown.size);
}

/* ---- both */

static void speak(struct tree *tree, const struct event *event)
{
    struct open *open = owner(tree, event->node);

    if (tree->verbose)
        verbose_speak(tree, open, event);
    else
        quiet_speak(open, event);
}

static void end(struct tree *tree, const struct event *event)
{
    struct open *open = opens_find(&tree->opens, event->node);
    struct open *parent;

    if (!open)
        return;
    parent = open->node == EVENT_ROOT ? NULL : owner(tree, open->parent);
    if (tree->verbose)
        verbose_end(tree, open, parent, event);
    else
        quiet_end(tree, open, parent, event);
    if (!parent) {
        tree->ended = true;
        return;
    }
    opens_remove(&tree->opens, open);
    open_free(open);
}

void tree_event(struct tree *tree, const struct event *event)
{
    switch (event->kind) {
    case EVENT_RUN:
        begin(tree, event);
        /* fall through */
    case EVENT_PAUSE:
    case EVENT_CONTINUE:
    case EVENT_ATTR:
    case EVENT_ARTIFACT:
        if (tree->verbose)
            verbose_frame(tree, event);
        break;
    case EVENT_EXCHANGE:
        traffic_add(&owner(tree, event->node)->traffic, event);
        break;
    case EVENT_END:
        end(tree, event);
        break;
    default: /* a message, something left, output */
        speak(tree, event);
    }
}

void tree_cut(struct tree *tree)
{
    struct open **list = opens_list(&tree->opens);

    for (uint32_t i = 0, count = tree->opens.count; list && i < count; i++) {
        struct event event = { .kind = EVENT_MESSAGE,
                               .status = MESSAGE_ERROR,
                               .flags = EVENT_VERBATIM,
                               .node = list[i]->node,
                               .text = text_of("it has no result: the events end here") };

        speak(tree, &event);
        event.kind = EVENT_END;
        event.status = VERDICT_FAIL;
        end(tree, &event);
    }
    free(list);
}
