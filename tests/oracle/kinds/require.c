/* fail: a requirement that does not hold ends the test; what it registered still runs.
 * says: the cleanup ran
 * never says: after the requirement */
#include "oracle.h"

static void tidy(void *text)
{
    puts(text);
}

SEAM_TEST(require_NUMBER)
{
    say(t);
    seam_cleanup(t, tidy, "the cleanup ran");
    seam_require_eq(t, 1 + 1, 3);
    puts("after the requirement");
}
