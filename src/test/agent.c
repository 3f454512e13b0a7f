/*
 * test/agent.c - the part of a test program that runs tests on the runner's word.
 *
 * The agent loads once, lists its tests, and forks a child for each test while it has one thread.
 * It waits for its children and says how they ended; all judgement is the runner's.
 */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/message.h"
#include "events/agent_link.h"
#include "test/agent.h"

struct agent agent;
struct hot *hot;

/* ---- configuration */

/* The runner matches top-level names; only what says more about subtests needs an engine here. */
static char *deep_pattern(const struct message *config, const char *key)
{
    char *pattern = message_text(config, key);

    if (pattern && strchr(pattern, '/'))
        return pattern;
    free(pattern);
    return NULL;
}

void agent_take_config(const struct message *config)
{
    char *nonce = message_text(config, "nonce");
    char *run = deep_pattern(config, "run");
    char *skip = deep_pattern(config, "skip");
    char *marker = getenv(AGENT_MARKER);

    snprintf(process.nonce, sizeof process.nonce, "%s", nonce ? nonce : "");
    free(nonce);
    process.keeper = message_text(config, "keeper");
    process.folder = message_text(config, "folder");
    process.artifacts = message_text(config, "artifacts");
    process.source_root = message_text(config, "source_root");
    process.parallel = (int)message_int(config, "parallel", 1);
    process.flags = (unsigned)message_int(config, "flags", 0);
    process.deadline_ns = (uint64_t)message_int(config, "deadline", 0);
    process.alone = false;
    filter_init(&process.run, run, NULL);
    filter_init(&process.skip, skip, NULL);
    if (marker && strlen(marker) == AGENT_RUN_ID + 1 + AGENT_SERIAL)
        agent.marker = marker + AGENT_RUN_ID + 1;
    process.test_id = marker ? marker : "";
}

const char *t_keeper_socket(void)
{
    return process.keeper && *process.keeper ? process.keeper : NULL;
}

bool t_wants_containers(void)
{
    return process.flags & AGENT_CONTAINERS;
}

const char *t_test_id(void)
{
    return process.test_id ? process.test_id : "";
}

/* ---- packets */

void agent_say(const struct agent_packet *packet, const int *fds, size_t count)
{
    if (io_send_fds(FD_LINK, packet, sizeof *packet, fds, count) < 0)
        _exit(EXIT_SETUP);
}

static void send_whole(const struct buf *whole)
{
    if (whole->failed || io_send_fds(FD_LINK, whole->data, whole->size, NULL, 0) < 0)
        _exit(EXIT_SETUP);
}

static void say_words(const struct agent_packet *packet, const char *words)
{
    struct buf whole = BUF_INIT(AGENT_TEXT_MAX);

    buf_add(&whole, packet, sizeof *packet);
    buf_add_text(&whole, words);
    send_whole(&whole);
    buf_fini(&whole);
}

static unsigned count_threads(void)
{
    struct stat tasks;

    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2
               ? (unsigned)tasks.st_nlink - 2
               : 1;
}

/* Under a debugger or valgrind tests run in this process and have no time-outs. */
static bool is_watched(void)
{
    struct buf status = BUF_INIT(64 << 10);
    const char *preload = getenv("LD_PRELOAD");
    bool watched = false;

    if (io_read_file("/proc/self/status", &status) == 0) {
        const char *tracer = strstr(buf_text(&status), "TracerPid:");

        watched = tracer && atoi(tracer + strlen("TracerPid:")) != 0;
    }
    buf_fini(&status);
    return watched || (preload && strstr(preload, "vgpreload"));
}

static void add_test(struct buf *to, const struct seam_test_record *record)
{
    static const struct seam_options none;
    const struct seam_options *o = record->options;
    const struct seam_options *file = registry_file(o->site.file);
    size_t begin = message_begin(to);

    if (!file)
        file = &none;
    message_add_text(to, "name", record->name);
    message_add_text(to, "file", o->site.file);
    message_add_int(to, "line", o->site.line);
    message_add_text(to, "tags", o->tags);
    message_add_text(to, "tags", file->tags);
    message_add_text(to, "group", o->group ? o->group : file->group);
    message_add_int(to, "timeout_ms", o->timeout_ms ? o->timeout_ms : file->timeout_ms);
    message_add_int(to, "signal", o->signal);
    message_add_int(to, "exit_code", o->exit_code);
    message_add_int(to, "flags",
                    (o->serial || file->serial ? AGENT_SERIAL_TEST : 0) |
                        (o->exclusive || file->exclusive ? AGENT_EXCLUSIVE : 0) |
                        (o->resume || file->resume ? AGENT_RESUME : 0));
    message_end(to, begin);
}

