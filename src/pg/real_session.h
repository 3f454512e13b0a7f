/*
 * pg/real_session.h - our own client of a real PostgreSQL server: it sends messages as they are and collects the
 * answers. It blocks, with a deadline.
 *
 * Lower floor: no t. What is collected is in the arena that is passed.
 *
 * Threads: one at a time for each session.
 */
#ifndef PG_REAL_SESSION_H
#define PG_REAL_SESSION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/pg.h"

/* Where a server is: the folder of its socket. */
struct real_address {
    const char *folder;
    int port;
    const char *user, *database;
};

/* Messages in order, as a list. */
struct pg_message {
    struct pg_message *next;
    struct pg_frame frame;
};

struct pg_messages {
    struct pg_message *first, **last;
};

struct real_session {
    int fd; /* -1: it is over */
    struct pg_reader in;
    struct buf out; /* to be sent */
    char state; /* of the last ReadyForQuery: 'I', 'T' or 'E' */
    char zone[64], date_style[32]; /* as the server told them */
};

/* From a conninfo of seam_postgres; -EINVAL. */
int real_address_parse(struct arena *arena, const char *conninfo, struct real_address *ret);

/* Begin a session. `pairs`: name, value, ..., NULL: what a start-up packet has besides user and database. On
 * failure the server's words are in `err`. The session is to be ended in any case. */
int real_open(struct real_session *session, const struct real_address *address,
              const char *const *pairs, uint64_t deadline_ns, struct err *err);
struct real_session real_of(int fd); /* one that is logged in already */
void real_end(struct real_session *session);
bool real_is_open(const struct real_session *session);

/* Add a message to those that are to be sent. */
void real_put(struct real_session *session, char type, const void *body, size_t size);

/* Send them, and read up to and with the first message whose type is among `until`; "" reads nothing. Notices,
 * notifications and parameters are left out of *ret. -EPIPE when the server ended the session: what it said
 * before is in *ret; -ETIMEDOUT. */
int real_exchange(struct real_session *session, const char *until, uint64_t deadline_ns,
                  struct arena *arena, struct pg_messages *ret, struct err *err);

/* A simple query. */
int real_query(struct real_session *session, const char *sql, uint64_t deadline_ns,
               struct arena *arena, struct pg_messages *ret, struct err *err);

/* The fields of the first row of a query with text parameters, `count` of them at least; NULL stays NULL. false:
 * there is no row, or an error, which is in *ret_error. */
bool real_ask(struct real_session *session, uint64_t deadline_ns, struct arena *arena,
              const char *sql, const char *const *arguments, size_t argument_count,
              const char **ret, size_t count, struct pg_error *ret_error);

/* The first error of an answer; false when there is none. */
bool pg_messages_error(const struct pg_messages *messages, struct pg_error *ret);

/* The fields of the first row of an answer, which has `count` of them at least; false when there is none. NULL
 * stays NULL. */
bool pg_messages_row(const struct pg_messages *messages, struct arena *arena, size_t count,
                     const char **ret);

/* Cut whole messages, such as the answer of a turn, apart; they borrow from `data`. */
void pg_messages_cut(struct pg_messages *ret, struct arena *arena, const char *data,
                     size_t size);

#endif
