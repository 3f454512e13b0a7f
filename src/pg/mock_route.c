/* pg/mock_route.c - how a program's connections come to a PostgreSQL double: past the kernel, or by a listener. */

#include <errno.h>
#include <stddef.h>

#include "double/driven.h"
#include "link/link.h"
#include "pg/session.h"

#include "base/hostile.h"

/* ---- the driver: the program's own thread */

/* Its end may meet a connection that begins, so the address may be nobody's. */
static bool is_running(const void *route)
{
    return running_has(&((const struct seam_pg_mock *)route)->running);
}

static int driver_fault(void *route, const char *host)
{
    int how = 0;

    (void)host;
    loop_lock();
    if (is_running(route))
        how = pg_serve_refusal(route);
    loop_unlock();
    return how;
}

static int driver_open(void *route, int peer, const char *host, int port, void **ret_connection)
{
    struct pg_session *session;
    int r = -ECONNREFUSED;

    (void)host;
    (void)port;
    loop_lock();
    if (is_running(route)) {
        r = pg_session_new(&session, route, peer, "unix", true);
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
    struct seam_pg_mock *mock = route;
    int r = -ECONNREFUSED;

    (void)host;
    loop_lock();
    if (is_running(mock))
        r = pg_mock_listen(mock, NULL);
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

/* ---- the listener: programs without hooks, or that were spawned */

/* The nearest to no answer is silence. */
static void turn_away(struct seam_pg_mock *mock, int how, int fd, const char *peer)
{
    struct pg_session *session;

    if (how == LINK_BREAK_NO_ANSWER) {
        if (pg_session_new(&session, mock, fd, peer, false) == 0)
            pg_session_silence(session);
        return;
    }
    driven_turn_away(fd);
}

static void accepted(struct listener *listener, int fd, const char *peer)
{
    struct seam_pg_mock *mock =
        (struct seam_pg_mock *)((char *)listener - offsetof(struct seam_pg_mock, listener));
    int how = pg_serve_refusal(mock);
    struct pg_session *session;

    if (how != 0)
        turn_away(mock, how, fd, peer);
    else
        pg_session_new(&session, mock, fd, peer, false);
}

int pg_mock_listen(struct seam_pg_mock *mock, struct err *err)
{
    int r;

    if (mock->listens)
        return 0;
    mock->listener.accepted = accepted;
    r = listener_start(&mock->listener, NULL, err);
    mock->listens = r == 0;
    return r;
}

/* ---- routes */

int pg_mock_route_add(struct seam_pg_mock *mock, struct err *err)
{
    int r = link_route_add(mock->host, mock->port, &driver, mock, err);

    mock->has_routes = r == 0;
    return r;
}

void pg_mock_route_remove(struct seam_pg_mock *mock)
{
    if (mock->has_routes)
        link_route_remove(mock);
    mock->has_routes = false;
}
