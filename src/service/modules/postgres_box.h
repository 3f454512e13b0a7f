/*
 * service/modules/postgres_box.h - a PostgreSQL server in a container of the official image, or one that behaves like
 * it.
 *
 * Its first start, by initdb, the image's own scripts and those of the test, takes seconds. So it is done once for
 * each image, environment and scripts; what it leaves is committed as an image of ours, from which every further
 * server starts. Such images are found again by their name, `seam-made/postgres:<key>`, in this run and others.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_POSTGRES_BOX_H
#define SERVICE_MODULES_POSTGRES_BOX_H

#include "service/modules/postgres_server.h"

/* Start it, ready when this returns. -ENOENT as of box_start. */
int postgres_box_start(struct postgres_server *server, const struct postgres_wish *wish,
                       const char **ret_remedy, struct err *err);

#endif
