/* wire/amqp_server.c - the server's side of an AMQP 0-9-1 connection; see amqp_server.h. */

#include "wire/amqp_server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/amqp_server_state.h"

#include "base/hostile.h"

enum { IN_MAX = 256 << 20, OUT_MAX = 256 << 20, BODY_MAX = 128 << 20, DROP_AT = 64 << 10 };

/* ---- the life of one --------------------------------------------------------------------- */

int amqp_server_new(struct amqp_server **ret, const struct amqp_server_options *options)
{
    struct amqp_server *server = calloc(1, sizeof *server);

    if (!server)
        return -ENOMEM;
    server->options = *options;
    server->in = BUF_INIT(IN_MAX);
    server->out = BUF_INIT(OUT_MAX);
    server->login = "";
    server->capabilities.data = "";
    server->frame_max = AMQP_FRAME_MIN;
    *ret = server;
    return 0;
}

static void free_channel(struct amqp_channel *channel)
{
    arena_fini(&channel->arena);
    buf_fini(&channel->body);
    free(channel);
}

/* What is its owner's goes; it stays until the client knows. */
static void end_channel(struct amqp_server *server, struct amqp_channel *channel)
{
    void *memory = channel->ask.memory ? *channel->ask.memory : NULL;

    channel->part = AMQP_PART_METHOD;
    if (!memory)
        return;
    *channel->ask.memory = NULL;
    if (server->options.channel_gone)
        server->options.channel_gone(server->options.arg, channel->number, memory);
}

static void drop_channel(struct amqp_server *server, struct amqp_channel *channel)
{
    struct amqp_channel **at = &server->channels;

    end_channel(server, channel);
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    if (server->asked == channel)
        server->asked = NULL;
    server->channel_count--;
    free_channel(channel);
}

void amqp_server_drop_channels(struct amqp_server *server)
{
    for (struct amqp_channel *at = server->channels; at; at = at->next)
        end_channel(server, at);
}

void amqp_server_free(struct amqp_server *server)
{
    struct amqp_channel *channel;

    if (!server)
        return;
    while ((channel = server->channels))
        drop_channel(server, channel);
    buf_fini(&server->in);
    buf_fini(&server->out);
    arena_fini(&server->arena);
    arena_fini(&server->passing);
    free(server);
}

struct buf *amqp_server_out(struct amqp_server *server)
{
    return &server->out;
}

const char *amqp_server_trouble(struct amqp_server *server)
{
    bool had = server->has_trouble;

    server->has_trouble = false;
    return had ? server->trouble : NULL;
}

bool amqp_server_can(const struct amqp_server *server, const char *capability)
{
    struct amqp_field field;
    int64_t value;

    return amqp_table_find(server->capabilities.data, server->capabilities.size, capability,
                           &field) &&
           amqp_field_number(&field, &value) && value;
}

const char *amqp_server_login(const struct amqp_server *server)
{
    return server->login;
}

bool amqp_server_is_open(const struct amqp_server *server)
{
    return server->state == AMQP_AT_WORK;
}

int amqp_server_heartbeat_s(const struct amqp_server *server)
{
    return server->heartbeat_s;
}

void amqp_server_watch(struct amqp_server *server, amqp_server_watch_fn *fn, void *arg)
{
    server->watch = fn;
    server->watch_arg = arg;
}

static struct amqp_channel *find_channel(const struct amqp_server *server, int number)
{
    struct amqp_channel *channel = server->channels;

    while (channel && channel->number != number)
        channel = channel->next;
    return channel;
}

void *amqp_server_memory(const struct amqp_server *server, int number)
{
    const struct amqp_channel *channel = find_channel(server, number);

    return channel ? *channel->ask.memory : NULL;
}

void amqp_server_content(struct amqp_server *server, int channel, const void *properties,
                         size_t properties_size, const void *body, size_t size)
{
    amqp_add_content(&server->out, channel, properties, properties_size, body, size,
                     server->frame_max);
}

/* ---- refusals ---------------------------------------------------------------------------- */

static void note_trouble(struct amqp_server *server, const char *text)
{
    snprintf(server->trouble, sizeof server->trouble, "%s", text);
    server->has_trouble = true;
}

void amqp_server_break(struct amqp_server *server, const char *why)
{
    note_trouble(server, why);
    amqp_server_drop_channels(server);
    server->state = AMQP_AT_END;
}

void amqp_server_end(struct amqp_server *server)
{
    amqp_server_drop_channels(server);
    server->state = AMQP_AT_END;
}

