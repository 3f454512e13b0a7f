/* runner/keeper.c - start the keeper, hear its notes, outlive its death; see keeper.h. */

#include "runner/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/message.h"
#include "runner/session.h"
#include "runner/status.h"
#include "runner/tokens.h"
#include "service/clean.h"

struct keeper {
    struct run *run;
    struct watch link;
    struct buf bytes;
    struct clean_dirs dirs;
    pid_t pid;
    int number; /* how many there were before it */
    bool finished;
    bool shared; /* another run started it */
    int linger_s; /* how long it stays after its last runner */
    char socket[CLEAN_PATH_MAX + 16];
};

/* ---- the keeper's process, until it becomes `services` */

static void keep_open(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

static void become_services(const struct keeper *keeper, int listening, int runner)
{
    const struct options *options = keeper->run->options;
    char path[4096], words[9][CLEAN_PATH_MAX + 16], marker[64];
    char *argv[16];
    int count = 0;

    snprintf(path, sizeof path, "%s/services", keeper->run->libexec);
    snprintf(marker, sizeof marker, "%s.keeper", keeper->run->id);
    setenv(AGENT_MARKER, marker, 1);
    argv[count++] = path;
    snprintf(words[0], sizeof words[0], "--listen=%d", listening);
    snprintf(words[1], sizeof words[1], "--runner=%d", runner);
    snprintf(words[2], sizeof words[2], "--run=%s", keeper->run->id);
    snprintf(words[3], sizeof words[3], "--dir=%s", keeper->dirs.memory);
    snprintf(words[4], sizeof words[4], "--disk=%s", keeper->dirs.disk);
    snprintf(words[5], sizeof words[5], "--cache=%s", keeper->run->cache);
    snprintf(words[6], sizeof words[6], "--parallel=%d", options->parallel);
    snprintf(words[7], sizeof words[7], "--number=%d", keeper->number);
    for (int i = 0; i < 8; i++)
        argv[count++] = words[i];
    if (options->keep)
        argv[count++] = (char *)"--keep";
    snprintf(words[8], sizeof words[8], "--reuse=%d", keeper->linger_s);
    if (keeper->linger_s > 0)
        argv[count++] = words[8];
    argv[count] = NULL;
    close_range(STDERR_FILENO + 1, ~0u,
                CLOSE_RANGE_CLOEXEC); /* whoever reads them must not wait */
    keep_open(listening);
    keep_open(runner);
    keep_open(keeper->dirs.lock_disk);
    keep_open(keeper->dirs.lock_memory);
    execv(path, argv);
    dprintf(STDERR_FILENO, "seam: cannot start '%s': %s\n", path, strerror(errno));
}

/* Whoever reads our output must not wait for another process of ours to end. */
static void leave_output(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
}

/* What is in a Docker daemon only `services` can reach; nobody waits for it. */
static void start_helper(const struct run *run, const char *option)
{
    char path[4096];
    char *argv[] = { path, (char *)option, NULL };
    pid_t pid;

    snprintf(path, sizeof path, "%s/services", run->libexec);
    pid = fork();
    if (pid != 0)
        return;
    setsid(); /* an interrupt of the run is none of it */
    leave_output();
    sigprocmask(SIG_SETMASK, &run->signals_before, NULL);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    execv(path, argv);
    _exit(127);
}

static SEAM_NORETURN void be_keeper(const struct keeper *keeper, int listening, int runner)
{
    struct pollfd wait[] = { { .fd = runner, .events = POLLIN },
                             { .fd = listening, .events = POLLIN } };
    const pid_t self[] = { getpid() };
    char ignored[64];

    setsid();
    prctl(PR_SET_NAME, "seam-keeper");
    sigprocmask(SIG_SETMASK, &keeper->run->signals_before, NULL);
    leave_output();
    for (;;) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            break;
        if (wait[0].revents && read(runner, ignored, sizeof ignored) <= 0)
            break;
        if (wait[1].revents)
            become_services(keeper, listening, runner);
    }
    clean_run(&keeper->dirs, self, 1, NULL);
    _exit(0);
}

/* ---- the runner's side */

static int start_process(struct keeper *keeper, struct err *err);

static void keeper_died(struct keeper *keeper)
{
    struct run *run = keeper->run;
    struct err err = { "" };

    loop_close(&run->loop, &keeper->link);
    if (keeper->finished)
        return;
    if (!keeper->shared && keeper->pid > 0) /* reaped, its number may be anybody's */
        kill(keeper->pid, SIGKILL);
    keeper->shared = false;
    snprintf(keeper->socket, sizeof keeper->socket, "%s/keeper", keeper->dirs.memory);
    unlink(keeper->socket);
    run_note(run,
             "the keeper died, and its services with it; tests that use one fail, later ones "
             "get a new one");
    if (clean_has_containers(&keeper->dirs)) {
        char option[64];

        snprintf(option, sizeof option, "--prune=%s.%d", keeper->dirs.run, keeper->number);
        start_helper(run, option);
    }
    keeper->number++;
    if (clean_services(&keeper->dirs, &err) < 0)
        run_note(run, "cleaning up after the keeper: %s", err.text);
    if (start_process(keeper, &err) < 0)
        run_note(run, "no new keeper can be started: %s", err.text);
}

