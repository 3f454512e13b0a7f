/* amqp/serve.c - what a client asks of an AMQP double, answered by its broker; see session.h. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/verify.h"
#include "base/deadline.h"
#include "test/t.h"

enum { WORDS_MAX = 16 << 10, NAME_LETTERS = 22 };

/* ---- arguments --------------------------------------------------------------------------- */

uint64_t amqp_call_number(const struct amqp_call *call, int argument)
{
    return call->ask->method.values[argument].number;
}

const char *amqp_call_text(const struct amqp_call *call, int argument)
{
    return call->ask->method.values[argument].data;
}

const char *amqp_call_queue(struct amqp_call *call, int argument)
{
    const char *name = amqp_call_text(call, argument);

    if (*name)
        return name;
    if (*call->lane->queue)
        return call->lane->queue;
    amqp_call_refuse(call, "NOT_FOUND - no previously declared queue");
    return NULL;
}

void amqp_call_wish(struct amqp_call *call, int argument, struct broker_wish *ret)
{
    const struct amqp_value *table = &call->ask->method.values[argument];
    struct amqp_cursor cursor = amqp_cursor(table->data, table->size);
    struct broker_argument *arguments;
    struct amqp_field field;
    struct buf text = BUF_INIT(WORDS_MAX);
    size_t count = 0;

    while (amqp_table_next(&cursor, &field))
        count++;
    arguments = arena_zero(&call->arena, count * sizeof *arguments + 1);
    cursor = amqp_cursor(table->data, table->size);
    for (size_t i = 0; amqp_table_next(&cursor, &field); i++) {
        buf_clear(&text);
        amqp_field_text(&field, &text);
        arguments[i] = (struct broker_argument){
            .name = arena_copy(&call->arena, field.name, field.name_size),
            .type = amqp_type_name(field.type),
            .value = arena_copy(&call->arena, buf_text(&text), text.size),
        };
    }
    buf_fini(&text);
    ret->arguments = arguments;
    ret->argument_count = count;
}

/* As RabbitMQ's look, but counted: a run can be repeated. */
const char *amqp_call_new_name(struct amqp_call *call, const char *prefix)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t number = ++call->session->mock->names * UINT64_C(0x9e3779b97f4a7c15);
    char name[NAME_LETTERS + 1] = "";

    for (int i = 0; i < NAME_LETTERS; i++) {
        name[i] = letters[number >> 58];
        number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
    }
    return arena_printf(&call->arena, "%s%s", prefix, name);
}

/* ---- refusals ---------------------------------------------------------------------------- */

void amqp_call_refuse(struct amqp_call *call, const char *text)
{
    struct amqp_server *server = call->session->server;

    call->answer = arena_dup(&call->arena, text);
    broker_leave(call->session->mock->broker); /* what a channel held goes back */
    amqp_server_refuse(server, call->ask, text);
    amqp_server_trouble(server);
    broker_enter(call->session->mock->broker);
    call->lane = NULL;
}

void amqp_call_refuse_as(struct amqp_call *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    amqp_call_refuse(call, arena_vprintf(&call->arena, format, args));
    va_end(args);
}

void amqp_call_unsupported(struct amqp_call *call, const char *what)
{
    call->unsupported = arena_dup(&call->arena, what);
    amqp_transcribe_stop(call->session->mock);
    amqp_call_refuse_as(call, "NOT_IMPLEMENTED - %s is not supported by this mock", what);
}

static void say_unsupported(struct amqp_call *call)
{
    struct seam_amqp_mock *mock = call->session->mock;

    if (!told_is_news(&mock->told, call->unsupported, strlen(call->unsupported)))
        return;
    seam_error_at(mock->t, mock->site,
                  "'%s': %s is not supported by seam_amqp_mock\n"
                  "try: a real RabbitMQ (seam_rabbitmq_start) for this test",
                  mock->name, call->unsupported);
}

/* ---- the report -------------------------------------------------------------------------- */

