/* proxy/proxy_order_test.c - faults, ends and resets in any order leave nothing behind. */

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/flow.h"
#include "proxy/proxy_test.h"

enum { LINES = 8, STEPS = 600 };

static int pick(uint64_t *seed, int count)
{
    return (int)(flow_random(seed) % (uint64_t)count);
}

static void fault_at_random(seam_proxy *proxy, uint64_t *seed)
{
    seam_proxy_toxic(
        proxy, .direction = (enum seam_proxy_direction)pick(seed, 3),
        .latency_ms = pick(seed, 3), .jitter_ms = pick(seed, 3), .piece = pick(seed, 2) * 100,
        .cut_after = pick(seed, 2) * pick(seed, 3000), .cut_after_ms = pick(seed, 5) == 0,
        .reset = pick(seed, 4) == 0, .stall = pick(seed, 6) == 0,
        .slow_close_ms = pick(seed, 2), .times = pick(seed, 3), .percent = pick(seed, 2) * 50);
}

static void drop(int *fd, bool reset)
{
    const struct linger none = { .l_onoff = 1 };

    if (*fd >= 0 && reset)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Clients, and what the server has accepted of them so far, in no relation to each other. */
static void do_at_random(struct line *line, int ends[LINES], uint64_t *seed)
{
    static const char data[5000];
    int *end = &ends[pick(seed, LINES)], what = pick(seed, 10);

    if (what == 0)
        fault_at_random(line->proxy, seed);
    else if (what == 1 && pick(seed, 4) == 0)
        seam_proxy_set_at(line->proxy, SEAM_HERE, pick(seed, 2));
    else if (*end < 0 && what < 6)
        *end = line_connect(seam_proxy_port(line->proxy));
    else if (*end < 0)
        *end = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    else if (what < 4)
        drop(end, pick(seed, 2));
    else if (what < 5)
        shutdown(*end, SHUT_WR);
    else
        send(*end, data, (size_t)pick(seed, sizeof data), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void try_orders(seam_t *t, uint64_t seed)
{
    struct line line = line_start(t);
    int ends[LINES], last;

    memset(ends, -1, sizeof ends);
    fcntl(line.listener, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < STEPS; i++)
        do_at_random(&line, ends, &seed);
    for (int i = 0; i < LINES; i++)
        drop(&ends[i], false);
    while ((last = accept(line.listener, NULL, NULL)) >= 0)
        close(last);
    seam_proxy_toxic(line.proxy);
    close(line.listener);
    seam_check_eventually(t, SOON_MS, line_none_is_open, line.proxy);
}

SEAM_TEST(any_order_of_events_is_survived)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        try_orders(t, seed);
}
