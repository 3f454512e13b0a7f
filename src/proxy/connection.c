/* proxy/connection.c - a connection of a proxy: two streams and what flows between them; see proxy.h. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/deadline.h"
#include "proxy/proxy.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    CLIENT,
    SERVER,
    CROWDED = 1 << 20 /* bytes that wait in a stream */
};

struct proxy_side {
    struct stream stream; /* first: its owner knows the side by this */
    struct proxy_connection *connection;
    bool is_there; /* from its start until it is gone */
    bool ends, has_ended; /* nothing more is sent: once all is, and that was said */
};

struct proxy_timer {
    struct loop_timer timer; /* first: the loop knows it by this */
    struct proxy_connection *connection;
};

struct proxy_connection {
    struct proxy_connection *next;
    struct seam_proxy *proxy;
    size_t number;
    uint64_t begin_ns;
    struct loop_watch connecting; /* to the server, with the client waiting: */
    int client_fd; /* -1 from then on */
    char peer[64];
    struct proxy_side side[2];
    struct flow flow[2];
    struct proxy_timer timer[2];
    int64_t bytes[2];
    int users; /* streams, functions that go on with it, and one until it is closed */
    bool closed;
};

/* ---- life */

static void unlist(struct proxy_connection *connection)
{
    struct seam_proxy *proxy = connection->proxy;
    struct proxy_connection **at = &proxy->first;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    if (!connection->next)
        proxy->last = at;
}

static void leave(struct proxy_connection *connection)
{
    if (--connection->users > 0)
        return;
    unlist(connection);
    for (int i = 0; i < 2; i++)
        flow_fini(&connection->flow[i]);
    free(connection);
}

/* How it ended, for the traffic of a test that fails. */
static void report(const struct proxy_connection *connection, const char *how)
{
    const struct seam_proxy *proxy = connection->proxy;
    struct buf what = BUF_INIT(4096), answer = BUF_INIT(4096);

    buf_printf(&what, "connection %zu to %s", connection->number, proxy->server_name);
    buf_printf(&answer, "%s after %lld bytes there, %lld back", how,
               (long long)connection->bytes[CLIENT], (long long)connection->bytes[SERVER]);
    t_exchange(proxy->t, &(struct t_exchange){ .seam = "proxy",
                                               .what = buf_text(&what),
                                               .answer = buf_text(&answer),
                                               .begin_ns = connection->begin_ns,
                                               .elapsed_ns = now_ns() - connection->begin_ns });
    buf_fini(&what);
    buf_fini(&answer);
}

static void close_reset(int fd)
{
    const struct linger none = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    t_private_close(fd);
}

static void abandon_connecting(struct proxy_connection *connection)
{
    if (connection->client_fd < 0)
        return;
    loop_watch_remove(&connection->connecting);
    if (connection->connecting.fd >= 0)
        close_reset(connection->connecting.fd);
    close_reset(connection->client_fd);
    connection->client_fd = -1;
}

/* Both sides, however far they are. Nothing of it is looked at afterwards but by who has entered it. */
static void close_both(struct proxy_connection *connection, bool reset, const char *how)
{
    if (connection->closed)
        return;
    connection->closed = true;
    connection->proxy->open--;
    report(connection, how);
    for (int i = 0; i < 2; i++)
        loop_timer_cancel(&connection->timer[i].timer);
    abandon_connecting(connection);
    for (int i = 0; i < 2; i++) {
        struct stream *stream = &connection->side[i].stream;

        if (!connection->side[i].is_there)
            continue;
        stream_enter(stream);
        stream_set_crowded(stream, false);
        if (reset)
            stream_close(stream, true);
        else
            stream_close_when_sent(stream, true);
        stream_leave(stream);
    }
    leave(connection);
}

/* ---- passing on */

/* The end of what one side sends, told to the other when it has all. */
static void say_end(struct proxy_connection *connection, int i)
{
    struct proxy_side *to = &connection->side[i];

    if (!to->ends || to->has_ended || to->stream.dead || stream_unsent(&to->stream) > 0)
        return;
    to->has_ended = true;
    shutdown(to->stream.watch.fd, SHUT_WR);
    if (connection->side[1 - i].has_ended)
        close_both(connection, false, "ended");
}

static void cut(struct proxy_connection *connection, const struct flow *flow)
{
    bool reset = flow->faults->reset;

    connection->proxy->cut++;
    close_both(connection, reset, reset ? "reset by the proxy" : "cut by the proxy");
}

