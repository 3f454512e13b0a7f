/* events/tally.h - what is counted over all tests of a run and said at its end. */
#ifndef EVENTS_TALLY_H
#define EVENTS_TALLY_H

enum tally {
    TALLY_CONFIRMED, /* claims of doubles, by -verify */
    TALLY_UNDECIDED,
    TALLY_CONTRADICTED,
    TALLY_UNVERIFIED, /* doubles that could not be verified */
    TALLY_NO_FACT, /* claims that no kept fact is about */
    TALLIES
};

#endif
