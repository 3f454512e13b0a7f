/* gated_test.c - a program whose tests all need a tag that nobody gives. */

#include <seam/seam.h>

SEAM_FILE(.tags = "never");

SEAM_TEST(gated)
{
    seam_fatal(t, "nobody asked for this tag");
}
