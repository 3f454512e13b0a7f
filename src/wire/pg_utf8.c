/* wire/pg_utf8.c - texts that a server with UTF8 takes at all; see pg_value.h. */

#include <errno.h>

#include "wire/pg_value.h"

enum { BYTES_CAP = 64 };

/* How long a character is that begins so. */
static size_t length_of(unsigned char first)
{
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1;
}

/* No NUL, no form that is longer than it must be, no half of a pair, nothing above U+10FFFF. */
static bool is_character(const unsigned char *at, size_t length, size_t left)
{
    if (length > left)
        return false;
    if (length == 1)
        return at[0] > 0 && at[0] < 0x80;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return false;
    return at[0] >= 0xc2 && at[0] <= 0xf4 && !(at[0] == 0xe0 && at[1] < 0xa0) &&
           !(at[0] == 0xed && at[1] > 0x9f) && !(at[0] == 0xf0 && at[1] < 0x90) &&
           !(at[0] == 0xf4 && at[1] > 0x8f);
}

int pg_utf8_check(const char *text, size_t size, struct err *err)
{
    const unsigned char *at = (const unsigned char *)text;

    for (size_t i = 0; i < size;) {
        size_t length = length_of(at[i]);

        if (!is_character(at + i, length, size - i)) {
            struct buf to = BUF_INIT(BYTES_CAP);

            for (size_t j = 0; j < length && i + j < size; j++)
                buf_printf(&to, "%s0x%02x", j > 0 ? " " : "", at[i + j]);
            err_set(err, -EILSEQ, "invalid byte sequence for encoding \"UTF8\": %s",
                    buf_text(&to));
            buf_fini(&to);
            return -EILSEQ;
        }
        i += length;
    }
    return 0;
}
