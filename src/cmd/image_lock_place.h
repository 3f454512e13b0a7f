/* cmd/image_lock_place.h - where the lock file of images is. */
#ifndef CMD_IMAGE_LOCK_PLACE_H
#define CMD_IMAGE_LOCK_PLACE_H

#include "base/arena.h"

#define IMAGE_LOCK_NAME "seam.lock"

/* The one that SEAM_IMAGE_LOCK names, else seam.lock in this folder or the nearest above it; NULL: there is none. */
const char *image_lock_place(struct arena *arena);

#endif
