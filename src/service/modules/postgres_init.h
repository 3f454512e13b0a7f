/* service/modules/postgres_init.h - the scripts that an image of PostgreSQL runs at its first start. */
#ifndef SERVICE_MODULES_POSTGRES_INIT_H
#define SERVICE_MODULES_POSTGRES_INIT_H

#include <stdint.h>

#include "base/err.h"

/* Go on hashing with the names and contents of the files of a folder, in the order of their names. */
int postgres_init_hash(const char *folder, uint64_t *key, struct err *err);

#endif
