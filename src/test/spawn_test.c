/* test/spawn_test.c - programs that a test starts: what they are given, say and leave. */
//seam:program spawn_server testdata/server.c

#include <seam/spawn.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/trial_test.h"

/* ---- what it is given -------------------------------------------------------------------- */

/* What a shell script writes, having ended with status 0. */
static const char *output_of(seam_t *t, seam_process *process)
{
    seam_check_eq(t, seam_process_wait(process, 0), 0);
    return seam_process_output(process);
}

SEAM_TEST(spawn_passes_arguments_and_takes_output)
{
    seam_process *p = seam_spawn(t, .argv = { "/bin/echo", "a b", "", "{{x}", "{y}" });

    seam_check_str(t, output_of(t, p), "a b  {x} {y}\n");
    seam_check_lt(t, 1, seam_process_pid(p));
}

SEAM_TEST(spawn_takes_stdout_and_stderr_in_order)
{
    seam_process *p =
        seam_spawn(t, .argv = { "sh", "-c", "echo one; echo two >&2; printf three" });

    seam_check_str(t, output_of(t, p), "one\ntwo\nthree");
}

SEAM_TEST(spawn_gives_text_as_input)
{
    const char *text = seam_format(t, "%0200000d\n", 7); /* more than a pipe holds */
    seam_process *p = seam_spawn(t, .argv = { "cat" }, .stdin_text = text);

    seam_check_str(t, output_of(t, p), text);
}

SEAM_TEST(spawn_gives_no_input_by_default)
{
    seam_check_str(t, output_of(t, seam_spawn(t, .argv = { "cat" })), "");
}

SEAM_TEST(spawn_writes_to_a_pipe)
{
    seam_process *p = seam_spawn(t, .argv = { "cat" }, .stdin_pipe = true);
    const char *much = seam_format(t, "%0300000d\n", 8);

    seam_process_write(p, "first\n", 6);
    seam_check_str(t, seam_process_line(p, "^f", 10000), "first");
    seam_process_write(p, much, strlen(much));
    seam_process_close_stdin(p);
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_eq(t, strlen(seam_process_output(p)), 6 + strlen(much));
}

SEAM_TEST(spawn_changes_the_folder)
{
    seam_process *p = seam_spawn(t, .argv = { "pwd" }, .cwd = "/usr/lib");

    seam_check_str(t, output_of(t, p), "/usr/lib\n");
    p = seam_spawn(t, .argv = { "sh", "-c", "ls server.c" }, .cwd = "testdata");
    seam_check_str(t, output_of(t, p), "server.c\n");
}

SEAM_TEST(spawn_gives_no_other_descriptors)
{
    int fd = dup(0); /* not close-on-exec */
    seam_process *p =
        seam_spawn(t, .argv = { "test", "-e", seam_format(t, "/proc/self/fd/%d", fd) });

    seam_check_eq(t, seam_process_wait(p, 0), 1);
    close(fd);
}

/* libc's own two signals, 32 and 33, cannot be set by anybody: whoever started us may ignore them. */
SEAM_TEST(spawn_gives_default_signals)
{
    seam_process *p;

    signal(SIGPIPE, SIG_IGN);
    p = seam_spawn(t, .argv = { "grep", "-E", "Sig(Ign|Blk)", "/proc/self/status" });
    seam_check_match(t, output_of(t, p), "^SigBlk:\t0{16}\nSigIgn:\t0000000[0-3][08]0{7}\n$");
}

SEAM_TEST(spawn_survives_closed_standard_descriptors)
{
    seam_process *p;
    int saved = dup(0);

    close(0);
    p = seam_spawn(t, .argv = { "cat" }, .stdin_text = "text");
    seam_check_str(t, output_of(t, p), "text");
    dup2(saved, 0);
    close(saved);
}

SEAM_TEST(spawn_gives_a_folder)
{
    seam_process *p =
        seam_spawn(t, .argv = { "sh", "-c", "echo words >{dir}/file; echo \"$0\"", "{dir}" });

    seam_check_str(t, output_of(t, p), seam_format(t, "%s\n", seam_process_dir(p)));
    seam_check_str(t, seam_read_file(t, seam_path(t, "%s/file", seam_process_dir(p)), NULL),
                   "words\n");
}

