/*
 * test/spawn.h - the parts of seam_spawn; private to src/test/spawn*.c.
 *
 *   spawn_words.c         placeholders and ports in the words of the caller
 *   spawn_program.c       which file a program is
 *   spawn_environment.c   what it inherits
 *   spawn_start.c         pipes, fork, exec
 *   spawn_reader.c        its output and its end, read by a thread of ours
 *   spawn_ready.c         waiting for it, and until it is ready
 *   spawn_crash.c         its stacks where it crashes, and those of what it started
 *   spawn_end.c           signals, its end and what that means for the test
 *   spawn.c               the public functions
 */
#ifndef TEST_SPAWN_H
#define TEST_SPAWN_H

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "seam/spawn.h"
#include "test/state.h"

enum { SPAWN_READY_FD = 3, SPAWN_TAIL_LINES = 20, SPAWN_OUTPUT_MAX = 16 << 20 };

struct spawn_port {
    struct spawn_port *next;
    const char *name;
    int port;
    int claim; /* a socket whose name keeps other tests from the port; -1: none */
};

/* How it ended, as waitid says it. */
struct spawn_end {
    bool ended;
    bool lost; /* somebody else's wait() took its status */
    bool killed; /* by the signal `status`; else it is the exit status */
    int status;
};

/* A crash of it or of what it started. */
struct spawn_crash {
    pid_t pid; /* 0: none */
    pid_t sender; /* another process sent the signal: it is no crash */
    int number;
    const char *name; /* of the program */
    const char *stack; /* "\n    stack:\n        ..." for a message */
};

struct seam_process {
    seam_t *t;
    struct seam_spawn_options options; /* copied, with what the placeholders stand for */
    const char *name; /* the last part of argv[0], for messages and in front of its output */
    char *argv[SEAM_SPAWN_ARGUMENTS + 1];
    const char *dir; /* NULL: none yet */
    struct spawn_port *ports;
    const char *crashes; /* the folder of reports; NULL: there will be none */
    const char *no_stack; /* and why */
    struct spawn_crash crash; /* its own, once it is read */
    int others; /* crashes of what it started, so far */
    const char *marker; /* SEAM_TEST_ID of it and of all that it starts */
    pid_t pid; /* 0: not started */
    pid_t owner; /* the process that started it */
    int pidfd;
    int output; /* what it writes; the reader's */
    int input; /* of .stdin_pipe */
    int ready; /* of .ready_fd */
    int changed; /* an eventfd: the reader has news */
    int finish; /* an eventfd: the reader is to read what is there, and to end */
    pthread_t reader;
    bool reading;

    /* What the test did to it: its own thread's. */
    sigset_t sent;
    bool stopping; /* a signal was sent that ends programs */
    bool awaited; /* the test has been given its status */
    bool told; /* its end was reported */
    bool told_report; /* likewise the sanitizer's */

    pthread_mutex_t lock; /* guards what follows; the reader writes it */
    struct buf text; /* its output, up to twice SPAWN_OUTPUT_MAX */
    uint64_t dropped; /* how much of it has gone */
    struct spawn_end end;
    struct buf report; /* the first line of a sanitizer's report; empty: none */
};

/* ---- spawn_words.c */

/* Put in what the placeholders stand for. Ends the test when one is wrong. */
char *spawn_expand(seam_process *child, const char *words);

/* The port of that name, NULL when none of the words has it. */
const struct spawn_port *spawn_find_port(const seam_process *child, const char *name);
void spawn_release_ports(void *child); /* a clean-up */

/* ---- spawn_program.c */

/* The path of argv[0]. Ends the test when there is none. */
const char *spawn_find_program(seam_process *child, const char *name);

/* Why a library cannot be preloaded into it; NULL when it can. A script counts as its interpreter. */
const char *spawn_not_preloadable(const char *path);

/* ---- spawn_environment.c */

/* What it inherits, ending in NULL. `path`: the program. */
char **spawn_environment(seam_process *child, const char *path);

/* ---- spawn_start.c */

/* Fork and execute it. The descriptors of `process` are set as far as they are needed. */
int spawn_start(seam_process *child, const char *path, char **environment, struct err *err);

/* ---- spawn_reader.c */

int spawn_read(seam_process *child, struct err *err);
void spawn_read_end(seam_process *child); /* read what is there, and end the reader */
struct spawn_end spawn_end_of(seam_process *child);
const char *spawn_report(seam_process *child); /* copied; NULL: none */

/* Copy what was written at and behind `from` (a count of all bytes since its start) into the arena; "" when
 * nothing. *ret_at becomes where the copy begins, which is later when that much has gone. */
char *spawn_output(seam_process *child, uint64_t from, uint64_t *ret_at, size_t *ret_size);

/* "\n    last lines of its output:\n        ..." for a message, behind the stack of one that crashed. */
const char *spawn_tail(seam_process *child);

/* ---- spawn_ready.c */

enum spawn_wait { SPAWN_HOLDS, SPAWN_ENDED, SPAWN_LATE };

/* Until when: `ms` from now (0: no limit of its own), and no longer than the test may go on. */
struct spawn_limit {
    seam_context *context; /* NULL in a clean-up, which may use the time that is left */
    uint64_t deadline_ns; /* 0: none */
    uint64_t begin_ns;
    int ms;
};
struct spawn_limit spawn_limit(seam_process *child, int ms);
bool spawn_is_late(const struct spawn_limit *limit);
/* "within 10 s", or that the time of the test was over. */
const char *spawn_late_words(seam_process *child, const struct spawn_limit *limit);

/* Wait until `holds` does, the process has ended, or it is late. */
enum spawn_wait spawn_await(seam_process *child, const struct spawn_limit *limit,
                            bool (*holds)(seam_process *child, void *arg), void *arg);

/* Wait for news of the process, for the descriptor (or -1), or for so long (-1: no limit but `limit`). */
void spawn_pause(seam_process *child, const struct spawn_limit *limit, int fd, short events,
                 int pause_ms);

void spawn_await_ready(seam_process *child);
const char *spawn_await_line(seam_process *child, const struct spawn_limit *limit,
                             const char *pattern, enum spawn_wait *ret);
void spawn_check_pattern(seam_process *child, seam_site at, const char *pattern);

/* ---- spawn_crash.c */

/* The library to preload so that it tells of its crash; NULL when it cannot. `path`: the program. */
const char *spawn_crash_library(seam_process *child, const char *path);

bool spawn_is_crashing(seam_process *child); /* it is about to end, or has */
const struct spawn_crash *
spawn_own_crash(seam_process *child); /* once it has ended; NULL: none */
const char *spawn_stack(seam_process *child); /* "" unless it crashed; or why there is none */

/* A crash of what it started, each once; `whole`: only if its stack has been read to the end. False when
 * there is none left. */
bool spawn_next_crash(seam_process *child, bool whole, struct spawn_crash *ret);

/* ---- spawn_end.c */

const char *spawn_how(seam_process *child, struct spawn_end end); /* "exited with status 3" */
int spawn_status(struct spawn_end end); /* as seam_process_wait returns it */
bool spawn_has_ended(seam_process *child); /* by itself, or of what the test sent */
void spawn_signal(seam_process *child, int number);
void spawn_stop(seam_process *child); /* signal, wait, kill */
void spawn_judge(seam_process *child, seam_site at,
                 bool at_end); /* say what is wrong with its end */
void spawn_release(void *process); /* the clean-up: nothing of it stays */

#endif
