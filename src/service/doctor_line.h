/* service/doctor_line.h - the lines of `seam doctor`, which the programs `seam` and `services` print in turn. */
#ifndef SERVICE_DOCTOR_LINE_H
#define SERVICE_DOCTOR_LINE_H

#include <stdbool.h>

#include "seam/attr.h"

/* What works, and how. Returns true. */
bool doctor_has(const char *what, const char *format, ...) SEAM_PRINTF(2, 3);

/* What does not, why, and the one command that mends it (NULL: none is known). Returns false. */
bool doctor_lacks(const char *what, const char *remedy, const char *format, ...)
    SEAM_PRINTF(3, 4);

#endif
