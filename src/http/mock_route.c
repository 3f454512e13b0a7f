/* http/mock_route.c - how a program's connections come to a mock: past the kernel, or by a listener. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "double/driven.h"
#include "http/mock.h"
#include "link/link.h"
#include "test/t.h"

#include "base/hostile.h"

/* ---- connections */

static struct mock_connection *list_connection(struct seam_http_mock *mock)
{
    struct mock_connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    connection->mock = mock;
    connection->next = mock->connections;
    connection->link = &mock->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    mock->connections = connection;
    return connection;
}

static void unlist_connection(struct mock_connection *connection)
{
    if (!connection->mock)
        return;
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    connection->mock = NULL;
}

/* Serve a descriptor, which is taken also on failure. */
static int serve(struct mock_connection *connection, struct http_service *service, int fd,
                 const char *peer)
{
    int r =
        http_connection_new(&connection->connection, service, fd, peer, connection->has_driver);

    if (r == 0)
        http_connection_set_user(connection->connection, connection);
    else
        connection->connection = NULL;
    return r;
}

void mock_closed(struct http_service *service, struct http_connection *ended)
{
    struct mock_connection *connection = http_connection_user(ended);

    (void)service;
    if (!connection)
        return;
    connection->connection = NULL;
    if (!connection->has_driver) {
        unlist_connection(connection);
        free(connection);
    }
}

/* What is left of it when a handler runs knows us no more: mock_closed comes later then. */
static void let_go(struct mock_connection *connection)
{
    if (connection->connection)
        http_connection_set_user(connection->connection, NULL);
    connection->connection = NULL;
}

void mock_leave_unread(struct http_service *service, struct http_connection *connection)
{
    struct mock_connection *of = http_connection_user(connection);

    (void)service;
    if (of && of->has_driver)
        link_leave_unread(of);
}

void mock_disconnect(struct seam_http_mock *mock)
{
    struct mock_connection *connection;

    while ((connection = mock->connections)) {
        bool is_ours = !connection->has_driver;

        unlist_connection(connection);
        connection->has_driver = true; /* mock_closed leaves it to us */
        if (connection->connection)
            http_connection_drop(connection->connection);
        let_go(connection);
        if (connection->silent_fd > 0)
            t_private_close(connection->silent_fd);
        if (is_ours)
            free(connection);
    }
}

/* ---- faults of connections */

static struct http_service *service_of(struct seam_http_mock *mock, enum seam_http_fault fault)
{
    switch (fault) {
    case SEAM_HTTP_TLS_EXPIRED:
        return &mock->services[TLS_EXPIRED].base;
    case SEAM_HTTP_TLS_WRONG_NAME:
        return &mock->services[TLS_WRONG_NAME].base;
    case SEAM_HTTP_TLS_UNKNOWN_CA:
        return &mock->services[TLS_UNKNOWN_CA].base;
    default:
        return &mock->services[TLS_SOUND].base;
    }
}

/* How a fault keeps the program from connecting; NULL: it does not. */
static const char *refusal_words(enum seam_http_fault fault)
{
    switch (fault) {
    case SEAM_HTTP_REFUSE:
        return "refused";
    case SEAM_HTTP_UNREACHABLE:
        return "no answer";
    case SEAM_HTTP_UNKNOWN_HOST:
        return "unknown host";
    default:
        return NULL;
    }
}

/* The fault that the next connection meets. One that keeps it from coming is used up by that. */
static enum seam_http_fault take_refusal(struct seam_http_mock *mock, const char *host)
{
    enum seam_http_fault fault = rule_connection_fault(mock->rules, host, false);

    if (!refusal_words(fault))
        return SEAM_HTTP_NO_FAULT;
    rule_connection_fault(mock->rules, host, true);
    mock_no_connection(mock, host, mock->port, refusal_words(fault));
    return fault;
}

/* ---- the driver: the program's own thread */

/* Its end may meet a connection that begins, so the address may be nobody's. */
static bool is_running(const void *route)
{
    return running_has(&((const struct seam_http_mock *)route)->running);
}

static int driver_fault(void *route, const char *host)
{
    enum seam_http_fault fault = SEAM_HTTP_NO_FAULT;

    loop_lock();
    if (is_running(route))
        fault = take_refusal(route, host);
    loop_unlock();
    if (fault == SEAM_HTTP_NO_FAULT)
        return 0;
    return fault == SEAM_HTTP_UNREACHABLE ? LINK_BREAK_NO_ANSWER : LINK_BREAK_REFUSED;
}

static int take_peer(struct seam_http_mock *mock, int peer, const char *host,
                     void **ret_connection)
{
    enum seam_http_fault flaw = rule_connection_fault(mock->rules, host, true);
    struct mock_connection *connection = list_connection(mock);

    if (!connection)
        return -ENOMEM;
    connection->has_driver = true;
    serve(connection, service_of(mock, flaw), peer, "unix"); /* else it ends at once */
    *ret_connection = connection;
    return 0;
}