static void pass_on(struct proxy_connection *connection, int i, size_t size)
{
    struct stream *to = &connection->side[1 - i].stream;

    if (to->dead) {
        buf_fini(&to->out);
        return;
    }
    connection->bytes[i] += (int64_t)size;
    connection->proxy->bytes[i] += (int64_t)size;
    stream_flush(to);
}

/* One thing that flow i has to do; false when there is none for now. */
static bool step(struct proxy_connection *connection, int i)
{
    struct flow *flow = &connection->flow[i];
    struct stream *to = &connection->side[1 - i].stream;
    bool has_room = to->dead || stream_unsent(to) <= CROWDED;
    size_t waited = flow->waiting;
    uint64_t at_ns;

    switch (flow_next(flow, now_ns(), has_room ? stream_out(to) : NULL, &at_ns)) {
    case FLOW_NOTHING:
        loop_timer_cancel(&connection->timer[i].timer);
        return false;
    case FLOW_LATER:
        loop_timer_set(&connection->timer[i].timer, at_ns);
        return false;
    case FLOW_BYTES:
        pass_on(connection, i, waited - flow->waiting);
        return true;
    case FLOW_END:
        connection->side[1 - i].ends = true;
        say_end(connection, 1 - i);
        return true;
    case FLOW_RESET:
        close_both(connection, true,
                   i == CLIENT ? "reset by the client" : "reset by the server");
        return false;
    case FLOW_CUT:
        cut(connection, flow);
        return false;
    }
    return false;
}

/* Whatever it does, both streams are there until it returns. */
static void pump(struct proxy_connection *connection, int i)
{
    struct stream *from = &connection->side[i].stream;
    bool entered[2];

    if (connection->closed || connection->client_fd >= 0)
        return;
    connection->users++;
    for (int side = 0; side < 2; side++)
        if ((entered[side] = connection->side[side].is_there))
            stream_enter(&connection->side[side].stream);
    while (!connection->closed && step(connection, i))
        ;
    if (!connection->closed && !from->dead)
        stream_set_crowded(from, flow_is_full(&connection->flow[i]));
    for (int side = 0; side < 2; side++)
        if (entered[side])
            stream_leave(&connection->side[side].stream);
    leave(connection);
}

static void is_due(struct loop_timer *timer)
{
    struct proxy_timer *due = (struct proxy_timer *)timer;

    pump(due->connection, due == &due->connection->timer[SERVER]);
}

/* ---- streams */

static struct proxy_side *side_of(struct stream *stream)
{
    return (struct proxy_side *)stream;
}

static int index_of(const struct proxy_side *side)
{
    return side == &side->connection->side[SERVER];
}

static void fed(struct stream *stream, const void *data, size_t size)
{
    struct proxy_side *side = side_of(stream);

    flow_put(&side->connection->flow[index_of(side)], data, size, now_ns());
    pump(side->connection, index_of(side));
}

static void ended(struct stream *stream)
{
    struct proxy_side *side = side_of(stream);

    flow_end(&side->connection->flow[index_of(side)], false, now_ns());
    pump(side->connection, index_of(side));
}

static void room(struct stream *stream)
{
    struct proxy_side *side = side_of(stream);

    if (side->connection->closed)
        return;
    say_end(side->connection, index_of(side));
    pump(side->connection, 1 - index_of(side));
}

/* By an error or a reset of its other end: that one is gone in both directions. */
static void died(struct stream *stream)
{
    struct proxy_side *side = side_of(stream);

    if (side->connection->closed)
        return;
    flow_end(&side->connection->flow[index_of(side)], true, now_ns());
    pump(side->connection, index_of(side));
}

static void gone(struct stream *stream)
{
    side_of(stream)->is_there = false;
    leave(side_of(stream)->connection);
}

static const struct stream_owner owner = {
    .fed = fed, .ended = ended, .room = room, .cut = died, .gone = gone
};

/* ---- faults */

static bool suffers(struct seam_proxy *proxy, struct proxy_faults *faults)
{
    if (!faults || faults->left == 0)
        return false;
    if (faults->faults.percent) {
        proxy->used_random = true;
        if (flow_random(&proxy->random) % 100 >= (uint64_t)faults->faults.percent)
            return false;
    }
    if (faults->left > 0)
        faults->left--;
    proxy->used_random |= faults->faults.jitter_ms > 0;
    return true;
}

/* Flows that have the same faults have them both or neither. */
static void infect(struct proxy_connection *connection, int first, int last)
{
    struct seam_proxy *proxy = connection->proxy;
    const seam_proxy_faults *given = NULL;

    for (int i = first; i <= last; i++) {
        if (i == first || proxy->faults[i] != proxy->faults[first])
            given = suffers(proxy, proxy->faults[i]) ? &proxy->faults[i]->faults : NULL;
        flow_set(&connection->flow[i], given, now_ns());
    }
}

