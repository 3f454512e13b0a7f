/*
 * service/modules/ryuk.h - a container on a daemon of another machine that removes what a run has there when the
 * connection to it ends: the reaper of Testcontainers, whose protocol is one line of text.
 *
 * Nobody on this machine can do so when it fails or loses the network. The image is
 * testcontainers/ryuk, taken through SEAM_IMAGE_PREFIX and SEAM_IMAGE_MAP as any other.
 *
 * Threads: one at a time.
 */
#ifndef SERVICE_MODULES_RYUK_H
#define SERVICE_MODULES_RYUK_H

#include "service/engine.h"

struct ryuk {
    char id[65];
    int fd; /* as long as it is open the container waits; -1: there is none */
};

#define RYUK_NONE ((struct ryuk){ .fd = -1 })

/* Start one that removes all that bears the label "seam.run=...". Where it cannot be had, an errno with why;
 * -ECANCELED when TESTCONTAINERS_RYUK_DISABLED says so. */
int ryuk_start(struct engine *engine, const char *label, struct ryuk *ret, struct err *err);

/* All is removed already: it goes too. */
void ryuk_end(struct engine *engine, struct ryuk *ryuk);

#endif
