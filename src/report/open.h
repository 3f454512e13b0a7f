/*
 * report/open.h - the (sub)tests of one top-level test that have begun and not ended, by
 * number.
 *
 * Thousands may be open at once (parallel subtests that wait), and millions may have ended: a
 * look-up costs the same for all of them.
 */
#ifndef REPORT_OPEN_H
#define REPORT_OPEN_H

#include "base/buf.h"
#include "events/event.h"
#include "events/traffic.h"

enum { OPEN_TEXT_MAX = 32 << 20 };

struct open {
    struct open *next; /* in its bucket */
    uint32_t node;
    uint32_t parent;
    int depth; /* 0 is the top-level test */
    struct buf shown; /* see tree.c */
    struct buf left;
    struct traffic traffic;
    struct text name;
    char name_bytes[];
};

struct opens {
    struct open **buckets;
    uint32_t room; /* a power of two */
    uint32_t count;
};

/* NULL when there is none of that number. */
struct open *opens_find(const struct opens *opens, uint32_t node);

/* Add what must not be there yet. NULL when memory ends. */
struct open *opens_add(struct opens *opens, uint32_t node, struct text name);

/* Take it out; the caller frees it with open_free. */
void opens_remove(struct opens *opens, const struct open *open);

/* All of them, latest first, so that subtests come before their parents; the caller frees the
 * array (not its members). NULL when there are none or memory ends. */
struct open **opens_list(const struct opens *opens);

void open_free(struct open *open);
void opens_fini(struct opens *opens); /* with all that are still in it */

#endif
