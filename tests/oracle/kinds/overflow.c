/* fail: recursion without an end.
 * says: SIGSEGV */
#include "oracle.h"

static volatile int forever = 1;

static int deeper(int level)
{
    volatile char frame[4096];

    frame[0] = (char)level;
    return (forever ? deeper(level + 1) : 0) + frame[0];
}

SEAM_TEST(overflow_NUMBER)
{
    say(t);
    seam_check_eq(t, deeper(0), 0);
}
