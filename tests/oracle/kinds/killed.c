/* fail: kill -9 of itself.
 * says: SIGKILL */
#include "oracle.h"

#include <signal.h>
#include <unistd.h>

SEAM_TEST(killed_NUMBER)
{
    say(t);
    kill(getpid(), SIGKILL);
}
