/* skip: the test says that it cannot run here.
 * says: needs a moon
 * never says: after the skip */
#include "oracle.h"

SEAM_TEST(skip_NUMBER)
{
    say(t);
    seam_skip(t, "needs a moon");
    puts("after the skip");
}