static int code_of(const char *text)
{
    static const int codes[] = { AMQP_CONNECTION_FORCED,   AMQP_ACCESS_REFUSED,
                                 AMQP_NOT_FOUND,           AMQP_RESOURCE_LOCKED,
                                 AMQP_PRECONDITION_FAILED, AMQP_FRAME_ERROR,
                                 AMQP_SYNTAX_ERROR,        AMQP_COMMAND_INVALID,
                                 AMQP_CHANNEL_ERROR,       AMQP_UNEXPECTED_FRAME,
                                 AMQP_NOT_ALLOWED,         AMQP_NOT_IMPLEMENTED };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char *name = amqp_reply_name(codes[i]);

        if (strncmp(text, name, strlen(name)) == 0)
            return codes[i];
    }
    return AMQP_INTERNAL_ERROR;
}

static void close_connection(struct amqp_server *server, uint32_t id, const char *text)
{
    note_trouble(server, text);
    amqp_server_drop_channels(server);
    amqp_add_method(&server->out, 0, AMQP_CONNECTION_CLOSE, code_of(text), text,
                    (int)(id >> 16), (int)(id & 0xffff));
    server->state = AMQP_AT_CLOSE_OK;
}

void amqp_server_fail(struct amqp_server *server, uint32_t id, const char *format, ...)
{
    char text[AMQP_SHORT_MAX + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    close_connection(server, id, text);
}

void amqp_server_close(struct amqp_server *server, const char *text)
{
    if (server->state < AMQP_AT_WORK)
        amqp_server_break(server, text);
    else if (server->state == AMQP_AT_WORK)
        close_connection(server, 0, text);
    server->has_trouble = false;
}

static void refuse(struct amqp_server *server, struct amqp_channel *channel, uint32_t id,
                   const char *text)
{
    int code = code_of(text);

    if (code < AMQP_ACCESS_REFUSED || code > AMQP_PRECONDITION_FAILED) {
        close_connection(server, id, text);
        return;
    }
    note_trouble(server, text);
    amqp_add_method(&server->out, channel->number, AMQP_CHANNEL_CLOSE, code, text,
                    (int)(id >> 16), (int)(id & 0xffff));
    channel->closing = true;
    end_channel(server, channel);
}

void amqp_server_refuse(struct amqp_server *server, const struct amqp_ask *ask,
                        const char *text)
{
    struct amqp_channel *channel = find_channel(server, ask->channel);

    if (channel && !channel->closing)
        refuse(server, channel, ask->method.spec->id, text);
}

/* ---- channels ---------------------------------------------------------------------------- */

struct slot { /* a channel with the place of its owner's memory */
    struct amqp_channel channel;
    void *memory;
};

static void open_channel(struct amqp_server *server, int number)
{
    struct slot *slot;

    if (server->channel_max > 0 && server->channel_count >= server->channel_max) {
        amqp_server_fail(server, 0,
                         "NOT_ALLOWED - number of channels opened (%d) has reached the "
                         "negotiated channel_max (%d)",
                         server->channel_count, server->channel_max);
        return;
    }
    slot = calloc(1, sizeof *slot);
    if (!slot)
        arena_give_up(sizeof *slot);
    slot->channel.number = number;
    slot->channel.next = server->channels;
    slot->channel.body = BUF_INIT(BODY_MAX);
    slot->channel.ask.memory = &slot->memory;
    slot->channel.ask.channel = number;
    server->channels = &slot->channel;
    server->channel_count++;
    amqp_add_method(&server->out, number, AMQP_CHANNEL_OPEN_OK, (size_t)0, "");
}

/* Nothing but its end is heard of a channel that was closed. */
static void hear_closing(struct amqp_server *server, struct amqp_channel *channel,
                         const struct amqp_frame *frame)
{
    struct amqp_method method;
    uint32_t id = 0;

    if (frame->type != AMQP_FRAME_METHOD ||
        amqp_method_read(&server->passing, frame->payload, frame->size, &method, &id) < 0)
        return;
    if (id == AMQP_CHANNEL_CLOSE)
        amqp_add_method(&server->out, channel->number, AMQP_CHANNEL_CLOSE_OK);
    else if (id == AMQP_CHANNEL_CLOSE_OK)
        drop_channel(server, channel);
}

static bool is_for_owner(uint32_t id)
{
    switch (id) {
    case AMQP_ACCESS_REQUEST:
    case AMQP_EXCHANGE_DECLARE:
    case AMQP_EXCHANGE_DELETE:
    case AMQP_EXCHANGE_BIND:
    case AMQP_EXCHANGE_UNBIND:
    case AMQP_QUEUE_DECLARE:
    case AMQP_QUEUE_BIND:
    case AMQP_QUEUE_PURGE:
    case AMQP_QUEUE_DELETE:
    case AMQP_QUEUE_UNBIND:
    case AMQP_BASIC_QOS:
    case AMQP_BASIC_CONSUME:
    case AMQP_BASIC_CANCEL:
    case AMQP_BASIC_PUBLISH:
    case AMQP_BASIC_GET:
    case AMQP_BASIC_ACK:
    case AMQP_BASIC_REJECT:
    case AMQP_BASIC_RECOVER_ASYNC:
    case AMQP_BASIC_RECOVER:
    case AMQP_BASIC_NACK:
    case AMQP_CONFIRM_SELECT:
    case AMQP_TX_SELECT:
    case AMQP_TX_COMMIT:
    case AMQP_TX_ROLLBACK:
        return true;
    default:
        return false;
    }
}

/* Returns whether the owner is asked. */
static bool hear_method(struct amqp_server *server, struct amqp_channel *channel,
                        const struct amqp_method *method)
{
    uint32_t id = method->spec->id;

    if (id == AMQP_CHANNEL_OPEN) {
        amqp_server_fail(server, id, "CHANNEL_ERROR - second 'channel.open' seen");
    } else if (id == AMQP_CHANNEL_CLOSE) {
        amqp_add_method(&server->out, channel->number, AMQP_CHANNEL_CLOSE_OK);
        drop_channel(server, channel);
    } else if (id == AMQP_CHANNEL_FLOW && !method->values[0].number) {
        amqp_server_fail(server, id, "NOT_IMPLEMENTED - active=false");
    } else if (id == AMQP_CHANNEL_FLOW) {
        amqp_add_method(&server->out, channel->number, AMQP_CHANNEL_FLOW_OK, 1);
    } else if (!is_for_owner(id)) {
        amqp_server_fail(server, id, "COMMAND_INVALID - unimplemented method");
    } else {
        channel->ask.method = *method;
        channel->part = method->spec->has_content ? AMQP_PART_HEADER : AMQP_PART_METHOD;
        return !method->spec->has_content;
    }
    return false;
}

/* ---- contents ---------------------------------------------------------------------------- */

static bool complete(struct amqp_channel *channel)
{
    channel->part = channel->missing > 0 ? AMQP_PART_BODY : AMQP_PART_METHOD;
    if (channel->missing > 0)
        return false;
    channel->ask.body = buf_text(&channel->body);
    channel->ask.body_size = channel->body.size;
    return true;
}

static bool hear_header(struct amqp_server *server, struct amqp_channel *channel,
                        const struct amqp_frame *frame)
{
    struct amqp_content *content = &channel->ask.content;
    uint32_t id = channel->ask.method.spec->id;
    int class_id = (int)(id >> 16);

    if (frame->type != AMQP_FRAME_HEADER) {
        amqp_server_fail(server, id,
                         "UNEXPECTED_FRAME - expected content header for class %d, got non "
                         "content header frame instead",
                         class_id);
        return false;
    }
    if (amqp_content_read(&channel->arena, frame->payload, frame->size, content) < 0) {
        amqp_server_fail(server, 0, "INTERNAL_ERROR");
        return false;
    }
    if (content->class_id != class_id) {
        amqp_server_fail(server, id,
                         "UNEXPECTED_FRAME - expected content header for class %d, got one for "
                         "class %d instead",
                         class_id, content->class_id);
        return false;
    }
    buf_clear(&channel->body);
    channel->missing = content->body_size;
    return complete(channel);
}

static bool hear_body(struct amqp_server *server, struct amqp_channel *channel,
                      const struct amqp_frame *frame)
{
    uint32_t id = channel->ask.method.spec->id;
    char text[AMQP_SHORT_MAX + 1];

    if (frame->type != AMQP_FRAME_BODY) {
        amqp_server_fail(server, id,
                         "UNEXPECTED_FRAME - expected content body, got non content body frame "
                         "instead");
        return false;
    }
    if (frame->size > channel->missing) { /* RabbitMQ waits for more, for ever */
        note_trouble(server, "a content's body is longer than its header says");
        channel->missing = UINT64_MAX;
        return false;
    }
    if (channel->missing <= channel->ask.content.body_size)
        channel->missing -= frame->size;
    if (channel->ask.content.body_size <= BODY_MAX) /* else it is counted alone */
        buf_add(&channel->body, frame->payload, frame->size);
    if (channel->missing == 0 && channel->ask.content.body_size > BODY_MAX) {
        snprintf(text, sizeof text,
                 "PRECONDITION_FAILED - message size %" PRIu64
                 " is larger than configured max size %d",
                 channel->ask.content.body_size, BODY_MAX);
        refuse(server, channel, id, text);
        return false;
    }
    return complete(channel);
}

/* ---- frames ------------------------------------------------------------------------------ */

/* The bytes of a payload as Erlang writes them. */
static void add_octets(struct buf *to, const char *data, size_t size)
{
    buf_add_text(to, "<<");
    for (size_t i = 0; i < size && to->size < AMQP_SHORT_MAX; i++)
        buf_printf(to, "%s%d", i ? "," : "", (unsigned char)data[i]);
    buf_add_text(to, ">>");
}

static void fail_decoding(struct amqp_server *server, const struct amqp_frame *frame,
                          uint32_t id)
{
    struct buf octets = BUF_INIT(1024);

    if (frame->size >= 4)
        add_octets(&octets, frame->payload + 4, frame->size - 4);
    amqp_server_fail(server, id, "FRAME_ERROR - cannot decode %s", buf_text(&octets));
    buf_fini(&octets);
}

/* Whether there is a method; else it was answered. */
static bool read_method(struct amqp_server *server, struct arena *arena,
                        const struct amqp_frame *frame, struct amqp_method *ret)
{
    uint32_t id;
    int r = amqp_method_read(arena, frame->payload, frame->size, ret, &id);

    if (r == -ENOSYS)
        amqp_server_break(server, "it sent a method that does not exist");
    else if (r < 0)
        fail_decoding(server, frame, id);
    return r == 0;
}

static bool hear_channel(struct amqp_server *server, struct amqp_channel *channel,
                         const struct amqp_frame *frame)
{
    struct amqp_method method;

    if (channel->closing) {
        hear_closing(server, channel, frame);
        return false;
    }
    if (channel->part == AMQP_PART_HEADER)
        return hear_header(server, channel, frame);
    if (channel->part == AMQP_PART_BODY)
        return hear_body(server, channel, frame);
    if (frame->type != AMQP_FRAME_METHOD) {
        amqp_server_fail(server, 0,
                         "UNEXPECTED_FRAME - expected method frame, got non method frame "
                         "instead");
        return false;
    }
    arena_clear(&channel->arena);
    return read_method(server, &channel->arena, frame, &method) &&
           hear_method(server, channel, &method);
}

static void hear_new_channel(struct amqp_server *server, const struct amqp_frame *frame)
{
    struct amqp_method method;

    if (frame->type != AMQP_FRAME_METHOD)
        amqp_server_fail(server, 0,
                         "UNEXPECTED_FRAME - expected method frame, got non method frame "
                         "instead");
    else if (read_method(server, &server->passing, frame, &method)) {
        if (method.spec->id == AMQP_CHANNEL_OPEN)
            open_channel(server, frame->channel);
        else
            amqp_server_fail(server, method.spec->id,
                             "CHANNEL_ERROR - expected 'channel.open'");
    }
}

static void hear_connection(struct amqp_server *server, const struct amqp_method *method)
{
    uint32_t id = method->spec->id;

    if (server->state == AMQP_AT_CLOSE_OK && id == AMQP_CONNECTION_CLOSE_OK) {
        server->state = AMQP_AT_END;
    } else if (id == AMQP_CONNECTION_CLOSE && server->state >= AMQP_AT_OPEN) {
        amqp_server_drop_channels(server);
        amqp_add_method(&server->out, 0, AMQP_CONNECTION_CLOSE_OK);
        server->state = AMQP_AT_REST;
    } else if (server->state < AMQP_AT_WORK) {
        amqp_server_start(server, method);
    } else if (server->state == AMQP_AT_WORK && id == AMQP_CONNECTION_UPDATE_SECRET) {
        amqp_add_method(&server->out, 0, AMQP_CONNECTION_UPDATE_SECRET_OK);
    } else if (server->state == AMQP_AT_WORK) {
        amqp_server_fail(server, id,
                         "CHANNEL_ERROR - unexpected method in connection state running");
    }
}

static void hear_channel_0(struct amqp_server *server, const struct amqp_frame *frame)
{
    struct amqp_method method;

    if (frame->type == AMQP_FRAME_METHOD &&
        read_method(server, &server->passing, frame, &method))
        hear_connection(server, &method);
    else if (frame->type != AMQP_FRAME_METHOD && server->state < AMQP_AT_WORK)
        amqp_server_break(server, "it sent something else than methods first");
    else if (frame->type != AMQP_FRAME_METHOD && server->state == AMQP_AT_WORK)
        amqp_server_fail(server, 0, "UNEXPECTED_FRAME - type %d, all octets = <<>>",
                         frame->type);
}

/* Returns whether the owner is asked, of server->asked. */
static bool hear(struct amqp_server *server, const struct amqp_frame *frame)
{
    struct amqp_channel *channel = find_channel(server, frame->channel);

    if (server->watch)
        server->watch(server->watch_arg, frame);
    arena_clear(&server->passing);
    if (frame->type == AMQP_FRAME_HEARTBEAT) {
        if (frame->channel != 0 && server->state == AMQP_AT_WORK)
            amqp_server_fail(server, 0, "UNEXPECTED_FRAME - type 8, all octets = <<>>");
    } else if (frame->channel == 0) {
        hear_channel_0(server, frame);
    } else if (server->state < AMQP_AT_WORK) {
        amqp_server_break(server, "it used a channel before the connection was open");
    } else if (server->state == AMQP_AT_WORK && !channel) {
        hear_new_channel(server, frame);
    } else if (server->state == AMQP_AT_WORK && hear_channel(server, channel, frame)) {
        server->asked = channel;
        return true;
    }
    return false;
}

static void fail_frame(struct amqp_server *server, int r, const struct amqp_frame *frame)
{
    struct buf octets = BUF_INIT(1024);

    if (server->state < AMQP_AT_WORK) {
        amqp_server_break(server, "it sent what is no frame");
        return;
    }
    if (r == -EMSGSIZE) {
        amqp_server_fail(server, 0,
                         "FRAME_ERROR - type %d, all octets = <<>>: {frame_too_large,%zu,%zu}",
                         frame->type, frame->size, server->frame_max - AMQP_FRAME_OVERHEAD);
    } else {
        add_octets(&octets, frame->payload, frame->size);
        amqp_server_fail(
            server, 0, "FRAME_ERROR - type %d, all octets = %s: {invalid_frame_end_marker,%d}",
            frame->type, buf_text(&octets), (unsigned char)frame->payload[frame->size]);
    }
    buf_fini(&octets);
    server->state = AMQP_AT_REST; /* nothing behind it can be read */
}

static bool is_known_type(int type)
{
    return type == AMQP_FRAME_METHOD || type == AMQP_FRAME_HEADER || type == AMQP_FRAME_BODY ||
           type == AMQP_FRAME_HEARTBEAT;
}

/* How many bytes the next frame took; 0: more are needed. */
static size_t take_frame(struct amqp_server *server, bool *ret_asks)
{
    const char *data = server->in.data + server->in_at;
    size_t size = server->in.size - server->in_at;
    struct amqp_frame frame;
    int r;

    if (server->state == AMQP_AT_HEADER)
        return (size_t)amqp_server_greet(server, data, size);
    r = amqp_frame_read(data, size, server->frame_max, &frame);
    if (r < 0 && server->state == AMQP_AT_CLOSE_OK)
        amqp_server_break(server, "it sent what is no frame");
    else if (r < 0)
        fail_frame(server, r, &frame);
    else if (r > 0 && !is_known_type(frame.type) && server->state == AMQP_AT_WORK)
        amqp_server_fail(server, 0, "FRAME_ERROR - type %d, all octets = <<>>: unknown_frame",
                         frame.type);
    else if (r > 0)
        *ret_asks = hear(server, &frame);
    return r > 0 ? (size_t)r : 0;
}

int amqp_server_feed(struct amqp_server *server, const void *data, size_t size)
{
    return server->state >= AMQP_AT_REST ? 0 : buf_add(&server->in, data, size);
}

static void clear_asked(struct amqp_server *server)
{
    if (server->asked) {
        arena_clear(&server->asked->arena);
        buf_clear(&server->asked->body);
    }
    server->asked = NULL;
}

enum amqp_server_step amqp_server_next(struct amqp_server *server, struct amqp_ask **ret)
{
    bool asks = false;

    clear_asked(server);
    while (!asks && server->state < AMQP_AT_REST && server->in_at < server->in.size) {
        size_t size = take_frame(server, &asks);

        server->in_at += size;
        if (size == 0)
            break;
    }
    if (server->in_at == server->in.size || server->in_at > DROP_AT) {
        buf_drop(&server->in, server->in_at);
        server->in_at = 0;
    }
    if (server->out.failed) {
        amqp_server_break(server, "more was to be sent to it than it takes");
        return AMQP_SERVER_END;
    }
    if (asks) {
        *ret = &server->asked->ask;
        return AMQP_SERVER_ASK;
    }
    return server->state == AMQP_AT_END ? AMQP_SERVER_END : AMQP_SERVER_MORE;
}
