/* pass: checks that hold. */
#include "oracle.h"

SEAM_TEST(pass_NUMBER)
{
    say(t);
    seam_check(t, 1 + 1 == 2);
    seam_check_eq(t, 2, 2);
}
