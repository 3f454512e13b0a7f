/* test/leaks.c - descriptors and threads that a test leaves behind, and the descriptors that are ours. */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "events/agent_link.h"
#include "test/state.h"

enum { FDS_MAX = 4096, THREADS_MAX = 64, SHOWN_MAX = 10, THREADS_WAIT_MS = 50, POLLED = 64 };

static atomic_uchar known[FDS_MAX / 8]; /* a bit each: open before the test, or ours */
static pid_t known_threads[THREADS_MAX]; /* those that ran before the test */
static size_t known_thread_count;
static unsigned threads_at_begin;
static atomic_uint private_count; /* threads of ours that run or are being started */
static atomic_int private_threads[THREADS_MAX]; /* their ids; 0: a free place */

/* Parallel subtests ask for descriptors of ours at once. */
static void set_known(int fd, bool on)
{
    if (fd < 0 || fd >= FDS_MAX)
        return;
    if (on)
        atomic_fetch_or(&known[fd / 8], (unsigned char)(1 << fd % 8));
    else
        atomic_fetch_and(&known[fd / 8], (unsigned char)~(1 << fd % 8));
}

static bool is_known(int fd)
{
    return fd < FDS_MAX && known[fd / 8] >> fd % 8 & 1;
}

/* ---- our own descriptors */

static void close_private(void)
{
    for (int fd = T_PRIVATE_FD; fd < FDS_MAX; fd++)
        if (is_known(fd) && fd != process.events && fd != process.output)
            close(fd);
}

/* What a test forks must not hold leases open. */
static pthread_once_t forks_watched = PTHREAD_ONCE_INIT;

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, close_private);
}

int t_private_fd(int fd)
{
    int moved;

    if (fd < 0)
        return -errno;
    moved = fcntl(fd, F_DUPFD_CLOEXEC, T_PRIVATE_FD + 10);
    if (moved < 0)
        moved = -errno;
    else if (crash_is_sanitized())
        dup3(fd, moved,
             O_CLOEXEC); /* TSan orders threads by a socket that it knows, and not by fcntl */
    close(fd);
    if (moved < 0)
        return moved;
    set_known(moved, true);
    pthread_once(&forks_watched, watch_forks);
    return moved;
}

void t_private_close(int fd)
{
    set_known(fd, false);
    close(fd);
}

/* ---- our own threads */

void t_private_thread_planned(bool planned)
{
    if (planned)
        atomic_fetch_add(&private_count, 1);
    else
        atomic_fetch_sub(&private_count, 1);
}

static bool replace_private_thread(int before, int after)
{
    for (size_t i = 0; i < THREADS_MAX; i++) {
        int expected = before;

        if (atomic_compare_exchange_strong(&private_threads[i], &expected, after))
            return true;
    }
    return false;
}

void t_private_thread_begins(void)
{
    replace_private_thread(0, gettid());
}

/* Before the kernel has forgotten the thread: the report waits for it a moment. */
void t_private_thread_ends(void)
{
    replace_private_thread(gettid(), 0);
    t_private_thread_planned(false);
}

bool t_is_private_thread(int thread)
{
    for (size_t i = 0; i < THREADS_MAX; i++)
        if (private_threads[i] == thread)
            return true;
    return false;
}

/* ---- what was left */

/* Whether a descriptor below ours is open that was not at the baseline. poll answers for closed ones as
 * well, and unlike a look into /proc leaves nothing in the kernel that costs the exit time. What is open
 * beyond the first ones shows by the place that a new descriptor would get. */
static bool any_left(void)
{
    struct pollfd fds[POLLED];
    nfds_t count = 0;
    int next;

    for (int fd = 0; fd < POLLED; fd++)
        if (!is_known(fd))
            fds[count++] = (struct pollfd){ .fd = fd };
    if (machine.poll(fds, count, 0) < 0)
        return true;
    for (nfds_t i = 0; i < count; i++)
        if (!(fds[i].revents & POLLNVAL))
            return true;
    next = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, POLLED);
    if (next >= 0)
        close(next);
    return next > POLLED;
}

unsigned leaks_count_threads(void)
{
    struct stat tasks;

    /* As a folder it has two links more than it has folders in it. */
    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2
               ? (unsigned)tasks.st_nlink - 2
               : 1;
}

static void set_known_thread(pid_t thread)
{
    if (known_thread_count < THREADS_MAX)
        known_threads[known_thread_count++] = thread;
}

static bool is_known_thread(pid_t thread)
{
    if (t_is_private_thread(thread))
        return true;
    for (size_t i = 0; i < known_thread_count; i++)
        if (known_threads[i] == thread)
            return true;
    return thread == getpid();
}

void leaks_baseline(void)
{
    DIR *fds = opendir("/proc/self/fd");
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;

    while (fds && (entry = readdir(fds)))
        if (*entry->d_name != '.' && atoi(entry->d_name) != dirfd(fds) &&
            (!tasks || atoi(entry->d_name) != dirfd(tasks)))
            set_known(atoi(entry->d_name), true);
    while (tasks && (entry = readdir(tasks)))
        if (*entry->d_name != '.')
            set_known_thread(atoi(entry->d_name));
    if (fds)
        closedir(fds);
    if (tasks)
        closedir(tasks);
}

