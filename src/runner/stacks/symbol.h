/*
 * runner/stacks/symbol.h - an address becomes functions, files and lines.
 *
 * Ownership: the texts of a line live as long as the Dwfl and the arena that symbol_lines was
 * given.
 */
#ifndef RUNNER_STACKS_SYMBOL_H
#define RUNNER_STACKS_SYMBOL_H

#include "base/arena.h"
#include "runner/stacks/unwind.h"

/* One function at work: a frame holds several where the compiler inlined calls. */
struct line {
    const char *function; /* "module+0x1c" where the name is not known */
    const char *file; /* absolute where that is known; NULL: no debug information */
    const char *module; /* "-" outside of every module */
    int number;
    uint64_t pc;
};

/* The name of the symbol that covers `address`, as in the source, and how far into it that is.
 * NULL when there is none. */
const char *symbol_name(Dwfl_Module *module, struct arena *arena, uint64_t address,
                        uint64_t *ret_offset);

/* Write the functions at work in `frame` to `ret`, innermost first, at most `room` (1 or more).
 * Returns how many. */
size_t symbol_lines(Dwfl *dwfl, struct arena *arena, const struct frame *frame,
                    struct line *ret, size_t room);

#endif
