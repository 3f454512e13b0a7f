/* service/tar_state.h - what the files that write archives share. */
#ifndef SERVICE_TAR_STATE_H
#define SERVICE_TAR_STATE_H

#include <stdbool.h>

#include "service/tar.h"

/* Add a member of any kind; `link` is what one of kind '2' points at, else NULL. */
int tar_put(struct buf *tar, const char *path, char kind, int mode, const char *link,
            const void *data, size_t size);

/* Whether the lines of a .dockerignore exclude a path, which starts at the folder. */
bool tar_ignores(const char *ignore, const char *path);

/* Whether a path below an excluded folder may be wanted all the same: there is a line that begins with '!'. */
bool tar_has_exceptions(const char *ignore);

#endif
