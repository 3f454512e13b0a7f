/* runner/agent.c - the runner's side of a test program: start it, take its list, hand it tests. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/message.h"
#include "base/proc.h"
#include "runner/keeper.h"
#include "runner/run.h"

enum { SAID_MAX = 16 << 10, ARGS_MAX = 64 };

/* ---- starting */

static void send_config(struct agent *agent)
{
    struct run *run = agent->package->run;
    const struct options *options = run->options;
    struct agent_packet packet = { .op = AGENT_CONFIG };
    struct buf whole = BUF_INIT(AGENT_TEXT_MAX);
    char *build = options->build ? realpath(options->build, NULL) : NULL;
    size_t begin;
    int flags = 0;

    flags |= options->short_run ? AGENT_SHORT : 0;
    flags |= options->update ? AGENT_UPDATE : 0;
    flags |= options->no_skip ? AGENT_NO_SKIP : 0;
    flags |= options->leaks != LEAKS_OFF ? AGENT_LEAKS : 0;
    flags |= options->services == SERVICES_DOCKER ? AGENT_CONTAINERS : 0;
    flags |= options->services == SERVICES_NATIVE ? AGENT_NATIVES : 0;
    flags |= options->net == NET_WARN ? AGENT_NET_WARN : 0;
    flags |= options->net == NET_ALLOW ? AGENT_NET_ALLOW : 0;
    flags |= options->hooks == HOOKS_OFF ? AGENT_NO_HOOKS : 0;
    flags |= options->verify ? AGENT_VERIFY : 0;
    flags |= run->no_groups ? AGENT_NO_GROUPS : 0;
    flags |= options->isolate == ISOLATE_EXEC ? AGENT_ISOLATE_EXEC : 0;
    flags |= options->isolate == ISOLATE_NONE ? AGENT_ISOLATE_NONE : 0;
    buf_add(&whole, &packet, sizeof packet);
    begin = message_begin(&whole);
    message_add_text(&whole, "nonce", run->nonce);
    message_add_text(&whole, "keeper", keeper_socket(run));
    message_add_text(&whole, "folder", run->folder);
    message_add_text(&whole, "source_root", agent->package->folder);
    message_add_text(&whole, "artifacts", options->artifacts);
    message_add_text(&whole, "build", build);
    message_add_text(&whole, "libexec", run->libexec);
    message_add_text(&whole, "run", options->run);
    message_add_text(&whole, "skip", options->skip);
    message_add_int(&whole, "parallel", options->parallel);
    message_add_int(&whole, "seed", options->seed);
    message_add_int(&whole, "flags", flags);
    message_add_int(&whole, "deadline", (int64_t)run->deadline_ns);
    message_end(&whole, begin);
    io_send_fds(agent->link.fd, whole.data, whole.size, NULL, 0);
    buf_fini(&whole);
    free(build);
}

/* The words of -exec, then the program and the option that makes it an agent. */
static void build_arguments(const struct package *package, char *option, char **argv,
                            char *exec)
{
    char *save = NULL;
    int count = 0;

    for (char *word = exec ? strtok_r(exec, " ", &save) : NULL; word && count < ARGS_MAX - 3;
         word = strtok_r(NULL, " ", &save))
        argv[count++] = word;
    argv[count++] = (char *)package->binary;
    argv[count++] = option;
    argv[count] = NULL;
}

/* ThreadSanitizer lets a program with threads sleep for a second before it exits; with a server or a mock each
 * test is one. What the user has set comes after, and counts. */
static void set_environment(const struct run *run)
{
    const char *set = getenv("TSAN_OPTIONS");
    char marker[64], options[4096];

    snprintf(marker, sizeof marker, "%s.%0*u", run->id, AGENT_SERIAL, 0);
    setenv(AGENT_MARKER, marker, 1);
    if (run->options->race && snprintf(options, sizeof options, "atexit_sleep_ms=0:%s",
                                       set ? set : "") < (int)sizeof options)
        setenv("TSAN_OPTIONS", options, 1);
}

