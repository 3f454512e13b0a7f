/* base/proc_test.c - processes are found, described and ended by their marker. */

#include "base/proc.h"

#include <seam/seam.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start `sleep` under a marker, which nothing else has: the pid of this test is in it. */
static pid_t start_marked(seam_t *t, const char *rest)
{
    char *environment[] = { (char *)seam_format(t, "SEAM_TEST_ID=proc%d.%s", getpid(), rest),
                            NULL };
    int ready[2];
    char byte;
    pid_t pid;

    seam_require_ok(t, pipe2(ready, O_CLOEXEC));
    pid = fork();
    if (pid == 0) {
        execle("/bin/sleep", "sleep", "1000", (char *)NULL, environment);
        _exit(127);
    }
    close(ready[1]);
    seam_check_eq(t, read(ready[0], &byte, 1), 0); /* closed by exec */
    close(ready[0]);
    return pid;
}

static const char *prefix(seam_t *t, const char *rest)
{
    return seam_format(t, "proc%d%s", getpid(), rest);
}

struct seen {
    int count;
    pid_t pid;
    char rest[32];
};

static bool see(void *arg, pid_t pid, const char *rest)
{
    struct seen *seen = arg;

    seen->count++;
    seen->pid = pid;
    snprintf(seen->rest, sizeof seen->rest, "%s", rest);
    return true;
}

static int how_it_ended(pid_t pid)
{
    int status = 0;

    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

SEAM_TEST(proc_is_found_by_whole_words_of_its_marker)
{
    pid_t pid = start_marked(t, "12.daemon");
    struct seen one = { 0 }, other = { 0 }, all = { 0 };

    seam_check_eq(t, proc_visit_marked(prefix(t, ".12"), see, &one), 1);
    seam_check_eq(t, proc_visit_marked(prefix(t, ".1"), see, &other), 0);
    seam_check_eq(t, proc_visit_marked(prefix(t, "."), see, &all), 1);
    seam_check_eq(t, one.pid, pid);
    seam_check_str(t, one.rest, ".daemon");
    seam_check_str(t, all.rest, "12.daemon");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* It executes itself without end: in each execve() there is a moment at which it shows no environment. */
static pid_t start_restless(seam_t *t)
{
    static const char again[] = "exec sh -c \"$0\" \"$0\"";
    char *environment[] = { (char *)seam_format(t, "SEAM_TEST_ID=proc%d.restless", getpid()),
                            NULL };
    pid_t pid = fork();

    if (pid == 0) {
        execle("/bin/sh", "sh", "-c", again, again, (char *)NULL, environment);
        _exit(127);
    }
    return pid;
}

SEAM_TEST(proc_is_found_while_it_executes)
{
    const char *marker = prefix(t, ".restless");
    pid_t pid = start_restless(t);
    struct seen seen = { 0 };

    while (proc_visit_marked(marker, see, &seen) == 0 && !seam_failed(t))
        seam_check_eq(t, waitpid(pid, NULL, WNOHANG), 0);
    for (int i = 0; i < 100; i++)
        seam_require_eq(t, proc_visit_marked(marker, see, &seen), 1);
    seam_check_eq(t, proc_kill_marked(marker, NULL, 0), 0);
    seam_check_eq(t, how_it_ended(pid), SIGKILL);
}

SEAM_TEST(proc_kill_spares_what_it_is_told_to)
{
    pid_t victim = start_marked(t, "1"), excepted = start_marked(t, "2");
    pid_t spared = start_marked(t, "services.x");
    struct proc_match match = { .marker = prefix(t, "."),
                                .spare = "services",
                                .except = { excepted } };

    seam_check_ok(t, proc_kill(&match));
    seam_check_eq(t, how_it_ended(victim), SIGKILL);
    seam_check_eq(t, kill(excepted, 0), 0);
    seam_check_eq(t, kill(spared, 0), 0);
    seam_check_ok(t, proc_kill_marked(prefix(t, "."), NULL, 0));
    seam_check_eq(t, how_it_ended(excepted), SIGKILL);
    seam_check_eq(t, how_it_ended(spared), SIGKILL);
}

SEAM_TEST(proc_kill_ends_what_is_stopped)
{
    pid_t pid = start_marked(t, "1");

    kill(pid, SIGSTOP);
    seam_check_ok(t, proc_kill_marked(prefix(t, "."), NULL, 0));
    seam_check_eq(t, how_it_ended(pid), SIGKILL);
}

SEAM_TEST(proc_command_is_the_arguments)
{
    pid_t pid = start_marked(t, "1");
    char text[64];

    seam_check_ok(t, proc_command(pid, text, sizeof text));
    seam_check_str(t, text, "sleep 1000");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    seam_check_eq(t, proc_command(pid, text, sizeof text), -ENOENT);
}
