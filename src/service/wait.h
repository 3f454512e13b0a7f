/*
 * service/wait.h - the conditions of seam_wait (seam/service.h), for containers and processes alike, within one
 * deadline: push where there is something that pushes (the log that is followed, events, a child's pidfd), else asked
 * again with growing pauses of 1 to 100 ms.
 *
 * Threads: one waits; the log's follower and the event reader are its own and end with it.
 */
#ifndef SERVICE_WAIT_H
#define SERVICE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"

enum wait_kind {
    WAIT_ALL,
    WAIT_ANY,
    WAIT_RUNS,
    WAIT_PORT,
    WAIT_LOG,
    WAIT_HTTP,
    WAIT_EXEC,
    WAIT_HEALTHY,
    WAIT_EXIT,
    WAIT_FILE,
    WAIT_SQL,
    WAIT_PROBE
};

struct wait_condition {
    enum wait_kind kind;
    struct wait_condition *parts; /* of ALL and ANY */
    size_t part_count;
    int port; /* of the server, as the test names it */
    const char *text; /* the log's text, the path, the file, the query */
    bool is_pattern;
    int times;
    int status;
    const char *header, *body, *words; /* words: of SQL's conninfo */
    bool tls;
    const char *const *argv;
    int probe;
    bool holds; /* what has held once need not be asked again */
    char last[200]; /* the last error, for the time line */
};

/* What a condition may ask of the server that is waited for. */
struct wait_server {
    const char *name; /* for messages */
    void *of;
    /* Where a port is reached: from here (`inside` false), and the address in its own network. -ENOENT. */
    int (*address)(void *of, int port, bool inside, struct buf *host, int *ret_port);
    int (*exec)(void *of, const char *const *argv, int timeout_ms, int *ret_status,
                struct err *err);
    int (*file)(void *of, const char *path); /* 0 when it is there, -ENOENT */
    /* 1 runs, 0 has ended with *ret_status; *ret_health "healthy", "unhealthy", "starting" or NULL. */
    int (*state)(void *of, int *ret_status, const char **ret_health);
    /* The log so far, with a counter that grows; waits until it has grown past `seen` or so many ms have passed. */
    size_t (*log)(void *of, size_t seen, int wait_ms, struct buf *ret);
};

/* Conditions out of a request's fields (lease/service.c writes them: "wait.*"); in the arena of the caller. */
struct arena;
int wait_read(const struct message *request, struct arena *arena, struct wait_condition *ret,
              struct err *err);

/* Wait. 0; -ETIMEDOUT or -ECHILD (it has ended) with a time line in `story`: a line for each step with its
 * milliseconds, the last error of each condition, the last 50 lines of the log. */
int wait_for(struct wait_condition *condition, const struct wait_server *server,
             uint64_t deadline_ns, const int *cancel, struct buf *story);

/* Ask a server once whether it answers as such a one does: 0, -EAGAIN with words, -EPROTO with what came. */
int probe_ask(int probe, const char *host, int port, int timeout_ms, struct err *err);

#endif
