/*
 * lease/lease.h - a test's connection to the keeper: what it holds, it holds as long as that lives.
 *
 * The kernel closes the connection when the test's process ends, so a lease cannot be forgotten. All
 * functions end the test when they fail: with a skip where something is missing on the machine.
 *
 * Threads: the (sub)test's own.
 */
#ifndef LEASE_LEASE_H
#define LEASE_LEASE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/message.h"
#include "seam/seam.h"

struct lease {
    seam_t *t;
    seam_site site; /* that started it */
    const char *service; /* "postgres", for messages */
    int fd;
    pid_t owner; /* the process that it belongs to */
    struct buf reply; /* of the last request */
};

/* Connect, send the request `frame`, whose verb is one of the keeper's start verbs, and wait. The fields of
 * the answer are in *ret until the next request. */
struct lease *lease_start(seam_t *t, seam_site at, const char *service, const struct buf *frame,
                          struct message *ret);

/* The same for what says itself whether it is a container, and may take `most_ms` to start. */
struct lease *lease_start_long(seam_t *t, seam_site at, const char *service,
                               const struct buf *frame, int most_ms, struct message *ret);

/* The same in two halves: send the request, which the keeper works on, and later wait for its answer. */
struct lease *lease_send(seam_t *t, seam_site at, const char *service, const struct buf *frame);
void lease_await(struct lease *lease, int most_ms, struct message *ret);

/* The same without ending the test: a negative errno, and why; -ENOENT where something is missing on the
 * machine. */
int lease_try(seam_t *t, seam_site at, const char *service, const struct buf *frame,
              struct lease **ret_lease, struct message *ret, const char **ret_why);

/* Send one more request and wait for its answer. -EREMOTEIO when the keeper answers with an error, which is
 * then in *ret; what else goes wrong ends the test. */
int lease_ask(struct lease *lease, seam_site at, const struct buf *frame, struct message *ret);

/* The same for a verb without fields; an error ends the test: "cannot <what> <service>: ...". */
void lease_do(struct lease *lease, seam_site at, const char *verb, const char *what);

/* When the test ends as a failure, show what the server logged about it. */
void lease_show_log(struct lease *lease);

/* A text of the answer, copied into the memory of the test; "" when it has none. */
const char *lease_text(struct lease *lease, const struct message *answer, const char *key);

/* Add to a request what the run and SEAM_SERVICES_<SERVICE> say about containers: {tier, offline, lock}. */
void lease_add_tier(seam_t *t, seam_site at, const char *service, struct buf *frame);

/* Add the absolute path of a file or folder that the test names (NULL: nothing); it ends the test when that is not
 * there. */
void lease_add_path(seam_t *t, seam_site at, const char *key, const char *path,
                    struct buf *frame);

/* Begin a request in an empty buf; to be ended by message_end(frame, 0). */
void lease_request(struct buf *frame, const char *verb);

#endif
