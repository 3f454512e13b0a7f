/* directive.c - build expressions: the opposite of one is the opposite of its value. */

#include "runner/directive.h"

#include "fuzz.h"

static bool is_even(void *arg, const char *tag)
{
    (void)arg;
    return strlen(tag) % 2 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *opposite = malloc(strlen(text) + 4);
    struct err err = { "" };
    int value = directive_evaluate(text, is_even, NULL, &err);
    int other;

    MUST(opposite != NULL);
    sprintf(opposite, "!(%s)", text);
    other = directive_evaluate(opposite, is_even, NULL, NULL);
    if (value < 0)
        MUST(*err.text);
    else /* two levels deeper it may be too deep */
        MUST(other == !value || (other < 0 && strlen(text) > 90));
    free(opposite);
    free(text);
    return 0;
}
