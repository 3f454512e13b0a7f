/* fail: the signal that it declares does not come.
 * says: SIGABRT */
#include "oracle.h"

#include <signal.h>

SEAM_TEST(no_signal_NUMBER, .signal = SIGABRT)
{
    say(t);
}
