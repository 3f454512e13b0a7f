/* lease/rabbitmq_test.c - virtual hosts of a real RabbitMQ, one for each test. */
//seam:pkg-config librabbitmq
//seam:sources ../fake/message_key.c ../fake/message_match.c ../fake/message_rows.c ../fake/now.c
//seam:sources ../json/compare.c ../json/read.c ../json/text.c

#include <amqp_tcp_socket.h>
#include <seam/rabbitmq.h>
#include <string.h>
#include <sys/time.h>

SEAM_FILE(.tags = "integration");

SEAM_TEST(rabbitmq_host_is_empty_each_time)
{
    for (int i = 0; i < 3; i++) {
        seam_rabbitmq *mq = seam_rabbitmq_start(t);

        seam_rabbitmq_queue(mq, "q");
        seam_check_eq(t, seam_rabbitmq_count(mq, "q"), 0);
        seam_rabbitmq_publish(mq, .routing_key = "q", .text = "one");
        seam_check_eq(t, seam_rabbitmq_count(mq, "q"), 1);
    }
}

SEAM_TEST(rabbitmq_url_has_all_that_is_needed)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);

    seam_check_str(t, seam_rabbitmq_url(mq),
                   seam_format(t, "amqp://%s:%s@%s:%d/%s", seam_rabbitmq_user(mq),
                               seam_rabbitmq_password(mq), seam_rabbitmq_host(mq),
                               seam_rabbitmq_port(mq), seam_rabbitmq_vhost(mq)));
    seam_check(t, strncmp(seam_rabbitmq_management_url(mq), "http://127.0.0.1:", 17) == 0);
    seam_check(t, strchr(seam_rabbitmq_version(mq), '.') != NULL);
}

SEAM_TEST(rabbitmq_message_keeps_what_was_sent)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    const seam_message *m;

    seam_rabbitmq_exchange(mq, "orders", "topic");
    seam_rabbitmq_queue(mq, "created");
    seam_rabbitmq_bind(mq, "created", "orders", "order.*");
    seam_rabbitmq_publish(mq, .exchange = "orders", .routing_key = "order.created",
                          .json = "{'id': 7}", .headers = { { "tenant", "acme" } },
                          .message_id = "m-1", .correlation_id = "c-1", .reply_to = "back",
                          .expiration_ms = 60000, .priority = 3);
    m = seam_rabbitmq_get(mq, "created", 5000);
    seam_check_str(t, m->exchange, "orders");
    seam_check_str(t, m->routing_key, "order.created");
    seam_check_str(t, m->body, "{\"id\": 7}");
    seam_check_eq(t, m->size, 9);
    seam_check_str(t, m->content_type, "application/json");
    seam_check_str(t, seam_message_header_value(m, "tenant"), "acme");
    seam_check_null(t, seam_message_header_value(m, "Tenant"));
    seam_check_str(t, m->message_id, "m-1");
    seam_check_str(t, m->correlation_id, "c-1");
    seam_check_str(t, m->reply_to, "back");
    seam_check_str(t, m->expiration, "60000");
    seam_check_eq(t, m->priority, 3);
    seam_check_null(t, m->type);
    seam_check(t, m->persistent);
    seam_check(t, !m->redelivered);
    seam_check_eq(t, seam_rabbitmq_count(mq, "created"), 0);
}

SEAM_TEST(rabbitmq_queue_has_its_options)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);

    seam_rabbitmq_queue(mq, "dead");
    seam_rabbitmq_queue(mq, "short", .message_ttl_ms = 1, .dead_letter_exchange = "",
                        .dead_letter_key = "dead", .arguments_json = "{\"x-max-priority\": 4}");
    seam_rabbitmq_publish(mq, .routing_key = "short", .text = "late");
    seam_check_str(t, seam_rabbitmq_get(mq, "dead", 5000)->body, "late");
    seam_rabbitmq_queue(mq, "last", .max_length = 1, .transient = true);
    seam_rabbitmq_publish(mq, .routing_key = "last", .text = "1");
    seam_rabbitmq_publish(mq, .routing_key = "last", .text = "2");
    seam_check_eq(t, seam_rabbitmq_count(mq, "last"), 1);
    seam_check_eq(t, seam_rabbitmq_purge(mq, "last"), 1);
    seam_check_eq(t, seam_rabbitmq_count(mq, "last"), 0);
}

SEAM_TEST(rabbitmq_message_may_be_lost)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);

    seam_rabbitmq_exchange(mq, "void", "fanout");
    seam_rabbitmq_publish(mq, .exchange = "void", .text = "nobody", .may_be_lost = true);
}

SEAM_TEST(rabbitmq_consumers_get_what_is_theirs)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    seam_rabbitmq_consumer *paid, *all;

    seam_rabbitmq_exchange(mq, "orders", "topic");
    paid = seam_rabbitmq_listen(mq, "orders", "order.paid");
    all = seam_rabbitmq_listen(mq, "orders", "#");
    seam_rabbitmq_publish(mq, .exchange = "orders", .routing_key = "order.created",
                          .json = "{'id': 1}");
    seam_rabbitmq_publish(mq, .exchange = "orders", .routing_key = "order.paid",
                          .json = "{'id': 1, 'sum': 2}");
    seam_check(t,
               NULL != seam_rabbitmq_expect(all, .match.json = "{'id': 1}", .in_order = true));
    seam_check(t, NULL != seam_rabbitmq_expect(all, .match.routing_key = "order.paid",
                                               .in_order = true));
    seam_check(t, NULL != seam_rabbitmq_expect(paid, .match.json = "{'sum': 2}"));
    seam_rabbitmq_expect_nothing(all, 50);
    seam_rabbitmq_expect_nothing(paid, 0);
}

