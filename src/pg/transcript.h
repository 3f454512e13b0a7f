/*
 * pg/transcript.h - all that the sessions of a mock were sent and answered, in the order in which it came: what
 * verification gives to a real server.
 *
 * It is kept only when somebody will verify (the mock knows), up to a cap; beyond that `lost` counts the turns.
 *
 * Ownership: the transcript copies. Threads: the loop's lock.
 */
#ifndef PG_TRANSCRIPT_H
#define PG_TRANSCRIPT_H

#include "base/arena.h"
#include "pg/rule.h"
#include "wire/pg.h"

enum { PG_TRANSCRIPT_MAX = 256 << 20 };

/* A statement of a turn that was executed: a simple query may have several, a message of the extended protocol
 * has at most one. */
struct pg_claim {
    struct pg_claim *next;
    const char *sql; /* this statement alone */
    const struct pg_rule *rule; /* that answered; NULL: automatic, or nothing did */
    bool expected; /* false: nothing did (SM001): nothing is claimed */
    seam_site site; /* of the rule, or of the mock */
};

/* One message of a client's, from behind start-up on, and what the double answered to it. */
struct pg_turn {
    struct pg_turn *next; /* of all sessions, in order */
    int session; /* from 1 */
    char
        type; /* 'Q', 'P', 'B', ...; 0: the session began, with its pairs in `body`; 'X' also: it ended */
    const char *body;
    size_t size;
    const char *answer; /* whole backend messages; NULL: none */
    size_t answer_size;
    struct pg_claim *claims;
};

struct pg_transcript {
    struct arena arena;
    struct pg_turn *first, **last;
    int count;
    size_t size;
    int lost;
};

void pg_transcript_init(struct pg_transcript *transcript);
void pg_transcript_fini(struct pg_transcript *transcript);
struct pg_turn *pg_transcript_add(struct pg_transcript *transcript, int session,
                                  const struct pg_frame *frame); /* NULL beyond the cap */
void pg_transcript_answer(struct pg_transcript *transcript, struct pg_turn *turn,
                          const void *data, size_t size); /* appends */
void pg_transcript_claim(struct pg_transcript *transcript, struct pg_turn *turn,
                         const struct pg_claim *claim); /* copied */

#endif
