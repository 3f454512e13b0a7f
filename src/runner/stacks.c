/* runner/stacks.c - start the helper that reads stacks, and turn its lines into words; see stacks.h. */

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
#include "runner/ending.h"

enum { STACKS_MAX = 1 << 20, FRAMES_SHOWN = 24 };

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

/* ---- its lines: "thread TID NAME", "frame FUNCTION FILE LINE MODULE PC", "note TEXT", "end" */

static char *field(char **at)
{
    char *begin = *at;
    size_t size = strcspn(begin, "\t");

    *at = begin + size + (begin[size] == '\t');
    begin[size] = '\0';
    return begin;
}

/* A crash shows one frame a line; a hang one thread a line: it may have many. */
struct view {
    struct buf *words;
    bool crashed;
    int threads;
    int frames;
    int repeats; /* of `last` */
    bool after_gap; /* frames were left out: more of the same are part of them */
    char last[512];
};

static void end_repeats(struct view *view)
{
    if (view->repeats > 0)
        buf_printf(view->words, " ... %d more like this", view->repeats);
    view->repeats = 0;
}

static void show_thread(struct view *view, char *at)
{
    char *id = field(&at);
    char *name = field(&at);

    end_repeats(view);
    view->last[0] = '\0';
    view->threads++;
    view->frames = 0;
    if (!view->crashed)
        buf_printf(view->words, "\nthread %d  ", view->threads);
    else if (view->threads > 1)
        buf_printf(view->words, "\nthread %d (%s '%s')  ", view->threads, id, name);
}

static void show_frame(struct view *view, char *at)
{
    char *function = field(&at);
    char *file = field(&at);
    char *line = field(&at);
    bool by_line = view->crashed && view->threads <= 1;
    char this[sizeof view->last];

    snprintf(this, sizeof this, "%s (%s:%s)", function, file, line);
    if (strcmp(this, view->last) == 0) { /* a recursion */
        view->repeats += !view->after_gap;
        return;
    }
    view->after_gap = false;
    end_repeats(view);
    memcpy(view->last, this, sizeof this);
    if (view->frames++ >= FRAMES_SHOWN)
        return;
    if (by_line)
        buf_add_char(view->words, '\n');
    else if (view->frames > 1)
        buf_add_text(view->words, " <- ");
    buf_add_text(view->words, function);
    if (*file && atoi(line) > 0)
        buf_printf(view->words, " (%s:%s)", file, line);
}

static char *words_of(struct stacks *stacks)
{
    struct buf words = BUF_INIT(STACKS_MAX);
    struct view view = { .words = &words, .crashed = stacks->attempt->crashed };
    char *text = stacks->lines.data;
    char *save = NULL;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *at = line;
        const char *kind = field(&at);

        if (strcmp(kind, "thread") == 0)
            show_thread(&view, at);
        else if (strcmp(kind, "frame") == 0)
            show_frame(&view, at);
        else if (strcmp(kind, "note") == 0) {
            end_repeats(&view);
            view.after_gap = true;
            buf_printf(&words, "\n%s", at);
        }
    }
    end_repeats(&view);
    return buf_take(&words);
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
    words = words_of(stacks);
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
