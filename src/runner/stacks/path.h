/* runner/stacks/path.h - source file names as a user would write them. */
#ifndef RUNNER_STACKS_PATH_H
#define RUNNER_STACKS_PATH_H

#include <stdbool.h>

#include "base/arena.h"

/* Shorten `path`: relative where it lies below `folder`; the base name alone where nothing is
 * at that path or it belongs to the system; else the whole path. In all of them "." and ".."
 * are resolved by their words alone. The result lives in the arena. */
const char *path_shorten(struct arena *arena, const char *folder, const char *path);

/* Whether `path` is a source of libseam's core, which runs the tests: it ends in
 * src/test/NAME.c and is not itself below `folder`, where the tests are. */
bool path_is_core(const char *folder, const char *path);

#endif
