/* base/proc.c - processes by the marker that they carry; see proc.h. */

#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/io.h"

#define MARKER "SEAM_TEST_ID="

enum {
    ENVIRON_MAX = 8 << 20, /* more than the kernel lets a program have by default */
    KILL_MAX_MS = 2000,
    EMPTY_LOOKS = 3, /* until an empty environment is believed */
    EXEC_MAX_MS = 50, /* takes a hundredth of that, unless the machine is busy */
    VMSTAT_MAX = 64 << 10,
    QUIT_MAX_MS = 500, /* for PostgreSQL to give back its shared memory */
};

/* What follows `prefix` in a marker's value; NULL when it does not match (see proc.h). */
static const char *rest_of(const char *value, const char *prefix)
{
    size_t size = strlen(prefix);

    if (strncmp(value, prefix, size) != 0)
        return NULL;
    if (value[size] == '\0' || value[size] == '.' || (size > 0 && prefix[size - 1] == '.'))
        return value + size;
    return NULL;
}

/* Find the marker in an environment as /proc shows it: strings that each end in NUL. */
static const char *marker_in(const struct buf *environment)
{
    const char *at = buf_text(environment);
    const char *end = at + environment->size;

    while (at < end) {
        if (strncmp(at, MARKER, sizeof MARKER - 1) == 0)
            return at + sizeof MARKER - 1;
        at += strlen(at) + 1;
    }
    return NULL;
}

static bool works_in(pid_t pid, const char *folder)
{
    char path[64], at[4096];
    size_t size = strlen(folder);
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    n = readlink(path, at, sizeof at - 1);
    if (n < 0)
        return false;
    at[n] = '\0';
    return strncmp(at, folder, size) == 0 &&
           (at[size] == '\0' || at[size] == '/' || at[size] == ' ');
}

static const char *rest_wanted(const struct proc_match *match, const char *value)
{
    const char *rest = match->marker ? rest_of(value, match->marker) : NULL;

    if (rest && match->spare && strncmp(rest, match->spare, strlen(match->spare)) == 0)
        return NULL;
    return rest;
}

/* Whether a process that shows no environment has a program: a kernel thread and a zombie have none. */
static bool has_program(pid_t pid)
{
    char path[64], target[1];

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return readlink(path, target, sizeof target) >= 0;
}

/* Whether execve() has given the program its environment: until then there is no place where that ends. */
static bool has_begun(pid_t pid)
{
    enum { BEFORE_STATE = 2, ENV_END = 51 }; /* numbers of fields, see proc(5) */
    char path[64], stat[2048];
    const char *at;
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, stat, sizeof stat - 1);
        close(fd);
    }
    stat[n > 0 ? n : 0] = '\0';
    at = strrchr(stat, ')');
    for (int field = BEFORE_STATE; at && field < ENV_END; field++)
        at = strchr(at + 1, ' ');
    return !at || strtoul(at, NULL, 10) != 0;
}

/* In the middle of execve() it reads empty, also when that began after it was opened: then it is read again.
 * False when it cannot be read or is empty. */
static bool read_environment(pid_t pid, struct buf *room)
{
    uint64_t deadline = 0;
    int begun = 0;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    for (;;) {
        buf_clear(room);
        if (io_read_file(path, room) < 0)
            return false;
        if (room->size > 0 || begun == EMPTY_LOOKS || !has_program(pid))
            return room->size > 0;
        begun += has_begun(pid);
        if (deadline == 0)
            deadline = deadline_after_ms(EXEC_MAX_MS);
        if (now_ns() >= deadline)
            return false;
        sched_yield();
    }
}

/* What follows the prefix when the process matches, else NULL. `room` is memory to read into. The
 * folder counts only for a process without any environment, or somebody's shell would be hit. */
static const char *match_one(const struct proc_match *match, pid_t pid, struct buf *room)
{
    const char *value;

    if (!read_environment(pid, room))
        return NULL;
    value = marker_in(room);
    if (value)
        return rest_wanted(match, value);
    if (memchr(room->data, '=', room->size))
        return NULL;
    for (int i = 0; i < PROC_FOLDERS; i++)
        if (match->folders[i] && works_in(pid, match->folders[i]))
            return "";
    return NULL;
}

static bool is_excepted(const struct proc_match *match, pid_t pid)
{
    for (int i = 0; i < PROC_EXCEPT; i++)
        if (match->except[i] == pid)
            return true;
    return false;
}

int proc_visit(const struct proc_match *match, proc_visit_fn *visit, void *arg)
{
    struct buf room = BUF_INIT(ENVIRON_MAX);
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    bool go_on = true;
    int found = 0;

    if (!processes)
        return -errno;
    while (go_on && (entry = readdir(processes))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        const char *rest;

        if (pid <= 0 || is_excepted(match, pid))
            continue;
        rest = match_one(match, pid, &room);
        if (rest) {
            found++;
            go_on = visit(arg, pid, rest);
        }
    }
    closedir(processes);
    buf_fini(&room);
    return found;
}

int proc_visit_marked(const char *prefix, proc_visit_fn *visit, void *arg)
{
    return proc_visit(&(struct proc_match){ .marker = prefix }, visit, arg);
}

