/*
 * base/proc.h - processes by the marker that they carry.
 *
 * Every process of a run has SEAM_TEST_ID=<run id>.<rest> in its environment from exec on, and
 * what it starts inherits that. Nothing is announced and no list is kept: /proc is the list.
 *
 * A marker matches a prefix when it is equal to it, goes on with a '.', or when the prefix itself
 * ends in '.': "run.1" matches "run.1" and "run.1.daemon" but not "run.12"; "run." matches them all.
 *
 * Some servers write over their own environment (PostgreSQL's back ends do, for their titles).
 * A process that shows none at all is found by the folder it works in: see `folders`.
 *
 * Threads: any; there is no state.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROC_FOLDERS = 2, PROC_EXCEPT = 8 };

/* Which processes are meant. What is NULL or 0 is not asked for. */
struct proc_match {
    const char *marker; /* a prefix, as above */
    const char *folders[PROC_FOLDERS]; /* or: no environment, and works there or below */
    const char *spare; /* but no marker that goes on with this behind the prefix */
    pid_t except[PROC_EXCEPT]; /* and never these */
};

/* Called for one process. `rest` is what follows the prefix in its marker, "" when it was found by
 * its folder. Return false to end the visit. */
typedef bool proc_visit_fn(void *arg, pid_t pid, const char *rest);

/* Visit what matches now, in no order; zombies and processes that we may not look into are passed
 * over. Returns how many were visited or a negative errno. */
int proc_visit(const struct proc_match *match, proc_visit_fn *visit, void *arg);

/* The same for a marker alone. */
int proc_visit_marked(const char *prefix, proc_visit_fn *visit, void *arg);

/* End all that match: stop them, look again until nothing new appears, kill. A PostgreSQL server
 * is asked by SIGQUIT first, because killing it leaves shared memory behind. Returns 0 when a scan
 * finds none left, -ETIMEDOUT when some are left after two seconds, or another negative errno. */
int proc_kill(const struct proc_match *match);

/* The same for a marker, sparing `count` (at most PROC_EXCEPT) processes. */
int proc_kill_marked(const char *prefix, const pid_t *except, size_t count);

/* Before exec: the signal mask of that program, and what the terminal and pipes send does again what it
 * does by default; SIG_IGN would be inherited. */
void proc_signals_for_exec(const sigset_t *mask);

/* The arguments of a process, with blanks between them, cut to `size`; its name in brackets when it
 * shows none. Returns 0 or a negative errno. */
int proc_command(pid_t pid, char *ret, size_t size);

/* How many processes the kernel has killed because memory was out, in a cgroup or on the whole machine,
 * since it was started; 0 when it does not say. */
unsigned long proc_oom_kills(void);

#endif
