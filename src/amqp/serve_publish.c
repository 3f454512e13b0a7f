/* amqp/serve_publish.c - messages that clients publish; see session.h. */

#include <string.h>

#include "amqp/session.h"

/* ticket exchange routing-key mandatory immediate */
static bool check(struct amqp_call *call, const char *exchange)
{
    const struct amqp_properties *properties = &call->ask->content.properties;
    const struct amqp_value *headers = &properties->at[AMQP_HEADERS];
    const char *login = amqp_server_login(call->session->server);
    struct amqp_field field;

    if (amqp_call_number(call, 4))
        amqp_call_refuse(call, "NOT_IMPLEMENTED - immediate=true");
    else if (*exchange && broker_check_exchange(call->core, exchange, &call->err) < 0)
        amqp_call_refuse(call, call->err.text);
    else if (broker_check_internal(call->core, exchange, &call->err) < 0)
        amqp_call_refuse(call, call->err.text);
    else if (properties->set & 1u << AMQP_USER_ID &&
             strcmp(properties->at[AMQP_USER_ID].data, login) != 0)
        amqp_call_refuse_as(call,
                            "PRECONDITION_FAILED - user_id property set to '%s' but "
                            "authenticated user was '%s'",
                            properties->at[AMQP_USER_ID].data, login);
    else if (headers->size > 0 &&
             (amqp_table_find(headers->data, headers->size, "CC", &field) ||
              amqp_table_find(headers->data, headers->size, "BCC", &field)))
        amqp_call_unsupported(call, "the header 'CC' or 'BCC' of a message");
    else
        return true;
    return false;
}

static void give_back(struct amqp_call *call, const struct broker_offer *offer)
{
    const struct amqp_ask *ask = call->ask;

    amqp_add_method(call->out, ask->channel, AMQP_BASIC_RETURN, AMQP_NO_ROUTE, "NO_ROUTE",
                    offer->message.exchange, offer->message.routing_key);
    amqp_server_content(call->session->server, ask->channel, ask->content.raw,
                        ask->content.raw_size, ask->body, ask->body_size);
}

static void confirm(struct amqp_call *call, const struct broker_offer *offer)
{
    if (!call->lane->confirms)
        return;
    call->lane->published++;
    if (offer->failed)
        call->confirm = AMQP_BASIC_NACK;
    else if (!offer->answer_lost && !offer->connection_lost)
        call->confirm = AMQP_BASIC_ACK;
}

static const char *say(struct amqp_call *call, const struct broker_offer *offer)
{
    if (offer->connection_lost)
        return offer->taken ? "taken, and the connection is lost" : "the connection is lost";
    if (offer->failed)
        return "it fails";
    if (offer->answer_lost)
        return "taken, and the answer is lost";
    if (offer->returned)
        return "returned: no queue";
    if (offer->queues == 0)
        return "no queue";
    return arena_printf(&call->arena, "%d queue%s", offer->queues,
                        offer->queues == 1 ? "" : "s");
}

/* As under a memory alarm: who publishes is told, and not heard any more. */
static void block(struct amqp_call *call)
{
    struct amqp_session *session = call->session;

    if (!session->mock->blocks)
        return;
    session->blocked = true;
    if (amqp_server_can(session->server, "connection.blocked"))
        amqp_add_method(call->out, 0, AMQP_CONNECTION_BLOCKED, "low on memory");
}

void amqp_serve_publish(struct amqp_call *call)
{
    const struct amqp_ask *ask = call->ask;
    struct broker_offer offer = { .message = { .exchange = amqp_call_text(call, 1),
                                               .routing_key = amqp_call_text(call, 2),
                                               .body = ask->body,
                                               .size = ask->body_size },
                                  .mandatory = amqp_call_number(call, 3),
                                  .attached = ask->content.raw,
                                  .attached_size = ask->content.raw_size };

    if (!check(call, offer.message.exchange))
        return;
    offer.header_types =
        amqp_message_read(&call->arena, &ask->content.properties, &offer.message);
    broker_offer(call->session->mock->broker, &offer, &call->err);
    if (offer.refused) {
        amqp_call_refuse(call, call->err.text);
        return;
    }
    call->answer = say(call, &offer);
    call->note = offer.note;
    call->session->lost = offer.connection_lost;
    if (offer.returned)
        give_back(call, &offer);
    confirm(call, &offer);
    block(call);
}
