/*
 * report/report.h - reporters: each reads events and nothing else.
 *
 * Events come complete: package and full test name are set, times are nanoseconds since 1970.
 * Texts in an event live only during the call. What cannot be written to a FILE is lost; its ferror()
 * tells.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "events/event.h"

struct report {
    struct report *next;
    void (*event)(struct report *report, const struct event *event);
    void (*close)(struct report *report); /* flush and free */
};

/* Go's text format. `live`: lines stream as they come (one test at a time). */
struct report *report_text(FILE *to, bool verbose, bool live);

/* The schema of test2json, an object per line. */
struct report *report_json(FILE *to);

/* The log that -events writes and `seam replay` reads. NULL and errno when it cannot be opened. */
struct report *report_log(const char *path);

#endif
