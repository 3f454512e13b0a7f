/*
 * seam/seam.h - tests, checks, subtests and what a test needs from its surroundings.
 *
 *     #include <seam/seam.h>
 *     #include "config.h"
 *
 *     SEAM_TEST(config_survives_a_round_trip)
 *     {
 *         const char *path = seam_path(t, "%s/app.conf", seam_tempdir(t));
 *         struct config in = { .port = 8080, .name = "orders" }, out;
 *
 *         seam_require_ok(t, config_save(&in, path));
 *         seam_require_ok(t, config_load(&out, path));
 *         seam_check_eq(t, out.port, 8080);
 *         seam_check_eq(t, out.name, "orders");
 *     }
 *
 * Each test runs in a process of its own, started by `seam test` or `seam run`
 * (or by the test program itself, when it is started alone). A crash, a hang or
 * an exit() is the failure of that test and of no other. What a test starts,
 * opens or creates through `t` ends with it: there is nothing to close.
 *
 * Checks. seam_check_* records a failure and goes on; it returns whether the
 * check held. seam_require_* records it and ends the (sub)test there. Arguments
 * stand in the order (got, want); each is evaluated once.
 *
 * Ownership: strings and memory handed out live until the (sub)test ends.
 * Strings passed in are copied, unless the declaration says otherwise.
 *
 * Threads: seam_check_*, seam_log and seam_error may be called from any thread of
 * the test. Whatever may end the test (seam_require_*, seam_fatal, seam_skip and
 * all that "ends the test when it cannot") only from the thread that runs the
 * (sub)test, and only from code that the test calls itself, not from a call-back
 * that a library runs half way through its work.
 *
 * Forks: in a child that a test forks checks still count, with the child's pid;
 * what would end the test ends that child with _exit(1), and so does returning
 * from the test function. No clean-up runs there.
 *
 * C++: needs C++20 (designated initialisers). A fatal failure leaves by an
 * exception, so that destructors run; an exception of your own that leaves a test
 * is a failure and shows its what().
 */
#ifndef SEAM_SEAM_H
#define SEAM_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <seam/attr.h>

#ifdef __cplusplus
#include <exception>
#endif

/* ---- forms that the declarations below are written in ---------------------------------- */

/* A place in a source file; set by the macros, never by you. */
typedef struct seam_site {
    const char *file;
    int         line;
} seam_site;

#define SEAM_SITE { __FILE__, __LINE__ }

#ifdef __cplusplus
#define SEAM_HERE (seam_site{ __FILE__, __LINE__ })
#define SEAM_NEW(T, ...) (T{ __VA_ARGS__ })
#define SEAM_REF(T) const T &
#define SEAM_0 = {}
#else
#define SEAM_HERE ((seam_site){ __FILE__, __LINE__ })
#define SEAM_NEW(T, ...) &(const T){ __VA_ARGS__ }
#define SEAM_REF(T) const T *
#define SEAM_0
#endif

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

/* A running test or subtest. */
typedef struct seam_t seam_t;

/* ---- declaring tests -------------------------------------------------------------------- */

/* How a test is run. Zero is the default of each field. */
struct seam_options {
    const char *tags       SEAM_0; /* words, by space or comma; runs only when all are under -tags */
    int         timeout_ms SEAM_0; /* the test ends as failed after that long; 0: only -timeout counts */
    bool        serial     SEAM_0; /* never beside another test of its package */
    bool        exclusive  SEAM_0; /* never beside any other test of the run */
    const char *group      SEAM_0; /* never beside a test of the same group; see SEAM_GROUP */
    bool        resume     SEAM_0; /* after a crash go on behind the subtest that died */
    int         signal     SEAM_0; /* passes only when this signal ends the test, such as SIGABRT */
    int         exit_code  SEAM_0; /* passes only when the test calls exit() with it; not 0 */
    seam_site   site       SEAM_0; /* set for you */
};

/*
 * Declare a test: SEAM_TEST(name, .tags = "integration") { ... }
 *
 * The body is a function with one parameter, `seam_t *t`. Options follow the name
 * in the order of struct seam_options (C++ insists on it).
 */