void proxy_apply(struct seam_proxy *proxy, int first, int last, struct proxy_faults *faults)
{
    struct proxy_connection *next;

    for (int i = first; i <= last; i++)
        proxy->faults[i] = faults;
    for (struct proxy_connection *at = proxy->first; at; at = next) {
        next = at->next;
        if (at->closed)
            continue;
        at->users++;
        infect(at, first, last);
        for (int i = 0; i < 2; i++)
            pump(at, i);
        leave(at);
    }
}

void proxy_reset_all(struct seam_proxy *proxy, const char *how)
{
    struct proxy_connection *next;

    for (struct proxy_connection *at = proxy->first; at; at = next) {
        next = at->next;
        close_both(at, true, how);
    }
}

/* Those too whose last bytes are on their way. */
void proxy_free_all(struct seam_proxy *proxy)
{
    proxy_reset_all(proxy, "open at the end,");
    while (proxy->first) {
        struct proxy_connection *at = proxy->first;

        at->users++;
        for (int i = 0; i < 2; i++)
            if (at->side[i].is_there)
                stream_close(&at->side[i].stream, false);
        leave(at);
    }
}

/* ---- the beginning */

static void not_reached(struct proxy_connection *connection, int error)
{
    connection->proxy->unreached++;
    connection->proxy->unreached_error = error;
    close_both(connection, true, "reset, because the server was not reached,");
}

static bool start_side(struct proxy_connection *connection, int i, int fd)
{
    struct proxy_side *side = &connection->side[i];

    side->is_there = stream_start(&side->stream, &owner, fd, connection->peer, false) == 0;
    side->stream.dead = !side->is_there;
    connection->users += side->is_there;
    return side->is_there;
}

static void start_streams(struct proxy_connection *connection)
{
    int server_fd = connection->connecting.fd, client_fd = connection->client_fd;
    bool ok;

    loop_watch_remove(&connection->connecting);
    connection->client_fd = -1;
    connection->users++;
    ok = start_side(connection, SERVER, server_fd);
    ok &= start_side(connection, CLIENT, client_fd);
    if (!ok)
        not_reached(connection, -ENOMEM);
    for (int i = 0; i < 2; i++)
        pump(connection, i);
    leave(connection);
}

static void connected(struct loop_watch *watch, uint32_t events)
{
    struct proxy_connection *connection =
        (void *)((char *)watch - offsetof(struct proxy_connection, connecting));
    int error = 0;
    socklen_t size = sizeof error;

    (void)events;
    getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        not_reached(connection, -error);
    else
        start_streams(connection);
}

/* Past the hooks: whoever names a server to a proxy means that one, and a double's driver waits for the lock. */
static int begin_connecting(struct proxy_connection *connection)
{
    const struct seam_proxy *proxy = connection->proxy;
    const int on = 1;
    int fd = t_private_fd(
        socket(proxy->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

    connection->connecting = (struct loop_watch){ .fd = fd, .ready = connected };
    if (fd < 0)
        return fd;
    if (proxy->server.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (syscall(SYS_connect, fd, &proxy->server, proxy->server_size) < 0 &&
        errno != EINPROGRESS)
        return -errno;
    return loop_watch_set(&connection->connecting, EPOLLOUT);
}

static struct proxy_connection *new_connection(struct seam_proxy *proxy, int fd,
                                               const char *peer)
{
    struct proxy_connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        arena_give_up(sizeof *connection);
    connection->proxy = proxy;
    connection->number = ++proxy->count;
    connection->begin_ns = now_ns();
    connection->client_fd = fd;
    memcpy(connection->peer, peer, strnlen(peer, sizeof connection->peer - 1));
    for (int i = 0; i < 2; i++) {
        connection->side[i].connection = connection->timer[i].connection = connection;
        connection->timer[i].timer.fire = is_due;
        flow_init(&connection->flow[i], flow_random(&proxy->random));
    }
    connection->users = 1; /* until it is closed: its sides may be gone before */
    *proxy->last = connection;
    proxy->last = &connection->next;
    proxy->open++;
    return connection;
}

void proxy_accepted(struct listener *listener, int fd, const char *peer)
{
    struct proxy_connection *connection =
        new_connection((struct seam_proxy *)listener, fd, peer);
    int r;

    connection->users++;
    infect(connection, 0, 1);
    r = begin_connecting(connection);
    if (r < 0)
        not_reached(connection, r);
    leave(connection);
}
