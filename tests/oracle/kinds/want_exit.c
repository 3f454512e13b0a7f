/* pass: the exit code that it declares. */
#include "oracle.h"

#include <stdlib.h>

SEAM_TEST(want_exit_NUMBER, .exit_code = 3)
{
    say(t);
    exit(3);
}
