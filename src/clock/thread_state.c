/* clock/thread_state.c - what threads are doing; see thread_state.h. */

#include "clock/thread_state.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"

enum { STAT_MAX = 4096 };

static bool read_task_file(const char *pid, pid_t tid, const char *name, struct buf *to)
{
    char path[80];

    snprintf(path, sizeof path, "/proc/%s/task/%d/%s", pid, (int)tid, name);
    return io_read_file(path, to) == 0;
}

/* Behind the name, which may have any characters: "7 (a name) S 1 ...". */
enum thread_state thread_state(pid_t pid, pid_t tid)
{
    struct buf text = BUF_INIT(STAT_MAX);
    enum thread_state state = THREAD_GONE;
    char number[16];
    const char *end;

    snprintf(number, sizeof number, "%d", (int)pid);
    if (read_task_file(number, tid, "stat", &text)) {
        end = strrchr(buf_text(&text), ')');
        if (end && end[1] == ' ' && end[2] == 'R')
            state = THREAD_RUNS;
        else if (end && end[1] == ' ' && !strchr("ZXx", end[2]))
            state = THREAD_WAITS;
    }
    buf_fini(&text);
    return state;
}

long thread_system_call(pid_t tid)
{
    struct buf text = BUF_INIT(STAT_MAX);
    long number = -1;

    if (read_task_file("self", tid, "syscall", &text) &&
        isdigit((unsigned char)*buf_text(&text)))
        number = atol(buf_text(&text));
    buf_fini(&text);
    return number;
}

void thread_visit(pid_t pid, bool (*fn)(void *arg, pid_t tid), void *arg)
{
    char path[40];
    struct dirent *entry;
    DIR *tasks;
    bool more = true;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    while (tasks && more && (entry = readdir(tasks)))
        if (isdigit((unsigned char)*entry->d_name))
            more = fn(arg, (pid_t)atoi(entry->d_name));
    if (tasks)
        closedir(tasks);
}
