/*
 * amqp_test.c - how long Seam's AMQP double takes; run by bench/parts/broker.sh.
 *
 * The test appends a figure to a file in the folder that BENCH_FIGURES names.
 */
//seam:build bench
//seam:pkg-config librabbitmq
//seam:sources ../figure.c
//seam:cflags -I..

#include <amqp_tcp_socket.h>
#include <seam/amqp_mock.h>

#include "figure.h"
#include "typical.h"

static void done(seam_t *t, amqp_rpc_reply_t reply)
{
    seam_require_eq(t, reply.reply_type, AMQP_RESPONSE_NORMAL);
}

static amqp_connection_state_t log_in(seam_t *t)
{
    amqp_connection_state_t conn = amqp_new_connection();

    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(conn), "mq.prod", 5672), 0);
    done(t, amqp_login(conn, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(conn, 1);
    done(t, amqp_get_rpc_reply(conn));
    return conn;
}

/* A message goes and is confirmed, comes back and is acknowledged. */
static void go_round(seam_t *t, amqp_connection_state_t conn)
{
    const amqp_bytes_t queue = amqp_cstring_bytes("orders");
    amqp_message_t message;
    amqp_frame_t frame;

    amqp_queue_declare(conn, 1, queue, 0, 1, 0, 0, amqp_empty_table);
    done(t, amqp_get_rpc_reply(conn));
    amqp_confirm_select(conn, 1);
    done(t, amqp_get_rpc_reply(conn));
    amqp_basic_publish(conn, 1, amqp_empty_bytes, queue, 1, 0, NULL,
                       amqp_cstring_bytes("{\"id\": 7}"));
    seam_require_eq(t, amqp_simple_wait_frame(conn, &frame), 0);
    done(t, amqp_basic_get(conn, 1, queue, 0));
    done(t, amqp_read_message(conn, 1, &message, 0));
    seam_require_eq(t, message.body.len, 9);
    amqp_destroy_message(&message);
    amqp_basic_ack(conn, 1, 1, 0);
}

SEAM_TEST(round_trip)
{
    int count = count_of(1000);
    double *us = seam_alloc(t, (size_t)count * sizeof *us);

    seam_amqp_mock_start(t, .origin = "amqp://mq.prod:5672");
    for (int i = -1; i < count; i++) { /* -1: what only the first one costs */
        double begin = now_us();
        amqp_connection_state_t conn = log_in(t);

        go_round(t, conn);
        if (i >= 0)
            us[i] = now_us() - begin;
        amqp_destroy_connection(conn);
    }
    figure(t, "amqp", typical(us, count));
}
