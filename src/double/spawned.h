/* double/spawned.h - what a program that the test spawns is given so that it reaches the doubles. */
#ifndef DOUBLE_SPAWNED_H
#define DOUBLE_SPAWNED_H

#include <stdbool.h>

#include "base/buf.h"
#include "seam/seam.h"

/* For t_spawn_environment. */
bool spawned_environment(seam_t *t, seam_site at, struct buf *assignments);

#endif
