/* runner/stacks/print.c - what `stacks` says; see print.h. */

#include "runner/stacks/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "runner/stacks/callee.h"
#include "runner/stacks/path.h"
#include "runner/stacks/process.h"
#include "runner/stacks/trim.h"

enum {
    INLINED_MAX = 16, /* functions in one frame */
    LINES_MAX = TRACE_MAX * 4,
    TEXT_MAX = 4000, /* bytes of a line of output */
};

/* stdout is line-buffered: a line leaves whole, also when time is up in the next. */
SEAM_PRINTF(1, 2) static void put(const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    puts(text);
}

/* A copy without what separates fields. */
static const char *field(struct arena *arena, const char *text)
{
    char *copy = arena_dup(arena, text);

    for (char *c = copy; *c; c++)
        if (*c == '\t' || *c == '\n')
            *c = ' ';
    return copy;
}

void print_thread(pid_t tid, const char *name)
{
    struct arena arena = { 0 };

    put("thread\t%d\t%s", (int)tid, field(&arena, name));
    arena_fini(&arena);
}

void print_note(const char *format, ...)
{
    struct arena arena = { 0 };
    va_list args;

    va_start(args, format);
    put("note\t%s", field(&arena, arena_vprintf(&arena, format, args)));
    va_end(args);
    arena_fini(&arena);
}

void print_end(void)
{
    put("end");
}

/* The inside of a library that the next frame called is better known by what was called. */
static void name_as_called(Dwfl *dwfl, struct arena *arena, const struct trace *trace, size_t i,
                           struct line *line)
{
    bool has_caller = i + 1 < trace->count && !trace->frame[i + 1].exact &&
                      !(trace->left_out > 0 && i + 1 == trace->gap);
    const char *name = NULL;

    if (has_caller && !line->file &&
        (process_is_runtime(line->module) || line->function[0] == '_'))
        name = callee_name(dwfl, arena, trace->frame[i + 1].pc);
    if (name)
        line->function = name;
}

static size_t expand(Dwfl *dwfl, struct arena *arena, const struct trace *trace,
                     struct line *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < trace->count; i++) {
        size_t later = trace->count - i; /* each of these needs a line of its own, and a gap */
        size_t room = LINES_MAX - count - later - 1;

        if (trace->left_out > 0 && i == trace->gap)
            ret[count++] = (struct line){ .function = NULL };
        if (trace->frame[i].trampoline)
            continue;
        count += symbol_lines(dwfl, arena, &trace->frame[i], ret + count,
                              room < INLINED_MAX ? room : INLINED_MAX);
        name_as_called(dwfl, arena, trace, i, &ret[count - 1]);
    }
    return count;
}

static void print_line(struct arena *arena, const char *folder, const struct line *line)
{
    const char *file = line->file ? path_shorten(arena, folder, line->file) : "-";

    put("frame\t%s\t%s\t%d\t%s\t0x%" PRIx64, field(arena, line->function), field(arena, file),
        line->number, field(arena, line->module), line->pc);
}

/* A frame that returns to where no code is: the memory of the stack was written over, or the
 * code was made at run time. What libdw finds beyond it is a guess, which may still help. */
static bool is_damage(const struct line *line, size_t number)
{
    return number > 0 && line->function && strcmp(line->module, "-") == 0;
}

void print_trace(Dwfl *dwfl, const char *folder, const struct trace *trace)
{
    struct arena arena = { 0 };
    struct line lines[LINES_MAX];
    size_t count = expand(dwfl, &arena, trace, lines);
    bool whole, damaged = false;

    count = trim(lines, count, folder, &whole);
    for (size_t i = 0; i < count; i++) {
        if (!lines[i].function)
            print_note("%zu frames are left out here", trace->left_out);
        else if (!is_damage(&lines[i], i))
            print_line(&arena, folder, &lines[i]);
        else if (!damaged)
            print_note("the stack is damaged here: %s", lines[i].function);
        damaged = damaged || is_damage(&lines[i], i);
    }
    if (!whole && !damaged)
        print_note("%s", trace->note[0] ? trace->note : "the stack cannot be read any further");
    arena_fini(&arena);
}

void print_addresses(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        put("frame\t0x%" PRIx64 "\t-\t0\t-\t0x%" PRIx64, trace->frame[i].pc,
            trace->frame[i].pc);
}
