/* fail: exit(3) in the middle of a test.
 * says: 3 */
#include "oracle.h"

#include <stdlib.h>

SEAM_TEST(exit_three_NUMBER)
{
    say(t);
    exit(3);
}
