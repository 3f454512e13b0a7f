/* fail: a write through a null pointer.
 * says: SIGSEGV */
#include "oracle.h"

static int *volatile nowhere;

SEAM_TEST(segv_NUMBER)
{
    say(t);
    *nowhere = 1;
}
