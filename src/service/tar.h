/*
 * service/tar.h - just as much of the tar format (POSIX.1-2001, pax for long names) as the engine's API wants: what is
 * written is the same for the same input.
 */
#ifndef SERVICE_TAR_H
#define SERVICE_TAR_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

int tar_add(struct buf *tar, const char *path, int mode, const void *data, size_t size);
int tar_add_folder(struct buf *tar, const char *path, int mode);

/* A file or folder of this machine, as `path`, without what `ignore` names (a .dockerignore's lines; NULL). */
int tar_add_tree(struct buf *tar, const char *from, const char *path, const char *ignore,
                 struct err *err);
void tar_end(struct buf *tar);

/* Step over the members: start with *at = 0. 1 and a member, 0 at the end, -EPROTO. */
struct tar_member {
    const char *path; /* in `room`: a member is not to be copied */
    char kind; /* '0' a file, '5' a folder, '2' a link */
    const char *data;
    size_t size;
    char room[4096];
};
int tar_next(const struct buf *tar, size_t *at, struct tar_member *ret);

#endif
