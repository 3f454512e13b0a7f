/*
 * runner/stacks/print.h - what `stacks` says, for the runner to read.
 *
 *   thread <TID> <NAME>                             a thread, and then
 *   frame <FUNCTION> <FILE> <LINE> <MODULE> <PC>    its frames, innermost first
 *   note <TEXT>                                     something is missing here, and why
 *   end                                             once, as the last line: all has been said
 *
 * Fields are separated by single tabs and hold none, nor line ends. FILE is "-" and LINE 0
 * where there is no debug information; MODULE is "-" outside of every module; PC is hexadecimal
 * with 0x. The crashed thread comes first, then the main thread. Each line is written as a
 * whole at once.
 */
#ifndef RUNNER_STACKS_PRINT_H
#define RUNNER_STACKS_PRINT_H

#include "runner/stacks/unwind.h"
#include "seam/attr.h"

void print_thread(pid_t tid, const char *name);
void print_note(const char *format, ...) SEAM_PRINTF(1, 2);
void print_end(void);

/* Name the frames and print those that a user wants to see. `folder` is where the tests are. */
void print_trace(Dwfl *dwfl, const char *folder, const struct trace *trace);

/* The same without any knowledge of the process: the addresses alone. */
void print_addresses(const struct trace *trace);

#endif
