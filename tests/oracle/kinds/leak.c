/* pass: leaves a child behind, which is named and killed.
 * says: left process
 * shown: for its warning */
#include "oracle.h"

#include <unistd.h>

SEAM_TEST(leak_NUMBER)
{
    say(t);
    if (fork() == 0)
        for (;;)
            pause();
}
