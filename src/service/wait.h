/*
 * service/wait.h - the conditions of seam_wait (seam/service.h), for containers and processes alike, within one
 * deadline: push where there is something that pushes (the log that is followed, the server's end), else asked
 * again with growing pauses of 1 to 100 ms.
 *
 * A server that ends before its conditions hold fails at once. What its log said until then counts: "done" of one
 * that prints it and ends is found.
 *
 * Threads: one waits for one server.
 */
#ifndef SERVICE_WAIT_H
#define SERVICE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"
#include "lease/service.h"

enum { WAIT_DEPTH = 8, WAIT_LOG_LINES = 50 };

struct wait_condition {
    enum wait_kind kind;
    struct wait_condition *parts; /* of ALL and ANY */
    size_t part_count;
    int port; /* of the server, as the test names it; 0: its first */
    const char *text; /* the log's text, the path, the file, the query */
    void *pattern; /* `text` compiled, where it is one */
    int times; /* at least 1 */
    int status; /* of HTTP; of the end */
    const char *header, *body, *words; /* words: of SQL's conninfo */
    bool tls;
    const char *const *argv;
    int probe;
    bool holds; /* what has held once is not asked again */
    size_t scanned; /* bytes of the log */
    int found; /* times in them */
    char last[200]; /* the last error, for the time line */
};

/* What a condition may ask of the server that is waited for. */
struct wait_server {
    const char *name; /* for messages */
    void *of;
    uint64_t begun_ns; /* where the time line begins */
    /* Where a port (0: its first) is reached: from here (`inside` false), and the address in its own network.
     * -ENOENT: there is none; -EAGAIN: not known yet. */
    int (*address)(void *of, int port, bool inside, struct buf *host, int *ret_port);
    /* 0 when something listens on that port inside, -ECONNREFUSED when not; NULL: it is enough to connect. */
    int (*listens)(void *of, int port);
    int (*exec)(void *of, const char *const *argv, int timeout_ms, int *ret_status,
                struct err *err);
    int (*file)(void *of, const char *path); /* 0 when it is there, -ENOENT */
    const char *owner, *where; /* who is asked for its state; NULL: nobody but us */
    /* 1 runs, 0 has ended with *ret_status (-1: somebody has removed it), -ENOTCONN: its owner does not answer;
     * *ret_health "healthy", "unhealthy", "starting" or NULL. */
    int (*state)(void *of, bool with_health, int *ret_status, const char **ret_health);
    /* Add to `ret` what the log has behind its first `seen` bytes; with none wait so long for it, or for the end. */
    void (*log)(void *of, size_t seen, int wait_ms, struct buf *ret);
};

/* Conditions out of {kind, ...}; in the arena of the caller, but for patterns: wait_fini. */
int wait_read(const struct message *written, struct arena *arena, struct wait_condition *ret,
              struct err *err);
void wait_fini(struct wait_condition *condition);

/* Wait. 0; -ETIMEDOUT, -ECHILD (it has ended), -ENOTCONN (nobody can tell) or -ECANCELED, with `story` for people: what went wrong, a time
 * line that goes on from `steps`, the last error of each condition, the last 50 lines of the log. */
int wait_for(struct wait_condition *condition, const struct wait_server *server,
             uint64_t deadline_ns, const int *cancel, struct buf *steps, struct buf *story);

/* Add a line to a time line. */
void wait_step(struct buf *steps, uint64_t begun_ns, const char *format, ...) SEAM_PRINTF(3, 4);

/* "its log has 'ready'", "GET /health on port 80 is answered with 200". */
void wait_describe(const struct wait_condition *condition, struct buf *ret);

/* The last lines of a log behind an indent, with long ones cut. */
void wait_log_tail(const char *text, size_t size, struct buf *ret);

/* ---- one condition each; wait_leaf.c, wait_http.c, wait_log.c, modules/wait_sql.c */

/* Ask once, for `timeout_ms` at most: whether it holds; if not, why is in `last`. */
bool wait_ask(struct wait_condition *condition, const struct wait_server *server,
              int timeout_ms);
bool wait_ask_http(struct wait_condition *condition, const char *host, int port,
                   int timeout_ms);

bool wait_ask_sql(struct wait_condition *condition, const char *host, int port, int timeout_ms);

/* Look through the log as far as it is known. */
bool wait_scan(struct wait_condition *condition, const char *log, size_t size);

/* Whether an answer is the wanted one. `headers`: as they came, one a line. */
bool wait_judge_http(struct wait_condition *condition, int status, const char *headers,
                     const char *body, size_t size);

#endif
