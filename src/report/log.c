/* report/log.c - every event as a record in a file, from which each report can be made. */

#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_AT = 256 << 10 };

struct log_report {
    struct report report;
    FILE *file;
    bool failed; /* said once; the run goes on without its log */
    struct buf records;
    char path[];
};

static void fail(struct log_report *report)
{
    if (!report->failed)
        fprintf(stderr, "seam: cannot write the event log '%s': %s; it ends early\n",
                report->path, strerror(errno));
    report->failed = true;
}

static void flush(struct log_report *report)
{
    if (!report->failed && fwrite(report->records.data, 1, report->records.size,
                                  report->file) != report->records.size)
        fail(report);
    buf_clear(&report->records);
}

static void take(struct report *base, const struct event *event)
{
    struct log_report *report = (struct log_report *)base;

    event_encode(&report->records, event);
    if (event->kind == EVENT_PACKAGE_END || report->records.size >= FLUSH_AT)
        flush(report);
}

static void finish(struct report *base)
{
    struct log_report *report = (struct log_report *)base;

    flush(report);
    if (fclose(report->file) != 0) /* some file systems say only now that they are full */
        fail(report);
    buf_fini(&report->records);
    free(report);
}

struct report *report_log(const char *path)
{
    size_t size = strlen(path) + 1;
    struct log_report *report = calloc(1, sizeof *report + size);
    FILE *file = report ? fopen(path, "we") : NULL;

    if (!file) {
        free(report);
        return NULL;
    }
    *report = (struct log_report){
        .report = { .event = take, .close = finish },
        .file = file,
        .records = BUF_INIT(2 * (size_t)EVENT_MAX),
    };
    memcpy(report->path, path, size);
    setvbuf(file, NULL, _IONBF, 0); /* the records are the buffer */
    buf_add_text(&report->records, EVENT_LOG_MAGIC);
    return &report->report;
}
