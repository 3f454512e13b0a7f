/*
 * seam/pg_mock.h - answer a program's PostgreSQL sessions from a script, at the wire.
 *
 *     SEAM_TEST(get_user_by_id)
 *     {
 *         seam_pg_mock *db = seam_pg_mock_start(t, .migrations = "migrations");
 *
 *         seam_pg_expect(db,
 *             .sql     = "SELECT id, email FROM users WHERE id = $1",
 *             .args    = { SEAM_V(1) },
 *             .columns = "id int8, email text",
 *             .rows    = { { SEAM_V(1), SEAM_V("ada@example.org") } });
 *
 *         seam_require_ok(t, user_repo_open(&repo, seam_pg_mock_conninfo(db)));
 *         ...
 *     }
 *
 * A mock speaks PostgreSQL's protocol 3.0: whatever client library the code under test uses, it is not changed.
 * With .origin the mock stands in for that address, in the test program and in programs started by seam_spawn;
 * without, seam_pg_mock_conninfo says how to reach it.
 *
 * Each statement is answered by a rule. Rules are met in the order in which they were added, over all sessions
 * of a mock, unless seam_pg_unordered or .group says otherwise. BEGIN, COMMIT, ROLLBACK, SAVEPOINT, SET, SHOW,
 * DEALLOCATE, LISTEN and the like are answered as the server would when no rule is about them. The state of the
 * transaction is the server's: after an error every statement fails with 25P02 until ROLLBACK, and a COMMIT
 * then answers ROLLBACK.
 *
 * A statement that no rule answers gets an ERROR with SQLSTATE SM001 and fails the test, with the nearest rule
 * and each argument beside it; so does a rule that is still unused when the test ends.
 *
 * What a rule says is a claim about the real server. `seam test -verify` checks each claim against one; see
 * seam/verify.h.
 *
 * Ownership: a mock belongs to the (sub)test that started it and stops with it. What is passed in is copied,
 * but for .arg.
 *
 * Threads: any thread may use the database. The functions below are for the (sub)test's own thread; those of a
 * rule (.sql_fn, .row_fn, SEAM_MATCHES) run on a thread of Seam, one at a time for each mock.
 */
#ifndef SEAM_PG_MOCK_H
#define SEAM_PG_MOCK_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_PG_ARGS = 16, SEAM_PG_COLUMNS = 16, SEAM_PG_ROWS = 8, SEAM_PG_NOTICES = 4 };

typedef struct seam_pg_mock seam_pg_mock;

/* How a session has to say who it is. */
enum seam_pg_auth {
    SEAM_PG_TRUST, /* nobody asks */
    SEAM_PG_SCRAM, /* SCRAM-SHA-256, with .user and .password */
    SEAM_PG_CLEARTEXT /* the password as it is, likewise */
};

typedef struct seam_pg_mock_options {
    const char *origin SEAM_0; /* "postgres://db.prod:5432/app", 5432 is the default; NULL: an address of its own */

    /* The folder of migrations and the file of SQL behind it, as seam/postgres.h has them: what -verify gives
     * the real server. From the folder of the test's source file. */
    const char *migrations SEAM_0;
    const char *seed SEAM_0;

    bool verify SEAM_0; /* check the claims of this mock also without -verify */
    const char *version SEAM_0; /* the server's, as it tells it: NULL: "15.20" */
    enum seam_pg_auth auth SEAM_0;
    const char *user SEAM_0; /* the only one that may begin a session; NULL: any */
    const char *password SEAM_0; /* for .auth, which needs it */
    const char *database SEAM_0; /* the only one that there is; NULL: any */
    bool tls SEAM_0; /* offer TLS, with a certificate of the test's own authority; else a client is told that there is none */
    bool lenient SEAM_0; /* a statement that no rule answers gets SM001 but does not fail the test */
    seam_site site SEAM_0; /* set for you */
} seam_pg_mock_options;

/* Start a mock, which stops with its (sub)test: then all sessions end, and what was not used and not expected fails
 * it. Never NULL: ends the test at the caller's line when it cannot, also when two mocks have the same origin. */
#define seam_pg_mock_start(...) seam_pg_mock_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_pg_mock_start_(t, ...) \
    seam_pg_mock_start_at((t), SEAM_NEW(seam_pg_mock_options, __VA_ARGS__))
seam_pg_mock *seam_pg_mock_start_at(seam_t *t, SEAM_REF(seam_pg_mock_options) options);

/* How to reach it: "host=... port=... user=... dbname=...", and as a URL. They live as long as the mock. */
const char *seam_pg_mock_conninfo(const seam_pg_mock *mock);
const char *seam_pg_mock_url(const seam_pg_mock *mock);

/* ---- values ------------------------------------------------------------------------------------ */

