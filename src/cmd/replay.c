/* cmd/replay.c - `seam replay [-v] [-json] FILE`: print the report of a recorded run again. */

#include <stdio.h>
#include <stdlib.h>

#include "cmd/command.h"
#include "cmd/flags.h"
#include "report/replay.h"
#include "report/report.h"

/* A reporter that only remembers how the run ended. */
struct ending {
    struct report report;
    int status;
};

static void remember(struct report *report, const struct event *event)
{
    if (event->kind == EVENT_FINISH)
        ((struct ending *)report)->status = event->status;
}

int command_replay(int argc, char **argv)
{
    struct options options;
    struct ending ending = { .report.event = remember };
    struct report *report;
    struct err err;
    int r;

    if (flags_parse(argc, argv, &options, &err) < 0) {
        fprintf(stderr, "seam: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (options.argument_count != 1) {
        fputs("seam: replay: name one file that -events wrote\n", stderr);
        return EXIT_USAGE;
    }
    report = options.json ? report_json(stdout) : report_text(stdout, options.verbose, false);
    if (!report) {
        fputs("seam: replay: out of memory\n", stderr);
        return EXIT_OWN_TROUBLE;
    }
    report->next = &ending.report;
    r = report_replay(options.arguments[0], report, &err);
    report->close(report);
    if (r < 0)
        fprintf(stderr, "seam: replay: %s\n", err.text);
    if (ferror(stdout))
        fputs("seam: replay: the report could not be written\n", stderr);
    free(options.arguments);
    return r < 0 ? EXIT_OWN_TROUBLE : ending.status;
}
