/* base/digits_test.c - numbers as decimal text. */

#include "base/digits.h"

#include <seam/seam.h>

#include <inttypes.h>
#include <stdio.h>

static void check(seam_t *t, intmax_t number)
{
    char digits[DIGITS_MAX + 1] = "", *end = digits + DIGITS_MAX, want[DIGITS_MAX + 1];

    snprintf(want, sizeof want, "%" PRIdMAX, number);
    seam_check_str(t, digits_before_signed(end, number), want);
    snprintf(want, sizeof want, "%" PRIuMAX, (uintmax_t)number);
    seam_check_str(t, digits_before(end, (uintmax_t)number), want);
}

SEAM_TEST(digits_are_those_of_printf)
{
    static const intmax_t numbers[] = { 0, 1, 9, 10, -1, -10, 1234, INT64_MIN, INT64_MAX };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        check(t, numbers[i]);
}
