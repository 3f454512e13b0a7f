/* runner/stacks/options.h - the command line of `stacks`. */
#ifndef RUNNER_STACKS_OPTIONS_H
#define RUNNER_STACKS_OPTIONS_H

#include "runner/stacks/fault.h"

/*
 *   stacks PID [--crashed=TID --signal=N --pc=HEX --sp=HEX] [--raw=HEX,HEX,...]
 */
struct options {
    pid_t pid;
    struct fault fault;
    struct trace raw; /* what the crashed thread knows of its stack, beginning at the fault */
};

/* Returns false on wrong usage. */
bool options_parse(int argc, char **argv, struct options *ret);

#endif
