/* amqp/door.c - by which messages of the broker come to consumers of AMQP clients; see fake/broker.h. */

#include <stddef.h>

#include "amqp/session.h"
#include "base/deadline.h"
#include "test/t.h"

enum { NS_PER_MS = 1000000, EXPIRY_MS_MAX = 1000 };

static void deliver(void *arg, const struct broker_delivery *delivery)
{
    struct amqp_consumer *consumer = arg;
    const seam_message *message = delivery->message;
    struct amqp_lane *lane = consumer->lane;
    struct amqp_server *server = lane->session->server;
    struct arena arena = { 0 };
    size_t size;
    const char *properties = amqp_message_properties(&arena, message, &size);
    uint64_t tag = amqp_lane_hold(lane, message->delivery_tag, consumer->no_ack);

    amqp_add_method(amqp_server_out(server), lane->channel, AMQP_BASIC_DELIVER, consumer->tag,
                    tag, message->redelivered, message->exchange, message->routing_key);
    amqp_server_content(server, lane->channel, properties, size, message->body, message->size);
    t_exchange(lane->session->mock->t,
               &(struct t_exchange){ .seam = "amqp",
                                     .method = "deliver",
                                     .what = message_name(message, &arena),
                                     .answer = arena_printf(&arena, "to consumer '%s' of '%s'",
                                                            consumer->tag, delivery->queue),
                                     .body = message->body,
                                     .body_size = message->size });
    arena_fini(&arena);
}

static void cancelled(void *arg)
{
    struct amqp_consumer *consumer = arg;
    struct amqp_lane *lane = consumer->lane;
    struct amqp_server *server;

    if (!lane)
        return;
    server = lane->session->server;
    if (amqp_server_can(server, "consumer_cancel_notify"))
        amqp_add_method(amqp_server_out(server), lane->channel, AMQP_BASIC_CANCEL,
                        consumer->tag, 1);
    amqp_lane_forget(consumer);
}

/* ---- time -------------------------------------------------------------------------------- */

static void expire(struct loop_timer *timer)
{
    struct seam_amqp_mock *mock =
        (struct seam_amqp_mock *)((char *)timer - offsetof(struct seam_amqp_mock, expiry));

    amqp_door_pump(mock);
}

/* A message that dies may be for a consumer of its dead letters. The test's clock may stand still or leap: it is
 * asked again now and then. */
static void await_expiry(struct seam_amqp_mock *mock)
{
    struct broker *core = broker_enter(mock->broker);
    int64_t next_ms = broker_next_expiry(core), left_ms = next_ms - broker_now_ms(core);

    broker_leave(mock->broker);
    if (next_ms < 0) {
        loop_timer_cancel(&mock->expiry);
        return;
    }
    left_ms = left_ms < 1 ? 1 : left_ms > EXPIRY_MS_MAX ? EXPIRY_MS_MAX : left_ms;
    mock->expiry.fire = expire;
    loop_timer_set(&mock->expiry, now_ns() + (uint64_t)left_ms * NS_PER_MS);
}

/* ---- */

static void done(void *arg)
{
    struct seam_amqp_mock *mock = arg;

    amqp_session_each(mock, amqp_session_send);
    await_expiry(mock);
}

void amqp_door_pump(struct seam_amqp_mock *mock)
{
    broker_pump(mock->broker);
}

void amqp_door_open(struct seam_amqp_mock *mock)
{
    mock->door = (struct broker_door){ .lock = loop_lock,
                                       .unlock = loop_unlock,
                                       .outside = loop_outside,
                                       .deliver = deliver,
                                       .cancelled = cancelled,
                                       .done = done,
                                       .arg = mock };
    mock->broker->door = &mock->door;
}

void amqp_door_close(struct seam_amqp_mock *mock)
{
    broker_enter(mock->broker);
    mock->broker->door = NULL;
    broker_leave(mock->broker);
    loop_timer_cancel(&mock->expiry);
}
