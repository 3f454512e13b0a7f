/* amqp/mock_route.c - how a program's connections come to an AMQP double: past the kernel, or by a listener. */

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "amqp/session.h"
#include "link/link.h"
#include "test/t.h"

#include "base/hostile.h"

/* ---- the driver: the program's own thread ------------------------------------------------ */

static int driver_fault(void *route, const char *host)
{
    struct seam_amqp_mock *mock = route;
    int how = 0;

    (void)host;
    loop_lock();
    if (amqp_mock_is_running(mock) && mock->refuses)
        how = LINK_BREAK_REFUSED;
    loop_unlock();
    return how;
}

static int driver_open(void *route, int peer, const char *host, int port, void **ret_connection)
{
    struct amqp_session *session;
    int r = -ECONNREFUSED;

    (void)host;
    (void)port;
    loop_lock();
    if (amqp_mock_is_running(route)) {
        r = amqp_session_new(&session, route, peer, "unix", true);
        if (r == 0)
            *ret_connection = session;
        else
            r = -ECONNREFUSED;
    }
    loop_unlock();
    return r;
}

/* What is sent to a connection that is there has been sent: that it ends by that the program sees when it
 * reads. */
static int driver_feed(void *driven, const void *data, size_t size)
{
    struct amqp_session *session = driven;
    int r = -EPIPE;

    loop_lock();
    if (!session->stream.dead) {
        stream_feed(&session->stream, data, size);
        r = 0;
    }
    loop_unlock();
    return r;
}

static void driver_end(void *driven)
{
    struct amqp_session *session = driven;

    loop_lock();
    if (!session->stream.dead)
        stream_end(&session->stream);
    loop_unlock();
}

static void driver_gone(void *driven)
{
    struct amqp_session *session = driven;

    loop_lock();
    session->has_driver = false; /* link_leave_unread would look for it */
    stream_gone(&session->stream);
    stream_leave(&session->stream);
    loop_unlock();
}

static int driver_listen(void *route, const char *host)
{
    struct seam_amqp_mock *mock = route;
    int r = -ECONNREFUSED;

    (void)host;
    loop_lock();
    if (amqp_mock_is_running(mock))
        r = amqp_mock_listen(mock, NULL);
    if (r == 0)
        r = mock->listener.port;
    loop_unlock();
    return r;
}

static const struct link_driver driver = { .fault = driver_fault,
                                           .open = driver_open,
                                           .feed = driver_feed,
                                           .end = driver_end,
                                           .gone = driver_gone,
                                           .listen = driver_listen };

/* ---- the listener: programs without hooks, or that were spawned -------------------------- */

/* It has been accepted already: the nearest to a refusal is a reset. */
static void accepted(struct listener *listener, int fd, const char *peer)
{
    const struct linger at_once = { .l_onoff = 1 };
    struct seam_amqp_mock *mock =
        (struct seam_amqp_mock *)((char *)listener - offsetof(struct seam_amqp_mock, listener));
    struct amqp_session *session;

    if (!mock->refuses) {
        amqp_session_new(&session, mock, fd, peer, false);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    t_private_close(fd);
}

int amqp_mock_listen(struct seam_amqp_mock *mock, struct err *err)
{
    int r;

    if (mock->listens)
        return 0;
    mock->listener.accepted = accepted;
    r = listener_start(&mock->listener, NULL, err);
    mock->listens = r == 0;
    return r;
}

/* ---- routes ------------------------------------------------------------------------------ */

int amqp_mock_route_add(struct seam_amqp_mock *mock, struct err *err)
{
    int r = link_route_add(mock->origin.host, mock->origin.port, &driver, mock, err);

    mock->has_routes = r == 0;
    return r;
}

void amqp_mock_route_remove(struct seam_amqp_mock *mock)
{
    if (mock->has_routes)
        link_route_remove(mock);
    mock->has_routes = false;
}
