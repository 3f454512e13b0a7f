/* base/err.h - words for a failure, carried beside a negative errno. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "seam/attr.h"

/* Filled by the function that failed; a caller that does not care passes NULL. */
struct err {
    char text[2000];
};

/* Say what failed. Returns `code`, so that it can end a function: return err_set(err, -EINVAL, ...). */
int err_set(struct err *err, int code, const char *format, ...) SEAM_PRINTF(3, 4);

/* The same, and append ": " and the system's words for `code`, a negative errno. */
int err_system(struct err *err, int code, const char *format, ...) SEAM_PRINTF(3, 4);

#endif
