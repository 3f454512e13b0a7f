/* pass: output that does not end in a newline.
 * says: no newline */
#include "oracle.h"

SEAM_TEST(open_line_NUMBER)
{
    say(t);
    fputs("there is no newline", stdout);
}
