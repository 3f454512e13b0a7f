/*
 * service/modules/daemon.h - the Docker daemon that this keeper uses, and the end of all that the run has in it.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_DAEMON_H
#define SERVICE_MODULES_DAEMON_H

#include "service/engine.h"
#include "service/keeper.h"
#include "service/run_label.h"

/* The daemon; found by the first call, which also sweeps what dead runs have left in it. *ret_remedy as of
 * engine_open. */
int daemon_open(struct keeper *keeper, struct engine **ret, const char **ret_remedy,
                struct err *err);

/* "seam.run=...", of this keeper's run. */
const char *daemon_label(void);

/* Around whatever makes something: -ECANCELED once the keeper ends. */
int daemon_begin_making(void);
void daemon_end_making(void);

/* Remove a container, or a network when those in it are gone, while nobody waits. */
void daemon_remove_container(const char *id);
void daemon_remove_network(const char *id);

/* The keeper ends: nothing is made any more, and by the second call's thread all is removed (false: there is nothing
 * to do). Pulls and builds are given up: daemon_cancel is set. */
void daemon_close(void);
bool daemon_prune_begin(pthread_t *ret);
const int *daemon_cancel(void);

/* For the program `services` as a helper of the runner: remove what that keeper of a run had, or what all dead runs
 * have. */
int daemon_prune_run(const char *run, int keeper);
int daemon_sweep(void);

#endif
