/* service/pull.h - fetch images before tests need them, and note what was had: the work of `seam pull`. */
#ifndef SERVICE_PULL_H
#define SERVICE_PULL_H

#include <stdbool.h>

/* Fetch each image: the content that the lock file names, or the newest where it names none or with `update`, which is
 * then written there. Returns the program's status: 1 when one could not be had. */
int pull_images(const char *lock, bool update, char *const *images, int count);

#endif
