/*
 * runner/run.h - one run: its packages, their tests, the agents that run them, and where events go.
 *
 * The runner is one epoll loop that never blocks and runs no user code.
 *
 *   run ── package ── test        what there is to do, filled by discovery and the agents' lists
 *    │       └ agent ── attempt   what is going on: a test program, and a test that runs in a child of it
 *    └ sink                       reporters and the event log
 */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include <signal.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "events/agent_link.h"
#include "events/event.h"
#include "report/report.h"
#include "runner/loop.h"
#include "runner/options.h"
#include "test/filter.h"

struct run;
struct package;

enum test_state { TEST_LEFT_OUT, TEST_PENDING, TEST_GRANTED, TEST_RUNNING, TEST_DONE };

/* What a test declares besides its name: mostly the same for all tests of a file, which then share it. */
struct declaration {
    struct package *package;
    const char *file;
    const char *group;
    uint32_t flags; /* enum agent_test_flag */
    int timeout_ms;
    int signal;
    int exit_code;
};

/* Its place in package->tests is its number in the program. Small, because there may be very many. */
struct test {
    const struct declaration *declared;
    const char *name;
    int line;
    uint32_t took_ms; /* in this run or an earlier one; 0: short or not known */
    uint32_t pass_over; /* .resume: subtests that have a result */
    uint8_t state; /* enum test_state */
    bool failed_before; /* .resume: in a part that was run earlier */
};

struct package {
    struct run *run;
    const char *name; /* as reports show it */
    const char *folder; /* absolute */
    const char *binary;
    struct agent *agent;
    const struct declaration *declared; /* by the test that was listed last */
    struct test *tests;
    uint32_t test_count;
    uint32_t test_room;
    uint32_t *order; /* places in `tests`, as they are to be granted */
    uint32_t left; /* tests without a verdict in this round */
    uint32_t next; /* where in `order` the search for a pending test begins */
    uint32_t conditional; /* tests with a group, serial or exclusive */
    uint32_t ran;
    uint32_t skipped;
    uint32_t gated; /* left out because a tag was not given */
    uint32_t running;
    int rounds_left; /* -count */
    int restarts; /* agents that died */
    bool listed;
    bool begun;
    bool ended;
    bool failed;
    bool serial_runs; /* a serial test runs: nothing beside it */
    enum package_status status;
    uint64_t begin_ns;
    const char *again; /* how the command line names this package */
};

struct agent {
    struct package *package;
    struct watch link;
    struct watch output; /* what the program prints outside tests */
    struct buf said; /* the last of it, for the case that it dies */
    pid_t pid;
    bool ready;
    bool in_process; /* -isolate none */
    bool no_timeouts; /* under a debugger */
    bool sanitized;
    int status; /* of wait(), when `reaped` */
    bool reaped;
    int credits; /* tests granted to start when another of its tests has ended; below 0 for as long
                    as a packet is under way that corrects it */
    uint32_t running;
};

/* A test that runs, from STARTED to the verdict. */
struct attempt {
    struct attempt *next; /* in run->attempts */
    struct test *test;
    struct agent *agent;
    uint32_t serial;
    pid_t pid;
    int pidfd;
    struct watch output;
    struct watch events;
    struct buf output_bytes; /* read, not yet placed */
    struct buf event_bytes;
    struct node *open; /* (sub)tests that run, innermost first */
    uint64_t begin_ns;
    uint64_t watch_ns; /* when its pipes get into the loop; 0: they are */
    uint64_t deadline_ns; /* when the next step of ending it is due; 0: none */
    uint64_t output_total;
    char output_last; /* byte that was shown */
    struct buf output_head; /* a copy, until the output must go to a file */
    struct buf output_tail;
    const char *output_path;
    int output_file;
    int output_error; /* why the file is not whole: -errno; 0: it is */
    uint32_t events_seen;
    uint32_t subtests; /* direct ones that began */
    bool mark_passed; /* the output up to the next event's mark has been placed */
    bool ended; /* the END event of the test came */
    bool exited;
    bool exit_told;
    bool failed; /* for a reason that its own END does not know */
    bool crashed;
    bool lost; /* the runner had no memory for what it said */
    bool said_error; /* an error message came, perhaps from a process that the test forked */
    bool timed_out;
    bool interrupted;
    bool left_something;
    int kill_stage;
    int status; /* of wait() */
    uint32_t exit_flags;
    uint64_t peak_kb; /* of its memory */
    struct event end; /* copied: numbers only */
    struct event crash;
    char *crash_addresses;
    struct stacks *stacks; /* being read */
    char *stack_text;
    uint64_t timed_out_at;
    bool agent_died;
    struct buf children_left; /* names of those that outlived it */
    int children_left_count;
};

