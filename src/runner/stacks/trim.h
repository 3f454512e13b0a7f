/*
 * runner/stacks/trim.h - which lines of a stack a user wants to see.
 *
 * What goes:
 *   - libseam's own core, wherever it stands,
 *   - all below the test function, whose prefix `seam_test_` goes as well,
 *   - what starts a program or a thread,
 *   - the inside of the run-time: of neighbouring lines in libc only the call into it stays,
 *   - raise and abort on top.
 * Of a stack with nothing else one line stays.
 */
#ifndef RUNNER_STACKS_TRIM_H
#define RUNNER_STACKS_TRIM_H

#include "runner/stacks/symbol.h"

/* Trim `lines`, innermost first, in place; returns how many are left. `folder` is where the
 * tests are. A line without a function stands for a gap in the stack. *ret_whole tells whether
 * the stack goes down to where a test, a thread or the program begins. */
size_t trim(struct line *lines, size_t count, const char *folder, bool *ret_whole);

#endif