#define SEAM_TEST(...) SEAM_TEST_(__VA_ARGS__, .site = SEAM_SITE)

/* Options for all tests of this file: SEAM_FILE(.tags = "integration"); once in a file. What a test says
 * itself comes first, but for tags: it needs those of its file as well as its own. */
#define SEAM_FILE(...)                                                                            \
    static const struct seam_options seam_file_options = { __VA_ARGS__, .site = SEAM_SITE };      \
    static struct seam_file_record seam_file_record = { &seam_file_options, SEAM_NULLPTR };       \
    SEAM_CONSTRUCTOR static void seam_file_register(void) { seam_register_file(&seam_file_record); } \
    struct seam_site

/*
 * Set-up that several tests share: it runs once, before the first test of the group,
 * in the process from which all tests are forked, and each test finds a copy of the
 * memory that it left. So use it for data that is slow to make, never for a
 * connection, a thread or a service (services are refused there).
 *
 *     static struct table *table;
 *     static int  load(void)   { return table_load(&table, "big.csv"); }
 *     static void unload(void) { table_free(table); }
 *     SEAM_GROUP(tables, .setup = load, .teardown = unload);
 *     SEAM_TEST(finds_a_row, .group = "tables") { ... }
 *
 * setup returns 0, or an error that fails each test of the group. teardown runs after
 * the last test of the program, unless setup failed. Tests of a group run one at a time.
 * Two groups of one program may not have the same name.
 */
struct seam_group_options {
    int       (*setup)(void)    SEAM_0;
    void      (*teardown)(void) SEAM_0;
    seam_site   site            SEAM_0; /* set for you */
};
#define SEAM_GROUP(...) SEAM_GROUP_(__VA_ARGS__, .site = SEAM_SITE)

/*
 * Code that runs in the test program before any test, once, while it has one thread:
 * SEAM_MAIN(m) { setlocale(LC_ALL, "C"); }. There is one in a program at most. What it
 * leaves in memory, each test finds as a copy. `m` gives the words behind "--" on the
 * command line of a program that runs without a runner; a runner passes none.
 */
typedef struct seam_main {
    int    argc;
    char **argv;
} seam_main;
#define SEAM_MAIN(m)                                                                              \
    static void seam_main_body(const seam_main *m);                                               \
    SEAM_CONSTRUCTOR static void seam_main_register(void) { seam_register_main(seam_main_body); } \
    static void seam_main_body(SEAM_UNUSED const seam_main *m)

/* ---- subtests --------------------------------------------------------------------------- */

/* The body of a subtest; `arg` is what seam_run was given. */
typedef void seam_fn(seam_t *t, void *arg);

/* Declare such a body: SEAM_SUBTEST(one_row) { const struct row *r = arg; ... } */
#define SEAM_SUBTEST(fn)                                                                          \
    static void fn(seam_t *t, void *arg);                                                         \
    static void fn(SEAM_UNUSED seam_t *t, SEAM_UNUSED void *arg)

/*
 * Run fn as the subtest `name` of t and return whether it passed (or was skipped).
 *
 * Its full name is "parent/name": white space becomes '_', a name that was already used
 * gets "#01", "#02", ... `arg` is passed on as it is. A subtest that `-run` or `-skip`
 * leaves out is not run and counts as passed. Calls nest. A failed subtest fails t.
 * Only the thread that runs t may call it, and no clean-up of t.
 *
 * A subtest that calls seam_parallel returns at once with true and runs, in a thread of
 * its own, when the function of t has returned: `arg` must live that long.
 */
bool seam_run(seam_t *t, const char *name, seam_fn *fn, const void *arg);

/* Let this subtest run beside its siblings, at most -parallel of them at once, as Go's t.Parallel
 * does. To be called first in a subtest: what stands before it runs twice, and a message, check or
 * clean-up before it is a setup mistake. Top-level tests run in parallel anyway. */
#define seam_parallel(t) seam_parallel_at((t), SEAM_HERE)
void seam_parallel_at(seam_t *t, seam_site at);

/* ---- words and verdicts ----------------------------------------------------------------- */

