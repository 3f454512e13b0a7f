/* fuzz.h - what the fuzz targets share: the entry point, and a property that must hold. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                        \
    ((condition) ? (void)0 : (fprintf(stderr, "does not hold: %s\n", #condition), abort()))

/* The input as text, cut at its first NUL. The caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    MUST(text != NULL);
    return text;
}

#endif
