/*
 * seam/spawn.h - start the program under test, talk to it, and have it end with the test.
 *
 *     SEAM_TEST(daemon_is_healthy)
 *     {
 *         seam_process *daemon = seam_spawn(t,
 *             .argv = { "ordersd", "--listen", "127.0.0.1:{port:http}", "--data", "{dir}" },
 *             .env  = { seam_format(t, "DATABASE_URL=%s", seam_postgres_url(pg)) },
 *             .ready_http = "http:/healthz");
 *         const seam_http_response *r = seam_http_get(t, seam_process_url(daemon, "http", "/healthz"));
 *
 *         seam_check_eq(t, r->status, 200);
 *         seam_check_eq(t, seam_process_stop(daemon), 0);
 *     }
 *
 * In the words of .argv, .env and .stdin_text "{port:name}" is a free TCP port of 127.0.0.1, the same for
 * each use of the name; "{dir}" a fresh folder of the process; "{{" a brace. No other test is given the port
 * meanwhile. A foreign program may take it before this one listens, which is not started again then: where
 * the program can, give it port 0 and find the port in its output.
 *
 * The program: a path with '/' is relative to the folder of the test's source; a name is looked for in
 * $SEAM_PROGRAM_PATH, beside the test program (where `//seam:program` and most build systems put it), in
 * the folder of a compile_commands.json (-build), then in $PATH.
 *
 * Its environment is that of the test without PG*, *_PROXY and AWS_*, and with .env. Doubles of the test
 * (seam/http_mock.h) work in it as they do in the test; what cannot be reached there (a static program, one
 * with set-user-id, one in Go) is said and fails the test where the test has a double.
 *
 * Its output is the test's output, each line behind the program's name, and can be read. These fail the
 * test: a sanitizer's report; a crash, also of what it started, shown with its stack; and an exit with another
 * status than 0, or by a signal, that nobody asked for by stopping it, by a signal that ends programs or by
 * seam_process_wait. At the end of the test it gets SIGTERM, and SIGKILL after .stop_timeout_ms; nothing of it
 * stays, nor of what it started.
 *
 * Ownership: a process belongs to the (sub)test that spawned it. Strings are copied; those handed out live
 * until the (sub)test ends. Threads: the (sub)test's own.
 */
#ifndef SEAM_SPAWN_H
#define SEAM_SPAWN_H

#include <sys/types.h>

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_SPAWN_ARGUMENTS = 32, SEAM_SPAWN_VARIABLES = 32 };

typedef struct seam_process seam_process;

typedef struct seam_spawn_options {
    const char *argv[SEAM_SPAWN_ARGUMENTS] SEAM_0; /* NULL ends the list */
    const char *env[SEAM_SPAWN_VARIABLES]  SEAM_0; /* "NAME=value"; "NAME" leaves it out; NULL ends */
    const char *cwd                        SEAM_0; /* NULL: that of the test */
    const char *stdin_text                 SEAM_0; /* NULL: /dev/null */
    bool        stdin_pipe                 SEAM_0; /* or what seam_process_write gives it */

    /* It is ready when all of these hold; the call waits for them. None: at once. */
    const char *ready_port                 SEAM_0; /* the port of that name accepts */
    const char *ready_http                 SEAM_0; /* "name:/path": a GET there gives a status below 400 */
    const char *ready_line                 SEAM_0; /* PCRE2 pattern, found in a line of its output */
    bool        ready_fd                   SEAM_0; /* it writes to, or closes, descriptor $SEAM_READY_FD */
    int         ready_timeout_ms           SEAM_0; /* 0: 10 s */

    int         stop_timeout_ms            SEAM_0; /* from SIGTERM to SIGKILL; 0: 5 s */
    int         stop_signal                SEAM_0; /* instead of SIGTERM */
    bool        may_fail                   SEAM_0; /* however it ends is no failure; a sanitizer's report is */
    bool        no_doubles                 SEAM_0; /* it reaches the real network, not the doubles */
    seam_site   site                       SEAM_0; /* set for you */
} seam_spawn_options;

/* Start it and wait until it is ready. Ends the test when it cannot be started, when it ends before it is
 * ready, and when that takes too long; the message shows what was waited for and the last lines of output. */
#define seam_spawn(...) seam_spawn_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_spawn_(t, ...) seam_spawn_at((t), SEAM_NEW(seam_spawn_options, __VA_ARGS__))
seam_process *seam_spawn_at(seam_t *t, SEAM_REF(seam_spawn_options) options);

pid_t       seam_process_pid(const seam_process *process);
int         seam_process_port(const seam_process *process, const char *name); /* of "{port:name}" */
const char *seam_process_dir(const seam_process *process); /* "{dir}" */
/* "http://127.0.0.1:<port>" and the path. */
const char *seam_process_url(const seam_process *process, const char *port_name, const char *path);

/* All that it has written so far, stdout and stderr together; at most the last 16 MB. */
const char *seam_process_output(seam_process *process);

/* Wait until a whole line of its output, from the first on, matches the pattern (PCRE2) and return that line.
 * Ends the test when it does not come in time (0: as long as the test may go on), or when the program ends
 * before. */
#define seam_process_line(process, pattern, within_ms) \
    seam_process_line_at((process), SEAM_HERE, (pattern), (within_ms))
const char *seam_process_line_at(seam_process *process, seam_site at, const char *pattern, int within_ms);

/* With .stdin_pipe: give it bytes (all of them), and the end of its input. */
#define seam_process_write(process, data, size) \
    seam_process_write_at((process), SEAM_HERE, (data), (size))
void seam_process_write_at(seam_process *process, seam_site at, const void *data, size_t size);
void seam_process_close_stdin(seam_process *process);

/* Send a signal. That this very signal ends it is no failure; nor is any exit after one that asks programs
 * to end: SIGTERM, SIGINT, SIGQUIT, SIGABRT, SIGKILL. Ends the test when it has ended already. */
#define seam_process_signal(process, number) seam_process_signal_at((process), SEAM_HERE, (number))
void seam_process_signal_at(seam_process *process, seam_site at, int number);

/* Wait until it ends by itself; or ask it to stop and wait. Both return its exit status, or minus the signal
 * that ended it. Ends the test when that takes longer than within_ms (0: as long as the test may go on). */
#define seam_process_wait(process, within_ms) seam_process_wait_at((process), SEAM_HERE, (within_ms))
#define seam_process_stop(process) seam_process_stop_at((process), SEAM_HERE)
int seam_process_wait_at(seam_process *process, seam_site at, int within_ms);
int seam_process_stop_at(seam_process *process, seam_site at);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