/* printf-like. log is shown when the test fails, and always under -v. error also fails the test and
 * goes on. fatal fails it and ends it. skip ends it as skipped, with the reason. */
#define seam_log(t, ...) seam_log_at((t), SEAM_HERE, __VA_ARGS__)
#define seam_error(t, ...) seam_error_at((t), SEAM_HERE, __VA_ARGS__)
#define seam_fatal(t, ...) seam_fatal_at((t), SEAM_HERE, __VA_ARGS__)
#define seam_skip(t, ...) seam_skip_at((t), SEAM_HERE, __VA_ARGS__)
void seam_log_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);
void seam_error_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);
SEAM_NORETURN void seam_fatal_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);
SEAM_NORETURN void seam_skip_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);

/* Put words in front of every later message of this (sub)test, until the next seam_scope; "" ends it.
 * For loops without subtests: seam_scope(t, "row %zu", i). */
#define seam_scope(t, ...) seam_scope_at((t), SEAM_HERE, __VA_ARGS__)
void seam_scope_at(seam_t *t, seam_site at, const char *format, ...) SEAM_PRINTF(3, 4);

/* Run a helper of yours that checks, and name this line, not the helper's, in its messages:
 * seam_via(t, order_is_valid(t, &order)). */
#define seam_via(t, call) (seam_via_begin((t), SEAM_HERE), (void)(call), seam_via_end())
void seam_via_begin(seam_t *t, seam_site at);
void seam_via_end(void);

bool seam_failed(const seam_t *t); /* so far, a subtest of it included; from any thread */
bool seam_short(void); /* whether -short was given: leave out what takes long */

/* "orders/create", as -run takes it. Lives until the (sub)test ends. */
const char *seam_name(const seam_t *t);

/* Attach a fact to the (sub)test in every report: the key is one word, the value one line, together at
 * most 64 KB. Ends the test when they are not. */
void seam_attr(seam_t *t, const char *key, const char *value);

/* ---- values ----------------------------------------------------------------------------- */

/* A value with its kind. Kind 0 is the end of a list, so that NULL, 0 and the end are three things. */
enum seam_kind {
    SEAM_KIND_END,
    SEAM_KIND_INT,
    SEAM_KIND_UINT,
    SEAM_KIND_DOUBLE,
    SEAM_KIND_BOOL,
    SEAM_KIND_TEXT, /* `size` bytes at as.p; NULL when as.p is NULL */
    SEAM_KIND_POINTER,

    /* For the doubles of databases: see seam/pg_mock.h. */
    SEAM_KIND_NULL, /* SQL's NULL */
    SEAM_KIND_BYTES, /* `size` bytes at as.p */
    SEAM_KIND_ANY,
    SEAM_KIND_LIKE, /* a pattern, as text */
    SEAM_KIND_MATCHES /* a function, as.matches */
};
typedef struct seam_value {
    int    kind;
    size_t size;
    union {
        intmax_t    i;
        uintmax_t   u;
        double      d;
        const void *p;
        bool      (*matches)(const char *text, size_t size, void *arg);
    } as;
} seam_value;

/* A value borrows its text until the call that it is given to returns. */
seam_value seam_value_i(intmax_t v);
seam_value seam_value_u(uintmax_t v);
seam_value seam_value_d(double v);
seam_value seam_value_b(bool v);
seam_value seam_value_s(const char *v);
seam_value seam_value_n(const char *v, size_t size); /* text that does not end in NUL */

/*
 * SEAM_V(x): x as a value. Integers of any size, enums, bool, float, double and char * (text);
 * in C++ also std::string and std::string_view. A pointer of another type or a struct does not
 * compile (seam_check_mem compares memory, seam_check_same addresses), nor does NULL: whether it
 * is text or SQL's NULL nobody can tell. gcc wants a + before a bit-field.
 */

/* ---- checks ----------------------------------------------------------------------------- */

