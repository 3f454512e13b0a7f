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
    process.build = message_text(config, "build");
    process.libexec = message_text(config, "libexec");
    process.source_root = message_text(config, "source_root");
    process.parallel = (int)message_int(config, "parallel", 1);
    if (process.parallel < 1)
        process.parallel = 1;
    process.seed = (int)message_int(config, "seed", 0);
    process.flags = (unsigned)message_int(config, "flags", 0);
    process.deadline_ns = (uint64_t)message_int(config, "deadline", 0);
    process.alone = false;
    filter_init(&process.run, run, NULL);
    filter_init(&process.skip, skip, NULL);
    if (marker && strlen(marker) == AGENT_RUN_ID + 1 + AGENT_SERIAL)
        agent.marker = marker + AGENT_RUN_ID + 1;
}

const char *t_keeper_socket(void)
{
    return process.keeper && *process.keeper ? process.keeper : NULL;
}

int t_run_seed(void)
{
    return process.seed;
}

const char *t_libexec(void)
{
    return process.libexec;
}

bool t_wants_natives(void)
{
    return process.flags & AGENT_NATIVES;
}

bool t_wants_containers(void)
{
    return process.flags & AGENT_CONTAINERS;
}

int t_net_mode(void)
{
    return process.flags & AGENT_NET_ALLOW  ? T_NET_ALLOW
           : process.flags & AGENT_NET_WARN ? T_NET_WARN
                                            : T_NET_DENY;
}

bool t_wants_verify(void)
{
    return process.flags & AGENT_VERIFY;
}

bool t_no_skip(void)
{
    return process.flags & AGENT_NO_SKIP;
}

bool t_hooks_are_on(void)
{
    return !(process.flags & AGENT_NO_HOOKS);
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
    struct seam_options options = registry_options(record);
    size_t begin = message_begin(to);

    message_add_text(to, "name", record->name);
    message_add_text(to, "file", options.site.file);
    message_add_int(to, "line", options.site.line);
    message_add_text(to, "tags", options.tags);
    message_add_text(to, "tags", registry_file_tags(options.site.file));
    message_add_text(to, "group", options.group);
    message_add_int(to, "timeout_ms", options.timeout_ms);
    message_add_int(to, "signal", options.signal);
    message_add_int(to, "exit_code", options.exit_code);
    message_add_int(to, "flags",
                    (options.serial ? AGENT_SERIAL_TEST : 0) |
                        (options.exclusive ? AGENT_EXCLUSIVE : 0) |
                        (options.resume ? AGENT_RESUME : 0));
    message_end(to, begin);
}

static SEAM_NORETURN void refuse_twice(const char *what, const char *name, seam_site first,
                                       seam_site second)
{
    struct agent_packet failed = { .op = AGENT_FAILED };
    char words[1024];

    snprintf(words, sizeof words, "two %s are named '%s': %s:%d and %s:%d", what, name,
             first.file, first.line, second.file, second.line);
    say_words(&failed, words);
    exit(EXIT_SETUP);
}

/* Two files of a package may each declare a static test of one name; -run could not tell them apart. */
static void refuse_duplicate_tests(void)
{
    struct map seen = { 0 };

    for (uint32_t i = 0; i < agent.count; i++) {
        const struct seam_test_record *test = agent.tests[i];
        uint32_t *before = map_at(&seen, test->name);

        if (!before)
            _exit(EXIT_SETUP);
        if (*before > 0)
            refuse_twice("tests", test->name, agent.tests[*before - 1]->options->site,
                         test->options->site);
        *before = i + 1;
    }
    map_fini(&seen);
}

