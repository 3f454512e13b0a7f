/* events/stack_words.c - the lines of the helper `stacks`, as words; see stack_words.h. */

#include "events/stack_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { WORDS_MAX = 1 << 20, FRAMES_SHOWN = 24 };

static char *field(char **at)
{
    char *begin = *at;
    size_t size = strcspn(begin, "\t");

    *at = begin + size + (begin[size] == '\t');
    begin[size] = '\0';
    return begin;
}

/* A crash shows one frame a line; a hang one thread a line: it may have many. */
struct view {
    struct buf *words;
    bool crashed;
    int threads;
    int frames;
    int repeats; /* of `last` */
    bool after_gap; /* frames were left out: more of the same are part of them */
    char last[512];
};

static void end_repeats(struct view *view)
{
    if (view->repeats > 0)
        buf_printf(view->words, " ... %d more like this", view->repeats);
    view->repeats = 0;
}

static void show_thread(struct view *view, char *at)
{
    char *id = field(&at);
    char *name = field(&at);

    end_repeats(view);
    view->last[0] = '\0';
    view->threads++;
    view->frames = 0;
    if (!view->crashed)
        buf_printf(view->words, "\nthread %d  ", view->threads);
    else if (view->threads > 1)
        buf_printf(view->words, "\nthread %d (%s '%s')  ", view->threads, id, name);
}

static void show_frame(struct view *view, char *at)
{
    char *function = field(&at);
    char *file = field(&at);
    char *line = field(&at);
    bool by_line = view->crashed && view->threads <= 1;
    char this[sizeof view->last];

    snprintf(this, sizeof this, "%s (%s:%s)", function, file, line);
    if (strcmp(this, view->last) == 0) { /* a recursion */
        view->repeats += !view->after_gap;
        return;
    }
    view->after_gap = false;
    end_repeats(view);
    memcpy(view->last, this, sizeof this);
    if (view->frames++ >= FRAMES_SHOWN)
        return;
    if (by_line)
        buf_add_char(view->words, '\n');
    else if (view->frames > 1)
        buf_add_text(view->words, " <- ");
    buf_add_text(view->words, function);
    if (*file && atoi(line) > 0)
        buf_printf(view->words, " (%s:%s)", file, line);
}

char *stack_words(char *lines, bool crashed)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    struct view view = { .words = &words, .crashed = crashed };
    char *save = NULL;

    for (char *line = lines ? strtok_r(lines, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *at = line;
        const char *kind = field(&at);

        if (strcmp(kind, "thread") == 0)
            show_thread(&view, at);
        else if (strcmp(kind, "frame") == 0)
            show_frame(&view, at);
        else if (strcmp(kind, "note") == 0) {
            end_repeats(&view);
            view.after_gap = true;
            buf_printf(&words, "\n%s", at);
        }
    }
    end_repeats(&view);
    return buf_take(&words);
}
