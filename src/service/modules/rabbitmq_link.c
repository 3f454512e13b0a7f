/* service/modules/rabbitmq_link.c - a connection to a broker; see rabbitmq_link.h. */

#include "service/modules/rabbitmq_link.h"

#include <amqp_tcp_socket.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "base/deadline.h"

enum { CONNECT_S = 10, CALL_S = 30, FRAME_MAX = 131072 };

void rabbitmq_link_close(struct rabbitmq_link *link)
{
    if (link->state)
        amqp_destroy_connection(link->state);
    *link = RABBITMQ_LINK_NONE;
}

static int lose(struct rabbitmq_link *link, int status, struct err *err)
{
    err_set(err, -ENOTCONN, "the connection to the broker is lost: %s",
            amqp_error_string2(status));
    rabbitmq_link_close(link);
    return -ENOTCONN;
}

int rabbitmq_link_refused(struct rabbitmq_link *link, amqp_method_t method, struct err *err)
{
    if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = method.decoded;
        amqp_channel_close_ok_t ok = { 0 };

        err_set(err, -EREMOTEIO, "%d %.*s", close->reply_code, (int)close->reply_text.len,
                (const char *)close->reply_text.bytes);
        link->has_channel = link->confirms = false;
        if (amqp_send_method(link->state, RABBITMQ_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok) <
            0)
            rabbitmq_link_close(link);
        return -EREMOTEIO;
    }
    if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = method.decoded;

        err_set(err, -EREMOTEIO, "%d %.*s", close->reply_code, (int)close->reply_text.len,
                (const char *)close->reply_text.bytes);
    } else
        err_set(err, -EREMOTEIO, "the broker answers by %s", amqp_method_name(method.id));
    rabbitmq_link_close(link);
    return -EREMOTEIO;
}

int rabbitmq_link_result(struct rabbitmq_link *link, amqp_rpc_reply_t reply, struct err *err)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return 0;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        return rabbitmq_link_refused(link, reply.reply, err);
    default:
        return lose(link, reply.library_error, err);
    }
}

static int connect_link(struct rabbitmq_link *link, const struct rabbitmq_address *address,
                        struct err *err)
{
    struct timeval most = { .tv_sec = CONNECT_S }, call = { .tv_sec = CALL_S };
    amqp_socket_t *socket;
    int status;

    link->state = amqp_new_connection();
    socket = link->state ? amqp_tcp_socket_new(link->state) : NULL;
    if (!socket)
        return lose(link, AMQP_STATUS_NO_MEMORY, err);
    amqp_set_handshake_timeout(link->state, &most);
    amqp_set_rpc_timeout(link->state, &call);
    status = amqp_socket_open_noblock(socket, address->host, address->port, &most);
    if (status != AMQP_STATUS_OK)
        return lose(link, status, err);
    return rabbitmq_link_result(link,
                                amqp_login(link->state, address->vhost, 0, FRAME_MAX, 0,
                                           AMQP_SASL_METHOD_PLAIN, address->user,
                                           address->password),
                                err);
}

int rabbitmq_link_open(struct rabbitmq_link *link, const struct rabbitmq_address *address,
                       struct err *err)
{
    int r = link->state ? 0 : connect_link(link, address, err);

    if (r < 0 || link->has_channel)
        return r;
    amqp_channel_open(link->state, RABBITMQ_CHANNEL);
    r = rabbitmq_link_result(link, amqp_get_rpc_reply(link->state), err);
    link->has_channel = r == 0;
    return r;
}

void rabbitmq_link_version(const struct rabbitmq_link *link, char *room, size_t size)
{
    amqp_table_t *table = amqp_get_server_properties(link->state);

    for (int i = 0; i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];

        if (entry->key.len == strlen("version") &&
            memcmp(entry->key.bytes, "version", entry->key.len) == 0 &&
            entry->value.kind == AMQP_FIELD_KIND_UTF8)
            snprintf(room, size, "%.*s", (int)entry->value.value.bytes.len,
                     (const char *)entry->value.value.bytes.bytes);
    }
}

int rabbitmq_link_frame(struct rabbitmq_link *link, uint64_t deadline_ns, amqp_frame_t *ret,
                        struct err *err)
{
    uint64_t now = now_ns();
    uint64_t left_us = deadline_ns > now ? (deadline_ns - now + 999) / 1000 : 0;
    struct timeval wait = { .tv_sec = (time_t)(left_us / 1000000),
                            .tv_usec = (suseconds_t)(left_us % 1000000) };
    int status = amqp_simple_wait_frame_noblock(link->state, ret, &wait);

    if (status == AMQP_STATUS_TIMEOUT)
        return -ETIMEDOUT;
    return status == AMQP_STATUS_OK ? 0 : lose(link, status, err);
}
