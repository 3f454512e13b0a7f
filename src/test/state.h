/*
 * test/state.h - the state of a test's process and of each (sub)test in it; private to src/test.
 */
#ifndef TEST_STATE_H
#define TEST_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/map.h"
#include "events/event.h"
#include "test/backlog.h"
#include "test/filter.h"
#include "test/t.h"

struct cleanup {
    struct cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

/* A subtest that called seam_parallel and waits for its parent's function to return. */
struct waiting {
    struct waiting *next;
    seam_t *t;
    seam_fn *fn;
    void *arg;
    pthread_t thread; /* only with has_thread */
    bool has_thread;
};

/* What is atomic here is read or written by checks, which any thread may make. */
struct seam_t {
    seam_t *parent;
    const char *name; /* full */
    _Atomic(seam_context *) context; /* made when asked for */
    const char *tempdir; /* likewise */
    const char *artifact_dir; /* likewise */
    _Atomic(const char *) scope;
    struct cleanup *cleanups; /* guarded by process.lock */
    struct waiting *waiting; /* in the order in which they were declared */
    struct waiting *last_waiting;
    struct map names; /* of subtests, to keep them unique */
    struct arena arena;
    uint64_t begin_ns;
    uint64_t paused_ns;
    uint32_t node;
    uint32_t ordinal; /* how many subtests it has begun */
    atomic_bool failed;
    atomic_bool skipped;
    atomic_bool must_leave; /* a subtest called a fatal of this one */
    atomic_bool touched; /* said or registered something: too late for seam_parallel */
    bool finished; /* its function has returned, or it left */
    bool in_thread; /* a parallel subtest, or below one */
    bool released; /* a parallel subtest whose turn has come */
    bool changed_process; /* used seam_setenv or seam_chdir */
};

/* Set by the agent before the fork, completed by the child; never changed while a test runs,
 * but for what `lock` guards. */
struct process {
    pid_t pid; /* of the test; another one is a child that the test forked */
    int events; /* -1 until a test runs */
    int output; /* a copy of the output pipe, for marks; -1: none wanted */
    dev_t events_device;
    ino_t events_inode;
    _Atomic uint64_t looked_ns; /* when it was last seen whether we are forked, the pipe ours */
    atomic_int looks_saved; /* since then */
    atomic_bool forked; /* what was seen: this is a child that the test forked */
    atomic_bool closed; /* and that the test has closed the pipe */
    pthread_mutex_t lock; /* guards the event pipe and its counters, and lists of clean-ups */
    uint32_t sequence; /* events written, or kept to be written next */
    struct backlog *backlog; /* of emit_aside; NULL: each event is written at once */
    bool noisy; /* the output pipe has been used */
    uint32_t nodes; /* ids given out */
    seam_t *root;
    uint32_t pass_over; /* direct subtests of the root that have a result already */

    char nonce[17];
    const char *keeper;
    const char *folder; /* where temporary files go */
    const char *source_root; /* what relative source files are relative to */
    const char *artifacts;
    const char
        *libexec; /* where the libraries are that spawned programs are given, and `stacks` */
    const char *build; /* -build: the folder of a compile_commands.json */
    uint64_t deadline_ns; /* of this test; 0: none */
    uint64_t timeout_ns; /* its whole time */
    int parallel;
    int seed; /* -seed; 0: none */
    unsigned flags; /* enum agent_config_flag */
    bool alone; /* no runner: reports are printed here */
    struct seam_t root_room; /* the test itself: kept here to write to few pages */
    struct filter run;
    struct filter skip;
};
extern struct process process; /* aligned, so that a test's process copies one page of it */

/* The (sub)test that runs on this thread, NULL on a thread that runs none. */
extern _Thread_local seam_t *current_test;

/* emit.c */
void emit_watch_forks(void); /* once, in a program with tests */
void emit_begin(int events, int output); /* this process is a test: its pipes; -1: no marks */
void emit(struct event *event); /* sets its time */
/* The same of an event that nobody waits for and whose place in raw output does not matter: it is written with the
 * next one, or by whoever supervises this process. */
void emit_aside(struct event *event);
bool emit_crash(struct event *event); /* the same from a signal handler; false when it cannot */
bool emit_lock(
    void); /* process.lock, where there is more than one thread: whether it was taken */
void emit_unlock(bool locked);
void emit_message(seam_t *t, enum message_kind kind, seam_site at, struct text text);
bool emit_is_possible(void); /* whether the event pipe is still ours */
bool emit_is_forked(void); /* whether this process is a child of the test's */

/* say.c: the seam_via calls that are open on this thread; a fatal leaves those above `mark`. */
struct via *via_mark(void);
void via_unwind(struct via *mark);

/* leave.c: call fn so that a fatal in it returns here; false when it left that way. In a child that the
 * test forked it does not return at all. */
bool leave_call(seam_t *t, seam_fn *fn, void *arg);

/* run.c */
void t_init(seam_t *t, seam_t *parent, const char *name);
seam_t *t_make_root(const struct seam_test_record *record);
void t_finish(seam_t *t); /* cleanups, verdict, END event; frees what t owns */
enum verdict t_verdict(const seam_t *t);
void t_fail(seam_t *t); /* and all its ancestors */
bool run_test(const struct seam_test_record *record, uint32_t index, bool announce);

/* parallel.c */
void parallel_defer(seam_t *t, seam_fn *fn,
                    void *arg); /* after fn left through seam_parallel */
void parallel_run(seam_t *t); /* run what waits, return when all has ended */
bool parallel_wanted(const seam_t *t);

/* registry.c */
struct seam_test_record *registry_tests(void); /* in the order of files and lines */
int registry_count(void); /* of them */
struct seam_group_record *registry_groups(void);
/* What holds for a test: what its file says where it says nothing itself, but for the tags, which are its own. */
struct seam_options registry_options(const struct seam_test_record *record);
const char *registry_file_tags(const char *file); /* NULL when it has none */
void registry_run_main(int argc, char **argv); /* argv: the words for SEAM_MAIN, and NULL */
int group_enter(
    const struct seam_test_record *record); /* set it up if need be; what that returned */
void groups_tear_down(void); /* those that were set up */

/* crash.c, leaks.c */
bool crash_is_sanitized(void); /* a sanitizer reports bad addresses; its threads are no leak */
void crash_install(void); /* before the fork: children inherit it */
void leaks_baseline(void); /* in the agent: what each test finds open */
void leaks_begin(bool forked); /* in the test, before user code; `forked`: with one thread */
void leaks_report(seam_t *t);
unsigned leaks_count_threads(void); /* of this process; 1 when /proc does not say */

/* alone.c: print an event of a program that runs without a runner. */
void alone_event(const struct event *event);
int alone_main(int argc, char **argv);

/* agent.c */
int agent_main(const char *option, int argc, char **argv);
int agent_child(const char *option, int argc, char **argv);

#endif
