/* runner/stacks.c - start the helper that reads stacks; see stacks.h. */

#include "runner/stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/io.h"
#include "events/stack_words.h"
#include "runner/ending.h"

enum { STACKS_MAX = 1 << 20 };

struct stacks {
    struct attempt *attempt;
    struct watch output;
    struct buf lines;
    int pidfd; /* the helper may have ended, and its number be used again */
};

/* The words of --crashed and what goes with it. */
struct crash_words {
    char crashed[48], sp[32], pc[32], raw[1024];
};

static int add_crash(const struct attempt *attempt, struct crash_words *words,
                     const char **argv)
{
    const char *addresses = attempt->crash_addresses;
    int size = (int)strcspn(addresses, ",");
    const char *code = addresses + size + (addresses[size] == ',');

    snprintf(words->crashed, sizeof words->crashed, "--crashed=%u", attempt->crash.node);
    snprintf(words->sp, sizeof words->sp, "--sp=%.*s", size, addresses);
    snprintf(words->pc, sizeof words->pc, "--pc=%.*s", (int)strcspn(code, ","), code);
    snprintf(words->raw, sizeof words->raw, "--raw=%s", code);
    argv[0] = words->crashed;
    argv[1] = words->sp;
    argv[2] = words->pc;
    argv[3] = words->raw;
    return 4;
}

static SEAM_NORETURN void be_helper(const struct attempt *attempt, pid_t parent, int output)
{
    const struct run *run = attempt->agent->package->run;
    struct crash_words words;
    char path[4096], pid[32];
    const char *argv[8];
    int count = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &run->signals_before, NULL);
    snprintf(path, sizeof path, "%s/stacks", run->libexec);
    snprintf(pid, sizeof pid, "%d", (int)attempt->pid);
    argv[count++] = path;
    argv[count++] = pid;
    if (attempt->crashed && attempt->crash_addresses)
        count += add_crash(attempt, &words, argv + count);
    argv[count] = NULL;
    execv(path, (char **)argv);
    printf("note\tthe stack reader '%s' cannot be started: %s\n", path, strerror(errno));
    fflush(stdout);
    _exit(127);
}

static void output_ready(struct watch *watch, uint32_t events)
{
    struct stacks *stacks = watch->owner;
    struct attempt *attempt = stacks->attempt;
    char *to = buf_reserve(&stacks->lines, 4096);
    ssize_t n = to ? read(watch->fd, to, 4096) : 0;
    char *words;

    (void)events;
    if (n > 0) {
        stacks->lines.size += (size_t)n;
        stacks->lines.data[stacks->lines.size] = '\0';
        return;
    }
    words = stack_words(stacks->lines.data, attempt->crashed);
    attempt->stacks = NULL;
    stacks_cancel(attempt->agent->package->run, stacks);
    ending_stacks_done(attempt, words);
}

struct stacks *stacks_start(struct attempt *attempt)
{
    struct run *run = attempt->agent->package->run;
    struct stacks *stacks = calloc(1, sizeof *stacks);
    pid_t self = getpid(), pid;
    int output[2];

    if (!stacks || pipe2(output, O_CLOEXEC) < 0) {
        free(stacks);
        return NULL;
    }
    stacks->attempt = attempt;
    stacks->lines = BUF_INIT(STACKS_MAX);
    pid = fork();
    if (pid == 0)
        be_helper(attempt, self, output[1]);
    close(output[1]);
    if (pid < 0) {
        close(output[0]);
        free(stacks);
        return NULL;
    }
    stacks->pidfd = pidfd_open(pid, 0);
    loop_add(&run->loop, &stacks->output, output[0], output_ready, stacks);
    return stacks;
}

void stacks_cancel(struct run *run, struct stacks *stacks)
{
    if (stacks->pidfd >= 0)
        pidfd_send_signal(stacks->pidfd, SIGKILL, NULL, 0);
    io_close(&stacks->pidfd);
    loop_close(&run->loop, &stacks->output);
    buf_fini(&stacks->lines);
    loop_bury(&run->loop, stacks);
}