/* Two files of a package may each declare a static test of one name; -run could not tell them apart. */
static void refuse_duplicates(void)
{
    struct agent_packet failed = { .op = AGENT_FAILED };
    struct map seen = { 0 };

    for (uint32_t i = 0; i < agent.count; i++) {
        uint32_t *before = map_at(&seen, agent.tests[i]->name);
        char words[1024];

        if (before && *before == 0) {
            *before = i + 1;
            continue;
        }
        snprintf(words, sizeof words, "two tests are named '%s': %s:%d and %s:%d",
                 agent.tests[i]->name,
                 agent.tests[before ? *before - 1 : i]->options->site.file,
                 agent.tests[before ? *before - 1 : i]->options->site.line,
                 agent.tests[i]->options->site.file, agent.tests[i]->options->site.line);
        say_words(&failed, words);
        exit(1);
    }
    map_fini(&seen);
}

/* As many frames in a packet as fit: ten thousand tests are a few hundred packets. */
static void list_tests(void)
{
    struct agent_packet packet = { .op = AGENT_TESTS };
    struct agent_packet listed = { .op = AGENT_LISTED };
    struct buf whole = BUF_INIT(4 * AGENT_TEXT_MAX);
    struct buf one = BUF_INIT(AGENT_TEXT_MAX);

    buf_add(&whole, &packet, sizeof packet);
    for (uint32_t i = 0; i < agent.count; i++) {
        buf_clear(&one);
        add_test(&one, agent.tests[i]);
        if (whole.size + one.size > sizeof packet + AGENT_TEXT_MAX) {
            send_whole(&whole);
            packet.test = i;
            buf_clear(&whole);
            buf_add(&whole, &packet, sizeof packet);
        }
        buf_add(&whole, one.data, one.size);
    }
    send_whole(&whole);
    agent_say(&listed, NULL, 0);
    buf_fini(&one);
    buf_fini(&whole);
}

static void make_hot(size_t running)
{
    size_t size = sizeof *hot + running * sizeof(struct running) +
                  (running + 1) * sizeof(struct pollfd) + running * sizeof(struct granted);

    hot = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (!hot)
        _exit(EXIT_SETUP);
    memset(hot, 0, size);
    hot->running = (struct running *)(hot + 1);
    hot->wait = (struct pollfd *)(hot->running + running);
    hot->queue = (struct granted *)(hot->wait + running + 1);
    agent.running_max = running;
}

void agent_collect_tests(void)
{
    uint32_t i = 0;

    agent.count = (uint32_t)registry_count();
    agent.tests = calloc(agent.count + 1, sizeof(struct seam_test_record *));
    if (!agent.tests)
        _exit(EXIT_SETUP);
    make_hot((size_t)process.parallel + RUNNING_SPARE);
    for (struct seam_test_record *record = registry_tests(); record; record = record->next)
        agent.tests[i++] = record;
}

/* ---- groups: set up in the agent, before the first fork of a test that is in one */

static struct map group_states; /* 0 new, 1 ready, 2 failed */
static int group_error; /* what the last set-up that failed returned */

const char *agent_group_of(const struct seam_test_record *record)
{
    const struct seam_options *file = registry_file(record->options->site.file);

    return record->options->group ? record->options->group : file ? file->group : NULL;
}

bool agent_group_ready(const struct seam_test_record *record)
{
    struct seam_group_record *group = registry_group(agent_group_of(record));
    uint32_t *state = group ? map_at(&group_states, group->name) : NULL;

    if (!state)
        return true;
    if (*state == 0) {
        int r = group->options->setup ? group->options->setup() : 0;

        *state = r == 0 ? 1 : 2;
        if (r != 0)
            group_error = r;
    }
    return *state == 1;
}

int agent_group_error(void)
{
    return group_error;
}

static void tear_groups_down(void)
{
    for (struct seam_group_record *group = registry_groups(); group; group = group->next) {
        uint32_t *state = map_find(&group_states, group->name);

        if (state && *state == 1 && group->options->teardown)
            group->options->teardown();
    }
}

/* ---- starting and reaping */

void agent_cannot_start(const struct granted *granted, const char *what)
{
    struct agent_packet failed = {
        .op = AGENT_FAILED, .test = granted->test, .serial = granted->serial, .status = errno
    };
    char words[256];

    snprintf(words, sizeof words, "cannot start the test: %s: %s", what, strerror(errno));
    say_words(&failed, words);
}

static void start_test(const struct granted *granted)
{
    bool ready = agent_group_ready(agent.tests[granted->test]);
    pid_t self = getpid();
    pid_t pid;

    if (__fpending(stdout) > 0 || __fpending(stderr) > 0)
        fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_begin(granted, self, ready);
    if (pid < 0) {
        agent_cannot_start(granted, "fork");
        return;
    }
    if (!(process.flags & AGENT_NO_GROUPS))
        setpgid(pid, pid);
    hot->running[hot->running_count++] =
        (struct running){ pid, (int)syscall(SYS_pidfd_open, pid, 0), granted->test,
                          granted->serial };
}