static void take_notes(struct keeper *keeper)
{
    struct message frame;
    size_t at = 0;
    long size;

    while ((size = message_parse(buf_text(&keeper->bytes) + at, keeper->bytes.size - at,
                                 &frame)) > 0) {
        char *note = message_text(&frame, "note");

        char *progress = message_text(&frame, "progress");

        if (note)
            run_note(keeper->run, "%s", note);
        if (progress)
            status_progress(keeper->run, progress);
        free(note);
        free(progress);
        at += (size_t)size;
    }
    buf_drop(&keeper->bytes, at);
}

static void link_ready(struct watch *watch, uint32_t events)
{
    struct keeper *keeper = watch->owner;
    char *to = buf_reserve(&keeper->bytes, 4096);
    ssize_t n = to ? read(watch->fd, to, 4096) : 0;

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        keeper_died(keeper);
        return;
    }
    keeper->bytes.size += (size_t)n;
    take_notes(keeper);
}

static int listen_at(const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        io_close(&fd);
        return err_set(err, -ENAMETOOLONG,
                       "the socket '%s' has a path of more than %zu bytes; "
                       "try: TMPDIR=/tmp",
                       path, sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, 128) < 0) {
        int r = err_system(err, -errno, "cannot listen at '%s'", path);

        io_close(&fd);
        return r;
    }
    return fd;
}

static int start_process(struct keeper *keeper, struct err *err)
{
    struct run *run = keeper->run;
    int link[2];
    int listening = listen_at(keeper->socket, err);

    if (listening < 0)
        return listening;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0) {
        int r = err_system(err, -errno, "cannot connect to the keeper");

        close(listening);
        return r;
    }
    keeper->pid = fork();
    if (keeper->pid == 0) {
        close(link[0]);
        be_keeper(keeper, listening, link[1]);
    }
    close(listening);
    close(link[1]);
    if (keeper->pid < 0) {
        close(link[0]);
        return err_system(err, -errno, "cannot fork the keeper");
    }
    return loop_add(&run->loop, &keeper->link, link[0], link_ready, keeper);
}

/* ---- joining the keeper of a session */

static int say_runner(const struct keeper *keeper, int fd)
{
    struct buf frame = BUF_INIT(8192);
    size_t begin = message_begin(&frame);
    int r;

    message_add_text(&frame, "verb", "runner");
    message_add_text(&frame, "run", keeper->run->id);
    message_add_text(&frame, "disk", keeper->dirs.disk);
    message_add_text(&frame, "memory", keeper->dirs.memory);
    message_end(&frame, begin);
    r = message_send(fd, &frame);
    buf_fini(&frame);
    return r;
}

static bool join(struct keeper *keeper, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (*path && strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
            say_runner(keeper, fd) == 0 &&
            loop_add(&keeper->run->loop, &keeper->link, fd, link_ready, keeper) == 0) {
            keeper->shared = true;
            snprintf(keeper->socket, sizeof keeper->socket, "%s", path);
            return true;
        }
    }
    io_close(&fd);
    return false;
}

/* The token pool of a session lies beside its keeper's socket. */
static const char *pool_of(const struct keeper *keeper, const struct session_meeting *meeting)
{
    const char *slash = strrchr(keeper->socket, '/');

    return meeting->lock < 0 ? NULL
                             : arena_printf(&keeper->run->arena, "%.*s/tokens",
                                            (int)(slash - keeper->socket), keeper->socket);
}

int keeper_start(struct run *run, struct err *err)
{
    struct keeper *keeper = arena_zero(&run->arena, sizeof *keeper);
    struct session_meeting meeting;
    bool containers;
    int r;

    clean_sweep(&containers);
    if (containers)
        start_helper(run, "--sweep");
    keeper->run = run;
    keeper->bytes = BUF_INIT(MESSAGE_MAX);
    keeper->dirs = CLEAN_DIRS_NONE;
    r = clean_make_dirs(&keeper->dirs, err);
    if (r < 0)
        return r;
    memcpy(run->id, keeper->dirs.run, sizeof run->id);
    run->folder = keeper->dirs.disk;
    run->keeper = keeper;
    session_meet(run, &meeting);
    if (meeting.lock < 0 || !join(keeper, meeting.socket)) {
        keeper->linger_s = meeting.lock < 0 ? 0 : meeting.linger_s;
        snprintf(keeper->socket, sizeof keeper->socket, "%s/keeper", keeper->dirs.memory);
        r = start_process(keeper, err);
    }
    tokens_join(run, pool_of(keeper, &meeting), !keeper->shared);
    session_leave(&meeting, keeper->socket);
    return r;
}

const char *keeper_socket(const struct run *run)
{
    return run->keeper ? run->keeper->socket : "";
}

bool keeper_reaped(struct run *run, pid_t pid, int status)
{
    (void)status;
    if (!run->keeper || run->keeper->pid != pid)
        return false;
    run->keeper->pid = 0;
    return true;
}

/* The keeper removes all of the run when our end of its connection closes; waiting for it would only
 * make the user wait. A kept or reused keeper hears "bye" and stays. */
void keeper_finish(struct run *run)
{
    struct keeper *keeper = run->keeper;
    struct buf bye = BUF_INIT(256);
    size_t begin;

    if (!keeper)
        return;
    keeper->finished = true;
    begin = message_begin(&bye);
    message_add_int(&bye, "bye", 1);
    message_end(&bye, begin);
    if (keeper->link.fd >= 0)
        message_send(keeper->link.fd, &bye);
    buf_fini(&bye);
    loop_close(&run->loop, &keeper->link);
    if (keeper->shared) /* that keeper cleans up after its own run only */
        clean_run(&keeper->dirs, &(const pid_t){ getpid() }, 1, NULL);
    buf_fini(&keeper->bytes);
}
