/* amqp/mock/life_test.c - heartbeats, silence, closes that nobody confirms, and TLS, of a rabbitmq-c client. */

#include <amqp_ssl_socket.h>
#include <seam/http.h>
#include <sys/time.h>

#include "mock_test.h"

enum { MOST_MS = 20000 };

static amqp_connection_state_t connect_with_heartbeat(seam_t *t, int heartbeat_s)
{
    amqp_connection_state_t conn = amqp_new_connection();

    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(conn), "mq.prod", 5672), 0);
    seam_require_str(t,
                     words_of(t, amqp_login(conn, "/", 0, 131072, heartbeat_s,
                                            AMQP_SASL_METHOD_PLAIN, "guest", "guest")),
                     "");
    return conn;
}

/* How waiting for a frame ends: rabbitmq-c sends and watches heartbeats meanwhile. */
static const char *wait_s(amqp_connection_state_t conn, int seconds)
{
    struct timeval most = { .tv_sec = seconds };
    amqp_frame_t frame;

    return amqp_error_string2(amqp_simple_wait_frame_noblock(conn, &frame, &most));
}

static bool has_none(void *mock)
{
    return seam_amqp_mock_connections(mock) == 0;
}

SEAM_TEST(heartbeats_keep_a_connection)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_with_heartbeat(t, 1);

    seam_check_str(t, wait_s(conn, 3), amqp_error_string2(AMQP_STATUS_TIMEOUT));
    seam_check_eq(t, seam_amqp_mock_connections(mock), 1);
    amqp_destroy_connection(conn);
}

SEAM_TEST(who_sends_no_heartbeat_is_disconnected)
{
    seam_amqp_mock *mock =
        seam_amqp_mock_start(t, .origin = "amqp://mq.prod", .heartbeat_s = 1);
    amqp_connection_state_t conn = connect_with_heartbeat(t, 1);

    seam_check_eventually(t, MOST_MS, has_none, mock);
    seam_check_str(t, wait_s(conn, 3), amqp_error_string2(AMQP_STATUS_SOCKET_ERROR));
    amqp_destroy_connection(conn);
}

SEAM_TEST(a_stalled_server_sends_no_heartbeat)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_with_heartbeat(t, 1);

    seam_amqp_mock_fail(mock, SEAM_AMQP_STALL);
    seam_check_str(t, wait_s(conn, 10), amqp_error_string2(AMQP_STATUS_HEARTBEAT_TIMEOUT));
    amqp_destroy_connection(conn);
}

SEAM_TEST(a_close_that_nobody_confirms_ends_after_a_heartbeat)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_with_heartbeat(t, 1);

    seam_amqp_mock_fail(mock, SEAM_AMQP_CLOSE);
    seam_check_str(t, wait_s(conn, 1), amqp_error_string2(AMQP_STATUS_OK));
    seam_check_str(t, wait_s(conn, 10), amqp_error_string2(AMQP_STATUS_SOCKET_ERROR));
    amqp_destroy_connection(conn);
}

SEAM_TEST(amqps_is_trusted_and_has_the_right_name)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqps://mq.prod:5671/shop");
    amqp_connection_state_t conn = amqp_new_connection();
    amqp_socket_t *socket = amqp_ssl_socket_new(conn);

    seam_broker_expect(seam_amqp_mock_broker(mock), .routing_key = "tasks", .text = "one");
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    seam_require_eq(t, amqp_ssl_socket_set_cacert(socket, seam_http_ca_file(t)), 0);
    seam_require_eq(t, amqp_socket_open(socket, "mq.prod", 5671), 0);
    seam_require_str(t,
                     words_of(t, amqp_login(conn, "shop", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                                            "guest", "guest")),
                     "");
    amqp_channel_open(conn, 1);
    check_done(t, conn);
    declare_queue(t, conn, "tasks");
    seam_check_eq(t, publish(conn, "", "tasks", "one"), 0);
    amqp_connection_close(conn, 200);
    amqp_destroy_connection(conn);
}
