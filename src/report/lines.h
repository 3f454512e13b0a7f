/*
 * report/lines.h - the lines of Go's text format; the text and the JSON reporter share them.
 *
 * Each function adds whole lines to `to`. `depth` is how far the test is nested: its header
 * stands behind 4 * depth blanks, its log lines behind 4 more, their further lines behind 8
 * more.
 */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include "base/buf.h"
#include "events/event.h"

/* What go test says before a package that ran no test. */
#define LINES_NO_TESTS "testing: warning: no tests to run\n"

/* End the line that was left open, if one was. */
void lines_close(struct buf *to);

/* "=== RUN   name", and the same for PAUSE, CONT, ATTR and ARTIFACTS. */
void lines_frame(struct buf *to, const struct event *event, struct text name);

/* "=== NAME  name": what follows belongs to that test. */
void lines_name(struct buf *to, struct text name);

/* A message ("    file.c:14: words") or something left behind ("    warning: words"). */
void lines_message(struct buf *to, const struct event *event, int depth);

/* Raw output behind 4 * depth blanks; a line that it leaves open stays open. */
void lines_raw(struct buf *to, struct text text, int depth);

/* "--- FAIL: name (0.02s)" */
void lines_result(struct buf *to, int verdict, struct text name, uint64_t elapsed_ns,
                  int depth);

/* The line that ends a package: "ok  \tname\t0.011s", "FAIL\tname [build failed]", ... */
void lines_package(struct buf *to, const struct event *event);

/* Why a package could not be tested, as "seam: package: reason"; nothing without a reason. */
void lines_reason(struct buf *to, const struct event *event);

/* Seconds with `digits` (at most 9) behind the point. */
enum { LINES_SECONDS_MAX = 32 };
char *lines_seconds(char ret[LINES_SECONDS_MAX], uint64_t ns, int digits);

/* The part of a test's full name that names its top-level test. */
struct text lines_top_level(struct text test);

#endif