static void refuse_duplicate_groups(void)
{
    for (struct seam_group_record *last = registry_groups(); last; last = last->next)
        for (struct seam_group_record *first = last->next; first; first = first->next)
            if (strcmp(first->name, last->name) == 0)
                refuse_twice("groups", last->name, first->options->site, last->options->site);
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
        whole.failed |= one.failed;
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
    size_t size =
        sizeof *hot + (running + 1) * sizeof(struct pollfd) +
        running * (sizeof(struct running) + sizeof(struct granted) + sizeof(uint32_t));

    hot = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (!hot)
        _exit(EXIT_SETUP);
    memset(hot, 0, size);
    hot->running = (struct running *)(hot + 1);
    hot->wait = (struct pollfd *)(hot->running + running);
    hot->queue = (struct granted *)(hot->wait + running + 1);
    hot->backlogs = (uint32_t *)(hot->queue + running);
    for (uint32_t i = 0; i < running; i++)
        hot->backlogs[i] = i;
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
    uint32_t backlog = hot->backlogs[hot->running_count];
    pid_t self = getpid();
    pid_t pid;

    group_enter(agent.tests[granted->test]); /* what it returns, the child finds out again */
    if (__fpending(stdout) > 0 || __fpending(stderr) > 0)
        fflush(NULL);
    pid = fork();
    if (pid == 0)
        child_begin(granted, backlog, self);
    if (pid < 0) {
        agent_cannot_start(granted, "fork");
        return;
    }
    if (!(process.flags & AGENT_NO_GROUPS))
        setpgid(pid, pid);
    hot->running[hot->running_count++] =
        (struct running){ pid, (int)syscall(SYS_pidfd_open, pid, 0), granted->test,
                          granted->serial, backlog };
}

/* Start the one that has waited longest; false when none waits. */
static bool start_queued(void)
{
    const struct granted *first = &hot->queue[hot->queue_first];

    if (hot->queue_count == 0 || hot->running_count == agent.running_max)
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
    char list[512]; /* the first of them, each with a blank behind it */
    ssize_t size = pread(FD_CHILDREN, list, sizeof list - 1, 0);
    char *at = list;
    bool any = false;
    pid_t pid;

    while (size > 0 && list[size - 1] != ' ')
        size--; /* half a number is another process */
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

/* What the test could not write any more; before its end is told. */
static void say_backlog(const struct running *ended)
{
    struct agent_packet events = {
        .op = AGENT_EVENTS, .test = ended->test, .serial = ended->serial, .pid = ended->pid
    };
    struct backlog *backlog =
        agent.backlogs ? backlog_at(agent.backlogs, ended->backlog) : NULL;
    struct text left = backlog ? backlog_left(backlog) : (struct text){ NULL, 0 };
    struct buf whole = BUF_INIT(sizeof events + BACKLOG_SIZE);

    if (left.size == 0)
        return;
    buf_add(&whole, &events, sizeof events);
    buf_add(&whole, left.data, left.size);
    send_whole(&whole);
    buf_fini(&whole);
    backlog_clear(backlog);
}

static void child_ended(size_t index, int status, const struct rusage *used)
{
    struct running ended = hot->running[index];
    bool one_by_one = process.parallel == 1; /* one report ends before the next begins */
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

    say_backlog(&ended);
    hot->running[index] = hot->running[--hot->running_count];
    hot->backlogs[hot->running_count] = ended.backlog;
    exited.flags |= hot->queue_count > 0 ? AGENT_NEXT : 0;
    if (!one_by_one)
        start_queued();
    exited.flags |= has_orphans(0) ? AGENT_ORPHANS : 0;
    agent_say(&exited, NULL, 0);
    if (one_by_one)
        start_queued();
}

static void reap(size_t index)
{
    struct rusage used = { .ru_maxrss = 0 };
    int status = 0;
    pid_t pid = wait4(hot->running[index].pid, &status, WNOHANG, &used);

    if (pid == 0)
        return;
    if (pid < 0) /* a set-up had SIGCHLD ignored: of the end we know what the events say */
        signal(SIGCHLD, SIG_DFL);
    close(hot->running[index].pidfd);
    child_ended(index, status, &used);
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
            group_enter(agent.tests[tests[i]]);
            leaks_begin(false);
            passed &= run_test(agent.tests[tests[i]], tests[i], true);
        }
    groups_tear_down();
    child_end(passed);
}

/* ---- */

/* The runner is gone, or has no more for us. */
static SEAM_NORETURN void end_agent(void)
{
    while (hot->running_count == 0 && has_orphans(SIGKILL)) /* whatever hides its marker */
        machine.poll(NULL, 0, 1);
    groups_tear_down();
    exit(0);
}

