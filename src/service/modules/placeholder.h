/*
 * service/modules/placeholder.h - {port}, {port:name} and {dir} in texts for a native program.
 *
 * Other braces are left alone: JSON and shell scripts have them.
 */
#ifndef SERVICE_MODULES_PLACEHOLDER_H
#define SERVICE_MODULES_PLACEHOLDER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { PLACEHOLDER_NAME = 32, PLACEHOLDER_PORTS = 16 };

/* Ports by their names; {port} is that of the name "". */
struct placeholder_ports {
    char names[PLACEHOLDER_PORTS][PLACEHOLDER_NAME];
    int numbers[PLACEHOLDER_PORTS];
    size_t count;
};

/* Add the names that a text has and that are not known yet. -EINVAL: a name is too long, or there are too many. */
int placeholder_collect(const char *text, size_t size, struct placeholder_ports *ports,
                        struct err *err);

/* Add the text with all of them replaced. */
void placeholder_replace(const char *text, size_t size, const struct placeholder_ports *ports,
                         const char *folder, struct buf *ret);

#endif
