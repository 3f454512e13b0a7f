/* cmd/session.h - what `seam test` and `seam run` share: options, reports, and the run itself. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "cmd/installation.h"
#include "runner/run.h"

struct session {
    struct options options;
    struct installation installation;
    struct run run;
    struct report guard; /* of stdout: a run that nobody can hear of starts nothing more */
};

/* Parse flags and patterns, open reports, start the keeper. On failure a line was printed and the exit
 * code is returned; else 0. */
int session_begin(struct session *session, int argc, char **argv);

/* Run what was added to session->run, print what is to be said at the end; returns the exit code. */
int session_run(struct session *session);

#endif
