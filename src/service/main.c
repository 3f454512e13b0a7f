/* service/main.c - the program `services`: the keeper of a run, once a service is asked for. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "service/doctor.h"
#include "service/keeper.h"
#include "service/modules/daemon.h"
#include "service/pull.h"
#include "service/serve.h"

enum { KEPT_MAX_S = 3600, PARALLEL_MAX = 1024, DESCRIPTORS = 4 * PARALLEL_MAX };

/* The words of the command line; NULL and false: not given. */
struct options {
    const char *listen, *runner, *run, *memory, *disk, *cache, *parallel, *reuse, *number;
    bool keep;
};

static SEAM_NORETURN void usage(const char *what)
{
    fprintf(stderr,
            "services: %s\n"
            "usage: services --listen=FD --runner=FD --run=ID --dir=FOLDER --disk=FOLDER "
            "--cache=FOLDER "
            "--parallel=N [--keep] [--reuse=SECONDS] [--number=N]\n"
            "This program is started by seam; there is no need to start it by hand.\n",
            what);
    exit(2);
}

/* "RUN.N": what the run's keeper of that number has left. */
static void prune_run(const char *which)
{
    char run[CLEAN_RUN_SIZE + 1];
    size_t size = strcspn(which, ".");

    snprintf(run, sizeof run, "%.*s", (int)size, which);
    daemon_prune_run(run, which[size] ? atoi(which + size + 1) : 0);
}

/* A helper of the runner's or a user's command, without a keeper. Returns false for any other command line. */
static bool help_runner(int argc, char **argv, int *ret_status)
{
    static const char prune[] = "--prune=";

    *ret_status = 0;
    if (argc > 3 && strncmp(argv[1], "--pull", strlen("--pull")) == 0) {
        *ret_status =
            pull_images(argv[2], strcmp(argv[1], "--pull-newest") == 0, argv + 3, argc - 3);
        return true;
    }
    if (argc != 2)
        return false;
    if (strcmp(argv[1], "--doctor") == 0) {
        *ret_status = doctor_services() ? 0 : 1;
        return true;
    }
    if (strcmp(argv[1], "--sweep") == 0)
        daemon_sweep();
    else if (strncmp(argv[1], prune, strlen(prune)) == 0)
        prune_run(argv[1] + strlen(prune));
    else
        return false;
    return true;
}

static void parse(int argc, char **argv, struct options *ret)
{
    const struct {
        struct option option;
        const char **value; /* NULL: it has none */
    } known[] = {
        { { "listen", required_argument, NULL, 0 }, &ret->listen },
        { { "runner", required_argument, NULL, 0 }, &ret->runner },
        { { "run", required_argument, NULL, 0 }, &ret->run },
        { { "dir", required_argument, NULL, 0 }, &ret->memory },
        { { "disk", required_argument, NULL, 0 }, &ret->disk },
        { { "cache", required_argument, NULL, 0 }, &ret->cache },
        { { "parallel", required_argument, NULL, 0 }, &ret->parallel },
        { { "reuse", required_argument, NULL, 0 }, &ret->reuse },
        { { "number", required_argument, NULL, 0 }, &ret->number },
        { { "keep", no_argument, NULL, 0 }, NULL },
    };
    enum { KNOWN = sizeof known / sizeof *known };
    struct option options[KNOWN + 1] = { { 0 } };
    int at;

    *ret = (struct options){ .parallel = "1", .reuse = "0", .number = "0" };
    for (int i = 0; i < KNOWN; i++)
        options[i] = known[i].option;
    for (int found; (found = getopt_long(argc, argv, "", options, &at)) != -1;) {
        if (found != 0)
            usage("wrong option");
        if (known[at].value)
            *known[at].value = optarg;
        else
            ret->keep = true;
    }
    if (!ret->listen || !ret->runner || !ret->run || !ret->memory || !ret->disk || !ret->cache)
        usage("an option is missing");
}

static void copy_path(char *to, size_t size, const char *from)
{
    if (snprintf(to, size, "%s", from) >= (int)size)
        usage("a path is too long");
}

static void take(struct keeper *keeper, const struct options *options)
{
    copy_path(keeper->dirs.run, sizeof keeper->dirs.run, options->run);
    copy_path(keeper->dirs.memory, sizeof keeper->dirs.memory, options->memory);
    copy_path(keeper->dirs.disk, sizeof keeper->dirs.disk, options->disk);
    keeper->listener = atoi(options->listen);
    keeper->first_runner = atoi(options->runner);
    keeper->cache = options->cache;
    keeper->keep = options->keep;
    keeper->reuse_s = atoi(options->reuse);
    keeper->number = atoi(options->number);
    keeper->parallel = atoi(options->parallel);
    if (keeper->parallel < 1 || keeper->parallel > PARALLEL_MAX)
        keeper->parallel = 1;
    keeper->last_ns = now_ns();
    for (int i = 0; i < KEEPER_RUNNERS; i++)
        keeper->runners[i] = -1;
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

/* Wait until nobody is left for long enough, or a signal comes. */
static void await_end(struct keeper *keeper, int signals)
{
    struct pollfd events[] = { { .fd = keeper->wake, .events = POLLIN },
                               { .fd = signals, .events = POLLIN } };
    eventfd_t count;
    int ms;

    while ((ms = left_ms(keeper)) != 0) {
        if (poll(events, 2, ms) < 0 && errno != EINTR)
            return;
        if (events[0].revents)
            eventfd_read(keeper->wake, &count);
        if (events[1].revents)
            return;
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

/* A lease takes two or three descriptors, and hundreds of tests may run at once. */
static void allow_many_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Take hold of the run's folders and of what the main loop waits for. */
static int begin(struct keeper *keeper, int *ret_signals)
{
    close_range(STDERR_FILENO + 1, ~0u,
                CLOSE_RANGE_CLOEXEC); /* what we inherited is not for servers */
    keeper->dirs.lock_disk = clean_lock(keeper->dirs.disk);
    if (keeper->dirs.lock_disk < 0)
        return keeper->dirs.lock_disk;
    keeper->dirs.lock_memory = clean_lock(keeper->dirs.memory);
    keeper->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *ret_signals = catch_signals();
    if (keeper->wake < 0 || *ret_signals < 0)
        return -errno;
    return child_begin();
}

int main(int argc, char **argv)
{
    static struct keeper keeper = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct options options;
    int signals, r;

    if (help_runner(argc, argv, &r))
        return r;
    parse(argc, argv, &options);
    take(&keeper, &options);
    forget_environment();
    allow_many_descriptors();
    r = begin(&keeper, &signals);
    if (r < 0) {
        fprintf(stderr, "services: cannot begin: %s\n", strerror(-r));
        return 1;
    }
    leave_terminal(&keeper);
    if (serve_begin(&keeper))
        await_end(&keeper, signals);
    serve_end(&keeper);
}