SEAM_TEST(spawn_gives_ports)
{
    seam_process *p = seam_spawn(t, .argv = { "echo", "{port:a} {port:b} {port:a}" },
                                 .env = { "A={port:a}" });
    int a = seam_process_port(p, "a"), b = seam_process_port(p, "b");

    seam_check_str(t, output_of(t, p), seam_format(t, "%d %d %d\n", a, b, a));
    seam_check_ne(t, a, b);
    seam_check_str(t, seam_process_url(p, "a", "/x?y"),
                   seam_format(t, "http://127.0.0.1:%d/x?y", a));
}

/* ---- where it is ------------------------------------------------------------------------- */

static void make_script(seam_t *t, const char *path, const char *words)
{
    seam_write_file(t, path, words, strlen(words));
    seam_require_ok(t, chmod(path, 0755));
}

SEAM_TEST(spawn_looks_in_the_program_path_first)
{
    const char *folder = seam_tempdir(t);

    make_script(t, seam_path(t, "%s/ls", folder), "#!/bin/sh\necho mine\n");
    seam_setenv(t, "SEAM_PROGRAM_PATH", seam_format(t, "/nowhere:%s", folder));
    seam_check_str(t, output_of(t, seam_spawn(t, .argv = { "ls" })), "mine\n");
}

static void spawns_nothing(seam_t *t)
{
    seam_setenv(t, "SEAM_PROGRAM_PATH", NULL);
    seam_setenv(t, "PATH", "/nowhere");
    seam_spawn(t, .argv = { "ordersd" });
}

static void spawns_a_missing_path(seam_t *t)
{
    seam_spawn(t, .argv = { "/nowhere/ordersd" });
}

static void spawns_a_script_without_interpreter(seam_t *t)
{
    const char *path = seam_path(t, "%s/script", seam_tempdir(t));

    make_script(t, path, "#!/nowhere/sh\n");
    seam_spawn(t, .argv = { path });
}

static void spawns_what_is_not_executable(seam_t *t)
{
    seam_spawn(t, .argv = { "testdata/server.c" });
}

SEAM_TEST(spawn_names_what_is_missing)
{
    seam_check_match(
        t, trial_run(t, spawns_nothing, NULL),
        "^error t: there is no program 'ordersd' in \\$SEAM_PROGRAM_PATH \\(which is "
        "not set\\), beside the test program \\(/.*\\) or in \\$PATH\n"
        "try: //seam:program ordersd FILE.c..., or SEAM_PROGRAM_PATH=FOLDER\n"
        "end t fail\n$");
    trial_says(t, spawns_a_missing_path,
               "error t: there is no program '/nowhere/ordersd'\nend t fail\n");
    seam_check_match(t, trial_run(t, spawns_a_script_without_interpreter, NULL),
                     "^error t: cannot start '/.*/script': the interpreter or loader that it "
                     "names is not there\nend t fail\n$");
    seam_check_match(t, trial_run(t, spawns_what_is_not_executable, NULL),
                     "^error t: cannot start '/.*/server.c': cannot execute it: Permission "
                     "denied\nend t fail\n$");
}

/* ---- setup mistakes ---------------------------------------------------------------------- */

static void spawns_without_program(seam_t *t)
{
    seam_spawn(t, .cwd = "/");
}

static void spawns_with_two_inputs(seam_t *t)
{
    seam_spawn(t, .argv = { "cat" }, .stdin_text = "x", .stdin_pipe = true);
}

static void names_no_port(seam_t *t)
{
    seam_spawn(t, .argv = { "echo", "{port:}" });
}

static void waits_for_another_port(seam_t *t)
{
    seam_spawn(t, .argv = { "echo", "{port:http}" }, .ready_port = "https");
}

static void waits_for_no_url(seam_t *t)
{
    seam_spawn(t, .argv = { "cat", "{port:http}" }, .ready_http = "http", .may_fail = true);
}

