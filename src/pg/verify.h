/*
 * pg/verify.h - the inside of verification: what verify*.c share.
 *
 *   transcript ── verify.c: turn by turn ──┬─ verify_session.c   a session's messages, given to a real one
 *                                          ├─ verify_ahead.c     a batch that is sent at once
 *                                          ├─ verify_state.c     .given, sequences, faults: the same state there
 *                                          ├─ verify_tables.c    which tables somebody wrote, and where
 *                                          ├─ verify_compare.c   claim beside truth: a verdict
 *                                          └─ verify_report.c    words
 *
 * Three kinds of sessions with one database: a real one for each of the mock's; the helper, which asks the
 * catalogue, runs .given and sets sequences, and never has a transaction open; nobody else.
 *
 * A real session is *lost* when its transaction cannot follow the mock's any more: after a contradiction or
 * something undecided in it. It is rolled back then, and what the mock's session sends until its transaction
 * is over is not looked at: nothing that could be said of it would be known.
 *
 * Threads: the test's own.
 */
#ifndef PG_VERIFY_H
#define PG_VERIFY_H

#include "base/map.h"
#include "pg/real_session.h"
#include "pg/rule.h"
#include "pg/transcript.h"
#include "seam/verify.h"
#include "wire/pg_server.h"
#include "wire/pg_sql.h"
#include "wire/pg_type.h"

enum pg_verdict { PG_CONFIRMED, PG_UNDECIDED, PG_CONTRADICTED };

/* A statement that wrote a table. */
struct verify_write {
    struct verify_write *next; /* newest first */
    const char *table;
    const char *sql, *arguments;
    seam_site site;
    int session; /* 0: .seed */
    bool given; /* .given of the rule at `site` */
    bool open; /* its transaction is not over */
};

/* What one column of a table is, as the catalogue has it. */
struct verify_column {
    struct verify_column *next;
    uint32_t table;
    int number;
    const char *table_name, *name;
    const char *sequence; /* of a serial or identity column; NULL: none */
    bool not_null;
};

struct verify_statement { /* a prepared one */
    struct verify_statement *next;
    const char *name, *sql;
    size_t type_count;
    const uint32_t *types;
};

struct verify_portal {
    struct verify_portal *next;
    const char *name;
    const struct verify_statement *statement; /* NULL: of one that nobody prepared */
    const char *arguments; /* as words: 8, 'k-1', NULL */
};

/* What came of one statement. */
struct pg_outcome {
    char
        end; /* 'C' done, 'I' empty, 's' suspended, 'G' wants data, 'E' error; 0: nothing came */
    const char *tag;
    struct pg_error error;
    const struct pg_frame *columns; /* RowDescription; NULL */
    const struct pg_message *rows; /* from the first DataRow on */
    size_t row_count;
};

struct verify_session {
    struct verify_session *next;
    int number;
    struct real_session real;
    struct verify_statement *statements;
    struct verify_portal *portals;
    char claimed_state; /* the mock's: 'I', 'T', 'E' */
    const char *isolation; /* of its transaction; NULL: the usual one */
    bool lost;
    bool is_over; /* it was never opened, or has ended */
    bool unsynced; /* messages of the extended protocol came since the last Sync */
    const struct pg_message
        *ahead; /* answers to messages that were sent before their turn, up to
                                     * ReadyForQuery; NULL: none were */
    bool real_failed; /* in this batch: the server skips to Sync */
    struct pg_error real_error;
    const struct pg_claim *
        failed_claim; /* in this batch the mock claimed an error, and the server has none yet */
    struct pg_outcome claimed_error;
    const char *failed_sql, *failed_arguments; /* its statement; NULL: it is resolved */
    const char
        *real_sql; /* the statement of real_error, when nothing was said of it yet; NULL */
    const struct pg_claim *last_claim; /* what was executed last in this batch */
    const char *last_sql, *last_arguments;
    struct pg_outcome last_claimed;
    const struct pg_frame *claimed_columns, *real_columns; /* of the last Describe */
    const struct pg_claim *copying; /* a COPY FROM STDIN that is open */
    const char *copy_sql;
    bool contradicted;
    seam_site contradicted_at; /* first */
};

