/* mask.c - any text with its secrets masked: what stays has been there, in that order. */

#include "test/mask.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { TEXT_MAX = 4000 };

/* But for the masks themselves, "***" with or without quotes. */
static void comes_from(const struct buf *masked, const char *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < masked->size; i++) {
        if (masked->data[i] == '*' || masked->data[i] == '"')
            continue;
        while (at < size && text[at] != masked->data[i])
            at++;
        MUST(at++ < size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf masked = BUF_INIT(4 * TEXT_MAX);
    char *text;

    if (size > TEXT_MAX)
        return 0;
    mask_text(&masked, (const char *)data, size);
    MUST(!masked.failed);
    comes_from(&masked, (const char *)data, size);
    buf_clear(&masked);
    text = strndup((const char *)data, size);
    mask_quoted(&masked, text);
    MUST(!masked.failed);
    comes_from(&masked, text, strlen(text));
    free(text);
    buf_fini(&masked);
    return 0;
}
