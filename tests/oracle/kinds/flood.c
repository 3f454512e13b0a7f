/* pass: two megabytes of output; its beginning and its end are shown.
 * says: the last line */
#include "oracle.h"

SEAM_TEST(flood_NUMBER)
{
    static const char line[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";

    say(t);
    for (int i = 0; i < 2 * 1024 * 1024 / 64; i++)
        fwrite(line, 1, sizeof line - 1, stdout);
    puts("the last line");
}