/* Besides SEAM_V(x), in .args and .rows. What they point to is read when the rule is added. */
#define SEAM_SQL_NULL seam_value_null() /* SQL's NULL */
#define SEAM_BYTES(p, n) seam_value_bytes((p), (n)) /* bytea, of n bytes */

/* In .args alone. */
#define SEAM_ANY seam_value_any() /* anything, also NULL */
#define SEAM_LIKE(pattern) seam_value_like(pattern) /* PCRE2, found anywhere in the value's text */
#define SEAM_MATCHES(fn) seam_value_matches(fn) /* a predicate: the text, NULL for SQL's NULL, the rule's .arg */

/* `text` has `size` bytes and a zero behind them, and lives until the function returns. */
typedef bool seam_pg_matches_fn(const char *text, size_t size, void *arg);
seam_value seam_value_null(void);
seam_value seam_value_any(void);
seam_value seam_value_bytes(const void *p, size_t size);
seam_value seam_value_like(const char *pattern);
seam_value seam_value_matches(seam_pg_matches_fn *fn);

/* ---- errors ------------------------------------------------------------------------------------ */

/* An error or a notice as the server sends it (protocol, "Error and Notice Message Fields"). The fields that a
 * name below needs are in its comment; the message is worked out as the server would word it unless .message
 * is given. */
typedef struct seam_pg_error {
    const char *sqlstate SEAM_0; /* five characters; NULL: no error */
    const char *schema SEAM_0; /* NULL: "public" where the server names one */
    const char *table SEAM_0;
    const char *column SEAM_0;
    const char *type SEAM_0;
    const char *constraint SEAM_0;
    const char *message SEAM_0;
    const char *detail SEAM_0;
    const char *hint SEAM_0;
    const char *where SEAM_0;
    int         position SEAM_0; /* in the statement, in characters, from 1 */
    const char *severity SEAM_0; /* NULL: "ERROR", in .notices "NOTICE"; "FATAL" ends the session */
} seam_pg_error;

#define SEAM_PG_ERROR(code, ...) { .sqlstate = (code), __VA_ARGS__ } /* any SQLSTATE, any fields */
#define SEAM_PG_UNIQUE_VIOLATION(...) { .sqlstate = "23505", __VA_ARGS__ } /* .constraint */
#define SEAM_PG_FOREIGN_KEY_VIOLATION(...) { .sqlstate = "23503", __VA_ARGS__ } /* .table, .constraint */
#define SEAM_PG_CHECK_VIOLATION(...) { .sqlstate = "23514", __VA_ARGS__ } /* .table, .constraint */
#define SEAM_PG_NOT_NULL_VIOLATION(...) { .sqlstate = "23502", __VA_ARGS__ } /* .table, .column */
#define SEAM_PG_EXCLUSION_VIOLATION(...) { .sqlstate = "23P01", __VA_ARGS__ } /* .constraint */
#define SEAM_PG_SERIALIZATION_FAILURE(...) { .sqlstate = "40001", __VA_ARGS__ }
#define SEAM_PG_DEADLOCK(...) { .sqlstate = "40P01", __VA_ARGS__ }
#define SEAM_PG_STATEMENT_TIMEOUT(...) { .sqlstate = "57014", __VA_ARGS__ }
#define SEAM_PG_ADMIN_SHUTDOWN(...) { .sqlstate = "57P01", .severity = "FATAL", __VA_ARGS__ }
#define SEAM_PG_TOO_MANY_CONNECTIONS(...) { .sqlstate = "53300", .severity = "FATAL", __VA_ARGS__ }

/* ---- rules ------------------------------------------------------------------------------------- */

/* What a rule is about. All but the first need no .sql. */
enum seam_pg_event {
    SEAM_PG_STATEMENT,
    SEAM_PG_CONNECT, /* a session begins: refuse it by .error or .fault, or ask for it */
    SEAM_PG_BEGIN, /* with .isolation and .read_only where they matter */
    SEAM_PG_COMMIT,
    SEAM_PG_ROLLBACK,
    SEAM_PG_SAVEPOINT, /* .sql may be its name, and that of the next two */
    SEAM_PG_RELEASE,
    SEAM_PG_ROLLBACK_TO,
    SEAM_PG_PREPARE, /* Parse of a named statement, or PREPARE; .sql is the statement's */
    SEAM_PG_DEALLOCATE, /* of that statement: Close, or DEALLOCATE */
    SEAM_PG_PING, /* an empty statement */
    SEAM_PG_CLOSE /* a session ends in order */
};

