/* amqp/mock/verify_test.c - what a double has said is what RabbitMQ says. */

#include <string.h>

#include "mock_test.h"

SEAM_FILE(.tags = "integration");

SEAM_TEST(a_double_is_confirmed)
{
    seam_amqp_mock *mock =
        seam_amqp_mock_start(t, .origin = "amqp://mq.prod:5672/shop", .verify = true);
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "shop");
    amqp_bytes_t queue;

    queue = amqp_queue_declare(conn, 1, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table)->queue;
    queue = amqp_bytes_malloc_dup(queue);
    amqp_queue_bind(conn, 1, queue, amqp_cstring_bytes("amq.topic"), amqp_cstring_bytes("a.*"),
                    amqp_empty_table);
    check_done(t, conn);
    amqp_confirm_select(conn, 1);
    check_done(t, conn);
    seam_check_eq(t, publish(conn, "amq.topic", "a.b", "one"), 0);
    seam_check_eq(t, next_method(conn), AMQP_BASIC_ACK_METHOD);
    amqp_basic_consume(conn, 1, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
    check_done(t, conn);
    seam_check_str(t, next_delivery(t, conn), "one");
    amqp_bytes_free(queue);
    seam_check_eq(t, seam_amqp_mock_connections(mock), 1);
    amqp_connection_close(conn, 200);
}

SEAM_TEST(refusals_are_confirmed)
{
    amqp_connection_state_t conn, refused = amqp_new_connection();

    seam_amqp_mock_start(t, .origin = "amqp://ada:secret@mq.prod", .verify = true);
    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(refused), "mq.prod", 5672), 0);
    seam_check(t, strncmp(words_of(t, amqp_login(refused, "/", 0, 131072, 0,
                                                 AMQP_SASL_METHOD_PLAIN, "ada", "wrong")),
                          "403", 3) == 0);
    amqp_destroy_connection(refused);
    conn = amqp_new_connection();
    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(conn), "mq.prod", 5672), 0);
    seam_check_str(t,
                   words_of(t, amqp_login(conn, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                                          "ada", "secret")),
                   "");
    amqp_channel_open(conn, 1);
    check_done(t, conn);
    seam_check_str(t, words_of(t, amqp_basic_get(conn, 1, amqp_cstring_bytes("none"), 0)),
                   "404 NOT_FOUND - no queue 'none' in vhost '/'");
    amqp_connection_close(conn, 200);
    amqp_destroy_connection(conn);
}
