/* runner/stacks/process.h - what is mapped in a process, for libdw. */
#ifndef RUNNER_STACKS_PROCESS_H
#define RUNNER_STACKS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <elfutils/libdwfl.h>

#include "base/err.h"

/* List what is mapped in `pid`, the only process that this program looks at; end with dwfl_end.
 * No debug information is read before a name is asked for, and none ever comes from the
 * network. -ESRCH when the process has ended, -EACCES when the system does not let us look. */
int process_open(Dwfl **ret, pid_t pid, struct err *err);

/* The module that covers an address; NULL for none. (dwfl_addrmodule also names the nearest
 * one.) */
Dwfl_Module *process_module(Dwfl *dwfl, uint64_t address);

/* The file name of a module, such as "libc.so.6". Lives as long as the module. */
const char *process_module_name(Dwfl_Module *module);

/* Whether a module belongs to the language's run-time (libc, the loader, the sanitizers): what
 * happens inside of it tells a user nothing. */
bool process_is_runtime(const char *module_name);

#endif
