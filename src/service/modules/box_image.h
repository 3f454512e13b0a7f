/*
 * service/modules/box_image.h - images that are made of containers, to start others from what they have done.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_BOX_IMAGE_H
#define SERVICE_MODULES_BOX_IMAGE_H

#include "service/modules/box.h"

enum { BOX_ID = 80 };

struct box_label {
    const char *name, *value; /* a list ends by NULL */
};

/* The id of the image that a wish names, pulled first where that is allowed. */
int box_image_find(struct keeper *keeper, const struct box_wish *wish, char ret_id[BOX_ID],
                   const char **ret_remedy, struct err *err);

/* The id of an image that is here, and a label of it. -ENOENT when either is not. */
int box_image_label(struct keeper *keeper, const char *image, const char *label,
                    char ret_id[BOX_ID], char *ret, size_t size);

/* Make an image of a container, which has stopped. It is nobody's run's: it stays. The oldest of those with the same
 * first label go. */
int box_image_commit(struct server *server, const char *name, const struct box_label *labels,
                     char ret_id[BOX_ID], struct err *err);

#endif
