/* cmd/installation.h - where our own headers, library and helper programs are. */
#ifndef CMD_INSTALLATION_H
#define CMD_INSTALLATION_H

#include "base/arena.h"
#include "base/err.h"
#include "runner/build.h"

/* Beside the program in a build tree (which holds the file seam-build-tree), else in its prefix. */
int installation_find(struct arena *arena, struct installation *ret, struct err *err);

#endif
