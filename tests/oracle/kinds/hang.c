/* fail: waits for ever.
 * says: timed out */
#include "oracle.h"

#include <unistd.h>

SEAM_TEST(hang_NUMBER, .timeout_ms = 200)
{
    say(t);
    for (;;)
        pause();
}
