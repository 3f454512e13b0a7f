/* test/value.h - compare and show values of any kind. Values are borrowed; threads: any. */
#ifndef TEST_VALUE_H
#define TEST_VALUE_H

#include "base/buf.h"
#include "seam/seam.h"

/* -1, 0, 1 as in strcmp; *ret_comparable is false for kinds that have no order or equality together
 * (a text and a number), for a NaN and for patterns. Integers are compared by value, whatever their signs. */
int value_compare(seam_value a, seam_value b, bool *ret_comparable);

/* Whether it is none, but says what one may be: SEAM_ANY, SEAM_LIKE, SEAM_MATCHES. Nothing is equal to it. */
bool value_is_pattern(seam_value value);

/* Add the value as C would write it; of a long text the beginning. */
void value_show(struct buf *to, seam_value value);

/* Add the fewest digits that read back as the same number, with a point in every locale. */
void value_show_double(struct buf *to, double value);

#endif