/*
 *   seam_check(t, condition)               a truth; shows the text of the condition
 *   seam_check_ok(t, call)                 0 is success; a negative errno is named. Not for a truth: a
 *                                          comparison or a leading '!' is a setup mistake
 *   seam_check_eq(t, got, want)  _ne       integers by value across signs, char * as text, double exactly
 *   seam_check_lt(t, got, bound) _le       got < bound, got <= bound; numbers only
 *   seam_check_near(t, got, want, within)  |got - want| <= within; a NaN is near nothing
 *   seam_check_str(t, got, want)           text; NULL equals only NULL
 *   seam_check_mem(t, got, got_size, want, want_size)
 *   seam_check_json(t, got, want)          texts equal as JSON: key order is free, integers are exact. `want`
 *                                          may quote with ' when it begins with {' or ['
 *   seam_check_match(t, text, pattern)     PCRE2, found anywhere in the text
 *   seam_check_contains(t, text, part)
 *   seam_check_null(t, pointer)
 *   seam_check_same(t, got, want)          the same address
 *   seam_check_eventually(t, within_ms, fn, arg)   bool fn(void *arg) becomes true: asked at least once, with
 *                                          pauses of 1 to 50 ms, for no longer than the test may go on
 *
 * Each also as seam_require_*.
 */
