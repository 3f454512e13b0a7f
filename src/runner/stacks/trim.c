/* runner/stacks/trim.c - which lines of a stack a user wants to see; see trim.h. */

#include "runner/stacks/trim.h"

#include <string.h>

#include "runner/stacks/path.h"
#include "runner/stacks/process.h"

static const char test_prefix[] = "seam_test_";

static bool is_one_of(const char *name, const char *const *names)
{
    for (; name && *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static bool is_gap(const struct line *line)
{
    return !line->function;
}

static bool is_test(const struct line *line)
{
    return line->function && strncmp(line->function, test_prefix, sizeof test_prefix - 1) == 0;
}

static bool is_core(const struct line *line, const char *folder)
{
    return line->file && !is_test(line) && path_is_core(folder, line->file);
}

static bool is_runtime(const struct line *line)
{
    return !is_gap(line) && process_is_runtime(line->module);
}

/* A name alone proves nothing where there is a source line: it may be the user's own. */
static bool is_start_by_name(const struct line *line)
{
    static const char *const names[] = { "_start",
                                         "__libc_start_main",
                                         "start_thread",
                                         "__libc_start_call_main",
                                         "clone",
                                         "__libc_start_main_impl",
                                         "__clone",
                                         "clone3",
                                         "__clone3",
                                         "thread_start",
                                         NULL };

    return !line->file && is_one_of(line->function, names);
}

static bool is_start(const struct line *line)
{
    return is_runtime(line) || is_start_by_name(line);
}

static bool is_raise(const struct line *line)
{
    static const char *const names[] = { "raise", "gsignal", "abort", "pthread_kill", NULL };

    return !line->file && !is_gap(line) &&
           (is_one_of(line->function, names) ||
            strncmp(line->function, "__pthread_kill", strlen("__pthread_kill")) == 0);
}

/* Whether `line`, called by `caller`, is the inside of the run-time. In a static program the
 * run-time is known by its reserved names. */
static bool is_inside(const struct line *line, const struct line *caller)
{
    bool same_module;

    if (is_gap(line) || is_gap(caller) || line->file || caller->file)
        return false;
    same_module = strcmp(line->module, caller->module) == 0;
    if (strncmp(line->function, "__", 2) == 0 && same_module)
        return true;
    /* A sanitizer that is linked in stands in for libc's functions under their names. */
    if (is_runtime(line) && !same_module && strcmp(line->function, caller->function) == 0)
        return true;
    return is_runtime(line) && is_runtime(caller);
}

static size_t drop_core(struct line *lines, size_t count, const char *folder)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (!is_core(&lines[i], folder))
            lines[kept++] = lines[i];
    return kept;
}

/* Returns how many lines are left; `count` itself when no test function is there. */
static size_t cut_below_test(struct line *lines, size_t count, bool *ret_found)
{
    for (size_t i = count; i > 0; i--) {
        if (!is_test(&lines[i - 1]))
            continue;
        lines[i - 1].function += sizeof test_prefix - 1;
        *ret_found = true;
        return i;
    }
    return count;
}

static size_t cut_start(const struct line *lines, size_t count, bool *ret_found)
{
    for (size_t i = 1; i < count; i++)
        if (is_start_by_name(&lines[i]))
            count = i + 1;
    while (count > 1 && is_start(&lines[count - 1])) {
        *ret_found = true;
        count--;
    }
    return count;
}

static size_t drop_inside(struct line *lines, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || !is_inside(&lines[i], &lines[i + 1]))
            lines[kept++] = lines[i];
    return kept;
}

static size_t drop_raise(struct line *lines, size_t count)
{
    size_t top = 0;

    while (top + 1 < count && is_raise(&lines[top]))
        top++;
    memmove(lines, lines + top, (count - top) * sizeof *lines);
    return count - top;
}

size_t trim(struct line *lines, size_t count, const char *folder, bool *ret_whole)
{
    *ret_whole = false;
    count = drop_core(lines, count, folder);
    count = cut_below_test(lines, count, ret_whole);
    if (!*ret_whole)
        count = cut_start(lines, count, ret_whole);
    count = drop_inside(lines, count);
    return drop_raise(lines, count);
}
