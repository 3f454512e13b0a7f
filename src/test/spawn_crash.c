/* test/spawn_crash.c - the stacks of a spawned program that crashed, and of what it started; see spawn_report.h. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "events/stack_words.h"
#include "test/spawn.h"
#include "test/spawn_report.h"

enum { REPORT_MAX = 1 << 20 };

/* ---- before it starts */

const char *t_preload_path(seam_t *t, const char *folder, const char *name, struct err *err)
{
    const char *path = arena_printf(&t->arena, "%s/%s", process.libexec, name);
    const char *link = arena_printf(&t->arena, "%s/%s", folder, name);

    if (access(path, R_OK) < 0) {
        err_system(err, -errno, "'%s' of this installation", path);
        return NULL;
    }
    if (!strpbrk(path, " :"))
        return path;
    if (!strpbrk(link, " :") && symlink(path, link) == 0)
        return link;
    err_set(err, -EINVAL,
            "'%s' cannot be preloaded: its name has a blank or a colon\n"
            "try: TMPDIR without them",
            path);
    return NULL;
}

const char *spawn_crash_library(seam_process *child, const char *path)
{
    seam_t *t = child->t;
    const char *why = spawn_not_preloadable(path), *library;
    struct err err;

    if (!process.libexec)
        why = "it is read under `seam test` and `seam run` only";
    child->no_stack = why;
    if (why)
        return NULL;
    child->crashes = t_make_folder(t, child->options.site, "crash");
    library = t_preload_path(t, child->crashes, SPAWN_REPORT_LIBRARY, &err);
    if (!library)
        child->no_stack = arena_dup(&t->arena, err.text);
    return library;
}

/* ---- one report */

/* Takes the next field, ended by a tab or the end of the line, off `*at`. */
static char *take_field(char **at)
{
    char *begin = *at;
    size_t size = strcspn(begin, "\t\n");

    *at = begin + size + (begin[size] != '\0');
    begin[size] = '\0';
    return begin;
}

static const char *circumstance(struct arena *arena, int access, const char *address,
                                bool overflowed)
{
    if (overflowed)
        return " (it has overflowed)";
    if (access == CRASH_READ || access == CRASH_WRITE)
        return arena_printf(arena, " (%s address 0x%s)",
                            access == CRASH_READ ? "read of" : "write to", address);
    return access == CRASH_DIVIDED_BY_ZERO ? " (integer division by zero)" : "";
}

/* Each line of the words stands below others, so far to the right. */
static const char *indent(struct arena *arena, const char *words)
{
    struct buf text = BUF_INIT(2 * REPORT_MAX);
    const char *copy;

    for (; *words; words++)
        if (*words == '\n')
            buf_add_text(&text, "\n        ");
        else
            buf_add_char(&text, *words);
    copy = arena_dup(arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}

static void parse_report(seam_process *child, char *text, struct spawn_crash *ret)
{
    struct arena *arena = &child->t->arena;
    const char *address, *about;
    int access;
    char *words;

    take_field(&text);
    ret->number = atoi(take_field(&text));
    access = atoi(take_field(&text));
    address = take_field(&text);
    about = circumstance(arena, access, address, atoi(take_field(&text)) != 0);
    ret->sender = atoi(take_field(&text));
    ret->name = arena_dup(arena, take_field(&text));
    words = stack_words(text, true);
    if (ret->sender)
        ret->stack =
            arena_printf(arena, "\n    no stack: process %d sent the signal", (int)ret->sender);
    else
        ret->stack =
            arena_printf(arena, "\n    stack%s:%s", about, indent(arena, words ? words : ""));
    free(words);
}

static const char *path_of(seam_process *child, pid_t pid)
{
    return arena_printf(&child->t->arena, "%s/%d", child->crashes, (int)pid);
}

static bool is_complete(const struct buf *text)
{
    static const char end[] = "\nend\n";
    size_t size = sizeof end - 1;

    return text->size >= size && memcmp(text->data + text->size - size, end, size) == 0;
}

/* Returns false when there is none, or it is still being written and its end is wanted. */
static bool read_report(seam_process *child, pid_t pid, bool whole, struct spawn_crash *ret)
{
    struct buf text = BUF_INIT(REPORT_MAX);
    bool good = io_read_file(path_of(child, pid), &text) >= 0 &&
                strchr(buf_text(&text), '\n') && (is_complete(&text) || !whole);

    if (good) {
        *ret = (struct spawn_crash){ .pid = pid };
        parse_report(child, text.data, ret);
    }
    buf_fini(&text);
    return good;
}

/* ---- its own */

bool spawn_is_crashing(seam_process *child)
{
    return child->crashes && access(path_of(child, child->pid), F_OK) == 0;
}

/* It is read when the process has ended: nobody writes it any more. */
const struct spawn_crash *spawn_own_crash(seam_process *child)
{
    if (!child->crashes || !spawn_end_of(child).ended)
        return NULL;
    if (!child->crash.pid)
        read_report(child, child->pid, false, &child->crash);
    return child->crash.pid ? &child->crash : NULL;
}

static bool is_handled(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGABRT || number == SIGTRAP;
}

const char *spawn_stack(seam_process *child)
{
    const struct spawn_crash *crash = spawn_own_crash(child);
    struct spawn_end end = spawn_end_of(child);

    if (crash)
        return crash->stack;
    if (!end.ended || !end.killed || !is_handled(end.status) || spawn_report(child))
        return "";
    return arena_printf(
        &child->t->arena, "\n    no stack: %s",
        child->no_stack ? child->no_stack
                        : "Seam's handler was not reached (the program has one of its own, or "
                          "a thread's stack has overflowed) or may not write "
                          "(another user or root)");
}

/* ---- those of what it started */

bool spawn_next_crash(seam_process *child, bool whole, struct spawn_crash *ret)
{
    DIR *all = child->crashes ? opendir(child->crashes) : NULL;
    struct dirent *entry;
    bool found = false;

    while (all && !found && (entry = readdir(all))) {
        pid_t pid = atoi(entry->d_name);

        if (pid <= 0 || pid == child->pid || !read_report(child, pid, whole, ret))
            continue;
        unlink(path_of(child, pid)); /* told once */
        found = ret->sender == 0;
    }
    if (all)
        closedir(all);
    return found;
}
