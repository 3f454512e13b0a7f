/*
 * cmd/facts.h - facts in the folders of packages, and a real server that says whether they hold.
 *
 * A fact is kept (fact.h) when a test was run with -verify -update; `seam facts` never writes one.
 */
#ifndef CMD_FACTS_H
#define CMD_FACTS_H

#include "cmd/installation.h"
#include "pg/fact.h"
#include "runner/run.h"

enum fact_state {
    FACT_HOLDS, /* without --check: nothing is known against it */
    FACT_STALE, /* the migrations are not those that it was made with */
    FACT_BROKEN, /* the file cannot be read */
    FACT_WRONG, /* the server says something else */
    FACT_UNKNOWN, /* no server could be asked */
    FACT_STATES
};

struct kept_fact {
    struct pg_fact fact;
    const char *package; /* as a command line names it */
    const char *folder; /* of the package, absolute */
    const char *file; /* "testdata/facts/..." */
    enum fact_state state;
    const char *why; /* of all but FACT_HOLDS: what is said of it */
};

/* Ask a real server about all that are neither stale nor broken, in order. Starts a keeper, and ends it. */
int facts_ask(struct arena *arena, struct kept_fact *facts, size_t count, struct err *err);

#endif
