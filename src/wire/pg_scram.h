/*
 * wire/pg_scram.h - the server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), with PostgreSQL's errors.
 *
 * Without channel binding: the mechanism is not offered with it. A password that is not ASCII is taken as it is.
 */
#ifndef WIRE_PG_SCRAM_H
#define WIRE_PG_SCRAM_H

#include <stdbool.h>

#include "base/buf.h"

#define PG_SCRAM_NAME "SCRAM-SHA-256"

enum { PG_SCRAM_MAX = 4096, PG_SCRAM_ROUNDS = 4096, PG_SCRAM_NONCE = 24, PG_SCRAM_SALT = 16 };
enum { PG_SCRAM_MALFORMED = 1, PG_SCRAM_WRONG };

struct pg_hash;

struct pg_scram {
    const struct pg_hash *hash; /* borrowed, as password and random are */
    const char *password; /* NULL: no proof is right */
    bool doomed; /* no proof is right, and nobody shall see that */
    char nonce[PG_SCRAM_NONCE + 1]; /* of the server */
    unsigned char salt[PG_SCRAM_SALT];
    char binding; /* the client's flag: 'n' or 'y' */
    struct {
        size_t at, size;
    } bare, first; /* the client's and the server's first message, in `text` */
    char text[2 * PG_SCRAM_MAX];
    size_t size;
    size_t nonces; /* both nonces, in the server's message: from its third byte on */
    const char *sqlstate, *message; /* of PG_SCRAM_MALFORMED */
    char detail[160];
};

/* `random` has PG_SERVER_RANDOM bytes. */
void pg_scram_init(struct pg_scram *scram, const struct pg_hash *hash, const char *random,
                   const char *password, bool user_is_known);

/* The client's two messages; `data` NULL: it sent none. Return 0 with the answer, or how it failed. */
int pg_scram_first(struct pg_scram *scram, const char *data, size_t size, struct buf *reply);
int pg_scram_last(struct pg_scram *scram, const char *data, size_t size, struct buf *reply);

#endif
