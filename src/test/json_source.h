/*
 * test/json_source.h - a JSON text made ready for a parser that has 64-bit integers.
 *
 * An integer that needs more becomes an object that holds its digits, {JSON_BIG_KEY: "digits"}:
 * as a value it survives, and where no number may stand an object may not either. A string in
 * single quotes becomes one in double quotes. All else, faults included, is copied as it is.
 */
#ifndef TEST_JSON_SOURCE_H
#define TEST_JSON_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* No text of a test has this key. */
#define JSON_BIG_WORDS "seam: digits"
#define JSON_BIG_KEY "\x01" JSON_BIG_WORDS

struct json_source {
    const char *label; /* "got" or "want", for messages */
    const char *text;
    size_t size;
    bool single_quotes; /* are allowed */
    bool keep_numbers; /* also big ones: the copy is to be sent, not parsed */
};

/* Copy as much as `out` takes. Returns how many bytes of the text are in it: with a cap of n
 * that is where byte n of the whole copy comes from. */
size_t json_source_copy(struct buf *out, const struct json_source *source);

/* Say that the parser stopped behind `position` bytes of the copy, with its words; show the
 * line and a caret. The text is not empty. */
void json_source_fault(struct buf *out, const struct json_source *source, size_t position,
                       const char *words);

#endif
