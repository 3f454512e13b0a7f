/* amqp/lane.c - channels of a session: what they hold, and their consumers; see session.h. */

#include <stdlib.h>
#include <string.h>

#include "amqp/session.h"

#include "base/hostile.h"

struct amqp_lane *amqp_lane_of(struct amqp_session *session, const struct amqp_ask *ask)
{
    struct amqp_lane *lane = *ask->memory;

    if (lane)
        return lane;
    lane = calloc(1, sizeof *lane);
    if (!lane)
        arena_give_up(sizeof *lane);
    lane->session = session;
    lane->channel = ask->channel;
    lane->held_end = &lane->held;
    *ask->memory = lane;
    return lane;
}

void amqp_lane_end(struct amqp_lane *lane)
{
    seam_broker *broker = lane->session->mock->broker;
    struct broker *core = broker_enter(broker);
    struct amqp_held *held;

    while (lane->consumers) {
        struct amqp_consumer *consumer = lane->consumers;
        int number = consumer->number;

        amqp_lane_forget(consumer);
        broker_cancel(core, number);
    }
    while ((held = lane->held)) {
        lane->held = held->next;
        broker_reject(core, held->core_tag, true);
        free(held);
    }
    broker_leave(broker);
    free(lane);
}

/* ---- what is held ------------------------------------------------------------------------ */

uint64_t amqp_lane_hold(struct amqp_lane *lane, uint64_t core_tag, bool no_ack)
{
    struct amqp_held *held;

    lane->tags++;
    if (no_ack)
        return lane->tags;
    held = calloc(1, sizeof *held);
    if (!held)
        arena_give_up(sizeof *held);
    held->tag = lane->tags;
    held->core_tag = core_tag;
    *lane->held_end = held;
    lane->held_end = &held->next;
    return lane->tags;
}

static bool has_tag(const struct amqp_lane *lane, uint64_t tag)
{
    const struct amqp_held *held = lane->held;

    while (held && held->tag != tag)
        held = held->next;
    return held != NULL;
}

/* With `multiple` all up to it; 0 is all there are. */
bool amqp_lane_take(struct amqp_lane *lane, uint64_t tag, bool multiple, struct amqp_held **ret)
{
    struct amqp_held **at = &lane->held, **end = ret;

    *ret = NULL;
    if (!(multiple && tag == 0) && !has_tag(lane, tag))
        return false;
    while (*at) {
        struct amqp_held *held = *at;

        if (held->tag != tag && !(multiple && (tag == 0 || held->tag < tag))) {
            at = &held->next;
            continue;
        }
        *at = held->next;
        held->next = NULL;
        *end = held;
        end = &held->next;
    }
    lane->held_end = at;
    return true;
}

/* ---- consumers --------------------------------------------------------------------------- */

struct amqp_consumer *amqp_lane_consumer(const struct amqp_lane *lane, const char *tag)
{
    struct amqp_consumer *consumer = lane->consumers;

    while (consumer && strcmp(consumer->tag, tag) != 0)
        consumer = consumer->next;
    return consumer;
}

void amqp_lane_forget(struct amqp_consumer *consumer)
{
    struct amqp_consumer **at = &consumer->lane->consumers;

    while (*at != consumer)
        at = &(*at)->next;
    *at = consumer->next;
    consumer->lane = NULL;
}