#define seam_check(t, c) seam_check_at((t), SEAM_HERE, #c, (c) ? true : false)
#define seam_check_ok(t, e) seam_check_ok_at((t), SEAM_HERE, #e, (e))
#define seam_check_eq(t, got, want) \
    seam_check_eq_at((t), SEAM_HERE, #got, #want, SEAM_V(got), SEAM_V(want))
#define seam_check_ne(t, got, want) \
    seam_check_ne_at((t), SEAM_HERE, #got, #want, SEAM_V(got), SEAM_V(want))
#define seam_check_lt(t, got, bound) \
    seam_check_lt_at((t), SEAM_HERE, #got, #bound, SEAM_V(got), SEAM_V(bound))
#define seam_check_le(t, got, bound) \
    seam_check_le_at((t), SEAM_HERE, #got, #bound, SEAM_V(got), SEAM_V(bound))
#define seam_check_near(t, got, want, within) \
    seam_check_near_at((t), SEAM_HERE, #got, (got), (want), (within))
#define seam_check_str(t, got, want) seam_check_str_at((t), SEAM_HERE, #got, (got), (want))
#define seam_check_mem(t, got, got_size, want, want_size) \
    seam_check_mem_at((t), SEAM_HERE, #got, (got), (got_size), (want), (want_size))
#define seam_check_json(t, got, want) seam_check_json_at((t), SEAM_HERE, #got, (got), (want))
#define seam_check_match(t, text, pattern) \
    seam_check_match_at((t), SEAM_HERE, #text, (text), (pattern))
#define seam_check_contains(t, text, part) \
    seam_check_contains_at((t), SEAM_HERE, #text, (text), (part))
#define seam_check_null(t, pointer) seam_check_null_at((t), SEAM_HERE, #pointer, (pointer))
#define seam_check_same(t, got, want) \
    seam_check_same_at((t), SEAM_HERE, #got, #want, (got), (want))
#define seam_check_eventually(t, within_ms, fn, arg) \
    seam_check_eventually_at((t), SEAM_HERE, #fn, (within_ms), (fn), (arg))

#define seam_require(t, c) \
    ((c) ? (void)0 : (seam_check_at((t), SEAM_HERE, #c, false), seam_leave()))
/* Written out, not built on seam_check_*: their arguments must be shown as they were written. */
#define seam_require_ok(t, e) SEAM_OR_LEAVE(seam_check_ok_at((t), SEAM_HERE, #e, (e)))
#define seam_require_eq(t, got, want) \
    SEAM_OR_LEAVE(seam_check_eq_at((t), SEAM_HERE, #got, #want, SEAM_V(got), SEAM_V(want)))
#define seam_require_ne(t, got, want) \
    SEAM_OR_LEAVE(seam_check_ne_at((t), SEAM_HERE, #got, #want, SEAM_V(got), SEAM_V(want)))
#define seam_require_lt(t, got, bound) \
    SEAM_OR_LEAVE(seam_check_lt_at((t), SEAM_HERE, #got, #bound, SEAM_V(got), SEAM_V(bound)))
#define seam_require_le(t, got, bound) \
    SEAM_OR_LEAVE(seam_check_le_at((t), SEAM_HERE, #got, #bound, SEAM_V(got), SEAM_V(bound)))
#define seam_require_near(t, got, want, within) \
    SEAM_OR_LEAVE(seam_check_near_at((t), SEAM_HERE, #got, (got), (want), (within)))
#define seam_require_str(t, got, want) \
    SEAM_OR_LEAVE(seam_check_str_at((t), SEAM_HERE, #got, (got), (want)))
#define seam_require_mem(t, got, got_size, want, want_size) \
    SEAM_OR_LEAVE(seam_check_mem_at((t), SEAM_HERE, #got, (got), (got_size), (want), (want_size)))
#define seam_require_json(t, got, want) \
    SEAM_OR_LEAVE(seam_check_json_at((t), SEAM_HERE, #got, (got), (want)))
#define seam_require_match(t, text, pattern) \
    SEAM_OR_LEAVE(seam_check_match_at((t), SEAM_HERE, #text, (text), (pattern)))
#define seam_require_contains(t, text, part) \
    SEAM_OR_LEAVE(seam_check_contains_at((t), SEAM_HERE, #text, (text), (part)))
#define seam_require_null(t, pointer) \
    SEAM_OR_LEAVE(seam_check_null_at((t), SEAM_HERE, #pointer, (pointer)))
#define seam_require_same(t, got, want) \
    SEAM_OR_LEAVE(seam_check_same_at((t), SEAM_HERE, #got, #want, (got), (want)))
#define seam_require_eventually(t, within_ms, fn, arg) \
    SEAM_OR_LEAVE(seam_check_eventually_at((t), SEAM_HERE, #fn, (within_ms), (fn), (arg)))

/* The failing branch does not return, so that analysers know what holds behind a require. */
#define SEAM_OR_LEAVE(held) ((held) ? (void)0 : seam_leave())

/* End the (sub)test that runs on this thread. For the macros; say seam_fatal in tests. */
SEAM_NORETURN void seam_leave(void);

bool seam_check_at(seam_t *t, seam_site at, const char *text, bool held);
bool seam_check_ok_at(seam_t *t, seam_site at, const char *text, long result);
bool seam_check_eq_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                      seam_value got, seam_value want);
bool seam_check_ne_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                      seam_value got, seam_value want);
bool seam_check_lt_at(seam_t *t, seam_site at, const char *got_text, const char *bound_text,
                      seam_value got, seam_value bound);
bool seam_check_le_at(seam_t *t, seam_site at, const char *got_text, const char *bound_text,
                      seam_value got, seam_value bound);
bool seam_check_near_at(seam_t *t, seam_site at, const char *text, double got, double want,
                        double within);
bool seam_check_str_at(seam_t *t, seam_site at, const char *text, const char *got, const char *want);
bool seam_check_mem_at(seam_t *t, seam_site at, const char *text, const void *got, size_t got_size,
                       const void *want, size_t want_size);
bool seam_check_json_at(seam_t *t, seam_site at, const char *text, const char *got, const char *want);
bool seam_check_match_at(seam_t *t, seam_site at, const char *text, const char *got,
                         const char *pattern);
bool seam_check_contains_at(seam_t *t, seam_site at, const char *text, const char *got,
                            const char *part);
bool seam_check_null_at(seam_t *t, seam_site at, const char *text, const void *pointer);
bool seam_check_same_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                        const void *got, const void *want);
bool seam_check_eventually_at(seam_t *t, seam_site at, const char *text, int within_ms,
                              bool (*fn)(void *arg), void *arg);

/* Compare `size` bytes with the file testdata/golden/<name> beside the test's source; under -update
 * write them there instead. Returns whether they are equal. */
#define seam_golden(t, name, data, size) seam_golden_at((t), SEAM_HERE, (name), (data), (size))
bool seam_golden_at(seam_t *t, seam_site at, const char *name, const void *data, size_t size);

/* ---- clean-up --------------------------------------------------------------------------- */

/* Call fn(arg) when the (sub)test ends, however it ends short of a crash: last registered, first called,
 * and after its subtests, on the thread that ran it. A fatal in a clean-up ends that clean-up only. Any
 * thread may register one. */
void seam_cleanup(seam_t *t, void (*fn)(void *arg), void *arg);

/* Make such a function of one that takes a typed pointer:
 * SEAM_CLEANUP_FN(finish, PQfinish, PGconn *) ... seam_cleanup(t, finish, connection). */
#define SEAM_CLEANUP_FN(name, fn, type) \
    static void name(void *arg) { fn((type)arg); } \
    struct seam_site

/* ---- surroundings ----------------------------------------------------------------------- */

/* All of these end the test when they cannot do what they say. Relative paths start at the folder of
 * the test's source file. */

/* A fresh folder, removed when the (sub)test ends; the same at each call. */
#define seam_tempdir(t) seam_tempdir_at((t), SEAM_HERE)
const char *seam_tempdir_at(seam_t *t, seam_site at);

/* A new file in a folder that is removed at the end; the last '*' of the pattern becomes a random word.
 * The descriptor, open for reading and writing, is ours: do not close it. */
typedef struct seam_file {
    const char *path;
    int         fd;
} seam_file;
#define seam_tempfile(t, pattern) seam_tempfile_at((t), SEAM_HERE, (pattern))
seam_file seam_tempfile_at(seam_t *t, seam_site at, const char *pattern);

/* The whole file, with a NUL behind it; ret_size may be NULL. At most 256 MB. */
#define seam_read_file(t, path, ret_size) seam_read_file_at((t), SEAM_HERE, (path), (ret_size))
char *seam_read_file_at(seam_t *t, seam_site at, const char *path, size_t *ret_size);

#define seam_write_file(t, path, data, size) \
    seam_write_file_at((t), SEAM_HERE, (path), (data), (size))
void seam_write_file_at(seam_t *t, seam_site at, const char *path, const void *data, size_t size);

/* Zeroed memory that lives until the (sub)test ends. Only from the (sub)test's own thread. */
void *seam_alloc(seam_t *t, size_t size);

/* printf into memory of the test; only from its own thread. seam_path also ends the test when the result
 * is longer than a path may be. */
char       *seam_format(seam_t *t, const char *format, ...) SEAM_PRINTF(2, 3);
const char *seam_path(seam_t *t, const char *format, ...) SEAM_PRINTF(2, 3);

/* Set (NULL: unset) an environment variable, change the folder; undone when the (sub)test ends. Not in a
 * parallel subtest, whose siblings would see it. chdir also sets PWD. */
#define seam_setenv(t, name, value) seam_setenv_at((t), SEAM_HERE, (name), (value))
#define seam_chdir(t, path) seam_chdir_at((t), SEAM_HERE, (path))
void seam_setenv_at(seam_t *t, seam_site at, const char *name, const char *value);
void seam_chdir_at(seam_t *t, seam_site at, const char *path);

/* A folder for what the (sub)test wants to keep (logs, pictures): below -artifacts DIR when that was given,
 * else one that is removed at the end; the same at each call. */
#define seam_artifact_dir(t) seam_artifact_dir_at((t), SEAM_HERE)
const char *seam_artifact_dir_at(seam_t *t, seam_site at);

/* ---- time that a test has ---------------------------------------------------------------- */

/* When this test will be ended, in nanoseconds of CLOCK_MONOTONIC; 0 when it has no limit. */
uint64_t seam_deadline(const seam_t *t);

/*
 * The test's context: it is done a little before the deadline (one tenth of the time-out, at most
 * 5 s), when the (sub)test's function has returned, or when it is cancelled. Every call of Seam that
 * waits honours it. A context lives until the (sub)test ends. Any thread may cancel it or ask how it is;
 * only the test's own may make one or ask for its descriptor.
 */
typedef struct seam_context seam_context;
seam_context *seam_context_of(seam_t *t);
seam_context *seam_context_within(seam_t *t, int ms); /* done after ms at the latest */
void seam_context_cancel(seam_context *context);
bool seam_context_done(const seam_context *context);
int  seam_context_remaining_ms(const seam_context *context); /* -1: no limit; 0: done */
int  seam_context_fd(seam_context *context); /* becomes readable when done; ours: do not close it; or -1 */

/* ---- threads ----------------------------------------------------------------------------- */

/* Start n threads (at least 1), let all begin fn(t, index, arg) at once, index from 0, and wait for all.
 * Checks may be made in them; a fatal ends only its thread's fn. When one cannot be started none begins,
 * and the test ends. */
#define seam_threads(t, n, fn, arg) seam_threads_at((t), SEAM_HERE, (n), (fn), (arg))
void seam_threads_at(seam_t *t, seam_site at, int n, void (*fn)(seam_t *t, int index, void *arg),
                     void *arg);

/* ---- registration; called by the macros ---------------------------------------------------- */

struct seam_test_record {
    const char                *name;
    void                     (*fn)(seam_t *t);
    const struct seam_options *options;
    struct seam_test_record   *next;
};
struct seam_group_record {
    const char                      *name;
    const struct seam_group_options *options;
    struct seam_group_record        *next;
    bool                             entered; /* setup has run */
    int                              result;  /* what it returned */
};
struct seam_file_record {
    const struct seam_options *options;
    struct seam_file_record   *next;
};
void seam_register(struct seam_test_record *record);
void seam_register_group(struct seam_group_record *record);
void seam_register_file(struct seam_file_record *record);
void seam_register_main(void (*body)(const seam_main *m));

/* How a fatal leaves a C++ function: `throwing` throws. Returns what was set before on this thread. */
typedef void seam_throwing(void);
seam_throwing *seam_leave_by(seam_throwing *throwing);

SEAM_PUBLIC_END

#ifdef __cplusplus
} /* extern "C" */

inline seam_value seam_v(const char *v) { return seam_value_s(v); }
inline seam_value seam_v(char *v) { return seam_value_s(v); }
inline seam_value seam_v(bool v) { return seam_value_b(v); }
inline seam_value seam_v(double v) { return seam_value_d(v); }
inline seam_value seam_v(float v) { return seam_value_d(static_cast<double>(v)); }
inline seam_value seam_v(char v) { return seam_value_i(v); }
inline seam_value seam_v(signed char v) { return seam_value_i(v); }
inline seam_value seam_v(short v) { return seam_value_i(v); }
inline seam_value seam_v(int v) { return seam_value_i(v); }
inline seam_value seam_v(long v) { return seam_value_i(v); }
inline seam_value seam_v(long long v) { return seam_value_i(v); }
inline seam_value seam_v(unsigned char v) { return seam_value_u(v); }
inline seam_value seam_v(unsigned short v) { return seam_value_u(v); }
inline seam_value seam_v(unsigned v) { return seam_value_u(v); }
inline seam_value seam_v(unsigned long v) { return seam_value_u(v); }
inline seam_value seam_v(unsigned long long v) { return seam_value_u(v); }
template <typename T> void seam_v(T *) = delete; /* another pointer: use _mem, _same or _null */
void seam_v(decltype(nullptr)) = delete;
template <typename T>
    requires requires(const T &v) { seam_value_n(v.data(), v.size()); }
seam_value seam_v(const T &v)
{
    return seam_value_n(v.data(), v.size());
}
template <typename T>
    requires(__is_enum(T))
seam_value seam_v(T v)
{
    return seam_v(static_cast<__underlying_type(T)>(v));
}

/* NULL is an integer to C++, so it is known by how it is written. */
constexpr bool seam_is_spelled(const char *text, const char *word)
{
    while (*text && *text == *word) {
        text++;
        word++;
    }
    return *text == *word;
}
constexpr bool seam_is_null(const char *text)
{
    return seam_is_spelled(text, "NULL") || seam_is_spelled(text, "__null") ||
           seam_is_spelled(text, "nullptr");
}
template <bool is_null> constexpr void seam_no_null()
{
    static_assert(!is_null, "NULL is no value: say SEAM_SQL_NULL, or use seam_check_null");
}
#define SEAM_V(x) (seam_no_null<seam_is_null(#x)>(), seam_v(x))

/* The exception of a fatal. Catch it only to throw it again. */
struct seam_left {};

#if defined(__cpp_exceptions)
inline void seam_throw() { throw seam_left(); }

/* Run fn so that what it throws ends the (sub)test and nothing else. */
inline void seam_guard(seam_t *t, seam_site at, seam_fn *fn, void *arg)
{
    seam_throwing *before = seam_leave_by(seam_throw);
    try {
        fn(t, arg);
    } catch (const seam_left &) {
    } catch (const std::exception &e) {
        seam_error_at(t, at, "exception left the test: %s", e.what());
    } catch (...) {
        seam_error_at(t, at, "exception of an unknown type left the test");
    }
    seam_leave_by(before);
}
#else
inline void seam_guard(seam_t *t, seam_site, seam_fn *fn, void *arg) { fn(t, arg); }
#endif

struct seam_guarded {
    seam_site   site;
    seam_fn    *fn;
    const void *arg;
};
inline void seam_run_guarded(seam_t *t, void *arg)
{
    const seam_guarded *g = static_cast<const seam_guarded *>(arg);
    seam_guard(t, g->site, g->fn, const_cast<void *>(g->arg));
}
inline bool seam_run_cxx(seam_t *t, seam_site at, const char *name, seam_fn *fn, const void *arg)
{
    seam_guarded *g = static_cast<seam_guarded *>(seam_alloc(t, sizeof(seam_guarded)));
    *g = { at, fn, arg };
    return seam_run(t, name, seam_run_guarded, g);
}
#define seam_run(t, name, fn, arg) seam_run_cxx((t), SEAM_HERE, (name), (fn), (arg))

#define SEAM_TEST_(name, ...)                                                                     \
    static void seam_test_##name(seam_t *t);                                                      \
    static void seam_body_##name(seam_t *t, void *) { seam_test_##name(t); }                      \
    static const struct seam_options seam_options_##name = { __VA_ARGS__ };                       \
    static void seam_enter_##name(seam_t *t)                                                      \
    {                                                                                             \
        seam_guard(t, seam_options_##name.site, seam_body_##name, nullptr);                       \
    }                                                                                             \
    static struct seam_test_record seam_record_##name = { #name, seam_enter_##name,               \
                                                          &seam_options_##name, nullptr };        \
    SEAM_CONSTRUCTOR static void seam_register_##name(void) { seam_register(&seam_record_##name); } \
    static void seam_test_##name(SEAM_UNUSED seam_t *t)

#define SEAM_NULLPTR nullptr
#else

#define SEAM_V(x)                                                                                 \
    _Generic((x),                                                                                 \
        bool: seam_value_b,                                                                       \
        char: seam_value_i, signed char: seam_value_i, short: seam_value_i, int: seam_value_i,    \
        long: seam_value_i, long long: seam_value_i,                                              \
        unsigned char: seam_value_u, unsigned short: seam_value_u, unsigned: seam_value_u,        \
        unsigned long: seam_value_u, unsigned long long: seam_value_u,                            \
        float: seam_value_d, double: seam_value_d,                                                \
        char *: seam_value_s, const char *: seam_value_s)(x)

#define SEAM_TEST_(name, ...)                                                                     \
    static void seam_test_##name(seam_t *t);                                                      \
    static const struct seam_options seam_options_##name = { __VA_ARGS__ };                       \
    static struct seam_test_record seam_record_##name = { #name, seam_test_##name,                \
                                                          &seam_options_##name, NULL };           \
    SEAM_CONSTRUCTOR static void seam_register_##name(void) { seam_register(&seam_record_##name); } \
    static void seam_test_##name(SEAM_UNUSED seam_t *t)

#define SEAM_NULLPTR NULL
#endif

#define SEAM_GROUP_(name, ...)                                                                    \
    static const struct seam_group_options seam_group_options_##name = { __VA_ARGS__ };           \
    static struct seam_group_record seam_group_##name = { #name, &seam_group_options_##name,      \
                                                          SEAM_NULLPTR, false, 0 };               \
    SEAM_CONSTRUCTOR static void seam_group_register_##name(void)                                 \
    {                                                                                             \
        seam_register_group(&seam_group_##name);                                                  \
    }                                                                                             \
    struct seam_site

#endif
