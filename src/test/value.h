/* test/value.h - compare and show values of any kind. */
#ifndef TEST_VALUE_H
#define TEST_VALUE_H

#include "base/buf.h"
#include "seam/seam.h"

/* -1, 0, 1 as in strcmp; *ret_comparable is false for kinds that have no order or equality together
 * (a text and a number), and for a NaN. Integers are compared by value, whatever their signs. */
int value_compare(seam_value a, seam_value b, bool *ret_comparable);

void value_show(struct buf *to, seam_value value);

/* Text with quotes and C escapes; NULL as NULL. */
void value_show_text(struct buf *to, const char *text, size_t size);

#endif