/* Start the one that has waited longest; false when none waits. */
static bool start_queued(void)
{
    const struct granted *first = &hot->queue[hot->queue_first];

    if (hot->queue_count == 0)
        return false;
    hot->queue_first = (hot->queue_first + 1) % agent.running_max;
    hot->queue_count--;
    start_test(first);
    return true;
}

static bool is_test(pid_t pid)
{
    for (size_t i = 0; i < hot->running_count; i++)
        if (hot->running[i].pid == pid)
            return true;
    return false;
}

/* Processes that daemonise fall to us (subreaper), and so do children of a test that ends before them:
 * whatever child is no test has been left over by one. Those that have ended too are reaped. */
static bool has_orphans(int number)
{
    char list[512]; /* the first of them */
    ssize_t size = pread(FD_CHILDREN, list, sizeof list - 1, 0);
    char *at = list;
    bool any = false;
    pid_t pid;

    list[size < 0 ? 0 : size] = '\0';
    while ((pid = (pid_t)strtol(at, &at, 10)) > 0) {
        if (is_test(pid))
            continue;
        any = true;
        if (waitpid(pid, NULL, WNOHANG) == 0 && number != 0)
            kill(pid, number);
    }
    return any;
}

static bool group_is_left(pid_t group)
{
    return !(process.flags & AGENT_NO_GROUPS) && kill(-group, 0) == 0;
}

static void child_ended(size_t index, int status, const struct rusage *used)
{
    struct running ended = hot->running[index];
    bool alone =
        process.parallel == 1; /* then the report of one test ends before the next begins */
    struct agent_packet exited = {
        .op = AGENT_EXITED,
        .test = ended.test,
        .serial = ended.serial,
        .pid = ended.pid,
        .status = status,
        .flags = group_is_left(ended.pid) ? AGENT_GROUP_LEFT : 0,
        .cpu_us = (uint64_t)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(used->ru_utime.tv_usec + used->ru_stime.tv_usec),
        .peak_kb = (uint64_t)used->ru_maxrss,
    };

    hot->running[index] = hot->running[--hot->running_count];
    exited.flags |= hot->queue_count > 0 ? AGENT_NEXT : 0;
    if (!alone)
        start_queued();
    exited.flags |= has_orphans(0) ? AGENT_ORPHANS : 0;
    agent_say(&exited, NULL, 0);
    if (alone)
        start_queued();
}

static void reap(size_t index)
{
    struct rusage used;
    int status;

    if (wait4(hot->running[index].pid, &status, WNOHANG, &used) > 0) {
        close(hot->running[index].pidfd);
        child_ended(index, status, &used);
    }
}

/* ---- -isolate none: one pair of pipes, all tests here */

static void run_here(const uint32_t *tests, size_t count)
{
    struct agent_packet started = { .op = AGENT_STARTED, .pid = getpid() };
    int output[2], events[2], fds[3];
    bool passed = true;

    if (pipe2(output, O_CLOEXEC) < 0 || pipe2(events, O_CLOEXEC) < 0)
        _exit(EXIT_SETUP);
    fds[0] = (int)syscall(SYS_pidfd_open, started.pid, 0);
    if (fds[0] < 0) /* valgrind does not know it; the runner then goes by the pid */
        fds[0] = dup(events[0]);
    fds[1] = output[0];
    fds[2] = events[0];
    dup2(output[1], STDOUT_FILENO);
    dup2(output[1], STDERR_FILENO);
    emit_begin(dup3(events[1], FD_EVENTS, O_CLOEXEC), dup3(output[1], FD_OUTPUT, O_CLOEXEC));
    agent_say(&started, fds, 3);
    for (int i = 0; i < 2; i++) {
        close(output[i]);
        close(events[i]);
    }
    close(fds[0]);
    leaks_baseline();
    for (size_t i = 0; i < count; i++)
        if (tests[i] < agent.count) {
            process.nodes = 0;
            leaks_begin(false);
            agent_group_ready(agent.tests[tests[i]]);
            passed &= run_test(agent.tests[tests[i]], tests[i], true);
        }
    tear_groups_down();
    child_end(passed);
}

/* ---- */

/* The runner is gone, or has no more for us. */
static SEAM_NORETURN void end_agent(void)
{
    while (hot->running_count == 0 && has_orphans(SIGKILL)) /* whatever hides its marker */
        poll(NULL, 0, 1);
    tear_groups_down();
    exit(0);
}

