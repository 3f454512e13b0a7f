/* service/doctor_line.c - the lines of `seam doctor`; see doctor_line.h. */

#include "service/doctor_line.h"

#include <stdarg.h>
#include <stdio.h>

bool doctor_has(const char *what, const char *format, ...)
{
    va_list args;

    printf("ok       %-10s ", what);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return true;
}

bool doctor_lacks(const char *what, const char *remedy, const char *format, ...)
{
    va_list args;

    printf("missing  %-10s ", what);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    if (remedy)
        printf("    try: %s\n", remedy);
    return false;
}