static SEAM_NORETURN void be_agent(const struct package *package, pid_t parent, int link,
                                   int output)
{
    const struct run *run = package->run;
    char *exec = run->options->exec ? strdup(run->options->exec) : NULL;
    char option[64];
    char *argv[ARGS_MAX];
    int null;

    if (!run->no_groups)
        setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    proc_signals_for_exec(&run->signals_before);
    null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (null > 2)
        close(null);
    fcntl(link, F_SETFD, 0);
    set_environment(run);
    snprintf(option, sizeof option, AGENT_OPTION "%d:" AGENT_VERSION, link);
    build_arguments(package, option, argv, exec);
    if (chdir(package->folder) == 0)
        execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "cannot start '%s' in '%s': %s\n", argv[0], package->folder,
            strerror(errno));
    _exit(127);
}

static void agent_link_ready(struct watch *watch, uint32_t events);

static void agent_output_ready(struct watch *watch, uint32_t events)
{
    struct agent *agent = watch->owner;
    char bytes[4096];
    ssize_t n = read(watch->fd, bytes, sizeof bytes);

    (void)events;
    if (n <= 0) {
        loop_close(&agent->package->run->loop, watch);
        return;
    }
    if (agent->said.size + (size_t)n > SAID_MAX)
        buf_drop(&agent->said, agent->said.size / 2);
    buf_add(&agent->said, bytes, (size_t)n);
}

int agent_start(struct package *package)
{
    struct run *run = package->run;
    struct agent *agent = calloc(1, sizeof *agent);
    int link[2] = { -1, -1 };
    int output[2] = { -1, -1 };
    pid_t self = getpid();
    int r = 0;

    if (!agent || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) < 0 ||
        pipe2(output, O_CLOEXEC) < 0) {
        r = -errno;
        goto out;
    }
    agent->package = package;
    agent->said = BUF_INIT(SAID_MAX);
    agent->in_process = run->options->isolate == ISOLATE_NONE;
    package->agent = agent;
    agent->pid = fork();
    if (agent->pid == 0)
        be_agent(package, self, link[1], output[1]);
    if (agent->pid < 0) {
        r = -errno;
        package->agent = NULL;
        goto out;
    }
    if (!run->no_groups)
        setpgid(agent->pid, agent->pid);
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    fcntl(link[0], F_SETFL, O_NONBLOCK);
    loop_add(&run->loop, &agent->link, link[0], agent_link_ready, agent);
    loop_add(&run->loop, &agent->output, output[0], agent_output_ready, agent);
    send_config(agent);
    link[0] = output[0] = -1;
    agent = NULL;
out:
    for (int i = 0; i < 2; i++) {
        io_close(&link[i]);
        io_close(&output[i]);
    }
    free(agent);
    return r;
}

/* ---- its list of tests */

static bool has_word(const char *words, struct text word)
{
    for (const char *at = words; at && *at;) {
        size_t size = strcspn(at, ", ");

        if (size == word.size && memcmp(at, word.data, size) == 0)
            return true;
        at += size + strspn(at + size, ", ");
    }
    return false;
}

/* All tags that a test names must have been given. */
static bool tags_given(const struct options *options, const struct message *frame)
{
    struct message key, value;
    size_t at = 0;

    while (message_next(frame, &at, &key, &value) == 1)
        if (key.size == 4 && memcmp(key.data, "tags", 4) == 0)
            for (size_t i = 0; i < value.size;) {
                size_t size = 0;

                while (i + size < value.size && !strchr(", ", value.data[i + size]))
                    size++;
                if (size > 0 && !has_word(options->tags, (struct text){ value.data + i, size }))
                    return false;
                i += size + 1;
            }
    return true;
}

static bool is_text(const char *text, struct message value)
{
    return text ? value.data && strlen(text) == value.size &&
                      memcmp(text, value.data, value.size) == 0
                : !value.data;
}

static const char *keep_text(struct run *run, const char *before, struct message value)
{
    if (before && is_text(before, value))
        return before;
    return value.data ? arena_copy(&run->arena, value.data, value.size) : NULL;
}

/* What the frame declares, shared with the test before it when that declared the same. */
static const struct declaration *take_declaration(struct package *package,
                                                  const struct message *frame)
{
    const struct declaration *last = package->declared;
    struct message file = message_value(frame, "file"), group = message_value(frame, "group");
    struct declaration *declared;
    struct declaration now = {
        .package = package,
        .flags = (uint32_t)message_int(frame, "flags", 0),
        .timeout_ms = (int)message_int(frame, "timeout_ms", 0),
        .signal = (int)message_int(frame, "signal", 0),
        .exit_code = (int)message_int(frame, "exit_code", 0),
    };

    if (last && last->flags == now.flags && last->timeout_ms == now.timeout_ms &&
        last->signal == now.signal && last->exit_code == now.exit_code &&
        is_text(last->file, file) && is_text(last->group, group))
        return last;
    declared = arena_zero(&package->run->arena, sizeof *declared);
    now.file = keep_text(package->run, last ? last->file : NULL, file);
    now.group = keep_text(package->run, last ? last->group : NULL, group);
    *declared = now;
    return package->declared = declared;
}

