/*
 * test/t.h - what the rest of libseam may ask of a running test beyond seam.h.
 */
#ifndef TEST_T_H
#define TEST_T_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "events/tally.h"
#include "seam/seam.h"

/* Descriptors of ours start here, out of the way of the test's own. */
enum { T_PRIVATE_FD = 500 };

/* The test itself, above all its subtests. */
seam_t *t_root(void);

/* When the test itself began, as now_ns() has it; 0: none has. */
uint64_t t_begin_ns(void);

/* The memory of the (sub)test: freed when it ends. Only from the test's own thread. */
struct arena *t_arena(seam_t *t);

/* Make a path absolute: a relative one starts at the folder of the source file `at.file`. The text
 * lives until the (sub)test ends. */
const char *t_source_path(seam_t *t, seam_site at, const char *path);

/* A fresh folder, removed by a clean-up that is registered here. */
const char *t_make_folder(seam_t *t, seam_site at,
                          const char *name); /* NULL: that of the test */

/* Take a descriptor (or -1, with errno) and move it above T_PRIVATE_FD, close-on-exec. It is left out of
 * the leak report and closed in every process that the test forks. Returns the new one or -errno; the
 * old one is closed in either case. From any thread. */
int t_private_fd(int fd);
void t_private_close(int fd);

/* Announce that a thread of ours is about to be started, or that it could not be after all; the thread calls
 * `begins` first and `ends` last. It is left out of the leak report meanwhile. */
void t_private_thread_planned(bool planned);
void t_private_thread_begins(void);
void t_private_thread_ends(void);
bool t_is_private_thread(int tid);

/* Call fn on a thread that is not the (sub)test's own: what it checks is of `t`, and a fatal in it fails
 * the test and ends this call: false then. */
bool t_call(seam_t *t, seam_fn *fn, void *arg);

/* Something that the test needs is not here: skip it with those words, or fail it under -no-skip. */
SEAM_NORETURN void t_unavailable_at(seam_t *t, seam_site at, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* A message that is shown also when the test passes; it begins with "warning: ". From any thread. */
void t_warn_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);

/* Whether -services docker was given, or -services native. */
bool t_wants_containers(void);
bool t_wants_natives(void);

/* Whether -update was given: files that tests compare with are written anew. */
bool t_wants_update(void);

/* Whether -verify was given: what doubles claim is checked; and -no-skip: what cannot be done fails. */
bool t_wants_verify(void);
bool t_no_skip(void);

/* What -seed says; 0: it was not given. */
int t_run_seed(void);

/* Add to a number that the run says at its end. `words`: of TALLY_UNVERIFIED, why. From any thread. */
void t_tally(seam_t *t, enum tally tally, int number, const char *words);

/* Where the parts of Seam are that programs load, NULL when this program runs without a runner. */
const char *t_libexec(void);

/* The keeper's socket, NULL when this program runs without a runner. */
const char *t_keeper_socket(void);

/* What -net says of connections that nobody allowed, and whether -hooks left the hooks on. */
enum t_net_mode { T_NET_DENY, T_NET_WARN, T_NET_ALLOW };
int t_net_mode(void);
bool t_hooks_are_on(void);

/* A request that crossed a seam, and what came back. */
struct t_exchange {
    const char *seam; /* "http" */
    const char *what; /* "POST https://api.pay.test/v1/charges" */
    const char *answer; /* "429", "reset after 10 bytes"; NULL: none came */
    uint64_t begin_ns; /* when it was asked, as now_ns() has it; 0: elapsed_ns ago */
    uint64_t elapsed_ns; /* until it was answered whole */
    const char *body; /* of the answer, any bytes; only its head is kept */
    size_t body_size;
    const char *note; /* "no rule"; NULL: none */
    const char *method; /* in front of `what`; NULL: none */
    bool served; /* a server of `t` answered */
};

/* Report it: the last ones of a (sub)test are printed when it fails. Secrets are masked here (test/mask.h),
 * texts cut, control characters escaped. Called on the thread of a subtest of `t` it belongs to that subtest,
 * but not what a server answered: now one thread does that, now another. All is copied. From any thread, as long as `t` has not ended. */
void t_exchange(seam_t *t, const struct t_exchange *exchange);

/* Milliseconds that a call of ours may still wait: the least of `want_ms` and what the test has left. */
int t_wait_ms(const seam_t *t, int want_ms);

/*
 * What doubles and clocks do for programs that a test spawns (seam/spawn.h). libseam knows none: whoever brings
 * some registers here, as often as it likes, before the first program that is to have them.
 *
 * `fn` adds assignments for a program that `t` is about to spawn, each with a NUL behind it: "NAME=value",
 * unless the test gives that program a NAME of its own, and "NAME+=value", behind a ':' where the program has
 * a NAME already. It returns whether the test has a double: a program that cannot be preloaded then fails it, with
 * the words `lacks` ("does not reach the doubles of this test") and `remedy`.
 * What it registers as clean-up of `t` is done when the program has ended. From the thread of `t`.
 */
typedef bool t_spawn_environment_fn(seam_t *t, seam_site at, struct buf *assignments);
void t_spawn_environment(t_spawn_environment_fn *fn, const char *lacks, const char *remedy);

/* How LD_PRELOAD names that library of Seam's: the loader takes blanks and colons for the end of a name, so it
 * may be a link in `folder`. NULL with the words in `err` when it cannot. Only with t_libexec(). */
const char *t_preload_path(seam_t *t, const char *folder, const char *name, struct err *err);

#endif
