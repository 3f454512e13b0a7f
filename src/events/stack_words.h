/*
 * events/stack_words.h - what the helper `stacks` says (runner/stacks/print.h), as words for a report.
 *
 * Threads: any.
 */
#ifndef EVENTS_STACK_WORDS_H
#define EVENTS_STACK_WORDS_H

#include <stdbool.h>

/* Its lines, which are written over (or NULL), as lines that begin with an end of line each: of a crash one a
 * frame of the first thread, and one for each other thread; of a hang one a thread. Free it. */
char *stack_words(char *lines, bool crashed);

#endif