static struct test *add_test(struct package *package)
{
    if (package->test_count == package->test_room) {
        uint32_t room = package->test_room ? package->test_room * 2 : 64;
        struct test *wider = realloc(package->tests, room * sizeof *wider);

        if (!wider)
            arena_give_up(room * sizeof *wider);
        package->tests = wider;
        package->test_room = room;
    }
    package->tests[package->test_count] = (struct test){ 0 };
    return &package->tests[package->test_count++];
}

static bool has_conditions(const struct declaration *declared)
{
    return declared->group || declared->flags & (AGENT_SERIAL_TEST | AGENT_EXCLUSIVE);
}

static void take_test(struct package *package, const struct message *frame)
{
    struct run *run = package->run;
    struct test *test = add_test(package);

    test->declared = take_declaration(package, frame);
    test->name = keep_text(run, NULL, message_value(frame, "name"));
    test->line = (int)message_int(frame, "line", 0);
    if (filter_match(&run->filter, test->name) == FILTER_NO ||
        (run->skip.text && filter_match(&run->skip, test->name) == FILTER_FULL))
        return;
    if (!tags_given(run->options, frame)) {
        package->gated++;
        return;
    }
    test->state = TEST_PENDING;
    package->conditional += has_conditions(test->declared);
    package->left++;
    run->selected++;
}

static void take_tests(struct package *package, const char *data, size_t size)
{
    struct message frame;
    long whole;

    if (package->listed)
        return; /* a second agent of the package tells what is known */
    while ((whole = message_parse(data, size, &frame)) > 0) {
        take_test(package, &frame);
        data += whole;
        size -= (size_t)whole;
    }
}

/* ---- granting */

void agent_grant(struct agent *agent, struct test *test, bool when_free)
{
    struct run *run = agent->package->run;
    struct agent_packet packet = {
        .op = AGENT_RUN,
        .test = (uint32_t)(test - agent->package->tests),
        .serial = ++run->serial,
        .flags = when_free ? AGENT_WHEN_FREE : 0,
        .number = test->pass_over,
    };

    test->state = TEST_GRANTED;
    io_send_fds(agent->link.fd, &packet, sizeof packet, NULL, 0);
}

static void send_op(struct agent *agent, enum agent_op op)
{
    struct agent_packet packet = { .op = op };

    io_send_fds(agent->link.fd, &packet, sizeof packet, NULL, 0);
}

void agent_start_next(struct agent *agent)
{
    send_op(agent, AGENT_START_NEXT);
}

void agent_start_none(struct agent *agent)
{
    send_op(agent, AGENT_START_NONE);
}

void agent_grant_all(struct agent *agent)
{
    struct package *package = agent->package;
    struct agent_packet packet = { .op = AGENT_RUN };
    struct buf whole = BUF_INIT(AGENT_TEXT_MAX);

    buf_add(&whole, &packet, sizeof packet);
    for (uint32_t i = 0; i < package->test_count; i++) {
        uint32_t number = package->order[i];
        struct test *test = &package->tests[number];

        if (test->state == TEST_PENDING && buf_add(&whole, &number, sizeof number) == 0)
            test->state = TEST_GRANTED;
    }
    io_send_fds(agent->link.fd, whole.data, whole.size, NULL, 0);
    buf_fini(&whole);
}

void agent_stop(struct agent *agent)
{
    loop_close(&agent->package->run->loop, &agent->link);
    if (agent->output.ready)
        loop_close(&agent->package->run->loop, &agent->output);
    agent->package->agent = NULL;
    buf_fini(&agent->said);
    loop_bury(&agent->package->run->loop, agent);
}

/* ---- its end */

