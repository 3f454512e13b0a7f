/* base/err.c - words for a failure; see err.h. */

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    if (err) {
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

int err_system(struct err *err, int code, const char *format, ...)
{
    va_list args;
    size_t used;

    if (err) {
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(-code));
    }
    return code;
}
