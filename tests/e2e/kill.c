/*
 * e2e/kill.c - start a run, kill -9 one of its processes at some moment, and see what is left.
 *
 *     kill runner|keeper|agent DELAY_MS COMMAND WORD...
 *
 * The victim dies DELAY_MS after it was first seen. A run that lost its runner must be gone, with
 * all that it started, two seconds later; one that lost its keeper or an agent must go on and end by
 * itself, and be gone then. What belongs to a run is known by SEAM_TEST_ID=<run>.* in the
 * environment of processes and by <run> in the names of folders in $TMPDIR and /dev/shm. Prints what
 * is left; exits with 1 when something is, with 3 when the run ended before its time to die.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 5, GONE_WITHIN_MS = 2000, RUN_WITHIN_MS = 60000 };

static char mark[64]; /* in the environment of the run, to find it before its name is known */
static char run_id[64]; /* "SEAM_TEST_ID=<run>.", once a process of it was seen */

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t read_proc(pid_t pid, const char *file, char *data, size_t room)
{
    char path[64];
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = fd < 0 ? 0 : read(fd, data, room - 1);
    if (fd >= 0)
        close(fd);
    data[size < 0 ? 0 : size] = '\0';
    return size < 0 ? 0 : (size_t)size;
}

/* The word of a NUL-separated block that begins with `prefix`. */
static const char *word_with(const char *block, size_t size, const char *prefix)
{
    for (const char *at = block; at < block + size; at += strlen(at) + 1)
        if (strncmp(at, prefix, strlen(prefix)) == 0)
            return at;
    return NULL;
}

/* Learn the run's name of a process that was started by our run. */
static void learn_run(const char *environment, size_t size)
{
    const char *id = word_with(environment, size, "SEAM_TEST_ID=");
    size_t length = id ? strcspn(id, ".") : 0;

    if (!run_id[0] && id && id[length] == '.' && word_with(environment, size, mark))
        snprintf(run_id, sizeof run_id, "%.*s", (int)length + 1, id);
}

static bool is_ours(pid_t pid)
{
    static char environment[64 * 1024];
    size_t size = read_proc(pid, "environ", environment, sizeof environment);

    learn_run(environment, size);
    return word_with(environment, size, mark) ||
           (run_id[0] && word_with(environment, size, run_id));
}

/* A zombie has no environment, so it is nobody's. */
static bool has_role(pid_t pid, const char *role, pid_t runner)
{
    char block[4096];
    size_t size;

    if (strcmp(role, "runner") == 0)
        return pid == runner;
    if (strcmp(role, "agent") == 0) {
        size = read_proc(pid, "cmdline", block, sizeof block);
        return word_with(block, size, "--seam-agent");
    }
    read_proc(pid, "comm", block, sizeof block);
    return pid != runner &&
           (strncmp(block, "seam", 4) == 0 || strncmp(block, "services", 8) == 0);
}

/* Call for each process of the run; the first that has the role, or with NULL how many there are. */
static pid_t find(const char *role, pid_t runner, bool print)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;
    char command[256];

    while (folder && (entry = readdir(folder))) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (pid <= 0 || pid == getpid() || !is_ours(pid))
            continue;
        if (role && !found && has_role(pid, role, runner))
            found = pid;
        if (role || pid == runner)
            continue;
        found++;
        read_proc(pid, "cmdline", command, sizeof command);
        if (print)
            printf("process left: %d %s\n", (int)pid, command);
    }
    if (folder)
        closedir(folder);
    return found;
}

static int folders_left(const char *where, bool print)
{
    const char *run = run_id + strlen("SEAM_TEST_ID=");
    size_t length = run_id[0] ? strlen(run) - 1 : 0;
    DIR *folder = opendir(where);
    struct dirent *entry;
    int left = 0;

    while (folder && length && (entry = readdir(folder)))
        if (memmem(entry->d_name, strlen(entry->d_name), run, length)) {
            left++;
            if (print)
                printf("folder left: %s/%s\n", where, entry->d_name);
        }
    if (folder)
        closedir(folder);
    return left;
}

static int anything_left(pid_t runner, bool print)
{
    const char *temporary = getenv("TMPDIR");

    return find(NULL, runner, print) + folders_left(temporary ? temporary : "/tmp", print) +
           folders_left("/dev/shm", print);
}

static pid_t start(char **argv)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    putenv(mark);
    execvp(argv[0], argv);
    fprintf(stderr, "kill: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Wait for the victim and then until its time has come. Returns 0 when the run ended before. */
static pid_t await_victim(const char *role, pid_t runner, int delay_ms)
{
    long deadline = now_ms() + RUN_WITHIN_MS;
    pid_t victim = 0;
    siginfo_t ended;

    while (!victim && now_ms() < deadline) {
        ended.si_pid = 0;
        if (waitid(P_PID, (id_t)runner, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ||
            ended.si_pid)
            return 0;
        victim = find(role, runner, false);
        poll(NULL, 0, victim ? 0 : STEP_MS);
    }
    poll(NULL, 0, delay_ms);
    find(role, runner, false); /* the run's name, if it was not known before */
    return kill(victim, 0) == 0 ? victim : 0;
}

int main(int argc, char **argv)
{
    bool runner_dies;
    pid_t runner, victim;
    long deadline;
    int status = 0;

    if (argc < 4) {
        fputs("usage: kill runner|keeper|agent DELAY_MS COMMAND WORD...\n", stderr);
        return 2;
    }
    runner_dies = strcmp(argv[1], "runner") == 0;
    snprintf(mark, sizeof mark, "SEAM_E2E_KILL=%d.%ld", (int)getpid(), now_ms());
    runner = start(argv + 3);
    victim = await_victim(argv[1], runner, atoi(argv[2]));
    if (victim)
        kill(victim, SIGKILL);
    waitpid(runner, &status, 0);
    for (deadline = now_ms() + GONE_WITHIN_MS; now_ms() < deadline;) {
        if (!anything_left(runner, false))
            break;
        poll(NULL, 0, STEP_MS);
    }
    if (anything_left(runner, true))
        return 1;
    if (!runner_dies && WIFSIGNALED(status)) {
        printf("the run that lost its %s died of signal %d\n", argv[1], WTERMSIG(status));
        return 1;
    }
    return victim ? 0 : 3;
}
