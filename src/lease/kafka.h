/* lease/kafka.h - what the parts of seam_kafka share. */
#ifndef LEASE_KAFKA_H
#define LEASE_KAFKA_H

#include "lease/lease.h"
#include "seam/kafka.h"

struct kafka_arrival;

/* A topic that is read: what came of it, for all who read it. */
struct kafka_stream {
    struct kafka_stream *next;
    const char *topic;
    struct kafka_arrival *first, **end;
    const struct kafka_arrival *got; /* by seam_kafka_get, last */
};

struct seam_kafka {
    seam_t *t;
    struct lease *lease;
    const char *servers, *inside, *version, *tier, *prefix;
    int inside_port;
    bool is_own; /* no other test uses the server */
    struct kafka_stream *streams;
};

/* Ask and end the test when the answer is an error: "kafka: cannot <what> '<of>': ...". `frame` is ended and freed. */
void kafka_ask(seam_kafka *kafka, seam_site at, struct buf *frame, struct message *ret,
               const char *what, const char *of);

/* The same, but the answer is the caller's to judge: 0 or -EREMOTEIO. */
int kafka_try(seam_kafka *kafka, seam_site at, struct buf *frame, struct message *ret);

#endif
