/* fail: closes every descriptor, so that its events cannot be written.
 * says: descriptor */
#define _GNU_SOURCE
#include "oracle.h"

#include <unistd.h>

SEAM_TEST(deaf_NUMBER)
{
    say(t);
    close_range(0, ~0u, 0);
}