void leaks_begin(bool forked)
{
    set_known(process.events, true);
    set_known(process.output, true);
    if (process.flags & AGENT_LEAKS)
        threads_at_begin = forked ? 1 : leaks_count_threads() - private_count;
}

static void show_address(struct buf *to, const struct sockaddr_storage *address, socklen_t size)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    const struct sockaddr_un *local = (const void *)address;
    char text[INET6_ADDRSTRLEN] = "?";

    if (address->ss_family == AF_INET)
        buf_printf(to, "%s:%d", inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text),
                   ntohs(v4->sin_port));
    else if (address->ss_family == AF_INET6)
        buf_printf(to, "[%s]:%d", inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text),
                   ntohs(v6->sin6_port));
    else if (address->ss_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) &&
             local->sun_path[0])
        buf_printf(to, "%.*s", (int)(size - offsetof(struct sockaddr_un, sun_path)),
                   local->sun_path);
    else
        buf_add_text(to, "(unnamed)");
}

static void show_socket(struct buf *to, int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int listening = 0;
    socklen_t listening_size = sizeof listening;

    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size);
    if (!listening && getpeername(fd, (struct sockaddr *)&address, &size) == 0) {
        buf_add_text(to, "socket to ");
        show_address(to, &address, size);
    } else if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        buf_add_text(to, listening ? "listening socket at " : "socket at ");
        show_address(to, &address, size);
    }
}

static void show_fd(struct buf *to, int fd)
{
    char link[64], target[512];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    buf_printf(to, "%d ", fd);
    if (strncmp(target, "socket:", 7) == 0)
        show_socket(to, fd);
    else if (strncmp(target, "pipe:", 5) == 0)
        buf_add_text(to, "pipe");
    else if (strncmp(target, "anon_inode:", 11) == 0)
        buf_add_text(to, target + 11);
    else
        buf_add_text(to, target);
}

static void say_left(seam_t *t, struct buf *list, int count, const char *what, const char *many)
{
    struct buf words = BUF_INIT(64 << 10);
    struct event event = { .kind = EVENT_LEFT, .node = t->node };

    buf_printf(&words, "left %d %s: %s", count, count == 1 ? what : many, buf_text(list));
    if (count > SHOWN_MAX)
        buf_printf(&words, " and %d more", count - SHOWN_MAX);
    event.text = (struct text){ buf_text(&words), words.size };
    emit(&event);
    buf_fini(&words);
    buf_fini(list);
}

/* What has been named is known: where many tests run in one process, it is the fault of the first. */
static void report_fds(seam_t *t)
{
    DIR *fds = opendir("/proc/self/fd");
    struct buf list = BUF_INIT(32 << 10);
    struct dirent *entry;
    int count = 0;

    while (fds && (entry = readdir(fds))) {
        int fd = atoi(entry->d_name);

        if (*entry->d_name == '.' || fd == dirfd(fds) || is_known(fd))
            continue;
        set_known(fd, true);
        if (count++ >= SHOWN_MAX)
            continue;
        if (list.size > 0)
            buf_add_text(&list, ", ");
        show_fd(&list, fd);
    }
    if (fds)
        closedir(fds);
    if (count > 0)
        say_left(t, &list, count, "descriptor open", "descriptors open");
}

static void thread_name(struct buf *to, const char *id)
{
    char path[300], name[32] = "?";
    FILE *comm;

    snprintf(path, sizeof path, "/proc/self/task/%s/comm", id);
    comm = fopen(path, "re");
    if (comm && fgets(name, sizeof name, comm))
        name[strcspn(name, "\n")] = '\0';
    if (comm)
        fclose(comm);
    buf_printf(to, "%s'%s' (%s)", to->size > 0 ? ", " : "", name, id);
}

static bool any_thread_left(void)
{
    return leaks_count_threads() > threads_at_begin + private_count;
}

/* A joined thread may stand in /proc for a moment more. */
static bool threads_remain(void)
{
    for (int ms = 0; ms < THREADS_WAIT_MS; ms++) {
        if (!any_thread_left())
            return false;
        machine.poll(NULL, 0, 1);
    }
    return true;
}

static void report_threads(seam_t *t)
{
    DIR *tasks = opendir("/proc/self/task");
    struct buf list = BUF_INIT(32 << 10);
    struct dirent *entry;
    int count = 0;

    while (tasks && (entry = readdir(tasks))) {
        if (*entry->d_name == '.' || is_known_thread(atoi(entry->d_name)))
            continue;
        set_known_thread(atoi(entry->d_name));
        if (count++ < SHOWN_MAX)
            thread_name(&list, entry->d_name);
    }
    if (tasks)
        closedir(tasks);
    if (count > 0)
        say_left(t, &list, count, "thread running", "threads running");
}

/* After a failure things are left open because the test ended early: no second complaint. */
void leaks_report(seam_t *t)
{
    if (!(process.flags & AGENT_LEAKS) || t->failed || emit_is_forked())
        return;
    if (any_left())
        report_fds(t);
    if (!__libc_single_threaded && !crash_is_sanitized() && any_thread_left() &&
        threads_remain())
        report_threads(t);
}
