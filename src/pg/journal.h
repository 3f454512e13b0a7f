/*
 * pg/journal.h - the statements that a mock got: the last 1,000, and how many there were.
 *
 * Ownership: an entry has its own memory; it lives while the journal keeps it or somebody holds it.
 *
 * Threads: the loop's lock is held.
 */
#ifndef PG_JOURNAL_H
#define PG_JOURNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "pg/rule.h"
#include "seam/pg_mock.h"

enum { PG_JOURNAL_CALLS = 1000, PG_JOURNAL_BYTES = 256 << 20 };

enum { PG_ENTRY_TAG = 40 };

/* One piece of memory, which ends with its texts: every statement pays for it. */
struct pg_entry {
    int holds;
    size_t size; /* of the texts */
    seam_pg_call call;
    char tag[PG_ENTRY_TAG], sqlstate[6]; /* of the answer */
    char *long_tag; /* one that does not fit; NULL: none */
    const seam_pg_call *handed; /* the copy that the test got of one that was answered */
    bool ended; /* it was answered, or its session ended */
};

struct pg_journal {
    struct pg_entry *ring[PG_JOURNAL_CALLS]; /* statement n is at n modulo its size */
    size_t first; /* the oldest that is kept */
    size_t count; /* of all statements */
    size_t size; /* of those that are kept */
};

/* Add a statement that has no answer yet. The caller holds what it gets. */
struct pg_entry *pg_journal_add(struct pg_journal *journal, int session,
                                const struct pg_call *call);
void pg_entry_release(struct pg_entry *entry); /* NULL is fine */

/* How it was answered: one of both, or neither. Copied. */
void pg_entry_answer(struct pg_entry *entry, const char *tag, const char *sqlstate);

/* Statement n as the test may keep it: copied into its memory. NULL for one that is not there. */
const seam_pg_call *pg_journal_call(struct pg_journal *journal, size_t n, struct arena *into);

void pg_journal_clear(struct pg_journal *journal);

#endif
