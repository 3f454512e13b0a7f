/* base/base_name.h - the last part of a path; "?" for none. */
#ifndef BASE_BASE_NAME_H
#define BASE_BASE_NAME_H

#include <string.h>

static inline const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path ? path : "?";
}

#endif