static void waits_for_no_pattern(seam_t *t)
{
    seam_spawn(t, .argv = { "echo" }, .ready_line = "(");
}

SEAM_TEST(spawn_refuses_mistakes)
{
    trial_says(t, spawns_without_program,
               "error t: seam_spawn without a program: .argv is empty\nend t fail\n");
    trial_says(t, spawns_with_two_inputs,
               "error t: seam_spawn: .stdin_text and .stdin_pipe exclude each other\n"
               "end t fail\n");
    trial_says(
        t, names_no_port,
        "error t: 'echo': '{port:}' is no port: write {port:NAME}, a NAME of letters and "
        "digits; {{port for the text itself\nend t fail\n");
    trial_says(t, waits_for_another_port,
               "error t: .ready_port: no word of .argv, .env or .stdin_text has {port:https}\n"
               "end t fail\n");
    trial_says(t, waits_for_no_url,
               "error t: .ready_http = 'http' is not of the form NAME:/PATH, as http:/healthz\n"
               "end t fail\n");
    trial_says(t, waits_for_no_pattern,
               "error t: '(' is no pattern: missing closing parenthesis at offset 1\n"
               "end t fail\n");
}

/* ---- ready ------------------------------------------------------------------------------- */

static bool is_listening(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return accepts;
}

SEAM_TEST(spawn_waits_for_a_port)
{
    seam_process *p =
        seam_spawn(t, .argv = { "spawn_server", "{port:http}" }, .ready_port = "http");
    seam_check(t, is_listening(seam_process_port(p, "http")));
    seam_check_eq(t, seam_process_stop(p), -SIGTERM);
    seam_check(t, !is_listening(seam_process_port(p, "http")));
}

SEAM_TEST(spawn_waits_for_an_http_answer)
{
    seam_process *p = seam_spawn(t, .argv = { "spawn_server", "{port:http}", "3" },
                                 .ready_http = "http:/healthz");

    seam_check(t, is_listening(seam_process_port(p, "http")));
}

SEAM_TEST(spawn_waits_for_a_line)
{
    seam_process *p = seam_spawn(t, .argv = { "sh", "-c", "echo starting; echo 'on 80'; cat" },
                                 .stdin_pipe = true, .ready_line = "^on \\d+$");

    seam_check_str(t, seam_process_output(p), "starting\non 80\n");
    seam_check_str(t, seam_process_line(p, "start", 1000), "starting");
}

SEAM_TEST(spawn_waits_for_a_descriptor)
{
    static const char *const scripts[] = {
        "echo before; echo >&$SEAM_READY_FD; exec cat",
        "echo before; exec 3>&-; exec cat",
    };

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        seam_process *p = seam_spawn(t, .argv = { "sh", "-c", scripts[i] }, .stdin_pipe = true,
                                     .ready_fd = true);

        seam_check_str(t, seam_process_line(p, "before", 1000), "before");
        seam_process_close_stdin(p);
        seam_check_eq(t, seam_process_wait(p, 0), 0);
    }
}

static void waits_for_a_port_in_vain(seam_t *t)
{
    seam_spawn(t, .argv = { "sh", "-c", "echo up; exec cat", "{port:http}" },
               .stdin_pipe = true, .ready_port = "http", .ready_timeout_ms = 60);
}

static void waits_for_an_answer_in_vain(seam_t *t)
{
    seam_spawn(t, .argv = { "spawn_server", "{port:http}", "100000" }, .ready_http = "http:/",
               .ready_timeout_ms = 60);
}

static void waits_for_a_line_in_vain(seam_t *t)
{
    seam_spawn(t, .argv = { "cat" }, .stdin_pipe = true, .ready_line = "up",
               .ready_timeout_ms = 30);
}

static void ends_before_the_port(seam_t *t)
{
    seam_spawn(t, .argv = { "sh", "-c", "echo no database; exit 3", "{port:http}" },
               .ready_port = "http");
}

static void ends_before_the_line(seam_t *t)
{
    seam_spawn(t, .argv = { "echo", "down" }, .ready_line = "up");
}

