/* pass: every byte value, NUL and broken UTF-8 among them.
 * says: after the bytes */
#include "oracle.h"

SEAM_TEST(binary_NUMBER)
{
    say(t);
    for (int byte = 0; byte < 256; byte++)
        putchar(byte);
    puts("\nafter the bytes");
}
