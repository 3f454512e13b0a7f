/*
 * pg/session.h - one connection to a PostgreSQL double: its stream, its engine, and the ask that is open.
 *
 * Threads: the loop's lock is held.
 */
#ifndef PG_SESSION_H
#define PG_SESSION_H

#include "net/stream.h"
#include "pg/mock.h"
#include "wire/pg_server.h"

struct record_proxy; /* record.h */
struct record_session;
struct record_tape;

struct pg_session {
    struct stream stream; /* first: this is how it is known there */
    struct seam_pg_mock *mock; /* lives until the test's end; look at stream.dead */
    struct pg_session *next, **link; /* of the mock's that are not dead */
    struct pg_server *server;
    int number; /* from 1; 0: it has not begun, or is for a cancel alone */
    int pid;
    uint32_t key;
    bool begun; /* it was accepted */
    bool runs; /* pg_session_run is on a stack */
    bool silent; /* nothing more is said or heard */
    bool cancels; /* that is all it is for */
    bool said_goodbye;
    bool killed; /* it ends with 57P01 before the next message */
    size_t ahead; /* bytes that came while an ask was open */

    /* The ask that is open; NULL: none. What belongs to it is in the arena. */
    struct pg_ask *ask;
    struct arena arena;
    struct pg_call call;
    const struct pg_rule *rule; /* that answers it */
    bool forbidden; /* and is .never */
    bool waits; /* for other code of the user's to return */
    bool delayed; /* a cancel ends it */
    struct loop_timer timer;
    void (*then)(struct pg_session *session); /* when it fires */
    size_t answer_at; /* where its answer begins in the engine's output */
    struct pg_entry *entry; /* of the journal; NULL: it is no statement */
    uint64_t begin_ns; /* 0: it is over at once */
    const char *note;

    struct pg_entry *held; /* of a statement that other asks answer; NULL: there is none */
    uint64_t held_ns; /* when it began */

    const struct pg_rule *copying; /* COPY FROM STDIN began by it */
    struct pg_entry *copy_entry;
    const char *
        copied; /* the head of what the program sent, in the arena: it goes when it is answered */
    struct buf drip; /* what is left of an answer that drips */
    size_t drip_size; /* of each piece */

    struct record_proxy *proxy; /* NULL: the engine answers, else the real server */
    struct record_session *recorded; /* that it replays; NULL: not known yet */
    const struct pg_error *ends_with; /* when it is killed; NULL: 57P01 */
    struct record_tape *copy_tape; /* COPY FROM STDIN began by it */

    struct pg_turn *turn; /* of the transcript: the message that is being answered */
    size_t told; /* bytes of the engine's output that are in it already */
};

/* Serve a connected descriptor, which is taken also on failure. */
int pg_session_new(struct pg_session **ret, struct seam_pg_mock *mock, int fd, const char *peer,
                   bool has_driver);

/* A session begins on it: it has a number. */
void pg_session_count(struct pg_session *session);

/* Go on as far as it goes. */
void pg_session_run(struct pg_session *session);

/* Call `then` on the loop's thread after so many milliseconds, unless the session has died. */
void pg_session_after(struct pg_session *session, int ms,
                      void (*then)(struct pg_session *session));

/* What the engine has written goes to the client: what the server would not keep back, or all. */
void pg_session_send(struct pg_session *session, bool all);

/* The ask has been answered: its memory is used again. */
void pg_session_answered(struct pg_session *session);

/* The statement that other asks answer has its answer. */
void pg_session_let_go(struct pg_session *session);

/* Nothing is read or said any more; the connection stays. */
void pg_session_silence(struct pg_session *session);

/* End it as pg_terminate_backend does: now, or behind an answer that is being sent. */
void pg_session_kill(struct pg_session *session);
void pg_session_kill_soon(
    struct pg_session *session); /* if it is `killed`: what was being sent is over */

void pg_session_notify(struct pg_session *session, int pid, const char *channel,
                       const char *payload);

/* The session of a mock that a CancelRequest means; NULL. */
struct pg_session *pg_session_of_key(struct seam_pg_mock *mock, int pid, uint32_t key);

/* ---- serve.c */

/* Answer session->ask, now or later. */
void pg_serve(struct pg_session *session);

/* The session has died with an ask open. */
void pg_serve_cut(struct pg_session *session);

/* A statement that is being waited with is to end with 57014. */
void pg_serve_cancel(struct pg_session *session);

/* Whether code of the user's may run now; else `then` is called when it may. */
bool pg_serve_may_call(struct pg_session *session, void (*then)(struct pg_session *session));

/* Run code of the user's without the lock. The session may be dead afterwards; its memory stays for the caller
 * that has entered its stream. */
void pg_serve_outside(struct pg_session *session, void (*fn)(void *arg), void *arg);

/* The connection comes to nothing by a rule of SEAM_PG_CONNECT: LINK_BREAK_*, or 0. Counts the rule. */
int pg_serve_refusal(struct seam_pg_mock *mock);

/* ---- serve_answer.c */

/* What the rule or our own words make of session->ask; each ends with pg_session_answered. */
void pg_answer_rule(struct pg_session *session);
void pg_answer_description(struct pg_session *session);
void pg_answer_done(struct pg_session *session); /* what asks for nothing */
void pg_answer_error(struct pg_session *session, const struct pg_error *error);
void pg_answer_automatic(struct pg_session *session); /* or unexpected */
void pg_answer_unexpected(struct pg_session *session);
void pg_answer_copied(struct pg_session *session);

/* Mark where the answer begins, and do what is to be done once it is written. */
void pg_answer_begin(struct pg_session *session);
void pg_answer_end(struct pg_session *session);

/* ---- serve_fault.c */

/* The answer from session->answer_at on goes out as the fault has it. Returns whether the session goes on at
 * once. */
bool pg_fault_send(struct pg_session *session, const struct pg_said *said);

/* ---- serve_report.c */

/* Report what crossed the seam, and fail the test for what was not expected. */
void pg_report(struct pg_session *session, const char *answer, const char *body, size_t size);
void pg_report_unexpected(struct pg_session *session);
void pg_report_copy(struct pg_session *session, const struct pg_said *said);
void pg_report_copy_data(struct pg_session *session, const char *who, const char *data,
                         size_t size); /* `who` has this instead */
void pg_report_no_connection(struct seam_pg_mock *mock, const char *answer);
const char *
pg_report_name(struct pg_session *session); /* of the call, without secrets; until the next */

#endif
