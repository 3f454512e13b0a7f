/*
 * report/hold.h - text that waits for its turn: in memory up to a megabyte, beyond that in
 * a file of $TMPDIR that has no name. What the file system does not take stays in memory.
 */
#ifndef REPORT_HOLD_H
#define REPORT_HOLD_H

#include <stdio.h>

#include "base/buf.h"

/* Zero is empty. The text is `in_file` bytes of the file, then `rest`. */
struct hold {
    struct buf rest;
    size_t spill_at; /* when `rest` is that large it goes to the file */
    int file; /* -1 when none can be had; counts only while spill_at is set */
    size_t in_file;
};

void hold_add(struct hold *hold, const char *data, size_t size);

/* Write all of it and be empty. */
void hold_release(struct hold *hold, FILE *to);

#endif