struct pg_verifier {
    seam_t *t;
    seam_site site; /* of the mock */
    const char *migrations, *seed, *version; /* as the mock's options have them; NULL */
    const char *fact_folder; /* where facts are written; NULL: they are not */
    uint64_t schema; /* of the migrations, for facts */
    struct pg_transcript *transcript;
    const struct pg_turn *done; /* the last turn that was verified */
    const struct pg_turn
        *until; /* the last one that is looked at: others may be added meanwhile */
    struct arena arena;
    struct real_address address;
    const char *server_version; /* NULL: there is no database yet */
    bool unavailable; /* there is none to be had */
    struct real_session helper; /* opened when it is needed */
    bool helper_failed; /* it could not be, which was said */
    const char *helper_zone, *helper_date_style;
    struct verify_session *sessions;
    struct verify_write *writes;
    struct map unsure; /* tables that an undecided statement may have written */
    struct map given; /* rules whose .given was run, by their place */
    struct map said; /* what was said already */
    struct map forms; /* values that the server sends as they are */
    struct verify_column *columns;
    seam_verify_counts counts;
};

/* One statement with its claim and the truth. */
struct verify_case {
    struct verify_session *session;
    const struct pg_claim *claim;
    const char *sql, *arguments; /* NULL: none */
    const struct verify_statement *statement; /* NULL: of a simple query */
    struct pg_outcome claimed, real;
    const struct pg_frame *claimed_columns,
        *real_columns; /* RowDescription, or NoData; NULL: not asked */
    bool parsed_only; /* it was not executed */
    const char *claim_words, *truth_words, *why; /* of a contradiction, by verify_compare */
    const char *table; /* of what is undecided */
};

/* ---- verify.c */
void pg_verifier_init(struct pg_verifier *verifier, seam_t *t, seam_site site,
                      struct pg_transcript *transcript);
/* What came since the last time, up to the turn `until`, with the lock not held. Who adds turns from other threads
 * passes what was the last one under the lock. */
void pg_verifier_run(struct pg_verifier *verifier, const struct pg_turn *first,
                     const struct pg_turn *until);
void pg_verifier_fini(struct pg_verifier *verifier);
uint64_t verify_deadline(const struct pg_verifier *verifier);

/* ---- verify_session.c */
void verify_turn(struct pg_verifier *verifier, const struct pg_turn *turn);
void verify_session_end(struct verify_session *session);

/* The claim of the next statement that the session of `turn` executes before it synchronises; NULL. */
const struct pg_claim *verify_next_claim(const struct pg_verifier *verifier,
                                         const struct pg_turn *turn);

/* ---- verify_ahead.c */
/* Send what can be of the batch that begins with this turn; .given of its rule is run before. */
void verify_send_ahead(struct pg_verifier *verifier, struct verify_session *session,
                       const struct pg_turn *turn);
/* The same with an Execute and its Sync. */
void verify_send_end(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *execute);

/* ---- verify_outcome.c */
/* The next outcome among messages; false when there is none. */
bool pg_outcome_next(const struct pg_message **at, struct pg_outcome *ret);
size_t pg_row_cells(const struct pg_frame *row, struct arena *arena, struct pg_cell **ret);
size_t pg_row_description(const struct pg_frame *frame, struct arena *arena,
                          struct pg_column **ret);
/* The number at the end of a tag, -1 when it has none; and how long the words before it are. */
long pg_tag_count(const char *tag, size_t *ret_words);
const char *verify_arguments(struct arena *arena, const struct pg_frame *bind); /* as words */

/* ---- verify_compare.c */
enum pg_verdict verify_compare(struct pg_verifier *verifier, struct verify_case *of);

/* ---- verify_form.c */
/* Whether the text is as the server would send it in that session; false: it is to be asked. */
bool verify_has_form(const struct real_session *session, uint32_t type, int modifier,
                     const char *text);

