/*
 * runner/session.h - runs that share one keeper.
 *
 * Test programs that CTest or Meson starts one by one belong together, and so do runs with the same
 * SEAM_SESSION, and runs of one folder under -reuse. They meet at a file that names the keeper's socket;
 * whoever holds its lock may start a keeper. Such a keeper stays for some seconds after its last runner.
 *
 *   CTest, Meson    .seam-session in the top build folder
 *   SEAM_SESSION    sessions/<name> in the cache
 *   -reuse          sessions/<hash of the folder> in the cache
 */
#ifndef RUNNER_SESSION_H
#define RUNNER_SESSION_H

#include "runner/run.h"

struct session_meeting {
    int lock; /* descriptor of the file, locked; -1: this run meets nobody */
    int linger_s; /* how long its keeper stays */
    char socket[256]; /* of the keeper that was there; "" when the file names none */
};

/* Find the meeting point of this run and lock it. */
void session_meet(struct run *run, struct session_meeting *ret);

/* Name the keeper's socket for others, and unlock. */
void session_leave(struct session_meeting *meeting, const char *socket);

#endif
