/*
 * http/journal.h - the calls that a mock got: the last 1,000, and how many there were.
 *
 * Ownership: an entry has its own memory; it lives while the journal keeps it or somebody holds it.
 *
 * Threads: the loop's lock is held.
 */
#ifndef HTTP_JOURNAL_H
#define HTTP_JOURNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "seam/http_mock.h"
#include "wire/http.h"

enum { JOURNAL_CALLS = 1000, JOURNAL_BYTES = 256 << 20 };

struct journal_entry {
    int holds;
    size_t size; /* of its request's copy, which is behind it */
    struct arena arena; /* for what is worked out later */
    struct http_message request; /* a copy */
    seam_http_call call;
    bool ended; /* it was answered, or cut */
    const seam_http_call *handed; /* the copy that the test got of one that has ended */
};

struct journal {
    struct journal_entry *ring[JOURNAL_CALLS]; /* call n is at n modulo its size */
    size_t first; /* the oldest that is kept */
    size_t count; /* of all calls */
    size_t size; /* of those that are kept */
};

/* Add a call, whose status is still 0. `origin` "https://api.pay.test". The caller holds what it gets. */
struct journal_entry *journal_add(struct journal *journal, const char *origin,
                                  const struct http_message *request);

struct journal_entry *journal_entry_hold(struct journal_entry *entry);
void journal_entry_release(struct journal_entry *entry); /* NULL is fine */

/* Call n as the test may keep it: copied into its memory. NULL for one that is not there. */
const seam_http_call *journal_call(struct journal *journal, size_t n, struct arena *into);

/* The call as it lies in the entry, with its fields: for an observer. */
const seam_http_call *journal_entry_call(struct journal_entry *entry);

/* Forget all calls. */
void journal_clear(struct journal *journal);

#endif
