/*
 * service/child.h - start a server as a child that cannot outlive the keeper.
 *
 * A child carries the run's marker from exec on and has PR_SET_PDEATHSIG. The kernel sends that
 * signal when the *thread* that forked ends, so all are forked by one thread that never does.
 *
 * Threads: any, once child_begin was called.
 */
#ifndef SERVICE_CHILD_H
#define SERVICE_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "service/identity.h"

/* Another user than the keeper's, for a keeper that is root. */
struct child_user {
    uid_t uid;
    gid_t gid;
};

struct child_spec {
    const char *const *argv; /* argv[0] is the program's path; ends in NULL */
    const char *const *env; /* "NAME=value" besides PATH and the like; NULL: none */
    const char *marker; /* the value of SEAM_TEST_ID */
    const char *folder; /* to work in */
    const char *log; /* stdout and stderr are appended to this file */
    int death_signal; /* when the keeper dies */
    enum identity identity;
    const struct child_user *user; /* NULL: as `identity` says */
    int input, output, error; /* descriptors; 0: nothing, the log, and what `output` is */
};

struct child {
    pid_t pid;
    int fd; /* a pidfd; readable when the child has ended */
};
#define CHILD_NONE ((struct child){ 0, -1 })

/* Start the thread that forks. Once, before all else. */
int child_begin(void);

/* Start nothing more: the keeper ends. */
void child_close(void);

/* Returns when the program was executed; an error names the step that failed. */
int child_start(const struct child_spec *spec, struct child *ret, struct err *err);

/* Wait until it has ended and reap it: 0 and its wait status, or -ETIMEDOUT. */
int child_wait(struct child *child, uint64_t deadline_ns, int *ret_status);

void child_signal(const struct child *child, int signal);

/* End it: `signal`, and SIGKILL when that had no effect within `patience_ms` (0: it always has).
 * Reaps; does nothing to one that was reaped. */
void child_end(struct child *child, int signal, int patience_ms);

/* Run a program to its end; an error tells its status and the last lines of its log. */
int child_run(const struct child_spec *spec, uint64_t deadline_ns, struct err *err);

/* "exit status 1", "SIGSEGV". Returns `room`. */
const char *child_describe(int status, char *room, size_t size);

/* Add the last `lines` lines of a log (0: all that is worth reading) to `ret`, each behind `indent`. */
void child_log_tail(const char *log, int lines, const char *indent, struct buf *ret);

#endif
