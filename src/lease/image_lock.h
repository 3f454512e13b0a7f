/*
 * lease/image_lock.h - the file seam.lock: which content an image's name stood for when `seam pull` asked.
 *
 * A line is "NAME DIGEST", such as "redis:7 sha256:...", NAME as tests write it; # begins a comment. The digest is the
 * registry's, so it holds for every mirror.
 *
 * Threads: any.
 */
#ifndef LEASE_IMAGE_LOCK_H
#define LEASE_IMAGE_LOCK_H

#include "base/buf.h"
#include "base/err.h"

enum { IMAGE_LOCK_MAX = 1 << 20 };

#define IMAGE_LOCK_VARIABLE "SEAM_IMAGE_LOCK" /* the runner tells its tests where it is */
#define IMAGE_OFFLINE_VARIABLE "SEAM_OFFLINE" /* and that no registry may be asked */

/* Add the digest of that name. Returns 1, or 0 when the file or the name in it is not there; -EINVAL for a line that
 * is none, with its place. */
int image_lock_find(const char *path, const char *image, struct buf *ret, struct err *err);

/* The name by which that content is asked for: "redis:7" becomes "redis@sha256:...". One with a digest stays. */
int image_lock_pin(const char *image, const char *digest, struct buf *ret);

/* Set the digest of a name in the text of such a file, whose lines stay in the order of names. */
int image_lock_set(struct buf *text, const char *image, const char *digest);

#endif
