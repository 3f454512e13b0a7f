/* fail: exit(0) in the middle of a test is no pass.
 * says: exit */
#include "oracle.h"

#include <stdlib.h>

SEAM_TEST(exit_zero_NUMBER)
{
    say(t);
    exit(0);
}
