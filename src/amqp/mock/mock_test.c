/* amqp/mock/mock_test.c - an unmodified rabbitmq-c client and a double: one broker behind two doors, and failures. */

#include "mock_test.h"

#include <errno.h>
#include <seam/spawn.h>
#include <string.h>

/* ---- one broker, two doors --------------------------------------------------------------- */

SEAM_TEST(what_a_client_publishes_the_test_expects)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod:5672/shop");
    seam_broker *broker = seam_amqp_mock_broker(mock);
    amqp_connection_state_t conn;

    seam_broker_expect(broker, .exchange = "orders", .routing_key = "order.paid",
                       .text = "paid 7", .content_type = "text/plain");
    conn = connect_to(t, "mq.prod", 5672, "shop");
    amqp_exchange_declare(conn, 1, amqp_cstring_bytes("orders"), amqp_cstring_bytes("topic"), 0,
                          1, 0, 0, amqp_empty_table);
    check_done(t, conn);
    declare_queue(t, conn, "paid");
    amqp_queue_bind(conn, 1, amqp_cstring_bytes("paid"), amqp_cstring_bytes("orders"),
                    amqp_cstring_bytes("order.*"), amqp_empty_table);
    check_done(t, conn);
    amqp_confirm_select(conn, 1);
    seam_check_eq(t, publish(conn, "orders", "order.paid", "paid 7"), 0);
    seam_check_eq(t, next_method(conn), AMQP_BASIC_ACK_METHOD);
    seam_check_eq(t, seam_broker_ready(broker, "paid"), 1);
    seam_check_str(t, seam_broker_get(broker, "paid")->body, "paid 7");
    seam_check_eq(t, seam_amqp_mock_connections(mock), 1);
}

SEAM_TEST(what_the_test_sends_a_client_gets)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    seam_broker *broker = seam_amqp_mock_broker(mock);
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");
    const seam_message message = { .exchange = "",
                                   .routing_key = "jobs",
                                   .body = "work",
                                   .size = 4,
                                   .priority = -1,
                                   .message_id = "m-1" };
    amqp_message_t got;

    declare_queue(t, conn, "jobs");
    seam_check_eq(t, seam_broker_send(broker, &message, true), 0);
    seam_check_str(t, words_of(t, amqp_basic_get(conn, 1, amqp_cstring_bytes("jobs"), 0)), "");
    seam_check_str(t, words_of(t, amqp_read_message(conn, 1, &got, 0)), "");
    seam_check_mem(t, got.body.bytes, got.body.len, "work", 4);
    seam_check_mem(t, got.properties.message_id.bytes, got.properties.message_id.len, "m-1", 3);
    amqp_destroy_message(&got);
    seam_check_eq(t, seam_broker_unacknowledged(broker, "jobs"), 1);
    amqp_basic_ack(conn, 1, 1, 0);
    seam_check_eq(t, seam_broker_unacknowledged(broker, "jobs"), 0);
}

SEAM_TEST(a_consumer_gets_what_the_test_sends_and_what_comes_back)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");
    const seam_message message = {
        .exchange = "", .routing_key = "jobs", .body = "work", .size = 4, .priority = -1
    };

    declare_queue(t, conn, "jobs");
    amqp_basic_qos(conn, 1, 0, 1, 0);
    amqp_basic_consume(conn, 1, amqp_cstring_bytes("jobs"), amqp_cstring_bytes("c"), 0, 0, 0,
                       amqp_empty_table);
    check_done(t, conn);
    seam_broker_send(seam_amqp_mock_broker(mock), &message, true);
    seam_check_str(t, next_delivery(t, conn), "work");
    amqp_basic_reject(conn, 1, 1, 1);
    seam_check_str(t, next_delivery(t, conn), "work");
    amqp_basic_ack(conn, 1, 2, 0);
    seam_check_eq(t, seam_broker_unacknowledged(seam_amqp_mock_broker(mock), "jobs"), 0);
}

static void count(seam_broker *broker, const seam_message *message, void *arg)
{
    *(int *)arg += 1;
    seam_broker_ack(broker, message->delivery_tag);
}

SEAM_TEST(a_function_of_the_test_consumes_what_a_client_publishes)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    seam_broker *broker = seam_amqp_mock_broker(mock);
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");
    int calls = 0;

    seam_broker_queue(broker, "events");
    seam_broker_consume(broker, "events", 0, count, &calls);
    for (int i = 0; i < 3; i++)
        publish(conn, "", "events", "x");
    seam_check_eq(t, calls, 3);
    seam_check_eq(t, seam_broker_ready(broker, "events"), 0);
}

/* ---- refusals ---------------------------------------------------------------------------- */

SEAM_TEST(refusals_have_the_words_of_rabbitmq)
{
    amqp_connection_state_t conn;

    seam_amqp_mock_start(t, .origin = "amqp://mq.prod", .user = "guest", .password = "guest");
    conn = connect_to(t, "mq.prod", 5672, "/");
    seam_check_str(t, words_of(t, amqp_basic_get(conn, 1, amqp_cstring_bytes("none"), 0)),
                   "404 NOT_FOUND - no queue 'none' in vhost '/'");
}