static void ends_before_the_descriptor(seam_t *t)
{
    seam_spawn(t, .argv = { "true" }, .ready_fd = true);
}

SEAM_TEST(spawn_says_what_was_not_ready)
{
    seam_check_match(t, trial_run(t, waits_for_a_port_in_vain, NULL),
                     "^error t: 'sh' was not ready within 60 ms: waited for port 'http' "
                     "\\(127.0.0.1:\\d+\\) to accept\n"
                     "    at the last look: Connection refused\n"
                     "    last lines of its output:\n        up\n"
                     "try: have it listen on that port of 127.0.0.1, or .ready_timeout_ms\n"
                     "end t fail\n$");
    seam_check_match(t, trial_run(t, waits_for_an_answer_in_vain, NULL),
                     "waited for GET http://127.0.0.1:\\d+/ to give a status below 400\n"
                     "    at the last look: it answered HTTP/1.1 503 Busy\n");
    seam_check_contains(t, trial_run(t, waits_for_a_line_in_vain, NULL),
                        "error t: 'cat' was not ready within 30 ms: waited for a line that "
                        "matches /up/\n    it wrote nothing\ntry: have it flush: stdio keeps "
                        "back what goes to a pipe; or .ready_timeout_ms\nend t fail\n");
}

SEAM_TEST(spawn_says_that_it_ended_before_it_was_ready)
{
    seam_check_match(t, trial_run(t, ends_before_the_port, NULL),
                     "^error t: 'sh' exited with status 3 before it was ready: waited for port "
                     "'http' \\(127.0.0.1:\\d+\\) to accept\n"
                     "    last lines of its output:\n        no database\nend t fail\n$");
    trial_says(
        t, ends_before_the_line,
        "error t: 'echo' exited with status 0 before it was ready: waited for a line that "
        "matches /up/\n    last lines of its output:\n        down\nend t fail\n");
    trial_says(t, ends_before_the_descriptor,
               "error t: 'true' exited with status 0 before it was ready: waited for a byte on "
               "descriptor $SEAM_READY_FD, or its end\n    it wrote nothing\nend t fail\n");
}

/* ---- its end ----------------------------------------------------------------------------- */

SEAM_TEST(spawn_returns_how_it_ended)
{
    seam_process *p = seam_spawn(t, .argv = { "sh", "-c", "exit 5" });

    seam_check_eq(t, seam_process_wait(p, 10000), 5);
    seam_check_eq(t, seam_process_stop(p), 5);
    p = seam_spawn(t, .argv = { "sh", "-c", "trap 'exit 7' TERM; echo; read x" },
                   .stdin_pipe = true, .ready_line = "");
    seam_check_eq(t, seam_process_stop(p), 7);
    p = seam_spawn(t, .argv = { "sleep", "100" });
    seam_process_signal(p, SIGKILL);
    seam_check_eq(t, seam_process_wait(p, 10000), -SIGKILL);
    p = seam_spawn(t, .argv = { "sh", "-c", "trap 'exit 8' INT; echo; read x" },
                   .stdin_pipe = true, .ready_line = "", .stop_signal = SIGINT);
    seam_process_signal(p, SIGSTOP);
    seam_check_eq(t, seam_process_stop(p), 8);
}

static bool has_ended(void *process)
{
    char path[64], state = 0;
    FILE *stat;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)seam_process_pid(process));
    stat = fopen(path, "re");
    if (stat && fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (stat)
        fclose(stat);
    return !stat || state == 'Z';
}

static void script(seam_t *t, const char *words, bool may_fail)
{
    seam_process *p = seam_spawn(t, .argv = { "sh", "-c", words }, .may_fail = may_fail);

    seam_check_eventually(t, 20000, has_ended, p);
}

static void fails_by_itself(seam_t *t)
{
    script(t, "echo no disk; exit 4", false);
}

static void crashes_by_itself(seam_t *t)
{
    script(t, "echo working; kill -SEGV $$", false);
}

static void may_crash(seam_t *t)
{
    script(t, "kill -SEGV $$", true);
}