/* The processes that a kill has met, held by pidfd so that a number used again is never hit. */
struct victims {
    struct victim {
        pid_t pid;
        int fd;
        bool server; /* a PostgreSQL server or one of its back ends */
    } * list;
    size_t count;
    bool grew;
};

static void name_of(pid_t pid, char *ret, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, ret, size - 1);
        close(fd);
    }
    ret[n > 0 ? n - 1 : 0] = '\0'; /* without the newline */
}

static bool is_postgres(pid_t pid)
{
    char name[32];

    name_of(pid, name, sizeof name);
    return strcmp(name, "postgres") == 0 || strcmp(name, "postmaster") == 0;
}

static bool is_known(const struct victims *victims, pid_t pid)
{
    for (size_t i = 0; i < victims->count; i++)
        if (victims->list[i].pid == pid &&
            machine.poll(&(struct pollfd){ .fd = victims->list[i].fd, .events = POLLIN }, 1,
                         0) == 0)
            return true;
    return false;
}

/* Stop a process that was not met before, so that it starts nothing more. Servers are only noted:
 * a stopped back end would keep its server from shutting down. */
static bool meet(void *arg, pid_t pid, const char *rest)
{
    struct victims *victims = arg;
    struct victim *list;
    int fd;

    (void)rest;
    if (is_known(victims, pid))
        return true;
    fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno ==
               ESRCH; /* it has gone; else no descriptor is left, and those met go first */
    list = realloc(victims->list, (victims->count + 1) * sizeof *list);
    if (!list) {
        close(fd);
        return false;
    }
    victims->list = list;
    list[victims->count] = (struct victim){ .pid = pid, .fd = fd, .server = is_postgres(pid) };
    pidfd_send_signal(fd, list[victims->count].server ? SIGQUIT : SIGSTOP, NULL, 0);
    if (list[victims->count].server)
        pidfd_send_signal(fd, SIGCONT, NULL, 0); /* it may have been paused */
    victims->count++;
    victims->grew = true;
    return true;
}

/* Wait until the process has ended; false when the deadline passed first. */
static bool wait_gone(const struct victim *victim, uint64_t deadline)
{
    struct pollfd gone = { .fd = victim->fd, .events = POLLIN };
    int n;

    do
        n = machine.poll(&gone, 1, deadline_poll_ms(deadline));
    while (n < 0 && errno == EINTR);
    return n > 0;
}

/* Kill all that were met. Servers have had their SIGQUIT: they get a moment for it. */
static void finish(const struct victims *victims, uint64_t deadline)
{
    uint64_t patience = deadline_after_ms(QUIT_MAX_MS);

    for (size_t i = 0; i < victims->count; i++)
        if (!victims->list[i].server)
            pidfd_send_signal(victims->list[i].fd, SIGKILL, NULL, 0);
    for (size_t i = 0; i < victims->count; i++)
        if (victims->list[i].server && !wait_gone(&victims->list[i], patience))
            pidfd_send_signal(victims->list[i].fd, SIGKILL, NULL, 0);
    for (size_t i = 0; i < victims->count; i++)
        wait_gone(&victims->list[i], deadline);
}

static void forget(struct victims *victims)
{
    for (size_t i = 0; i < victims->count; i++)
        close(victims->list[i].fd);
    victims->count = 0;
}

int proc_kill(const struct proc_match *match)
{
    uint64_t deadline = deadline_after_ms(KILL_MAX_MS);
    struct victims victims = { 0 };
    int found;

    do {
        do {
            victims.grew = false;
            found = proc_visit(match, meet, &victims);
        } while (victims.grew);
        if (found > 0)
            finish(&victims, deadline);
        forget(&victims);
    } while (found > 0 && now_ns() < deadline);
    free(victims.list);
    return found > 0 ? -ETIMEDOUT : found;
}

int proc_kill_marked(const char *prefix, const pid_t *except, size_t count)
{
    struct proc_match match = { .marker = prefix };

    if (count > PROC_EXCEPT)
        return -E2BIG;
    for (size_t i = 0; i < count; i++)
        match.except[i] = except[i];
    return proc_kill(&match);
}

int proc_command(pid_t pid, char *ret, size_t size)
{
    char path[64], name[32];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, ret, size - 1);
    close(fd);
    if (n <= 0) {
        name_of(pid, name, sizeof name);
        snprintf(ret, size, "[%s]", name);
        return 0;
    }
    while (n > 0 && ret[n - 1] == '\0')
        n--;
    for (ssize_t i = 0; i < n; i++)
        if (ret[i] == '\0')
            ret[i] = ' ';
    ret[n] = '\0';
    return 0;
}

void proc_signals_for_exec(const sigset_t *mask)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
}

unsigned long proc_oom_kills(void)
{
    struct buf text = BUF_INIT(VMSTAT_MAX);
    unsigned long count = 0;
    const char *at;

    if (io_read_file("/proc/vmstat", &text) == 0) {
        at = strstr(buf_text(&text), "\noom_kill ");
        count = at ? strtoul(at + strlen("\noom_kill "), NULL, 10) : 0;
    }
    buf_fini(&text);
    return count;
}
