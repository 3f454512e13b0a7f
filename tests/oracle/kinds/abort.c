/* fail: abort.
 * says: SIGABRT */
#include "oracle.h"

#include <stdlib.h>

SEAM_TEST(abort_NUMBER)
{
    say(t);
    abort();
}
