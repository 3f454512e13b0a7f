/* amqp/mock/mock_client_test.c - a rabbitmq-c client of AMQP doubles; see mock_test.h. */
//seam:cflags -I../../../include -Wall -Wextra -Wshadow -Werror
//seam:pkg-config librabbitmq

#include "mock_test.h"

#include <string.h>
#include <sys/time.h>

static void destroy(void *conn)
{
    amqp_destroy_connection(conn);
}

const char *words_of(seam_t *t, amqp_rpc_reply_t reply)
{
    const amqp_channel_close_t *channel = reply.reply.decoded;
    const amqp_connection_close_t *connection = reply.reply.decoded;

    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return "";
    if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
        return amqp_error_string2(reply.library_error);
    if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
        return seam_format(t, "%d %.*s", channel->reply_code, (int)channel->reply_text.len,
                           (const char *)channel->reply_text.bytes);
    return seam_format(t, "%d %.*s", connection->reply_code, (int)connection->reply_text.len,
                       (const char *)connection->reply_text.bytes);
}

amqp_connection_state_t connect_to(seam_t *t, const char *host, int port, const char *vhost)
{
    amqp_connection_state_t conn = amqp_new_connection();

    seam_cleanup(t, destroy, conn);
    seam_require_eq(t, amqp_socket_open(amqp_tcp_socket_new(conn), host, port), 0);
    seam_require_str(t,
                     words_of(t, amqp_login(conn, vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                                            "guest", "guest")),
                     "");
    amqp_channel_open(conn, 1);
    check_done(t, conn);
    return conn;
}

void declare_queue(seam_t *t, amqp_connection_state_t conn, const char *name)
{
    amqp_queue_declare(conn, 1, amqp_cstring_bytes(name), 0, 0, 0, 0, amqp_empty_table);
    check_done(t, conn);
}

int publish(amqp_connection_state_t conn, const char *exchange, const char *key,
            const char *text)
{
    amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG };

    properties.content_type = amqp_cstring_bytes("text/plain");
    return amqp_basic_publish(conn, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 1,
                              0, &properties, amqp_cstring_bytes(text));
}

amqp_method_number_t next_method(amqp_connection_state_t conn)
{
    struct timeval second = { .tv_sec = 1 };
    amqp_frame_t frame;

    if (amqp_simple_wait_frame_noblock(conn, &frame, &second) != AMQP_STATUS_OK ||
        frame.frame_type != AMQP_FRAME_METHOD)
        return 0;
    return frame.payload.method.id;
}

const char *next_delivery(seam_t *t, amqp_connection_state_t conn)
{
    struct timeval second = { .tv_sec = 1 };
    amqp_envelope_t envelope;
    const char *text;

    if (amqp_consume_message(conn, &envelope, &second, 0).reply_type != AMQP_RESPONSE_NORMAL)
        return NULL;
    text = seam_format(t, "%.*s", (int)envelope.message.body.len,
                       (const char *)envelope.message.body.bytes);
    amqp_destroy_envelope(&envelope);
    return text;
}
