/*
 * service/clean.h - what a run owns outside its processes, and how all of it goes away.
 *
 * A run has an id, and all that outlives a process bears it: two folders `seam-<id>`, one in
 * $TMPDIR and one in memory (tmpfs), and the marker of its processes (base/proc.h). Each folder
 * holds a file `lock`, locked by flock for as long as anybody of the run lives. So a run is dead
 * when its lock is free, and everything of it can be found without asking anybody.
 *
 *   seam-<id>/lock         locked shared by the runner and the keeper
 *   seam-<id>/services/    the keeper's part: data, sockets and logs of the servers
 *   seam-<id>/containers   there may be containers of the run
 *   .seam-<id>.new         being made: renamed when its lock is held
 *   .seam-<id>.old         being removed
 *
 * Threads: any.
 */
#ifndef SERVICE_CLEAN_H
#define SERVICE_CLEAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { CLEAN_RUN_SIZE = 8, CLEAN_PATH_MAX = 512 };

#define CLEAN_SERVICES "services" /* the keeper's part, and the word in its children's marker */

struct clean_dirs {
    char run[CLEAN_RUN_SIZE + 1]; /* the run's id: lower-case letters and digits */
    char disk[CLEAN_PATH_MAX]; /* $TMPDIR/seam-<id> */
    char memory[CLEAN_PATH_MAX]; /* on tmpfs; the same as `disk` where there is none to use */
    int lock_disk; /* descriptors, close-on-exec; whoever inherits them holds the lock too */
    int lock_memory; /* -1 when both folders are one */
};

#define CLEAN_DIRS_NONE ((struct clean_dirs){ .lock_disk = -1, .lock_memory = -1 })

/* Choose an id and make its folders, locked, 0700. Nothing is left on failure. */
int clean_make_dirs(struct clean_dirs *ret, struct err *err);

/* Lock the folder of a run for another process of that run. Returns the descriptor or -errno. */
int clean_lock(const char *folder);

/* End all that the run still has: its processes, except `count` (at most PROC_EXCEPT) given ones;
 * shared memory; its folders. Works when the folders are not there, and may be repeated. */
int clean_run(const struct clean_dirs *dirs, const pid_t *except, size_t count,
              struct err *err);

/* The same for what a dead keeper of this run has left, and for nothing else. */
int clean_services(const struct clean_dirs *dirs, struct err *err);

/* Clean up after all runs of this user that nobody lives of any more. Returns how many there were;
 * what cannot be removed is left for the next time. *ret_containers (may be NULL): one of them had something in a
 * Docker daemon. */
int clean_sweep(bool *ret_containers);

/* What a run has in a Docker daemon is found by a label (run_label.h). A file says that there may be some. */
int clean_note_containers(const struct clean_dirs *dirs);
bool clean_has_containers(const struct clean_dirs *dirs);

/* Whether somebody lives of the run of that id, as far as its folders can be seen from here; and what tells apart
 * the places where they are, for who does not see the same. */
bool clean_lives(const char *run);
uint64_t clean_place(void);

/* Remove the shared memory that a killed PostgreSQL server has left, named by `<data>/postmaster.pid`. */
void clean_shared_memory(const char *data);

#endif
