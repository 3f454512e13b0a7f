/*
 * proxy/flow.h - one direction of a connection: what waits to be passed on, and when it is.
 *
 *   put, end ── pieces, in their order ── next: bytes, an end, a cut
 *
 * It is told the time and knows no descriptors.
 *
 * Ownership: bytes are copied. The faults belong to the caller and outlive the flow or the next flow_set.
 *
 * Threads: the owner's lock is held.
 */
#ifndef PROXY_FLOW_H
#define PROXY_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "seam/proxy.h"

struct flow {
    struct flow_piece *first, **last;
    size_t waiting; /* bytes */
    const seam_proxy_faults *faults; /* NULL: none */
    long long passed; /* bytes, under these faults */
    uint64_t cut_ns; /* by time; 0: never */
    uint64_t ready_ns; /* when the line is free for the next bytes */
    uint64_t due_ns; /* of the next bytes, once it is decided how many they are */
    size_t due_size;
    bool decided;
    uint64_t random;
};

enum flow_step {
    FLOW_NOTHING, /* until more is put, other faults are set, or there is room */
    FLOW_LATER, /* not before *ret_ns */
    FLOW_BYTES, /* some were added to `to`; ask again */
    FLOW_END, /* the source has ended */
    FLOW_RESET, /* the source was reset */
    FLOW_CUT /* the faults close the connection */
};

void flow_init(struct flow *flow, uint64_t seed);
void flow_set(struct flow *flow, const seam_proxy_faults *faults, uint64_t now);

void flow_put(struct flow *flow, const void *data, size_t size, uint64_t now);
void flow_end(struct flow *flow, bool reset, uint64_t now);

/* What is to be done now. `to` NULL: there is no room for bytes. */
enum flow_step flow_next(struct flow *flow, uint64_t now, struct buf *to, uint64_t *ret_ns);

/* Whether so much waits that its source is not read for now. */
bool flow_is_full(const struct flow *flow);

void flow_fini(struct flow *flow);

/* The next number that follows from a seed; all bits of it are random. */
uint64_t flow_random(uint64_t *seed);

#endif
