/* pg/verify_turn.h - how the kinds of turns are given to a real session; private to verify_session.c and them. */
#ifndef PG_VERIFY_TURN_H
#define PG_VERIFY_TURN_H

#include "pg/verify.h"

/* verify_query.c: a simple query. */
void verify_query(struct pg_verifier *verifier, struct verify_session *session,
                  const struct pg_turn *turn);

/* verify_extended.c: Parse, Bind, Describe, Execute, Close; Sync. */
void verify_extended(struct pg_verifier *verifier, struct verify_session *session,
                     const struct pg_turn *turn);
void verify_sync(struct pg_verifier *verifier, struct verify_session *session,
                 const struct pg_turn *turn);

/* Put the message of a turn, unless it was sent ahead; in the extended protocol a Flush behind it. */
void verify_put(struct verify_session *session, const struct pg_turn *turn);

/* Send what was put, and read. false: the session is over, which was said. */
bool verify_exchange(struct pg_verifier *verifier, struct verify_session *session,
                     const char *until, struct pg_messages *ret);

void verify_look_at_isolation(struct pg_verifier *verifier, struct verify_session *session,
                              const char *sql);

/* The batch is over: an error that only one of the two had is said. `turn` begins the look for who executes
 * the statement later. */
void verify_turn_unresolved(struct pg_verifier *verifier, struct verify_session *session,
                            const struct pg_turn *turn);

#endif
