/*
 * service/modules/postgres_data.h - a fresh data directory, unpacked from the cache.
 *
 * initdb takes half a second, so it runs once for each kind of server; its result is packed into
 * `<cache>/postgres-<major>-<key>.image`. The key covers the program's path, time and size, initdb's
 * arguments and the user.
 *
 * Threads: any; processes that fill the cache at the same time do it twice, which is harmless.
 */
#ifndef SERVICE_MODULES_POSTGRES_DATA_H
#define SERVICE_MODULES_POSTGRES_DATA_H

#include "service/image.h"
#include "service/keeper.h"
#include "service/modules/postgres_find.h"

/* The packed data directory of these programs; made first when the cache has none. */
int postgres_data_image(struct keeper *keeper, const struct postgres_programs *programs,
                        struct image **ret, struct err *err);

#endif
