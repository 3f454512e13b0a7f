/* fail: a check that does not hold is recorded and the test goes on.
 * says: after the check */
#include "oracle.h"

SEAM_TEST(check_NUMBER)
{
    say(t);
    seam_check_eq(t, 1 + 1, 3);
    puts("after the check");
}