/* Of the first frame that was written. */
static const char *name_of_answer(struct amqp_call *call, size_t at)
{
    const struct buf *out = call->out;
    struct amqp_frame frame;
    const struct amqp_method_spec *spec;
    struct amqp_cursor cursor;

    if (out->size <= at || amqp_frame_read(out->data + at, out->size - at, 0, &frame) <= 0 ||
        frame.type != AMQP_FRAME_METHOD)
        return "no answer";
    cursor = amqp_cursor(frame.payload, frame.size);
    spec = amqp_spec((uint32_t)amqp_take(&cursor, 4));
    return spec ? spec->name : "";
}

static void report(struct amqp_call *call, size_t at, uint64_t begin_ns)
{
    const struct amqp_ask *ask = call->ask;
    bool publishes = ask->method.spec->id == AMQP_BASIC_PUBLISH;
    struct buf *words = &call->session->mock->words;

    buf_clear(words);
    if (!publishes)
        amqp_method_show(&ask->method, words);
    else
        buf_printf(words, "publish '%s' to '%s'", ask->method.values[2].data,
                   ask->method.values[1].data);
    t_exchange(call->session->mock->t,
               &(struct t_exchange){
                   .seam = "amqp",
                   .what = buf_text(words),
                   .answer = call->answer ? call->answer : name_of_answer(call, at),
                   .begin_ns = begin_ns,
                   .elapsed_ns = now_ns() - begin_ns,
                   .body = publishes ? ask->body : call->body,
                   .body_size = publishes ? ask->body_size : call->body_size,
                   .note = call->note,
               });
}

/* ---- */

static void serve_tx(struct amqp_call *call)
{
    if (call->lane->confirms && call->ask->method.spec->id == AMQP_TX_SELECT)
        amqp_call_refuse(call, "PRECONDITION_FAILED - cannot switch from confirm to tx mode");
    else if (call->ask->method.spec->id == AMQP_TX_SELECT)
        amqp_call_unsupported(call, "tx.select");
    else
        amqp_call_refuse(call, "PRECONDITION_FAILED - channel is not transactional");
}

static void serve_confirm(struct amqp_call *call)
{
    call->lane->confirms = true;
    if (!amqp_call_number(call, 0))
        amqp_add_method(call->out, call->ask->channel, AMQP_CONFIRM_SELECT_OK);
}

static void serve(struct amqp_call *call)
{
    uint32_t id = call->ask->method.spec->id;

    switch (id >> 16) {
    case 30: /* access.request: a ticket that opens everything, as RabbitMQ's */
        amqp_add_method(call->out, call->ask->channel, AMQP_ACCESS_REQUEST_OK, 1);
        break;
    case 40:
        amqp_serve_exchange(call);
        break;
    case 50:
        amqp_serve_queue(call);
        break;
    case 85:
        serve_confirm(call);
        break;
    case 90:
        serve_tx(call);
        break;
    default:
        if (id == AMQP_BASIC_PUBLISH)
            amqp_serve_publish(call);
        else
            amqp_serve_basic(call);
    }
}

/* The channel may have gone meanwhile. */
static void confirm(const struct amqp_call *call)
{
    struct amqp_session *session = call->session;
    struct amqp_lane *lane = amqp_server_memory(session->server, call->channel);

    if (session->stream.dead || !lane)
        return;
    if (call->confirm == AMQP_BASIC_ACK)
        amqp_add_method(call->out, lane->channel, AMQP_BASIC_ACK, lane->published, 0);
    else
        amqp_add_method(call->out, lane->channel, AMQP_BASIC_NACK, lane->published, 0, 0);
}

void amqp_serve(struct amqp_session *session, const struct amqp_ask *ask)
{
    struct seam_amqp_mock *mock = session->mock;
    uint64_t begin_ns = now_ns();
    struct amqp_call call = { .session = session,
                              .lane = amqp_lane_of(session, ask),
                              .ask = ask,
                              .channel = ask->channel,
                              .out = amqp_server_out(session->server) };
    size_t at = call.out->size;

    call.core = broker_enter(mock->broker);
    serve(&call);
    broker_leave(mock->broker);
    report(&call, at, begin_ns);
    if (call.unsupported)
        say_unsupported(&call);
    arena_fini(&call.arena);
    amqp_door_pump(mock);
    if (call.confirm)
        confirm(&call);
}