/* What goes wrong instead of an answer. */
enum seam_pg_fault {
    SEAM_PG_NO_FAULT,
    SEAM_PG_REFUSE, /* with SEAM_PG_CONNECT: connection refused */
    SEAM_PG_UNREACHABLE, /* with SEAM_PG_CONNECT: no answer to the connection */
    SEAM_PG_RESET, /* a reset, after .fault_after bytes of the answer */
    SEAM_PG_CLOSED, /* the connection ends after .fault_after bytes; half a row is a number that cuts one */
    SEAM_PG_STALL, /* nothing more after .fault_after bytes; the connection stays */
    SEAM_PG_DRIP, /* the answer in pieces of .fault_after (0: 1) bytes, with 1 ms between */
    SEAM_PG_KILL, /* the answer, and then the session is ended with 57P01 */
    SEAM_PG_WRONG_COUNT, /* rows with one field too many */
    SEAM_PG_FAULTS
};

/* Rows worked out when the statement comes, all before the first is sent: set the `columns` cells of row `n`, from
 * 0, and return true; false behind the last. Text in cells is copied. A fatal ends the statement with SM001. */
typedef bool seam_pg_row_fn(size_t n, seam_value *cells, size_t columns, void *arg);

/* A notification that comes behind an answer, to a session that has said LISTEN to its channel. */
typedef struct seam_pg_notification {
    const char *channel SEAM_0; /* NULL: none */
    const char *payload SEAM_0; /* NULL: "" */
} seam_pg_notification;

/* A statement to expect, and its answer. */
typedef struct seam_pg_rule {
    const char *sql SEAM_0; /* literal; white space, comments and the case of words are free outside quotes */
    const char *sql_regex SEAM_0; /* or PCRE2, found anywhere in the statement as it was sent */
    bool      (*sql_fn)(const char *sql, void *arg) SEAM_0; /* or this returns true for it, as it was sent */
    void       *arg SEAM_0; /* for functions of this rule; borrowed until the test ends */
    enum seam_pg_event event SEAM_0;
    const char *isolation SEAM_0; /* of SEAM_PG_BEGIN, or of its session: "serializable"; NULL: any */
    bool        read_only SEAM_0; /* of SEAM_PG_BEGIN: and it has to be */

    /* What $1, $2, ... have to be, as values of their types: 1 is "1" and 1.50 is "1.5" where the type is
     * numeric. Without .args and .no_args anything is taken. */
    seam_value  args[SEAM_PG_ARGS] SEAM_0;
    const seam_value *all_args SEAM_0; /* any number, instead; ended by a zero */
    bool        no_args SEAM_0;

    /* "id int8, email text not null, price numeric(10,2)"; a name may be quoted. " of TABLE.NUMBER" behind the
     * type gives the table and the column's number in it. */
    const char *columns SEAM_0;
    seam_value  rows[SEAM_PG_ROWS][SEAM_PG_COLUMNS] SEAM_0; /* a row that is all zero ends them */
    const seam_value *all_rows SEAM_0; /* any number, instead: cell by cell; ended by a zero */
    const char *csv SEAM_0; /* or lines of text, without a header: an empty field is NULL, "" the empty text */
    const char *csv_file SEAM_0; /* or this file of them, from the folder of the test's source */
    const char *json SEAM_0; /* or an array of objects, by column name */
    seam_pg_row_fn *row_fn SEAM_0; /* or worked out */
    bool        no_rows SEAM_0; /* columns, and no row */
    const char *tag SEAM_0; /* "INSERT 0 1"; NULL with rows: "SELECT n" or what the statement gives */
    seam_pg_error error SEAM_0; /* behind .rows, if there are some */
    seam_pg_error notices[SEAM_PG_NOTICES] SEAM_0; /* before the answer; severity "NOTICE" unless it is given */
    seam_pg_notification notify SEAM_0; /* behind it */
    const char *copy_out SEAM_0; /* COPY ... TO STDOUT: the data, as text */
    const char *copy_in SEAM_0; /* COPY ... FROM STDIN: the data has to be this; "" takes any */

    int         times SEAM_0; /* answers exactly so many statements; 0: one */
    bool        any_times SEAM_0; /* any number, also none */
    bool        optional SEAM_0; /* no failure when it is not used, or less often than .times */
    bool        never SEAM_0; /* a statement that matches fails the test */
    const char *group SEAM_0; /* rules that follow each other with the same word are met in any order */
    int         delay_ms SEAM_0; /* milliseconds before the answer; a cancel or statement_timeout ends it: 57014 */
    int         fault SEAM_0; /* enum seam_pg_fault */
    int         fault_after SEAM_0; /* bytes of the answer, from 0 */

    /* For -verify; see seam/verify.h. */
    const char *given SEAM_0; /* SQL that makes the claim true: run before the statement, committed */
    bool        compare_rows SEAM_0; /* the rows are those that .seed and .given make */
    bool        injected SEAM_0; /* a fault of the world, not of the statement: it is only parsed */

    const char *name SEAM_0; /* for messages */
    seam_site   site SEAM_0; /* set for you */
} seam_pg_rule;