/* ---- verify_report.c */
void verify_conclude(struct pg_verifier *verifier,
                     struct verify_case *of); /* compare, say, count, note */
const char *verify_outcome_words(struct pg_verifier *verifier,
                                 const struct pg_outcome *outcome);
const char *verify_error_words(struct arena *arena, const struct pg_error *error);
const char *verify_columns_words(struct pg_verifier *verifier, const struct pg_frame *columns);
const char *verify_sql_words(struct arena *arena,
                             const char *sql); /* a statement in one line */
const char *verify_place(struct arena *arena, seam_site site); /* "file_test.c:7" */

/* ---- verify_state.c */
bool verify_is_injected(const struct pg_claim *claim); /* it is not to be executed */
void verify_give(struct pg_verifier *verifier, struct verify_session *session,
                 const struct pg_claim *claim);
void verify_lose(struct pg_verifier *verifier, struct verify_session *session);
void verify_fail_transaction(struct pg_verifier *verifier, struct verify_session *session);
/* The mock's session is in state `claimed` now; make the real one follow. */
void verify_follow(struct pg_verifier *verifier, struct verify_session *session, char claimed);

/* Set the sequences of columns whose values are claimed, and put back what was not used. */
struct verify_sequence {
    struct verify_sequence *next;
    const char *name, *last_value, *is_called;
};
struct verify_sequence *verify_set_sequences(struct pg_verifier *verifier,
                                             const struct pg_frame *columns,
                                             const struct pg_outcome *claimed);
void verify_restore_sequences(struct pg_verifier *verifier, struct verify_sequence *sequences);

/* ---- verify_fact.c: write down what does not depend on data */
void verify_fact_begin(struct pg_verifier *verifier); /* -verify -update */
void verify_fact(struct pg_verifier *verifier, const struct verify_case *of);

/* ---- verify_tables.c */
void verify_wrote(struct pg_verifier *verifier, const struct verify_case *of);
void verify_wrote_sql(struct pg_verifier *verifier, const char *sql, seam_site site,
                      int session, bool given);
void verify_unsure(struct pg_verifier *verifier,
                   const char *sql); /* of the tables that it writes */
/* A transaction of the session is over. */
void verify_transaction_ended(struct pg_verifier *verifier, int session, bool kept);
bool verify_is_written(const struct pg_verifier *verifier, const char *table);
/* A table that the outcome of a statement rests on and that nobody wrote; NULL. `target`: also the one that an
 * INSERT goes to. */
const char *verify_unwritten(struct pg_verifier *verifier, const char *sql, bool target);
/* The newest write of this table in which the word stands (NULL: any), by another session's open transaction
 * when `blocking` says which session waits (0: no matter). */
const struct verify_write *verify_find_write(const struct pg_verifier *verifier,
                                             const char *table, const char *word, int blocking);

/* ---- verify_catalogue.c: what the helper knows */
bool verify_open_helper(struct pg_verifier *verifier, struct pg_error *ret_error);
/* The fields of the one row of a query with text parameters, `count` of them; false: there is none, or an error,
 * which is in *ret_error when that is not NULL. */
bool verify_ask(struct pg_verifier *verifier, const char *sql, const char *const *arguments,
                size_t argument_count, const char **ret, size_t count,
                struct pg_error *ret_error);
const struct verify_column *verify_column_of(struct pg_verifier *verifier, uint32_t table,
                                             int number);
const char *verify_type_name(struct pg_verifier *verifier, uint32_t type, int modifier);
const char *verify_referenced_table(struct pg_verifier *verifier, const char *constraint);
/* The text as the server would send it as this type; NULL and an error when it does not take it. */
const char *verify_server_text(struct pg_verifier *verifier, const struct verify_session *like,
                               uint32_t type, int modifier, const char *text,
                               struct pg_error *ret_error);
/* The helper runs statements of the test's; false and the error. */
bool verify_help(struct pg_verifier *verifier, const char *sql, struct pg_error *ret_error);

#endif
