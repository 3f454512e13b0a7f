/* report/replay.h - read a log that -events wrote, and let reporters tell it again. */
#ifndef REPORT_REPLAY_H
#define REPORT_REPLAY_H

#include "base/err.h"
#include "report/report.h"

/*
 * Hand all events of the log at `path` to each reporter of the list; the caller closes them.
 *
 * Returns 0, or -EPROTO when the file is no log, is one of another version, is damaged or
 * does not reach the end of its run: what comes before that place has been handed out, and
 * `err` names it. Another negative errno: it could not be read.
 */
int report_replay(const char *path, struct report *reports, struct err *err);

#endif