static void succeeds_by_itself(seam_t *t)
{
    script(t, "exit 0", false);
}

static void crashes_while_awaited(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "sh", "-c", "kill -SEGV $$" });

    seam_check_eq(t, seam_process_wait(p, 10000), -SIGSEGV);
}

static void crashes_at_the_end(seam_t *t)
{
    seam_spawn(t, .argv = { "sh", "-c", "trap 'kill -SEGV $$' TERM; echo; read x" },
               .stdin_pipe = true, .ready_line = "");
}

SEAM_TEST(spawn_fails_the_test_when_it_fails)
{
    trial_says(t, fails_by_itself,
               "error t: 'sh' exited with status 4, which nobody asked for\n"
               "    last lines of its output:\n        no disk\nend t fail\n");
    seam_check_match(
        t, trial_run(t, crashes_by_itself, NULL),
        "^error t: 'sh' crashed: it was ended by signal 11 \\(Segmentation fault\\), which "
        "nobody asked for\n[^$]*    last lines of its output:\n        working\nend t fail\n$");
    seam_check_match(
        t, trial_run(t, crashes_while_awaited, NULL),
        "^error t: 'sh' crashed: it was ended by signal 11 \\(Segmentation fault\\)\n"
        "[^$]*    it wrote nothing\nend t fail\n$");
    seam_check_contains(t, trial_run(t, crashes_at_the_end, NULL), "error t: 'sh' crashed");
    trial_says(t, may_crash, "end t pass\n");
    trial_says(t, succeeds_by_itself, "end t pass\n");
}

static void reports(seam_t *t, const char *line)
{
    seam_process *p = seam_spawn(t, .argv = { "echo", line });

    seam_process_wait(p, 0);
}

static void reports_address(seam_t *t)
{
    reports(t, "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1");
}

static void reports_thread(seam_t *t)
{
    reports(t, "WARNING: ThreadSanitizer: data race (pid=7)");
}

static void reports_undefined(seam_t *t)
{
    reports(t, "src/a.c:7:3: runtime error: signed integer overflow");
}

static void reports_nothing(seam_t *t)
{
    reports(t, "panic: runtime error: index out of range\nERROR: no Sanitizer: here");
}

SEAM_TEST(spawn_fails_the_test_by_a_sanitizers_report)
{
    trial_says(t, reports_address,
               "error t: 'echo': ==7==ERROR: AddressSanitizer: heap-use-after-free on address "
               "0x1\n    the whole report is in its output\nend t fail\n");
    seam_check_contains(t, trial_run(t, reports_thread, NULL), "data race");
    seam_check_contains(t, trial_run(t, reports_undefined, NULL), "signed integer overflow");
    trial_says(t, reports_nothing, "end t pass\n");
}

static void waits_too_long(seam_t *t)
{
    seam_process_wait(seam_spawn(t, .argv = { "cat" }, .stdin_pipe = true), 30);
}

static void waits_longer_than_the_test(seam_t *t)
{
    seam_process_wait(seam_spawn(t, .argv = { "cat" }, .stdin_pipe = true), 0);
}

static void wants_a_line_too_long(seam_t *t)
{
    seam_process_line(seam_spawn(t, .argv = { "cat" }, .stdin_pipe = true), "up", 30);
}

static void wants_a_line_of_the_dead(seam_t *t)
{
    seam_process_line(seam_spawn(t, .argv = { "echo", "down" }), "up", 0);
}

static void writes_to_the_deaf(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "sh", "-c", "exec <&-; echo; sleep 100" },
                                 .stdin_pipe = true, .ready_line = "");

    seam_process_write(p, "words", 5);
}

static void signals_the_dead(seam_t *t)
{
    seam_process *p = seam_spawn(t, .argv = { "true" });

    seam_process_wait(p, 0);
    seam_process_signal(p, SIGTERM);
}

