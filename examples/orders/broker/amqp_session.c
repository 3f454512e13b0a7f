/* broker/amqp_session.c - rabbitmq-c, with words for what goes wrong; see amqp_session.h. */

#define _DEFAULT_SOURCE /* amqp.h uses struct timeval */

#include "broker/amqp_session.h"

#include <amqp_tcp_socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    FRAME_MAX = 131072,
    HEARTBEAT_S = 0, /* none: a connection that died idle is found out by the next message */
};

static struct timeval as_timeval(int ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* ---- words ------------------------------------------------------------------------------ */

static void say_error(int error, const char *what, struct failure *failure)
{
    snprintf(failure->text, sizeof failure->text, "the broker: %s: %s", what,
             amqp_error_string2(error));
}

static void say_close(int code, amqp_bytes_t text, const char *what, struct failure *failure)
{
    snprintf(failure->text, sizeof failure->text, "the broker: %s: %d %.*s", what, code,
             (int)text.len, (const char *)text.bytes);
}

/* The broker has closed the channel or the connection, and says why. */
static void say_method(const amqp_method_t *method, const char *what, struct failure *failure)
{
    if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = method->decoded;

        say_close(close->reply_code, close->reply_text, what, failure);
    } else if (method->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = method->decoded;

        say_close(close->reply_code, close->reply_text, what, failure);
    } else {
        snprintf(failure->text, sizeof failure->text,
                 "the broker: %s: it answers with method 0x%08x", what, (unsigned)method->id);
    }
}

/* Returns 0 when the reply is the one that was asked for. */
static int check(amqp_rpc_reply_t reply, const char *what, struct failure *failure)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return 0;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
        say_method(&reply.reply, what, failure);
    else
        say_error(reply.library_error, what, failure);
    return -1;
}

/* ---- open, close ------------------------------------------------------------------------ */

static int connect_to(amqp_connection_state_t connection,
                      const struct amqp_connection_info *info, int timeout_ms,
                      struct failure *failure)
{
    struct timeval timeout = as_timeval(timeout_ms);
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    int error;

    if (!socket) {
        snprintf(failure->text, sizeof failure->text, "the broker: no memory for a socket");
        return -1;
    }
    amqp_set_handshake_timeout(connection, &timeout);
    amqp_set_rpc_timeout(connection, &timeout);
    error = amqp_socket_open_noblock(socket, info->host, info->port, &timeout);
    if (error) {
        char what[300];

        snprintf(what, sizeof what, "cannot connect to %.250s:%d", info->host, info->port);
        say_error(error, what, failure);
        return -1;
    }
    return check(amqp_login(connection, info->vhost, 0, FRAME_MAX, HEARTBEAT_S,
                            AMQP_SASL_METHOD_PLAIN, info->user, info->password),
                 "cannot log in", failure);
}

static int open_channel(amqp_connection_state_t connection, const char *exchange,
                        struct failure *failure)
{
    amqp_channel_open(connection, AMQP_SESSION_CHANNEL);
    if (check(amqp_get_rpc_reply(connection), "cannot open a channel", failure) < 0)
        return -1;
    amqp_exchange_declare(connection, AMQP_SESSION_CHANNEL, amqp_cstring_bytes(exchange),
                          amqp_cstring_bytes("topic"), false, true, false, false,
                          amqp_empty_table);
    if (check(amqp_get_rpc_reply(connection), "cannot declare the exchange", failure) < 0)
        return -1;
    amqp_confirm_select(connection, AMQP_SESSION_CHANNEL);
    return check(amqp_get_rpc_reply(connection), "does not confirm", failure);
}

static int open_at(const struct amqp_connection_info *info,
                   amqp_connection_state_t *ret_connection, const char *exchange,
                   int timeout_ms, struct failure *failure)
{
    amqp_connection_state_t connection = amqp_new_connection();

    if (!connection) {
        snprintf(failure->text, sizeof failure->text, "the broker: no memory for a connection");
        return -1;
    }
    if (connect_to(connection, info, timeout_ms, failure) < 0 ||
        open_channel(connection, exchange, failure) < 0) {
        amqp_session_close(connection);
        return -1;
    }
    *ret_connection = connection;
    return 0;
}

int amqp_session_open(amqp_connection_state_t *ret_connection, const char *url,
                      const char *exchange, int timeout_ms, struct failure *failure)
{
    struct amqp_connection_info info;
    char *parts = strdup(url); /* cut to pieces, to which `info` points */
    int r = -1;

    if (!parts)
        snprintf(failure->text, sizeof failure->text, "the broker: no memory for its URL");
    else if (amqp_parse_url(parts, &info) != AMQP_STATUS_OK)
        snprintf(failure->text, sizeof failure->text, "the broker: its URL is not understood");
    else if (info.ssl)
        snprintf(failure->text, sizeof failure->text, "the broker: amqps is not supported");
    else
        r = open_at(&info, ret_connection, exchange, timeout_ms, failure);
    free(parts);
    return r;
}

void amqp_session_close(amqp_connection_state_t connection)
{
    if (connection)
        amqp_destroy_connection(connection);
}

/* ---- confirms --------------------------------------------------------------------------- */

/* The next method from the broker; what belongs to a returned message's content is passed over. */
static int next_method(amqp_connection_state_t connection, int timeout_ms,
                       amqp_method_t *ret_method, struct failure *failure)
{
    struct timeval timeout = as_timeval(timeout_ms);
    amqp_frame_t frame;
    int error;

    do {
        amqp_maybe_release_buffers(connection);
        error = amqp_simple_wait_frame_noblock(connection, &frame, &timeout);
    } while (error == AMQP_STATUS_OK && frame.frame_type != AMQP_FRAME_METHOD);
    if (error) {
        say_error(error, "no confirmation", failure);
        return -1;
    }
    *ret_method = frame.payload.method;
    return 0;
}

enum amqp_verdict amqp_session_confirm(amqp_connection_state_t connection, int timeout_ms,
                                       struct failure *failure)
{
    enum amqp_verdict verdict = AMQP_TAKEN;
    amqp_method_t method;

    for (;;) {
        if (next_method(connection, timeout_ms, &method, failure) < 0)
            return AMQP_LOST;
        if (method.id == AMQP_BASIC_ACK_METHOD)
            return verdict;
        if (method.id == AMQP_BASIC_RETURN_METHOD) { /* its ACK follows */
            snprintf(failure->text, sizeof failure->text, "the broker: no queue takes it");
            verdict = AMQP_RETURNED;
        } else if (method.id == AMQP_BASIC_NACK_METHOD) {
            snprintf(failure->text, sizeof failure->text, "the broker: it was not taken");
            return AMQP_REFUSED;
        } else {
            say_method(&method, "no confirmation", failure);
            return AMQP_LOST;
        }
    }
}