SEAM_TEST(rabbitmq_consumer_of_a_queue_is_counted)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    seam_rabbitmq_consumer *consumer;

    seam_rabbitmq_queue(mq, "work");
    seam_check_eq(t, seam_rabbitmq_consumers(mq, "work"), 0);
    consumer = seam_rabbitmq_consume(mq, "work");
    seam_check_eq(t, seam_rabbitmq_consumers(mq, "work"), 1);
    seam_rabbitmq_publish(mq, .routing_key = "work", .text = "b");
    seam_rabbitmq_publish(mq, .routing_key = "work", .text = "a");
    seam_rabbitmq_expect(consumer, .match.text = "a");
    seam_rabbitmq_expect(consumer, .match.text = "b");
    seam_check_eq(t, seam_rabbitmq_count(mq, "work"), 0);
}

SEAM_TEST(rabbitmq_private_server_keeps_what_is_durable)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t, .private_server = true);
    int port = seam_rabbitmq_port(mq);

    seam_rabbitmq_queue(mq, "durable");
    seam_rabbitmq_publish(mq, .routing_key = "durable", .text = "kept");
    seam_rabbitmq_pause(mq);
    seam_rabbitmq_resume(mq);
    seam_rabbitmq_stop(mq);
    seam_rabbitmq_restart(mq);
    seam_check_str(t, seam_rabbitmq_get(mq, "durable", 5000)->body, "kept");
    seam_check_eq(t, seam_rabbitmq_port(mq), port);
}

SEAM_CLEANUP_FN(end_connection, amqp_destroy_connection, struct amqp_connection_state_t_ *);

static amqp_connection_state_t connect_to(seam_t *t, seam_rabbitmq *mq)
{
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_rpc_reply_t reply;

    seam_cleanup(t, end_connection, connection);
    seam_require_ok(t, amqp_socket_open(amqp_tcp_socket_new(connection), seam_rabbitmq_host(mq),
                                        seam_rabbitmq_port(mq)));
    reply =
        amqp_login(connection, seam_rabbitmq_vhost(mq), 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                   seam_rabbitmq_user(mq), seam_rabbitmq_password(mq));
    seam_require_eq(t, reply.reply_type, AMQP_RESPONSE_NORMAL);
    amqp_channel_open(connection, 1);
    seam_require_eq(t, amqp_get_rpc_reply(connection).reply_type, AMQP_RESPONSE_NORMAL);
    return connection;
}

SEAM_TEST(rabbitmq_connections_are_closed)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    amqp_connection_state_t connection = connect_to(t, mq);
    struct timeval wait = { .tv_sec = 10 };
    amqp_frame_t frame;

    seam_rabbitmq_queue(mq, "q");
    seam_check_eq(t, seam_rabbitmq_close_connections(mq), 1);
    seam_require_ok(t, amqp_simple_wait_frame_noblock(connection, &frame, &wait));
    seam_check_eq(t, frame.payload.method.id, AMQP_CONNECTION_CLOSE_METHOD);
    seam_check_eq(t, seam_rabbitmq_count(mq, "q"), 0);
}

SEAM_TEST(rabbitmq_headers_of_all_types_are_texts)
{
    static amqp_table_entry_t entries[] = {
        { { 1, "i" }, { .kind = AMQP_FIELD_KIND_I32, .value.i32 = -7 } },
        { { 1, "b" }, { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
        { { 1, "t" }, { .kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = 86400 } },
    };
    static amqp_table_entry_t outer[] = {
        { { 4, "list" }, { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { 3, entries } } },
        { { 1, "i" }, { .kind = AMQP_FIELD_KIND_I64, .value.i64 = 1LL << 40 } },
    };
    amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_HEADERS_FLAG,
                                           .headers = { 2, outer } };
    seam_rabbitmq *mq = seam_rabbitmq_start(t);
    amqp_connection_state_t connection = connect_to(t, mq);
    const seam_message *m;

    seam_rabbitmq_queue(mq, "q");
    seam_require_ok(t,
                    amqp_basic_publish(connection, 1, amqp_empty_bytes, amqp_cstring_bytes("q"),
                                       0, 0, &properties, amqp_cstring_bytes("")));
    m = seam_rabbitmq_get(mq, "q", 5000);
    seam_check_str(t, seam_message_header_value(m, "list"),
                   "{\"i\":-7,\"b\":true,\"t\":86400}");
    seam_check_str(t, seam_message_header_value(m, "i"), "1099511627776");
    seam_check_eq(t, m->priority, -1);
    seam_check(t, !m->persistent);
    seam_check_eq(t, m->size, 0);
    seam_check_str(t, m->body, "");
}

SEAM_TEST(rabbitmq_definitions_are_imported)
{
    seam_rabbitmq *mq = seam_rabbitmq_start(t, .definitions = "testdata/rabbitmq.json");

    seam_rabbitmq_publish(mq, .exchange = "orders", .routing_key = "order.paid", .text = "7");
    seam_check_str(t, seam_rabbitmq_get(mq, "paid", 5000)->body, "7");
}
