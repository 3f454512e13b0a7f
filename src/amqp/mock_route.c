/* amqp/mock_route.c - how a program's connections come to an AMQP double: past the kernel, or by a listener. */

#include <errno.h>
#include <stddef.h>

#include "amqp/session.h"
#include "double/driven.h"
#include "link/link.h"

#include "base/hostile.h"

/* ---- the driver: the program's own thread ------------------------------------------------ */

/* Its end may meet a connection that begins, so the address may be nobody's. */
static bool is_running(const void *route)
{
    return running_has(&((const struct seam_amqp_mock *)route)->running);
}

static int driver_fault(void *route, const char *host)
{
    struct seam_amqp_mock *mock = route;
    int how = 0;

    (void)host;
    loop_lock();
    if (is_running(mock) && mock->refuses)
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
    if (is_running(route)) {
        r = amqp_session_new(&session, route, peer, "unix", true);
        if (r == 0)
            *ret_connection = &session->stream;
        else
            r = -ECONNREFUSED;
    }
    loop_unlock();
    return r;
}

static int driver_listen(void *route, const char *host)
{
    struct seam_amqp_mock *mock = route;
    int r = -ECONNREFUSED;

    (void)host;
    loop_lock();
    if (is_running(mock))
        r = amqp_mock_listen(mock, NULL);
    if (r == 0)
        r = mock->listener.port;
    loop_unlock();
    return r;
}

static const struct link_driver driver = { .fault = driver_fault,
                                           .open = driver_open,
                                           .feed = driven_feed,
                                           .end = driven_end,
                                           .gone = driven_gone,
                                           .listen = driver_listen };

/* ---- the listener: programs without hooks, or that were spawned -------------------------- */

static void accepted(struct listener *listener, int fd, const char *peer)
{
    struct seam_amqp_mock *mock =
        (struct seam_amqp_mock *)((char *)listener - offsetof(struct seam_amqp_mock, listener));
    struct amqp_session *session;

    if (!mock->refuses) {
        amqp_session_new(&session, mock, fd, peer, false);
        return;
    }
    driven_turn_away(fd);
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
