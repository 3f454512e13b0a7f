/* service/modules/postgres_config.h - a file in the form of postgresql.conf, as settings. */
#ifndef SERVICE_MODULES_POSTGRES_CONFIG_H
#define SERVICE_MODULES_POSTGRES_CONFIG_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Add its settings as "name=value" to `list`, which has *count of at most `most`. -EINVAL names the line; including
 * other files is refused. `file` is for messages. */
int postgres_config_parse(const char *file, const char *text, struct arena *arena,
                          const char **list, size_t most, size_t *count, struct err *err);

/* The same of a file. */
int postgres_config_read(const char *file, struct arena *arena, const char **list, size_t most,
                         size_t *count, struct err *err);

#endif