SEAM_TEST(a_login_is_refused)
{
    amqp_connection_state_t conn = amqp_new_connection();
    amqp_rpc_reply_t reply;

    seam_amqp_mock_start(t, .origin = "amqp://ada:secret@mq.prod");
    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(conn), "mq.prod", 5672), 0);
    reply = amqp_login(conn, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "ada", "wrong");
    seam_check_str(t, words_of(t, reply),
                   "403 ACCESS_REFUSED - Login was refused using authentication mechanism "
                   "PLAIN. For details see the broker logfile.");
    amqp_destroy_connection(conn);
}

/* ---- failures ---------------------------------------------------------------------------- */

SEAM_TEST(connections_are_closed_by_force)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");

    declare_queue(t, conn, "q");
    seam_amqp_mock_fail(mock, SEAM_AMQP_CLOSE);
    amqp_queue_purge(conn, 1, amqp_cstring_bytes("q"));
    seam_check_str(t, words_of(t, amqp_get_rpc_reply(conn)),
                   "320 CONNECTION_FORCED - Closed via management plugin");
    seam_check_eq(t, seam_amqp_mock_connections(mock), 0);
}

SEAM_TEST(connections_are_reset_refused_and_accepted_again)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");
    amqp_connection_state_t other = amqp_new_connection();

    seam_amqp_mock_fail(mock, SEAM_AMQP_RESET);
    seam_amqp_mock_fail(mock, SEAM_AMQP_REFUSE);
    amqp_queue_purge(conn, 1, amqp_cstring_bytes("q"));
    seam_check(t, strcmp(words_of(t, amqp_get_rpc_reply(conn)), "") != 0);
    seam_check(t, amqp_socket_open(amqp_tcp_socket_new(other), "mq.prod", 5672) != 0);
    amqp_destroy_connection(other);
    seam_amqp_mock_fail(mock, SEAM_AMQP_ACCEPT);
    connect_to(t, "mq.prod", 5672, "/");
}

SEAM_TEST(who_publishes_is_blocked_until_the_alarm_is_over)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    seam_broker *broker = seam_amqp_mock_broker(mock);
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");

    declare_queue(t, conn, "q");
    seam_amqp_mock_fail(mock, SEAM_AMQP_BLOCK);
    publish(conn, "", "q", "1");
    publish(conn, "", "q", "2");
    seam_check_eq(t, seam_broker_ready(broker, "q"), 1);
    seam_amqp_mock_fail(mock, SEAM_AMQP_UNBLOCK);
    seam_check_eq(t, seam_broker_ready(broker, "q"), 2);
}

SEAM_TEST(a_publish_that_fails_is_not_confirmed)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod");
    seam_broker *broker = seam_amqp_mock_broker(mock);
    amqp_connection_state_t conn = connect_to(t, "mq.prod", 5672, "/");

    declare_queue(t, conn, "q");
    amqp_confirm_select(conn, 1);
    seam_broker_fail(broker, .times = 1);
    publish(conn, "", "q", "1");
    seam_check_eq(t, next_method(conn), AMQP_BASIC_NACK_METHOD);
    seam_broker_fail(broker, .connection_lost = true);
    publish(conn, "", "q", "2");
    seam_check_eq(t, seam_amqp_mock_connections(mock), 0);
    seam_check_eq(t, seam_broker_count(broker), 0);
}

/* ---- programs that are spawned ----------------------------------------------------------- */

enum { WAIT_MS = 10000 };

static void check_output(seam_t *t, seam_process *process, const char *want)
{
    seam_check_eq(t, seam_process_wait(process, WAIT_MS), 0);
    seam_check_str(t, seam_process_output(process), want);
}

SEAM_TEST(the_tools_of_rabbitmq_c_work_by_origin)
{
    seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod:5672");
    const char *url = "amqp://mq.prod:5672";

    seam_broker_expect(seam_amqp_mock_broker(mock), .routing_key = "tasks", .text = "one",
                       .content_type = "text/x");
    check_output(t, seam_spawn(t, .argv = { "amqp-declare-queue", "-u", url, "-q", "tasks" }),
                 "tasks\n");
    check_output(t,
                 seam_spawn(t, .argv = { "amqp-publish", "-u", url, "-r", "tasks", "-C",
                                         "text/x", "-b", "one" }),
                 "");
    check_output(t, seam_spawn(t, .argv = { "amqp-get", "-u", url, "-q", "tasks" }), "one");
    check_output(
        t, seam_spawn(t, .argv = { "amqp-publish", "-u", url, "-r", "tasks", "-b", "two" }),
        "");
    check_output(
        t,
        seam_spawn(t, .argv = { "amqp-consume", "-u", url, "-q", "tasks", "-c", "1", "cat" }),
        "two");
    check_output(t, seam_spawn(t, .argv = { "amqp-delete-queue", "-u", url, "-q", "tasks" }),
                 "0\n");
}
