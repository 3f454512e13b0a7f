/*
 * base/digits.h - a number as decimal text, without stdio: what is done for each message of a double.
 *
 * Threads: any; nothing is shared.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stdint.h>

enum { DIGITS_MAX = 24 }; /* a sign and all digits */

/* Write it so that it ends before `end`, without a NUL; returns where it begins. */
static inline char *digits_before(char *end, uintmax_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return end;
}

static inline char *digits_before_signed(char *end, intmax_t number)
{
    char *at = digits_before(end, number < 0 ? 0 - (uintmax_t)number : (uintmax_t)number);

    if (number < 0)
        *--at = '-';
    return at;
}

#endif