/* The program's own words, then how it ended. */
static const char *early_end(struct agent *agent)
{
    struct arena *arena = &agent->package->run->arena;
    bool spoke = agent->said.size > 0;
    char how[64];

    if (WIFSIGNALED(agent->status))
        snprintf(how, sizeof how, "killed by SIG%s", sigabbrev_np(WTERMSIG(agent->status)));
    else
        snprintf(how, sizeof how, "exit(%d)", WEXITSTATUS(agent->status));
    return arena_printf(arena, "%s%s%s%sthe test program ended before it listed its tests: %s",
                        buf_text(&agent->said), spoke ? "seam: " : "",
                        spoke ? agent->package->name : "", spoke ? ": " : "", how);
}

static void agent_died(struct agent *agent)
{
    struct package *package = agent->package;
    struct run *run = package->run;
    bool was_ready = agent->ready;
    const char *reason;

    if (agent->output.fd >= 0)
        agent_output_ready(&agent->output, 0);
    if (!agent->reaped ||
        !run->no_groups) /* what has ended keeps its status, and its group its number */
        run_kill(run, agent->pid, SIGKILL);
    if (!agent->reaped)
        waitpid(agent->pid, &agent->status, 0);
    reason = early_end(agent);
    attempt_agent_died(agent);
    schedule_forget(package);
    agent_stop(agent);
    if (package->ended)
        return;
    if (!was_ready)
        run_package_ends(package, PACKAGE_SETUP_FAILED, reason);
    else if (package->left > 0 && ++package->restarts > (int)package->test_count)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         "the test program ends again and again without running a test");
    else if (package->left > 0 && agent_start(package) < 0)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         "the test program cannot be started again");
}

static void hello(struct agent *agent, const struct agent_packet *packet)
{
    struct package *package = agent->package;

    agent->in_process = packet->flags & AGENT_ISOLATE_NONE;
    agent->sanitized = packet->flags & AGENT_SANITIZED;
    agent->no_timeouts = agent->in_process && package->run->options->isolate != ISOLATE_NONE;
    if (packet->number > 1 && !agent->in_process && !package->listed &&
        package->run->options->isolate == ISOLATE_FORK && !package->run->options->race)
        run_note(
            package->run,
            "%s: the program has %u threads before its first test, so each test is started "
            "by exec instead of fork",
            package->name, packet->number);
}

static void take_packet(struct agent *agent, const struct agent_packet *packet,
                        const char *text, size_t size, const int fds[3], size_t fd_count)
{
    struct package *package = agent->package;
    struct attempt *attempt;

    switch (packet->op) {
    case AGENT_HELLO:
        hello(agent, packet);
        break;
    case AGENT_TESTS:
        take_tests(package, text, size);
        break;
    case AGENT_LISTED:
        if (!package->listed)
            order_tests(package);
        agent->ready = package->listed = true;
        if (agent->in_process && package->left > 0)
            agent_grant_all(agent);
        break;
    case AGENT_STARTED:
        if (fd_count == 3)
            attempt_begin(agent, packet, fds);
        break;
    case AGENT_EVENTS:
        attempt = attempt_find(package->run, packet->serial);
        if (attempt)
            stream_add_events(attempt, text, size);
        break;
    case AGENT_EXITED:
        attempt = attempt_find(package->run, packet->serial);
        if (attempt)
            attempt_exited(attempt, packet);
        else
            attempt_never_began(agent, packet);
        break;
    case AGENT_NOTHING:
        schedule_nothing(package);
        break;
    case AGENT_FAILED:
        attempt_cannot_start(agent, packet, arena_copy(&package->run->arena, text, size));
        break;
    default:
        break;
    }
}

static void agent_link_ready(struct watch *watch, uint32_t events)
{
    struct agent *agent = watch->owner;
    static char data[sizeof(struct agent_packet) + AGENT_TEXT_MAX];
    struct agent_packet packet;

    (void)events;
    for (int i = 0; i < 64 && watch->fd >= 0; i++) {
        int fds[3];
        size_t fd_count = 3;
        ssize_t size;

        size = io_receive_fds(watch->fd, data, sizeof data, fds, &fd_count);
        if (size == -EAGAIN)
            return;
        if (size < (ssize_t)sizeof packet) {
            agent_died(agent);
            return;
        }
        memcpy(&packet, data, sizeof packet);
        take_packet(agent, &packet, data + sizeof packet, (size_t)size - sizeof packet, fds,
                    fd_count);
    }
}
