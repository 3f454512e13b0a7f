/* test/spawn_environment.c - the environment of a program that a test spawns. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "test/spawn.h"
#include "test/spawn_report.h"

enum { ASSIGNMENTS_MAX = 1 << 20, GIVERS_MAX = 4 };

/* NAME=value, all different names. */
struct variables {
    struct arena *arena;
    char **list;
    size_t count;
    size_t room;
};

/* Who has something for programs: doubles, a clock. */
static struct giver {
    t_spawn_environment_fn *fn;
    const char *lacks, *remedy;
} givers[GIVERS_MAX];

void t_spawn_environment(t_spawn_environment_fn *fn, const char *lacks, const char *remedy)
{
    size_t i = 0;

    while (i < GIVERS_MAX && givers[i].fn && givers[i].fn != fn)
        i++;
    if (i < GIVERS_MAX)
        givers[i] = (struct giver){ fn, lacks, remedy };
}

static void grow(struct variables *variables, size_t by)
{
    char **old = variables->list;

    variables->room += by;
    variables->list = arena_zero(variables->arena, (variables->room + 1) * sizeof *old);
    if (old)
        memcpy(variables->list, old, variables->count * sizeof *old);
}

static size_t find(const struct variables *variables, const char *name, size_t size)
{
    size_t i = 0;

    while (i < variables->count &&
           (strncmp(variables->list[i], name, size) != 0 || variables->list[i][size] != '='))
        i++;
    return i;
}

static void leave_out(struct variables *variables, const char *name)
{
    size_t i = find(variables, name, strlen(name));

    if (i < variables->count)
        variables->list[i] = variables->list[--variables->count];
}

/* There is room: see spawn_environment. */
static void set(struct variables *variables, const char *assignment)
{
    size_t i = find(variables, assignment, strcspn(assignment, "="));

    if (i == variables->room)
        return;
    variables->list[i] = arena_dup(variables->arena, assignment);
    if (i == variables->count)
        variables->count++;
}

/* What would lead the program to somebody's real database, proxy or cloud. */
static bool is_inherited(const char *assignment)
{
    size_t size = strcspn(assignment, "=");

    return strncmp(assignment, "PG", 2) != 0 && strncmp(assignment, "AWS_", 4) != 0 &&
           !(size >= 6 && strncasecmp(assignment + size - 6, "_PROXY", 6) == 0) &&
           strncmp(assignment, "SEAM_READY_FD=", 14) != 0;
}

static void set_own(struct variables *variables, const seam_process *child)
{
    for (int i = 0; i < SEAM_SPAWN_VARIABLES && child->options.env[i]; i++) {
        const char *words = child->options.env[i];

        if (strchr(words, '='))
            set(variables, words);
        else
            leave_out(variables, words);
    }
}

static bool is_own(const seam_process *child, const char *name, size_t size)
{
    for (int i = 0; i < SEAM_SPAWN_VARIABLES && child->options.env[i]; i++)
        if (strncmp(child->options.env[i], name, size) == 0 &&
            (child->options.env[i][size] == '=' || !child->options.env[i][size]))
            return true;
    return false;
}

/* "NAME+=value"; nothing where the value is part of it already. */
static void append(struct variables *variables, const char *assignment, size_t size)
{
    const char *value = assignment + size + 2;
    size_t i = find(variables, assignment, size);
    const char *old = i < variables->count ? variables->list[i] + size + 1 : "";

    if (strstr(old, value))
        return;
    set(variables, arena_printf(variables->arena, "%.*s=%s%s%s", (int)size, assignment, old,
                                *old ? ":" : "", value));
}

static void set_doubles(struct variables *variables, seam_process *child,
                        const struct buf *assignments)
{
    const char *end = buf_text(assignments) + assignments->size;

    for (const char *at = buf_text(assignments); at < end; at += strlen(at) + 1) {
        size_t size = strcspn(at, "+=");

        if (at[size] == '+')
            append(variables, at, size);
        else if (!is_own(child, at, size))
            set(variables, at);
    }
}

/* A program that goes past the doubles would reach the real thing: not in silence. */
static void refuse_unreachable(seam_process *child, const struct giver *giver, const char *path)
{
    const char *why = spawn_not_preloadable(path);

    if (why)
        seam_fatal_at(child->t, child->options.site, "'%s' %s: %s\ntry: .no_doubles = true, %s",
                      path, giver->lacks, why, giver->remedy);
}

static void add_doubles(struct variables *variables, seam_process *child, const char *path)
{
    struct buf assignments = BUF_INIT(ASSIGNMENTS_MAX);

    if (child->options.no_doubles)
        return;
    for (size_t i = 0; i < GIVERS_MAX && givers[i].fn; i++)
        if (givers[i].fn(child->t, child->options.site, &assignments))
            refuse_unreachable(child, &givers[i], path);
    grow(variables, assignments.size / 2); /* none is shorter than "A=" */
    set_doubles(variables, child, &assignments);
    buf_fini(&assignments);
}

static void add_crash(struct variables *variables, seam_process *child, const char *path)
{
    const char *library, *words;

    if (is_own(child, SPAWN_REPORT_FOLDER, strlen(SPAWN_REPORT_FOLDER))) {
        child->no_stack = "the test has a " SPAWN_REPORT_FOLDER " of its own in .env";
        return;
    }
    library = spawn_crash_library(child, path);
    if (!library)
        return;
    words = arena_printf(variables->arena, "LD_PRELOAD+=%s", library);
    append(variables, words, strlen("LD_PRELOAD"));
    words = "ASAN_OPTIONS+=verify_asan_link_order=0";
    append(variables, words, strlen("ASAN_OPTIONS"));
    set(variables, arena_printf(variables->arena, SPAWN_REPORT_FOLDER "=%s", child->crashes));
    set(variables,
        arena_printf(variables->arena, SPAWN_REPORT_STACKS "=%s/stacks", process.libexec));
}

char **spawn_environment(seam_process *child, const char *path)
{
    struct variables variables = { .arena = &child->t->arena };
    size_t count = 0;

    while (environ && environ[count])
        count++;
    grow(&variables, count + SEAM_SPAWN_VARIABLES + 6);
    for (char **at = environ; at && *at; at++)
        if (is_inherited(*at))
            set(&variables, *at);
    set_own(&variables, child);
    add_doubles(&variables, child, path);
    add_crash(&variables, child, path);
    set(&variables, arena_printf(variables.arena, "SEAM_TEST_ID=%s", child->marker));
    if (child->options.ready_fd)
        set(&variables, arena_printf(variables.arena, "SEAM_READY_FD=%d", SPAWN_READY_FD));
    variables.list[variables.count] = NULL;
    return variables.list;
}
