/* service/main.c - the program `services`: the keeper of a run, once a service is asked for. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "service/keeper.h"
#include "service/serve.h"

enum { KEPT_MAX_S = 3600, PARALLEL_MAX = 1024 };

struct options {
    int listen, runner;
};

static SEAM_NORETURN void usage(const char *what)
{
    fprintf(stderr,
            "services: %s\n"
            "usage: services --listen=FD --runner=FD --run=ID --dir=FOLDER --disk=FOLDER "
            "--cache=FOLDER "
            "--parallel=N [--keep] [--reuse=SECONDS]\n"
            "This program is started by seam; there is no need to start it by hand.\n",
            what);
    exit(2);
}

static void copy_path(char *to, size_t size, const char *from)
{
    if (snprintf(to, size, "%s", from) >= (int)size)
        usage("a path is too long");
}

static void parse(int argc, char **argv, struct keeper *keeper, struct options *ret)
{
    static const struct option known[] = {
        { "listen", required_argument, NULL, 'l' },
        { "runner", required_argument, NULL, 'r' },
        { "run", required_argument, NULL, 'i' },
        { "dir", required_argument, NULL, 'd' },
        { "disk", required_argument, NULL, 'D' },
        { "cache", required_argument, NULL, 'c' },
        { "parallel", required_argument, NULL, 'p' },
        { "keep", no_argument, NULL, 'k' },
        { "reuse", required_argument, NULL, 'R' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    *ret = (struct options){ -1, -1 };
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'l':
            ret->listen = atoi(optarg);
            break;
        case 'r':
            ret->runner = atoi(optarg);
            break;
        case 'i':
            copy_path(keeper->dirs.run, sizeof keeper->dirs.run, optarg);
            break;
        case 'd':
            copy_path(keeper->dirs.memory, sizeof keeper->dirs.memory, optarg);
            break;
        case 'D':
            copy_path(keeper->dirs.disk, sizeof keeper->dirs.disk, optarg);
            break;
        case 'c':
            keeper->cache = optarg;
            break;
        case 'p':
            keeper->parallel = atoi(optarg);
            break;
        case 'k':
            keeper->keep = true;
            break;
        case 'R':
            keeper->reuse_s = atoi(optarg);
            break;
        default:
            usage("wrong option");
        }
    }
    if (ret->listen < 0 || ret->runner < 0 || !keeper->cache || !keeper->dirs.run[0] ||
        !keeper->dirs.memory[0] || !keeper->dirs.disk[0])
        usage("an option is missing");
    if (keeper->parallel < 1 || keeper->parallel > PARALLEL_MAX)
        keeper->parallel = 1;
}

/* The user's settings of libpq are about the user's own servers. */
static void forget_environment(void)
{
    char name[64];

    for (char **at = environ; *at;) {
        size_t size = strcspn(*at, "=");

        if (strncmp(*at, "PG", 2) != 0 || size >= sizeof name) {
            at++;
            continue;
        }
        memcpy(name, *at, size);
        name[size] = '\0';
        unsetenv(name);
        at = environ; /* it has moved what follows */
    }
}

/* Milliseconds until the keeper may end; 0: now, -1: not while somebody is there. Without a wish to be
 * used again, leases that outlive the last runner do not count: their tests are over. Under -keep each of
 * them may still have to be held. */
static int left_ms(struct keeper *keeper)
{
    int seconds = keeper->reuse_s, runners = 0, ms = -1;

    pthread_mutex_lock(&keeper->lock);
    for (int i = 0; i < KEEPER_RUNNERS; i++)
        runners += keeper->runners[i] >= 0;
    if (keeper->held > 0 && seconds < KEPT_MAX_S)
        seconds = KEPT_MAX_S;
    if (runners == 0 && seconds == 0 && !keeper->keep)
        ms = 0;
    else if (keeper->connections == 0)
        ms = deadline_poll_ms(keeper->last_ns + (uint64_t)seconds * 1000000000u);
    pthread_mutex_unlock(&keeper->lock);
    return ms;
}

static int catch_signals(void)
{
    sigset_t ends;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

static SEAM_NORETURN void serve_all(struct keeper *keeper, int listener, int signals)
{
    struct pollfd events[] = { { .fd = listener, .events = POLLIN },
                               { .fd = keeper->wake, .events = POLLIN },
                               { .fd = signals, .events = POLLIN } };
    eventfd_t count;

    for (;;) {
        int ms = left_ms(keeper);

        if (poll(events, 3, ms) < 0 && errno != EINTR)
            serve_end(keeper);
        if (events[1].revents)
            eventfd_read(keeper->wake, &count);
        if (events[0].revents) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0)
                serve_connection(keeper, fd);
        } else if (events[2].revents || left_ms(keeper) == 0)
            serve_end(keeper);
    }
}

/* Whoever reads the runner's output waits until all have closed it, and we may stay longer. */
static void leave_terminal(const struct keeper *keeper)
{
    char path[sizeof keeper->dirs.disk + 16];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log;

    snprintf(path, sizeof path, "%s/keeper.log", keeper->dirs.disk);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(log >= 0 ? log : null, STDOUT_FILENO);
    dup2(log >= 0 ? log : null, STDERR_FILENO);
}

int main(int argc, char **argv)
{
    static struct keeper keeper = { .lock = PTHREAD_MUTEX_INITIALIZER, .dirs.lock_disk = -1 };
    struct options options;
    int signals;

    parse(argc, argv, &keeper, &options);
    forget_environment();
    for (int i = 0; i < KEEPER_RUNNERS; i++)
        keeper.runners[i] = -1;
    close_range(STDERR_FILENO + 1, ~0u,
                CLOSE_RANGE_CLOEXEC); /* what we inherited is not for servers */
    keeper.dirs.lock_disk = clean_lock(keeper.dirs.disk);
    keeper.dirs.lock_memory = clean_lock(keeper.dirs.memory);
    keeper.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    keeper.last_ns = now_ns();
    signals = catch_signals();
    if (keeper.dirs.lock_disk < 0 || keeper.wake < 0 || signals < 0 || child_begin() < 0) {
        fprintf(stderr, "services: cannot begin: %s\n", strerror(errno));
        return 1;
    }
    leave_terminal(&keeper);
    serve_first_runner(&keeper, options.runner);
    serve_all(&keeper, options.listen, signals);
}
