/* pass: the signal that it declares. */
#include "oracle.h"

#include <signal.h>
#include <stdlib.h>

SEAM_TEST(want_signal_NUMBER, .signal = SIGABRT)
{
    say(t);
    abort();
}
