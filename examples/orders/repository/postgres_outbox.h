/*
 * repository/postgres_outbox.h - the outbox, a table beside the orders.
 *
 * Fills the outbox port of service/ports.h. `take` begins a transaction that deletes the oldest
 * row which no other session has in hand, and `finish` ends it: a crash in between undoes the
 * deletion. What puts rows in is the update of postgres_repository.h.
 *
 * Ownership: whoever opens an outbox closes it.
 *
 * Threads: one at a time for each outbox; open one in each thread.
 */
#ifndef REPOSITORY_POSTGRES_OUTBOX_H
#define REPOSITORY_POSTGRES_OUTBOX_H

#include "service/ports.h"

struct postgres_outbox;

/* Connect; `conninfo` as in postgres_repository_open. */
enum repository_result postgres_outbox_open(struct postgres_outbox **ret_outbox,
                                            const char *conninfo, struct failure *failure);

/* NULL is fine. */
void postgres_outbox_close(struct postgres_outbox *outbox);

/* The port; good until the outbox is closed. */
struct outbox postgres_outbox_port(struct postgres_outbox *outbox);

#endif