/* -isolate none: one packet with the numbers of all tests. */
static void take_all(void)
{
    static char data[sizeof(struct agent_packet) + AGENT_TEXT_MAX];
    size_t no_fds = 0;
    ssize_t size = io_receive_fds(FD_LINK, data, sizeof data, NULL, &no_fds);

    if (size < (ssize_t)sizeof(struct agent_packet))
        end_agent();
    run_here((const uint32_t *)(void *)(data + sizeof(struct agent_packet)),
             ((size_t)size - sizeof(struct agent_packet)) / sizeof(uint32_t));
}

/* Start it, or let it wait for the end of another one. */
static void take_grant(const struct granted *granted, bool when_free)
{
    if (!when_free && hot->running_count < agent.running_max)
        start_test(granted);
    else if (hot->queue_count < agent.running_max)
        hot->queue[(hot->queue_first + hot->queue_count++) % agent.running_max] = *granted;
    else {
        errno = ENOBUFS;
        agent_cannot_start(granted, "more tests are granted than can wait");
    }
}

static void take_packet(void)
{
    struct agent_packet *packet = &hot->packet;
    size_t no_fds = 0;
    ssize_t size;

    if (process.flags & AGENT_ISOLATE_NONE)
        take_all();
    size = io_receive_fds(FD_LINK, packet, sizeof *packet, NULL, &no_fds);
    if (size <= 0)
        end_agent();
    if (size < (ssize_t)sizeof *packet)
        return;
    if (packet->op == AGENT_START_NEXT && !start_queued()) {
        struct agent_packet nothing = { .op = AGENT_NOTHING };

        agent_say(&nothing, NULL, 0);
    }
    if (packet->op == AGENT_START_NONE)
        hot->queue_count = 0;
    if (packet->op == AGENT_RUN && packet->test < agent.count) {
        struct granted granted = { packet->test, packet->serial, packet->number };

        take_grant(&granted, packet->flags & AGENT_WHEN_FREE);
    }
}

static void serve(void)
{
    struct pollfd *wait = hot->wait;

    for (;;) {
        size_t count = hot->running_count;

        wait[0] = (struct pollfd){ .fd = FD_LINK, .events = POLLIN };
        for (size_t i = 0; i < count; i++)
            wait[i + 1] = (struct pollfd){ .fd = hot->running[i].pidfd, .events = POLLIN };
        if (poll(wait, count + 1, -1) < 0 && errno != EINTR)
            return;
        for (size_t i = count; i > 0;
             i--) /* from behind: an end moves the last one into its place */
            if (wait[i].revents)
                reap(i - 1);
        if (wait[0].revents)
            take_packet();
    }
}

static void watch_children(void)
{
    char path[64];
    int fd;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        dup3(fd, FD_CHILDREN, O_CLOEXEC);
        close(fd);
    }
}

static bool receive_config(void)
{
    char data[sizeof(struct agent_packet) + AGENT_TEXT_MAX];
    struct message frame;
    size_t no_fds = 0;
    ssize_t size = io_receive_fds(FD_LINK, data, sizeof data, NULL, &no_fds);

    if (size < (ssize_t)sizeof(struct agent_packet))
        return false;
    agent.config = BUF_INIT(MESSAGE_MAX);
    buf_add(&agent.config, data + sizeof(struct agent_packet),
            (size_t)size - sizeof(struct agent_packet));
    if (message_parse(agent.config.data, agent.config.size, &frame) <= 0)
        return false;
    agent_take_config(&frame);
    return true;
}

int agent_main(const char *option, int argc, char **argv)
{
    struct agent_packet hello = { .op = AGENT_HELLO };
    char *version;
    int fd = (int)strtol(option, &version, 10);

    if (*version != ':' || strcmp(version + 1, AGENT_VERSION) != 0) {
        fprintf(stderr,
                "seam: this program speaks version %s of the runner's protocol, the runner "
                "speaks version '%s'; build it again with the runner's libseam\n",
                AGENT_VERSION, *version == ':' ? version + 1 : "?");
        return EXIT_SETUP;
    }
    if (dup3(fd, FD_LINK, O_CLOEXEC) < 0 || !receive_config())
        return EXIT_SETUP;
    close(fd);
    agent.argc = argc;
    agent.argv = argv;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    agent_collect_tests();
    refuse_duplicates();
    registry_run_main(argc - 2, argv + 2);
    hello.number = count_threads();
    if (hello.number > 1)
        process.flags |= AGENT_ISOLATE_EXEC;
    if (is_watched())
        process.flags = (process.flags & ~(unsigned)AGENT_ISOLATE_EXEC) | AGENT_ISOLATE_NONE;
    hello.flags = process.flags | (crash_is_sanitized() ? AGENT_SANITIZED : 0);
    agent_say(&hello, NULL, 0);
    list_tests();
    watch_children();
    leaks_baseline();
    crash_install();
    malloc_trim(0); /* what the list took need not be copied with each test */
    now_ns(); /* maps the clock's page, which children then inherit */
    serve();
    return EXIT_SETUP;
}