/* Add a rule, written as its fields: seam_pg_expect(db, .sql = "...", ...). A rule that cannot be (no answer, a
 * row with another number of cells than columns, a pattern that does not compile, a type that is not known)
 * ends the test at that line. */
#define seam_pg_expect(...) seam_pg_expect_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_pg_expect_(m, ...) seam_pg_expect_at((m), SEAM_NEW(seam_pg_rule, __VA_ARGS__))
void seam_pg_expect_at(seam_pg_mock *mock, SEAM_REF(seam_pg_rule) rule);

/* From now on rules answer in any order: the most specific one that matches (literal before pattern before
 * function; then the one with more arguments compared; then the first). Two that are equal and answer
 * differently are a setup mistake, said at the second's line. */
void seam_pg_unordered(seam_pg_mock *mock);

/* Forget all rules and statements so far: for the rows of a table. Unused rules are no failure then. Sessions
 * stay, and so does seam_pg_unordered. */
void seam_pg_mock_reset(seam_pg_mock *mock);

/* To all sessions of the mock, now: a notification, for those that have said LISTEN to its channel (a payload that
 * is NULL is ""); and their end with 57P01, as by an administrator. */
void seam_pg_notify(seam_pg_mock *mock, const char *channel, const char *payload);
void seam_pg_kill(seam_pg_mock *mock);

/* ---- what was sent ------------------------------------------------------------------------------ */

/* One statement of the journal; strings live until the (sub)test ends. */
typedef struct seam_pg_call {
    const char *sql;
    const char *const *args; /* as text; NULL is SQL's NULL */
    size_t      arg_count;
    const char *tag; /* of the answer; NULL when there was an error */
    const char *sqlstate; /* of the error; NULL when there was none */
    int         session; /* from 1 */
    seam_site   rule; /* that answered; its file is NULL when none did */
} seam_pg_call;

/* How many statements came so far, those included that were answered automatically, and the nth of them, from
 * 0; NULL behind the last. EXECUTE of SQL is one, and the statement that it names another. At most the last
 * 1,000 are kept. */
int seam_pg_mock_count(const seam_pg_mock *mock);
const seam_pg_call *seam_pg_mock_call(const seam_pg_mock *mock, int n);

/* ---- record and replay -------------------------------------------------------------------------- */

enum seam_pg_record_mode {
    SEAM_PG_REPLAY, /* answer from the file; without it the test fails */
    SEAM_PG_RECORD, /* ask the real server and write the file anew; what -update asks of all modes */
    SEAM_PG_ONCE, /* record when there is no file, else replay */
    SEAM_PG_VERIFY /* replay, and ask the real server too: other types, tags or SQLSTATEs fail the test; what
                      -verify asks of a replay */
};

typedef struct seam_pg_record_options {
    int mode SEAM_0; /* enum seam_pg_record_mode */

    /* Never written, and not compared: "column at" and "arg 2", whatever the statement; "sql pattern": the
     * quoted texts of the statements in which PCRE2 finds the pattern. Columns, arguments and texts that by
     * their name are passwords, tokens and the like are left out without being named here. */
    const char *redact[SEAM_PG_ARGS] SEAM_0;
    bool        partial SEAM_0; /* a statement of the file that was not replayed does not fail the test */
    const char *origin SEAM_0; /* answer this address, as seam_pg_mock_options has it */

    /* The database that is recorded when `conninfo` is NULL: leased, as seam/postgres.h has it, when there is
     * something to record or to verify. A replay starts none. */
    const char *migrations SEAM_0;
    const char *seed SEAM_0;
    seam_site   site SEAM_0; /* set for you */
} seam_pg_record_options;

/* A mock that stands between the program and the real server at `conninfo`, and writes what that answers to
 * `file`, beside the test's source: one statement a line, the sessions one after the other. In replay each
 * session of the program follows one of the file's, statement by statement; one that is not due, or comes with
 * other arguments, gets SM001 and fails the test, and so does one that is left over. The mock has no rules. It is
 * written when the test has passed. */
#define seam_pg_mock_record(...) seam_pg_mock_record_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_pg_mock_record_(t, conninfo, ...) SEAM_PG_RECORD_FILE(t, conninfo, __VA_ARGS__)
#define SEAM_PG_RECORD_FILE(t, conninfo, file, ...) \
    seam_pg_mock_record_at((t), (conninfo), (file), SEAM_NEW(seam_pg_record_options, __VA_ARGS__))
seam_pg_mock *seam_pg_mock_record_at(seam_t *t, const char *conninfo, const char *file,
                                     SEAM_REF(seam_pg_record_options) options);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
