/* runner/tally.c - what tests count, added up over the run and said at its end. */

#include "runner/run.h"

void tally_take(struct run *run, const struct event *event)
{
    if (event->status >= TALLIES || event->number <= 0)
        return;
    run->tallies[event->status] += (unsigned long)event->number;
    if (event->status == TALLY_UNVERIFIED && !run->unverified)
        run->unverified = arena_copy(&run->arena, event->text.data, event->text.size);
}

static void say_verdicts(struct run *run, const unsigned long *tallies)
{
    unsigned long all =
        tallies[TALLY_CONFIRMED] + tallies[TALLY_UNDECIDED] + tallies[TALLY_CONTRADICTED];

    if (all > 0)
        run_note(run, "verify: %lu %s confirmed, %lu undecided, %lu contradicted",
                 tallies[TALLY_CONFIRMED], tallies[TALLY_CONFIRMED] == 1 ? "claim" : "claims",
                 tallies[TALLY_UNDECIDED], tallies[TALLY_CONTRADICTED]);
}

void tally_say(struct run *run)
{
    const unsigned long *tallies = run->tallies;

    say_verdicts(run, tallies);
    if (tallies[TALLY_UNVERIFIED] > 0)
        run_note(run, "verify: skipped for %lu %s: %s", tallies[TALLY_UNVERIFIED],
                 tallies[TALLY_UNVERIFIED] == 1 ? "double" : "doubles", run->unverified);
    if (tallies[TALLY_NO_FACT] > 0)
        run_note(run, "verify: %lu %s no fact in testdata/facts", tallies[TALLY_NO_FACT],
                 tallies[TALLY_NO_FACT] == 1 ? "claim has" : "claims have");
}
