/*
 * report/json_text.h - values as Go's encoding/json writes them.
 *
 * Strings escape < > & and U+2028, U+2029, so that they can stand in HTML and JavaScript;
 * bytes that are no UTF-8 become U+FFFD.
 */
#ifndef REPORT_JSON_TEXT_H
#define REPORT_JSON_TEXT_H

#include <time.h>

#include "base/buf.h"
#include "events/event.h"

void json_add_string(struct buf *to, struct text text);

/* A point in time, in RFC 3339 with the local zone; formatting a second once is enough. */
struct json_clock {
    time_t second; /* the one that `date` and `zone` are for; they are empty before the first */
    char date[32];
    char zone[8];
};
void json_add_time(struct buf *to, struct json_clock *clock, uint64_t time_ns);

/* Seconds with at most `digits` behind the point and no zeros at the end. */
void json_add_seconds(struct buf *to, uint64_t ns, int digits);

/* The largest size, at most `size`, that does not end in the middle of a character. */
size_t json_cut(const char *data, size_t size);

#endif
