/* pass: two subtests, both pass.
 * subtests: 2 */
#include "oracle.h"

SEAM_SUBTEST(good)
{
    say(t);
    seam_check(t, true);
}

SEAM_TEST(sub_pass_NUMBER)
{
    say(t);
    seam_check(t, seam_run(t, "pass one", good, NULL));
    seam_check(t, seam_run(t, "pass two", good, NULL));
}