static int driver_open(void *route, int peer, const char *host, int port, void **ret_connection)
{
    int r = -ECONNREFUSED;

    (void)port;
    loop_lock();
    if (is_running(route))
        r = take_peer(route, peer, host, ret_connection);
    loop_unlock();
    return r;
}

/* What is sent to a connection that is there has been sent: that it ends by that the program sees when it
 * reads. */
static int driver_feed(void *driven, const void *data, size_t size)
{
    struct mock_connection *connection = driven;
    int r = -EPIPE;

    loop_lock();
    if (connection->connection) {
        http_connection_feed(connection->connection, data, size);
        r = 0;
    }
    loop_unlock();
    return r;
}

static void driver_end(void *driven)
{
    struct mock_connection *connection = driven;

    loop_lock();
    if (connection->connection)
        http_connection_end(connection->connection);
    loop_unlock();
}

static void driver_gone(void *driven)
{
    struct mock_connection *connection = driven;

    loop_lock();
    if (connection->connection)
        http_connection_gone(connection->connection);
    let_go(connection);
    unlist_connection(connection);
    free(connection);
    loop_unlock();
}

static void say_lack(struct seam_http_mock *mock, int error)
{
    struct err err;

    if (mock->lacked)
        return;
    mock->lacked = true;
    io_say_no_descriptor(error, &err);
    seam_error_at(mock->t, mock->site, "'%s' cannot take a connection: %s", mock->origin,
                  err.text);
}

static void driver_lacks(void *route, int error)
{
    loop_lock();
    if (is_running(route))
        say_lack(route, error);
    loop_unlock();
}

static bool driver_resolves(void *route, const char *host)
{
    struct seam_http_mock *mock = route;
    bool resolves = true;

    loop_lock();
    if (is_running(mock) &&
        rule_connection_fault(mock->rules, host, false) == SEAM_HTTP_UNKNOWN_HOST) {
        take_refusal(mock, host);
        resolves = false;
    }
    loop_unlock();
    return resolves;
}

static int driver_listen(void *route, const char *host)
{
    struct seam_http_mock *mock = route;
    int r = -ECONNREFUSED;

    (void)host;
    loop_lock();
    if (is_running(mock))
        r = mock_listen(mock, NULL);
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
                                           .resolves = driver_resolves,
                                           .lacks = driver_lacks,
                                           .listen = driver_listen };

/* ---- the listener: programs without hooks, or that were spawned */

/* The nearest to no answer is silence. */
static int turn_away(struct mock_connection *connection, enum seam_http_fault fault, int fd)
{
    if (fault == SEAM_HTTP_UNREACHABLE) {
        connection->silent_fd = t_private_fd(fd);
        return connection->silent_fd < 0 ? connection->silent_fd : 0;
    }
    driven_turn_away(fd);
    return -ECONNREFUSED;
}

static struct seam_http_mock *mock_of(struct listener *listener)
{
    return (struct seam_http_mock *)((char *)listener -
                                     offsetof(struct seam_http_mock, listener));
}

static void lacks(struct listener *listener, int error)
{
    say_lack(mock_of(listener), error);
}

static void accepted(struct listener *listener, int fd, const char *peer)
{
    struct seam_http_mock *mock = mock_of(listener);
    enum seam_http_fault fault = take_refusal(mock, mock->host);
    struct mock_connection *connection = list_connection(mock);
    int r;

    if (!connection)
        arena_give_up(sizeof *connection);
    if (fault != SEAM_HTTP_NO_FAULT) {
        r = turn_away(connection, fault, fd);
    } else {
        fault = rule_connection_fault(mock->rules, mock->host, true);
        r = serve(connection, service_of(mock, fault), fd, peer);
    }
    if (r < 0) {
        unlist_connection(connection);
        free(connection);
    }
}

int mock_listen(struct seam_http_mock *mock, struct err *err)
{
    int r;

    if (mock->listens)
        return 0;
    mock->listener.accepted = accepted;
    mock->listener.lacks = lacks;
    r = listener_start(&mock->listener, NULL, err);
    mock->listens = r == 0;
    return r;
}

int mock_tls(struct seam_http_mock *mock, enum tls_flaw flaw, struct err *err)
{
    const char *names[] = { *mock->host == '.' ? NULL : mock->host, NULL };
    struct tls_options options = {
        .names = names, .any_name = true, .http2 = mock->http2, .flaw = flaw
    };

    if (mock->services[flaw].base.tls)
        return 0;
    return tls_server_new(&mock->services[flaw].base.tls, &options, err);
}

/* ---- routes */

int mock_route_add(struct seam_http_mock *mock, struct err *err)
{
    int r = link_route_add(mock->host, mock->port, &driver, mock, err);

    mock->has_routes = r == 0;
    return r;
}

void mock_route_remove(struct seam_http_mock *mock)
{
    if (mock->has_routes)
        link_route_remove(mock);
    mock->has_routes = false;
}
