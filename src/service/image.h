/*
 * service/image.h - a folder and all below it, packed into one file, to be unpacked often.
 *
 * This is how a data directory comes out of the cache and how a database is cloned: reading one
 * mapped file and writing many is about twice as fast as copying a folder, because nothing is
 * looked up, opened or read on the source's side.
 *
 *   file = head, one fixed record for each entry (folders before what is in them), then the
 *          contents, each beginning at a page; zero pages at a file's end are not stored
 *
 * It holds folders and plain files, no links. Written and read on the same machine.
 *
 * Threads: an open image may be unpacked by several at once.
 */
#ifndef SERVICE_IMAGE_H
#define SERVICE_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct image;

/* Who shall own what is unpacked; IMAGE_OWNER_SELF for ourselves. */
struct image_owner {
    uid_t uid;
    gid_t gid;
};
#define IMAGE_OWNER_SELF ((struct image_owner){ (uid_t)-1, (gid_t)-1 })

/* Pack what is in `folder` into `file`, which appears whole or not at all. */
int image_pack(const char *folder, const char *file, struct err *err);

/* Open a packed folder. -ENOENT when there is none, -EBADMSG when it is not one of ours or cut short. */
int image_open(const char *file, struct image **ret, struct err *err);
struct image *image_free(struct image *image); /* takes NULL, returns NULL */

/* Write all of it into `folder`, which exists, by `threads` threads (1: only the caller's). */
int image_unpack(const struct image *image, const char *folder, struct image_owner owner,
                 int threads, struct err *err);

/* What its files take on a disk. */
uint64_t image_size(const struct image *image);

#endif
