/*
 * runner/keeper.h - the runner's side of the keeper, the process that owns services and cleans up.
 *
 * It is forked before anything else of the run exists and waits lightly: when the runner's connection
 * ends it removes all of the run; when a test asks for a service it becomes the program `services`.
 */
#ifndef RUNNER_KEEPER_H
#define RUNNER_KEEPER_H

#include "runner/run.h"

/* Make the run's folders and id, and start its keeper. */
int keeper_start(struct run *run, struct err *err);

/* Where tests ask for services; "" when there is no keeper. */
const char *keeper_socket(const struct run *run);

/* The run is over: let the keeper end, remove the run's folders. */
void keeper_finish(struct run *run);

/* SIGCHLD found that it has ended; when the run goes on, a new one is started. */
bool keeper_reaped(struct run *run, pid_t pid, int status);

#endif