/* -isolate none: one packet with the numbers of all tests. */
static void take_all(void)
{
    static struct {
        struct agent_packet packet;
        uint32_t tests[AGENT_TEXT_MAX / sizeof(uint32_t)];
    } all;
    size_t no_fds = 0;
    ssize_t size = io_receive_fds(FD_LINK, &all, sizeof all, NULL, &no_fds);

    if (size < (ssize_t)sizeof all.packet)
        end_agent();
    if (all.packet.op == AGENT_RUN)
        run_here(all.tests, ((size_t)size - sizeof all.packet) / sizeof *all.tests);
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

    if (process.flags & AGENT_ISOLATE_NONE) {
        take_all();
        return;
    }
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
        if (machine.poll(wait, count + 1, -1) < 0 && errno != EINTR)
            return;
        /* From behind: an end moves the last one into its place. */
        for (size_t i = count; i > 0; i--)
            if (wait[i].revents)
                reap(i - 1);
        if (wait[0].revents)
            take_packet();
    }
}

/* Whoever started us, or SEAM_MAIN, may have SIGCHLD ignored; then the kernel would not keep the ends of
 * our children for us. */
static void watch_children(void)
{
    char path[64];
    int fd;

    signal(SIGCHLD, SIG_DFL);
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

/* Tests that are started by exec find theirs by a descriptor. Where there are none events are written at once; so
 * they are with -isolate none, where nobody would find what was kept. */
static void make_backlogs(void)
{
    int fd = -1;

    if (process.flags & AGENT_ISOLATE_NONE)
        return;
    if (process.flags & AGENT_ISOLATE_EXEC) {
        fd = memfd_create("seam-events", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)(agent.running_max * BACKLOG_SIZE)) < 0 ||
            dup3(fd, FD_BACKLOGS, O_CLOEXEC) < 0)
            return;
        close(fd);
        fd = FD_BACKLOGS;
    }
    agent.backlogs = backlog_map(fd, agent.running_max);
}

/* What each test is to inherit. */
static void prepare_forks(void)
{
    watch_children();
    make_backlogs();
    leaks_baseline();
    crash_install();
    malloc_trim(0); /* what the list took need not be copied with each test */
    now_ns(); /* maps the clock's page */
}

/* Whether the runner speaks our version; else say so. */
static bool is_understood(const char *version)
{
    if (*version == ':' && strcmp(version + 1, AGENT_VERSION) == 0)
        return true;
    fprintf(stderr,
            "seam: this program speaks version %s of the runner's protocol, the runner "
            "speaks version '%s'; build it again with the runner's libseam\n",
            AGENT_VERSION, *version == ':' ? version + 1 : "?");
    return false;
}

int agent_main(const char *option, int argc, char **argv)
{
    struct agent_packet hello = { .op = AGENT_HELLO };
    char *version;
    int fd = (int)strtol(option, &version, 10);

    if (!is_understood(version))
        return EXIT_SETUP;
    if (dup3(fd, FD_LINK, O_CLOEXEC) < 0) {
        fprintf(stderr, "seam: cannot use descriptor %d: %s\n    try: ulimit -n 1024\n",
                FD_LINK, strerror(errno));
        return EXIT_SETUP;
    }
    close(fd);
    if (!receive_config())
        return EXIT_SETUP;
    agent.argc = argc;
    agent.argv = argv;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    agent_collect_tests();
    refuse_duplicate_tests();
    refuse_duplicate_groups();
    registry_run_main(argc - 2, argv + 2);
    hello.number = leaks_count_threads();
    if (hello.number > 1)
        process.flags |= AGENT_ISOLATE_EXEC;
    if (is_watched())
        process.flags = (process.flags & ~(unsigned)AGENT_ISOLATE_EXEC) | AGENT_ISOLATE_NONE;
    hello.flags = process.flags | (crash_is_sanitized() ? AGENT_SANITIZED : 0);
    agent_say(&hello, NULL, 0);
    list_tests();
    prepare_forks();
    serve();
    return EXIT_SETUP;
}