struct run {
    const struct options *options;
    struct arena arena;
    struct loop loop;
    struct report *reports; /* each gets every event */
    struct filter filter;
    struct filter skip;
    struct package **packages;
    uint32_t package_count;
    struct attempt *attempts;
    uint32_t in_flight; /* slots taken: granted to start now, or running */
    uint32_t serial; /* numbers given to attempts */
    bool no_groups; /* Bazel forbids process groups of our own */
    bool exclusive_runs;
    bool stopping; /* start nothing more */
    int interrupts;
    bool any_failed;
    bool any_build_failed;
    bool own_trouble; /* exit code 5 */
    uint32_t selected; /* tests that the patterns chose, of any package */
    uint64_t begin_ns;
    uint64_t deadline_ns;
    uint64_t status_due_ns; /* 0: no status line */
    bool status_shown;
    char progress[160]; /* shown in place of a test's name, ... */
    uint64_t progress_ns; /* ... until then */
    unsigned long oom_kills; /* of the kernel, before the run */
    int64_t clock_offset_ns; /* realtime minus monotonic */
    char id[AGENT_RUN_ID + 1];
    char nonce[MARK_NONCE + 1];
    struct watch signals;
    sigset_t signals_before;
    struct keeper *keeper;
    struct tokens *tokens; /* NULL: only -parallel limits */
    const char *folder; /* of the run, in TMPDIR */
    const char *libexec; /* where `services` and `stacks` are */
    const char *cache;
    uint32_t output_files;
    unsigned long tallies[TALLIES];
    const char *unverified; /* why the first of them */
};

/* run.c */
int run_begin(struct run *run,
              struct err *err); /* options and reports are set; keeper and loop start */
void run_package_is_ready(struct package *package); /* its binary is there: start its agent */
void run_start_clock(struct run *run); /* -timeout counts from here */
int run_all(struct run *run); /* until every package has ended; returns the exit code */
void run_fini(struct run *run);
void run_emit(struct run *run, struct event *event); /* a runner's own event: time is set */
void run_note(struct run *run, const char *format, ...) SEAM_PRINTF(2, 3);
void run_kill(const struct run *run, pid_t pid,
              int number); /* its process group, or it alone */
struct package *run_add_package(struct run *run, const char *name, const char *folder,
                                const char *binary);
void run_package_ends(struct package *package, enum package_status status, const char *reason);

/* tally.c */
void tally_take(struct run *run, const struct event *event);
void tally_say(struct run *run); /* at the end */

/* agent.c */
int agent_start(struct package *package);
void agent_stop(struct agent *agent); /* no more tests for it */
void agent_grant(struct agent *agent, struct test *test, bool when_free);
void agent_start_next(struct agent *agent); /* one of its credits, now */
void agent_start_none(struct agent *agent); /* of its credits */
void agent_grant_all(struct agent *agent); /* -isolate none */

/* schedule.c */
void schedule(struct run *run);
/* A test's process has ended: its slot is free, or the agent has given it to the next that waited. */
void schedule_ended(struct test *test, bool next_began);
void schedule_began_next(struct package *package);
void schedule_taken(struct package *package); /* a slot */
void schedule_freed(struct package *package);
void schedule_nothing(struct package *package);
void schedule_forget(
    struct package *package); /* an agent died, after its attempts were ended */

/* order.c */
void order_tests(struct package *package); /* its list is complete */
void order_save(const struct package *package); /* it has ended: remember what took long */

/* stream.c: records that came another way, when the test's process had ended: behind those in its pipe. */
void stream_add_events(struct attempt *attempt, const char *records, size_t size);

/* attempt.c */
void attempt_begin(struct agent *agent, const struct agent_packet *started, const int fds[3]);
void attempt_exited(struct attempt *attempt, const struct agent_packet *exited);
void attempt_cannot_start(struct agent *agent, const struct agent_packet *packet,
                          const char *why);
void attempt_never_began(struct agent *agent, const struct agent_packet *exited);
void attempt_agent_died(struct agent *agent);
struct attempt *attempt_find(struct run *run, uint32_t serial);
uint64_t attempts_deadline(const struct run *run);
void attempts_tick(struct run *run); /* act on deadlines that have passed */
void attempt_interrupt(struct attempt *attempt);

#endif
