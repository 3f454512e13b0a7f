/* net/stream.c - a connected descriptor: TLS, what is to be sent, and its end; see stream.h. */

#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/deadline.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    READ_MAX = 64 << 10, /* bytes a call */
    OUT_MAX = 65 << 20, /* bytes that wait to be sent */
    OUT_KEPT = 1 << 20, /* of memory, once they are sent */
    LINGER_MS = 2000
};

/* ---- life */

void stream_enter(struct stream *stream)
{
    stream->entered++;
}

static void release(struct stream *stream)
{
    tls_side_free(stream->tls);
    buf_fini(&stream->plain);
    buf_fini(&stream->out);
    stream->owner->gone(stream);
}

void stream_leave(struct stream *stream)
{
    if (--stream->entered == 0 && stream->dead)
        release(stream);
}

static void die(struct stream *stream)
{
    if (stream->dead)
        return;
    stream->dead = true;
    loop_timer_cancel(&stream->linger);
    loop_watch_remove(&stream->watch);
    t_private_close(stream->watch.fd);
    if (stream->owner->cut)
        stream->owner->cut(stream);
}

static bool is_tcp(const struct stream *stream)
{
    int domain = AF_UNIX;
    socklen_t size = sizeof domain;

    getsockopt(stream->watch.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    return domain != AF_UNIX;
}

static void die_by_reset(struct stream *stream)
{
    const struct linger none = { .l_onoff = 1 };

    if (stream->dead)
        return;
    if (is_tcp(stream))
        setsockopt(stream->watch.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    else if (stream->inline_thread && stream->owner->leave_unread)
        stream->owner->leave_unread(stream);
    die(stream);
}

/* ---- sending */

static void watch(struct stream *stream)
{
    bool reads = !stream->peer_ended && !stream->crowded;
    bool writes = stream->out.size > stream->out_at;
    uint32_t events = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);

    if (!stream->dead && loop_watch_set(&stream->watch, events) < 0)
        die(stream);
}

static void end_linger(struct loop_timer *timer)
{
    struct stream *stream = (void *)((char *)timer - offsetof(struct stream, linger));

    stream_enter(stream);
    die(stream);
    stream_leave(stream);
}

/* All has been sent and nothing more will be. Closing a socket in which something is unread is a reset, which
 * may overtake what was sent; so a client that may be in the middle of its words is listened to for a while. */
static void close_sent(struct stream *stream)
{
    if (!stream->patient || stream->peer_ended) {
        die(stream);
    } else if (!stream->lingering) {
        stream->lingering = true;
        shutdown(stream->watch.fd, SHUT_WR);
        stream->linger.fire = end_linger;
        loop_timer_set(&stream->linger, deadline_after_ms(LINGER_MS));
    }
}

static void encrypt(struct stream *stream)
{
    if (stream->plain.failed ||
        tls_write(stream->tls, stream->plain.data, stream->plain.size, &stream->out) < 0)
        stream->out.failed = true;
    buf_clear(&stream->plain);
}

/* Returns false when the client takes nothing more. */
static bool send_out(struct stream *stream)
{
    struct buf *out = &stream->out;

    while (stream->out_at < out->size) {
        ssize_t sent = send(stream->watch.fd, out->data + stream->out_at,
                            out->size - stream->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN;
        stream->out_at += (size_t)sent;
    }
    return true;
}

/* What has been sent need not be kept, but moving the rest each time would cost the square of it. */
static void forget_sent(struct stream *stream)
{
    struct buf *out = &stream->out;

    if (stream->out_at < out->size && stream->out_at < OUT_KEPT)
        return;
    buf_drop(out, stream->out_at);
    stream->out_at = 0;
    if (out->size == 0 && out->room > OUT_KEPT)
        buf_fini(out);
}

struct buf *stream_out(struct stream *stream)
{
    return stream->tls ? &stream->plain : &stream->out;
}

void stream_flush(struct stream *stream)
{
    if (stream->dead)
        return;
    if (stream->plain.size > 0 || stream->plain.failed)
        encrypt(stream);
    if (stream->out.failed) { /* it takes too little for too long */
        die_by_reset(stream);
        return;
    }
    if (!send_out(stream)) {
        die(stream);
        return;
    }
    forget_sent(stream);
    if (stream->closing && stream->out.size == 0)
        close_sent(stream);
    watch(stream);
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->out.size - stream->out_at;
}

/* ---- closing */

void stream_close_when_sent(struct stream *stream, bool patient)
{
    if (stream->dead)
        return;
    if (!stream->closing && stream->tls) {
        stream_flush(stream);
        tls_finish(stream->tls, &stream->out);
    }
    stream->closing = true;
    stream->patient = stream->patient || patient;
    stream_flush(stream);
}

void stream_close(struct stream *stream, bool reset)
{
    stream_enter(stream);
    if (reset)
        die_by_reset(stream);
    else
        die(stream);
    stream_leave(stream);
}

/* Whether a reset takes nothing away from the client. */
static bool lies_idle(const struct stream *stream)
{
    int unsent = 0;

    return !stream->dead && !stream->peer_ended && !stream->closing &&
           stream_unsent(stream) == 0 && is_tcp(stream) &&
           ioctl(stream->watch.fd, SIOCOUTQ, &unsent) == 0 && unsent == 0;
}

void stream_drop(struct stream *stream, bool idle)
{
    stream_close(stream, idle && lies_idle(stream));
}

void stream_gone(struct stream *stream)
{
    stream_close(stream, false);
}

/* ---- receiving */

static void deliver(struct stream *stream, const void *data, size_t size)
{
    if (!stream->closing && size > 0)
        stream->owner->fed(stream, data, size);
}

static void refuse_tls(struct stream *stream, const struct err *err)
{
    if (stream->owner->tls_failed)
        stream->owner->tls_failed(stream, err->text);
    stream_close_when_sent(stream, true);
}

static void take_tls(struct stream *stream, const void *data, size_t size)
{
    struct buf plain = BUF_INIT(OUT_MAX);
    struct err err = { "" };
    int r = tls_feed(stream->tls, data, size, &plain, &stream->out, &err);

    stream_flush(stream); /* the handshake, or the alert */
    if (!stream->dead)
        deliver(stream, plain.data, plain.size);
    buf_fini(&plain);
    if (r < 0 && !stream->dead && !stream->closing)
        refuse_tls(stream, &err);
}

static void take(struct stream *stream, const void *data, size_t size)
{
    if (stream->closing || (stream->owner->raw && stream->owner->raw(stream, data, size)))
        return;
    if (stream->tls)
        take_tls(stream, data, size);
    else
        deliver(stream, data, size);
}

static void take_end(struct stream *stream)
{
    if (stream->dead || stream->peer_ended)
        return;
    stream->peer_ended = true;
    if (stream->lingering)
        die(stream);
    else if (!stream->closing)
        stream->owner->ended(stream);
    watch(stream);
}

/* Take what is in the socket, once; more of it the loop will tell. */
static void receive(struct stream *stream)
{
    char data[READ_MAX];
    ssize_t size = recv(stream->watch.fd, data, sizeof data, MSG_DONTWAIT);

    if (size > 0)
        take(stream, data, (size_t)size);
    else if (size == 0)
        take_end(stream);
    else if (errno != EAGAIN && errno != EINTR)
        die(stream);
}

static void ready(struct loop_watch *at, uint32_t events)
{
    struct stream *stream = (void *)at;
    const uint32_t gone = EPOLLHUP | EPOLLERR;

    stream_enter(stream);
    if (events & EPOLLOUT)
        stream_flush(stream);
    if ((events & EPOLLOUT) && !stream->dead && stream->owner->room)
        stream->owner->room(stream);
    if (!stream->dead && (stream->watch.events & EPOLLIN) && (events & (EPOLLIN | gone)))
        receive(stream);
    else if (!stream->dead && (events & gone))
        die(stream);
    stream_leave(stream);
}

void stream_set_crowded(struct stream *stream, bool crowded)
{
    if (stream->crowded == crowded)
        return;
    stream->crowded = crowded;
    watch(stream);
}

/* ---- for drivers */

int stream_start(struct stream *stream, const struct stream_owner *owner, int fd,
                 const char *peer, bool inline_thread)
{
    int r;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    stream->watch = (struct loop_watch){ .fd = fd, .ready = ready };
    stream->owner = owner;
    stream->inline_thread = inline_thread;
    stream->plain = stream->out = BUF_INIT(OUT_MAX);
    snprintf(stream->peer, sizeof stream->peer, "%s", peer);
    r = loop_watch_set(&stream->watch, EPOLLIN);
    if (r < 0)
        t_private_close(fd);
    return r;
}

int stream_start_tls(struct stream *stream, struct tls_server *server)
{
    return tls_side_new(&stream->tls, server);
}

void stream_drop_tls(struct stream *stream)
{
    tls_side_free(stream->tls);
    stream->tls = NULL;
}

int stream_feed(struct stream *stream, const void *data, size_t size)
{
    int r;

    stream_enter(stream);
    stream->feeding = true;
    if (!stream->dead && !stream->peer_ended)
        receive(stream); /* what came past the hooks before this */
    if (!stream->dead)
        take(stream, data, size);
    stream->feeding = false;
    r = stream->dead ? -EPIPE : 0;
    stream_leave(stream);
    return r;
}

void stream_end(struct stream *stream)
{
    stream_enter(stream);
    stream->feeding = true;
    take_end(stream);
    stream->feeding = false;
    stream_leave(stream);
}
