/* proxy/flow.c - one direction of a connection, and when what is passed on; see flow.h. */

#include "proxy/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/deadline.h"

#include "base/hostile.h"

enum {
    SLICES_A_SECOND = 50, /* a limit of bytes a second is kept by passing so few at a time */
    WAITING_MAX = 16 << 20, /* on a line that is long, but wide */
    WAITING_MAX_NARROW =
        128 << 10 /* where bytes a second are limited: the source is to notice */
};

static const uint64_t ms_ns = 1000000u, second_ns = 1000000000u;

struct flow_piece {
    struct flow_piece *next;
    enum flow_step kind; /* FLOW_BYTES, FLOW_END, FLOW_RESET */
    uint64_t came_ns;
    size_t size, at;
    char data[];
};

/* splitmix64 */
uint64_t flow_random(uint64_t *seed)
{
    uint64_t number = *seed += 0x9e3779b97f4a7c15u;

    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

void flow_init(struct flow *flow, uint64_t seed)
{
    *flow = (struct flow){ .last = &flow->first, .random = seed };
}

void flow_set(struct flow *flow, const seam_proxy_faults *faults, uint64_t now)
{
    flow->faults = faults;
    flow->passed = 0;
    flow->cut_ns =
        faults && faults->cut_after_ms ? now + (uint64_t)faults->cut_after_ms * ms_ns : 0;
    flow->ready_ns = 0;
    flow->decided = false;
}

/* ---- what comes */

static struct flow_piece *append(struct flow *flow, enum flow_step kind, size_t size,
                                 uint64_t now)
{
    struct flow_piece *piece = calloc(1, sizeof *piece + size);

    if (!piece)
        arena_give_up(sizeof *piece + size);
    piece->kind = kind;
    piece->came_ns = now;
    piece->size = size;
    *flow->last = piece;
    flow->last = &piece->next;
    flow->waiting += size;
    return piece;
}

void flow_put(struct flow *flow, const void *data, size_t size, uint64_t now)
{
    if (size > 0)
        memcpy(append(flow, FLOW_BYTES, size, now)->data, data, size);
}

void flow_end(struct flow *flow, bool reset, uint64_t now)
{
    append(flow, reset ? FLOW_RESET : FLOW_END, 0, now);
}

static void drop_first(struct flow *flow)
{
    struct flow_piece *piece = flow->first;

    flow->first = piece->next;
    if (!flow->first)
        flow->last = &flow->first;
    free(piece);
}

void flow_fini(struct flow *flow)
{
    while (flow->first)
        drop_first(flow);
    flow->waiting = 0;
}

/* ---- what goes */

static bool is_cut(const struct flow *flow, uint64_t now)
{
    const seam_proxy_faults *faults = flow->faults;

    if (!faults)
        return false;
    if (faults->reset && !faults->cut_after && !faults->cut_after_ms)
        return true;
    return (faults->cut_after && flow->passed >= faults->cut_after) ||
           (flow->cut_ns && now >= flow->cut_ns);
}

static bool stalls(const struct flow *flow)
{
    const seam_proxy_faults *faults = flow->faults;

    return faults &&
           (faults->stall || (faults->stall_after && flow->passed >= faults->stall_after));
}

bool flow_is_full(const struct flow *flow)
{
    if (stalls(flow))
        return true;
    return flow->waiting >
           (flow->faults && flow->faults->bytes_per_second ? WAITING_MAX_NARROW : WAITING_MAX);
}

/* Of what is left of a piece: as much as may go at once. */
static size_t next_size(const struct flow *flow, size_t left)
{
    const seam_proxy_faults *faults = flow->faults;
    const long long limits[] = {
        faults->piece,
        faults->cut_after ? faults->cut_after - flow->passed : 0,
        faults->stall_after ? faults->stall_after - flow->passed : 0,
        faults->bytes_per_second ? faults->bytes_per_second / SLICES_A_SECOND + 1 : 0,
    };

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i] > 0 && (unsigned long long)limits[i] < left)
            left = (size_t)limits[i];
    return left;
}

static uint64_t latency(struct flow *flow)
{
    uint64_t fixed = (uint64_t)flow->faults->latency_ms * ms_ns;
    uint64_t jitter = (uint64_t)flow->faults->jitter_ms * ms_ns, drawn;

    if (!jitter)
        return fixed;
    drawn = fixed + flow_random(&flow->random) % (2 * jitter + 1);
    return drawn > jitter ? drawn - jitter : 0;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How many bytes are next, and when. */
static void decide(struct flow *flow, uint64_t now)
{
    const struct flow_piece *piece = flow->first;
    const seam_proxy_faults *faults = flow->faults;
    const uint64_t slice_ns = second_ns / SLICES_A_SECOND;

    flow->decided = true;
    flow->due_size = piece->size - piece->at;
    flow->due_ns = now;
    if (!faults)
        return;
    flow->due_ns = later_of(flow->ready_ns, piece->came_ns);
    if (piece->at == 0) /* the rest of it comes right behind */
        flow->due_ns = later_of(flow->due_ns, piece->came_ns + latency(flow));
    if (piece->kind == FLOW_END)
        flow->due_ns += (uint64_t)faults->slow_close_ms * ms_ns;
    if (piece->kind != FLOW_BYTES)
        return;
    flow->due_size = next_size(flow, flow->due_size);
    if (faults->bytes_per_second) { /* what was missed is made up for, for one slice */
        if (now > slice_ns)
            flow->due_ns = later_of(flow->due_ns, now - slice_ns);
        flow->due_ns +=
            flow->due_size * second_ns / (unsigned long long)faults->bytes_per_second;
    }
}

static void pass_bytes(struct flow *flow, uint64_t now, struct buf *to)
{
    struct flow_piece *piece = flow->first;
    int gap_ms = flow->faults ? flow->faults->piece_gap_ms : 0;

    buf_add(to, piece->data + piece->at, flow->due_size);
    piece->at += flow->due_size;
    flow->waiting -= flow->due_size;
    flow->passed += (long long)flow->due_size;
    flow->ready_ns = gap_ms ? now + (uint64_t)gap_ms * ms_ns : flow->due_ns;
    flow->decided = false;
    if (piece->at == piece->size)
        drop_first(flow);
}

static enum flow_step wait_until(uint64_t at_ns, uint64_t *ret_ns)
{
    *ret_ns = at_ns;
    return at_ns ? FLOW_LATER : FLOW_NOTHING;
}

enum flow_step flow_next(struct flow *flow, uint64_t now, struct buf *to, uint64_t *ret_ns)
{
    enum flow_step kind;

    if (is_cut(flow, now))
        return FLOW_CUT;
    if (!flow->first || stalls(flow))
        return wait_until(flow->cut_ns, ret_ns);
    kind = flow->first->kind;
    if (kind == FLOW_BYTES && !to)
        return wait_until(flow->cut_ns, ret_ns);
    if (!flow->decided)
        decide(flow, now);
    if (flow->due_ns > now)
        return wait_until(deadline_first(flow->due_ns, flow->cut_ns), ret_ns);
    if (kind == FLOW_BYTES) {
        pass_bytes(flow, now, to);
        return FLOW_BYTES;
    }
    flow->decided = false;
    drop_first(flow);
    return kind;
}