SEAM_TEST(spawn_says_what_it_waited_for)
{
    /* Half of its last 5 % is all that the program has to end in. */
    const struct trial_options short_test = { .timeout_ms = 1000 };

    trial_says(t, waits_too_long,
               "error t: 'cat' did not end within 30 ms\n    it wrote nothing\nend t fail\n");
    seam_check_match(
        t, trial_run(t, waits_longer_than_the_test, &short_test),
        "^error t: 'cat' did not end within \\d+ ms, when the time of the test was "
        "over\n    it wrote nothing\nend t fail\n$");
    trial_says(t, wants_a_line_too_long,
               "error t: 'cat' wrote no line that matches /up/ within 30 ms\n    it wrote "
               "nothing\ntry: have it flush: stdio keeps back what goes to a pipe\n"
               "end t fail\n");
    trial_says(t, wants_a_line_of_the_dead,
               "error t: 'echo' exited with status 0, and no line of its output matches /up/\n"
               "    last lines of its output:\n        down\nend t fail\n");
    seam_check_contains(t, trial_run(t, writes_to_the_deaf, NULL),
                        "error t: 'sh' reads no more of its input: 0 of 5 bytes were written");
    seam_check_contains(t, trial_run(t, signals_the_dead, NULL),
                        "error t: 'true' gets no signal any more: it exited with status 0");
}

static void says_much(seam_t *t)
{
    seam_spawn(t, .argv = { "seq", "100" }, .ready_line = "never");
}

SEAM_TEST(spawn_shows_the_last_lines)
{
    const char *words = trial_run(t, says_much, NULL);

    seam_check_contains(t, words, "last lines of its output:\n        81\n        82\n");
    seam_check_contains(t, words, "        99\n        100\nend t fail\n");
}

/* ---- nothing stays ----------------------------------------------------------------------- */

/* An orphan that has ended may wait for the agent, whose child it is now, to look at it. */
static bool is_gone(void *pid)
{
    char path[64], words[512] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)(intptr_t)pid);
    file = fopen(path, "r");
    if (!file)
        return true;
    words[fread(words, 1, sizeof words - 1, file)] = '\0';
    fclose(file);
    return strstr(words, ") Z ") != NULL;
}

SEAM_SUBTEST(spawns_a_family)
{
    pid_t *pids = arg;
    seam_process *p = seam_spawn(t,
                                 .argv = { "sh", "-c",
                                           "sleep 1000 & echo one $!; setsid sh -c 'sleep 1000 "
                                           "& echo two $!'; echo all; wait" },
                                 .ready_line = "all");

    pids[0] = seam_process_pid(p);
    pids[1] = atoi(seam_process_line(p, "^one ", 0) + 4);
    pids[2] = atoi(seam_process_line(p, "^two ", 0) + 4);
}

SEAM_TEST(spawn_leaves_nothing_behind)
{
    pid_t pids[3] = { 0 };

    seam_require(t, seam_run(t, "family", spawns_a_family, pids));
    for (int i = 0; i < 3; i++) {
        seam_check_lt(t, 1, pids[i]);
        seam_check_eventually(t, 10000, is_gone, (void *)(intptr_t)pids[i]);
    }
}

static void spawns_a_deaf_one(seam_t *t)
{
    seam_spawn(t, .argv = { "sh", "-c", "trap '' TERM; echo; read x" }, .stdin_pipe = true,
               .ready_line = "", .stop_timeout_ms = 30);
}

SEAM_TEST(spawn_kills_what_does_not_end)
{
    trial_says(t, spawns_a_deaf_one,
               "log t: 'sh' did not end on signal 15 (Terminated) within 30 ms: killed\n"
               "end t pass\n");
}

static void write_end(void *process)
{
    seam_check_eq(*(seam_t **)process, seam_process_stop(((seam_process **)process)[1]), 0);
}

SEAM_TEST(spawn_can_be_stopped_in_a_clean_up)
{
    void **both = seam_alloc(t, 2 * sizeof *both);

    both[0] = t;
    both[1] = seam_spawn(t, .argv = { "sh", "-c", "trap 'exit 0' TERM; echo; read x" },
                         .stdin_pipe = true, .ready_line = "");
    seam_cleanup(t, write_end, both);
}
