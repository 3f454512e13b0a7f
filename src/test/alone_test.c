/* test/alone_test.c - what a test program prints that runs without a runner. */

#include <seam/seam.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "test/t.h"

/* ---- what is run: no runner selects it, for nobody gives its tag --------------------------- */

#define FIXTURE "no-tag-that-anybody-gives"

static int rows;

static int load(void)
{
    rows = 3;
    return 0;
}

static int refuse(void)
{
    return -5;
}

static void unload(void)
{
    puts("unloaded");
}

SEAM_GROUP(alone_table, .setup = load, .teardown = unload);
SEAM_GROUP(alone_ruin, .setup = refuse);

SEAM_SUBTEST(fails)
{
    seam_error(t, "late");
}

SEAM_TEST(alone_tree, .tags = FIXTURE)
{
    seam_run(t, "inner", fails, NULL);
    seam_log(t, "goes on");
}

SEAM_TEST(alone_loaded, .tags = FIXTURE, .group = "alone_table")
{
    seam_check_eq(t, rows, 3);
}

SEAM_TEST(alone_ruined, .tags = FIXTURE, .group = "alone_ruin")
{
    seam_log(t, "ran");
}

static void cross(seam_t *t, const char *what)
{
    t_exchange(t, &(struct t_exchange){ .seam = "http", .what = what, .answer = "200" });
}

SEAM_SUBTEST(crosses_and_fails)
{
    cross(t, "GET /inner");
    seam_error(t, "wrong");
}

SEAM_SUBTEST(crosses_and_passes)
{
    cross(t, "GET /quiet");
}

SEAM_TEST(alone_crossed, .tags = FIXTURE)
{
    cross(t, "GET /outer");
    seam_run(t, "fails", crosses_and_fails, NULL);
    seam_run(t, "passes", crosses_and_passes, NULL);
    seam_log(t, "goes on");
}

SEAM_TEST(alone_passes_after_it, .tags = FIXTURE)
{
    cross(t, "GET /another");
}

SEAM_TEST(alone_modes, .tags = FIXTURE)
{
    seam_error(t, "net %d, hooks %d", t_net_mode(), t_hooks_are_on());
}

/* ---- and how it is looked at -------------------------------------------------------------- */

static void be_program(int output, const char *pattern, const char *flag)
{
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl("/proc/self/exe", "program", "--seam-alone", "-run", pattern, flag, (char *)NULL);
    _exit(127);
}

/* What this program prints when it runs those tests alone, and its exit code behind it. `flag` may be NULL. */
static const char *run_alone_with(seam_t *t, const char *pattern, const char *flag)
{
    struct buf output = BUF_INIT(1 << 16);
    int ends[2], status = 0;
    const char *words;
    char bytes[512];
    ssize_t size;
    pid_t pid;

    seam_require_ok(t, pipe2(ends, O_CLOEXEC));
    pid = fork();
    if (pid == 0)
        be_program(ends[1], pattern, flag);
    close(ends[1]);
    while ((size = read(ends[0], bytes, sizeof bytes)) > 0)
        buf_add(&output, bytes, (size_t)size);
    close(ends[0]);
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    words = seam_format(t, "%sexit %d\n", buf_text(&output), WEXITSTATUS(status));
    buf_fini(&output);
    return words;
}

static const char *run_alone(seam_t *t, const char *pattern)
{
    return run_alone_with(t, pattern, NULL);
}

SEAM_TEST(alone_names_each_subtest)
{
    seam_check_match(t, run_alone(t, "^alone_tree$"),
                     "^--- FAIL: alone_tree/inner \\(\\d\\.\\d\\ds\\)\n"
                     "    alone_test\\.c:\\d+: late\n"
                     "--- FAIL: alone_tree \\(\\d\\.\\d\\ds\\)\n"
                     "    alone_test\\.c:\\d+: goes on\n"
                     "FAIL\nexit 1\n$");
}

SEAM_TEST(alone_shows_the_traffic_of_what_failed)
{
    seam_check_match(t, run_alone(t, "^alone_(crossed|passes_after_it)$"),
                     "^--- FAIL: alone_crossed/fails \\(.*\\)\n"
                     "    alone_test\\.c:\\d+: wrong\n"
                     "    traffic \\(last 1 of 1\\):\n"
                     "        \\d+\\.\\d ms  GET /inner  -> 200\n"
                     "--- FAIL: alone_crossed \\(.*\\)\n"
                     "    alone_test\\.c:\\d+: goes on\n"
                     "    traffic \\(last 1 of 1\\):\n"
                     "        \\d+\\.\\d ms  GET /outer  -> 200\n"
                     "FAIL\nexit 1\n$");
}

SEAM_TEST(alone_sets_groups_up)
{
    seam_check_str(t, run_alone(t, "^alone_loaded$"), "unloaded\nPASS\nexit 0\n");
    seam_check_match(t, run_alone(t, "^alone_ruined$"),
                     "^--- FAIL: alone_ruined \\(.*\\)\n"
                     "    alone_test\\.c:\\d+: the set-up of group 'alone_ruin' failed: it "
                     "returned -5\n"
                     "FAIL\nexit 1\n$");
}

/* As gdb starts it: the runner passes on what the test's process has to know. */
SEAM_TEST(alone_takes_modes)
{
    const char *pattern = "^alone_modes$";

    seam_check_contains(t, run_alone(t, pattern), "net 0, hooks 1");
    seam_check_contains(t, run_alone_with(t, pattern, "-net=warn"), "net 1, hooks 1");
    seam_check_contains(t, run_alone_with(t, pattern, "-net=allow"), "net 2, hooks 1");
    seam_check_contains(t, run_alone_with(t, pattern, "-hooks=off"), "net 0, hooks 0");
}

SEAM_TEST(alone_refuses_a_bad_pattern)
{
    seam_check_match(t, run_alone(t, "("), "^seam: -run: element 0 of '\\(': .+\nexit 2\n$");
}
