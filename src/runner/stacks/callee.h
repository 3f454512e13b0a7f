/*
 * runner/stacks/callee.h - the name by which a program called a function.
 *
 * An installed libc keeps only its public symbols, and what is on the stack is often behind
 * them: pthread_join jumps to __pthread_clockjoin_ex, strlen is __strlen_avx2. The caller's own
 * code still says what it wanted: its call leads to a symbol or, through the linkage table, to
 * a relocation.
 */
#ifndef RUNNER_STACKS_CALLEE_H
#define RUNNER_STACKS_CALLEE_H

#include <stdint.h>

#include <elfutils/libdwfl.h>

#include "base/arena.h"

/* The name of what the call in front of `return_address` calls; NULL when that is not to be
 * seen. Lives as long as the Dwfl and the arena. */
const char *callee_name(Dwfl *dwfl, struct arena *arena, uint64_t return_address);

#endif
