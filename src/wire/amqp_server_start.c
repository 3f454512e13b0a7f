/* wire/amqp_server_start.c - how a connection of AMQP 0-9-1 begins: header, login, tuning; see amqp_server.h. */

#include <string.h>

#include "wire/amqp_server_state.h"

enum { HEADER_SIZE = 8 };

static const char header[HEADER_SIZE + 1] = "AMQP\0\0\x09\x01";

/* ---- connection.start -------------------------------------------------------------------- */

static void add_server_properties(struct buf *to)
{
    static const char *const capabilities[] = {
        "publisher_confirms",           "exchange_exchange_bindings", "basic.nack",
        "consumer_cancel_notify",       "connection.blocked",         "consumer_priorities",
        "authentication_failure_close", "per_consumer_qos",           "direct_reply_to",
    };
    struct buf table = BUF_INIT(1 << 12);

    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
        amqp_add_field_bool(&table, capabilities[i],
                            strcmp(capabilities[i], "direct_reply_to") != 0 &&
                                strcmp(capabilities[i], "consumer_priorities") != 0);
    amqp_add_field_bytes(to, "capabilities", 'F', table.data, table.size);
    amqp_add_field_text(to, "cluster_name", "rabbit@seam");
    amqp_add_field_text(to, "platform", "Seam");
    amqp_add_field_text(to, "product", "RabbitMQ");
    amqp_add_field_text(to, "version", "3.10.8");
    buf_fini(&table);
}

int amqp_server_greet(struct amqp_server *server, const char *data, size_t size)
{
    static const char mechanisms[] = "PLAIN AMQPLAIN", locales[] = "en_US";
    struct buf properties = BUF_INIT(1 << 12);

    if (size < HEADER_SIZE && memcmp(data, header, size) == 0)
        return 0;
    if (size < HEADER_SIZE || memcmp(data, header, HEADER_SIZE) != 0) {
        buf_add(&server->out, header, HEADER_SIZE);
        amqp_server_break(server, "it began with what is no header of AMQP 0-9-1");
        return 0;
    }
    add_server_properties(&properties);
    amqp_add_method(&server->out, 0, AMQP_CONNECTION_START, 0, 9, &properties,
                    strlen(mechanisms), mechanisms, strlen(locales), locales);
    buf_fini(&properties);
    server->state = AMQP_AT_START_OK;
    return HEADER_SIZE;
}

/* ---- connection.start-ok ----------------------------------------------------------------- */

struct secret {
    const char *user, *password;
};

static bool read_plain(struct amqp_server *server, const struct amqp_value *response,
                       struct secret *ret)
{
    const char *end = response->data + response->size;
    const char *zero;

    if (response->size < 2 || response->data[0])
        return false;
    ret->user = response->data + 1;
    zero = memchr(ret->user, '\0', (size_t)(end - ret->user));
    if (!zero)
        return false;
    ret->password = arena_copy(&server->arena, zero + 1, (size_t)(end - zero - 1));
    return true;
}

static bool read_field(struct amqp_server *server, const struct amqp_value *table,
                       const char *name, const char **ret)
{
    struct amqp_field field;

    if (!amqp_table_find(table->data, table->size, name, &field) || field.type != 'S')
        return false;
    *ret = arena_copy(&server->arena, field.data, field.size);
    return true;
}

static bool read_response(struct amqp_server *server, const struct amqp_method *method,
                          struct secret *ret)
{
    const struct amqp_value *response = &method->values[2];

    if (strcmp(method->values[1].data, "PLAIN") == 0)
        return read_plain(server, response, ret);
    return strcmp(method->values[1].data, "AMQPLAIN") == 0 &&
           amqp_table_check(response->data, response->size, 0) == 0 &&
           read_field(server, response, "LOGIN", &ret->user) &&
           read_field(server, response, "PASSWORD", &ret->password);
}

static bool is_allowed(const struct amqp_server *server, const struct secret *secret)
{
    const struct amqp_server_options *options = &server->options;

    return (!options->user || strcmp(options->user, secret->user) == 0) &&
           (!options->password || strcmp(options->password, secret->password) == 0);
}

static void refuse_login(struct amqp_server *server, const char *mechanism)
{
    if (amqp_server_can(server, "authentication_failure_close"))
        amqp_server_fail(server, 0,
                         "ACCESS_REFUSED - Login was refused using authentication mechanism "
                         "%s. For details see the broker logfile.",
                         mechanism);
    else
        amqp_server_break(server, "the login was refused");
}

static void take_capabilities(struct amqp_server *server, const struct amqp_value *properties)
{
    struct amqp_field field;

    if (!amqp_table_find(properties->data, properties->size, "capabilities", &field) ||
        field.type != 'F')
        return;
    server->capabilities.data = arena_copy(&server->arena, field.data, field.size);
    server->capabilities.size = field.size;
}

static void log_in(struct amqp_server *server, const struct amqp_method *method)
{
    struct secret secret;

    take_capabilities(server, &method->values[0]);
    if (!read_response(server, method, &secret)) {
        amqp_server_break(server, "its login is none of PLAIN or AMQPLAIN");
        return;
    }
    if (!is_allowed(server, &secret)) {
        refuse_login(server, method->values[1].data);
        return;
    }
    server->login = arena_dup(&server->arena, secret.user);
    amqp_add_method(&server->out, 0, AMQP_CONNECTION_TUNE, server->options.channel_max,
                    server->options.frame_max, server->options.heartbeat_s);
    server->state = AMQP_AT_TUNE_OK;
}

/* ---- connection.tune-ok, connection.open ------------------------------------------------- */

/* 0 is no limit, which is more than any. */
static bool is_above(uint64_t got, int proposed)
{
    return proposed > 0 && (got == 0 || got > (uint64_t)proposed);
}

static void tune(struct amqp_server *server, const struct amqp_method *method)
{
    const struct amqp_server_options *options = &server->options;
    uint64_t frame_max = method->values[1].number;

    if (is_above(method->values[0].number, options->channel_max) ||
        is_above(frame_max, options->frame_max)) {
        amqp_server_break(server, "it tuned what is above what was proposed");
        return;
    }
    if (frame_max > 0 && frame_max < AMQP_FRAME_MIN) {
        amqp_server_break(server, "it tuned frames of less than 4096 bytes");
        return;
    }
    server->channel_max = (int)method->values[0].number;
    server->frame_max = (size_t)frame_max;
    server->heartbeat_s = (int)method->values[2].number;
    server->state = AMQP_AT_OPEN;
}

static void open_host(struct amqp_server *server, const struct amqp_method *method)
{
    const char *vhost = method->values[0].data;

    if (strcmp(vhost, server->options.vhost) != 0) {
        amqp_server_fail(server, AMQP_CONNECTION_OPEN, "NOT_ALLOWED - vhost %s not found",
                         vhost);
        return;
    }
    amqp_add_method(&server->out, 0, AMQP_CONNECTION_OPEN_OK, "");
    server->state = AMQP_AT_WORK;
}

void amqp_server_start(struct amqp_server *server, const struct amqp_method *method)
{
    uint32_t id = method->spec->id;

    if (server->state == AMQP_AT_START_OK && id == AMQP_CONNECTION_START_OK)
        log_in(server, method);
    else if (server->state == AMQP_AT_TUNE_OK && id == AMQP_CONNECTION_TUNE_OK)
        tune(server, method);
    else if (server->state == AMQP_AT_OPEN && id == AMQP_CONNECTION_OPEN)
        open_host(server, method);
    else
        amqp_server_break(server, "its methods came in the wrong order");
}
