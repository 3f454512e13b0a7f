/* fail: of four subtests one passes, two fail and one is skipped; each failure is its parent's.
 * subtests: 4
 * says: the parent goes on */
#include "oracle.h"

SEAM_SUBTEST(good)
{
    say(t);
}

SEAM_SUBTEST(bad)
{
    say(t);
    seam_check(t, false);
}

SEAM_SUBTEST(worse)
{
    say(t);
    seam_fatal(t, "no further");
}

SEAM_SUBTEST(absent)
{
    say(t);
    seam_skip(t, "not here");
}

SEAM_TEST(sub_fail_NUMBER)
{
    say(t);
    seam_run(t, "pass", good, NULL);
    seam_run(t, "fail", bad, NULL);
    seam_run(t, "fail", worse, NULL);
    seam_run(t, "skip", absent, NULL);
    puts("the parent goes on");
}
