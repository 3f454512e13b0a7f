/*
 * service/run_label.h - the label by which all that a run has in a Docker daemon is found, from its creation on.
 *
 *   seam.run=<run>.<owner>.<place>.<boot>[.<keeper>]
 *
 * `owner` is this machine and user, `place` the folder that holds the runs' locks (clean.h), `boot` this start of
 * the machine. Whoever shares the daemon but is another machine, user or mount namespace has another owner or place:
 * nobody cleans up after a run whose lock he cannot see, unless that machine has been started anew. `keeper` numbers
 * the keepers of a run from the second on: cleaning up after a dead one takes nothing from the one that follows it.
 *
 * Threads: any.
 */
#ifndef SERVICE_RUN_LABEL_H
#define SERVICE_RUN_LABEL_H

#include <stdbool.h>
#include <stddef.h>

enum { RUN_LABEL_MAX = 96 };

/* The whole label of a run of ours, for its keeper of that number (0: the first). Returns `room`. */
const char *run_label(const char *run, int keeper, char room[RUN_LABEL_MAX]);

/* Whether the value of a label is of a run of ours that nobody lives of any more. */
bool run_label_is_dead(const char *value);

#endif
