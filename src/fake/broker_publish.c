/* fake/broker_publish.c - messages that are published, and failures on demand; see seam/broker.h. */

#include <errno.h>
#include <string.h>

#include "base/deadline.h"
#include "fake/broker.h"
#include "test/t.h"

struct publish {
    seam_message message; /* without NULL where there has to be a text */
    const struct broker_offer *offer; /* that brought it; NULL: a call */
    bool mandatory;
    bool by_port; /* which cannot say mandatory */
    const struct failure *failure; /* NULL: none */
    int queues; /* that got it */
    bool taken;
    struct err err; /* of a refusal */
    bool refused;
};

/* ---- failures ---------------------------------------------------------------------------- */

void seam_broker_fail_with(seam_broker *broker, const seam_broker_failure *said)
{
    struct failure *failure, **end = &broker->failures;

    if (said->at < 0 || said->times < -1)
        seam_fatal_at(broker->t, broker->site, "seam_broker_fail: %s is out of range",
                      said->at < 0 ? ".at" : ".times");
    if (said->unroutable && (said->connection_lost || said->accepted))
        seam_fatal_at(broker->t, broker->site,
                      "seam_broker_fail: .unroutable and .%s exclude each other",
                      said->accepted ? "accepted" : "connection_lost");
    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    failure = broker_alloc(broker->core, sizeof *failure);
    failure->said = *said;
    failure->first = broker->publishes + (said->at > 0 ? (uint64_t)said->at : 1);
    while (*end)
        end = &(*end)->next;
    *end = failure;
    pthread_mutex_unlock(&broker->lock);
}

/* Of this publish, the first that was asked for. */
static const struct failure *find_failure(const seam_broker *broker)
{
    for (const struct failure *at = broker->failures; at; at = at->next) {
        uint64_t times = at->said.times == 0 ? 1 : (uint64_t)at->said.times; /* -1: no end */

        if (broker->publishes >= at->first && broker->publishes - at->first < times)
            return at;
    }
    return NULL;
}

/* ---- publishing: with the lock ----------------------------------------------------------- */

static void keep(seam_broker *broker, const seam_message *message)
{
    struct published *published = broker_alloc(broker->core, sizeof *published);

    published->message = message;
    published->number = broker->journal.size / sizeof published + 1;
    if (buf_add(&broker->journal, &published, sizeof published) < 0)
        arena_give_up(broker->journal.size);
    pthread_cond_broadcast(&broker->came);
}

static void take(seam_broker *broker, struct publish *publish)
{
    const seam_message *copy = broker_copy(broker->core, &publish->message);

    if (publish->offer)
        broker_attach(broker->core, copy, publish->offer->attached,
                      publish->offer->attached_size, publish->offer->header_types);
    if (publish->queues > 0)
        broker_publish(broker->core, copy);
    publish->taken = true;
    keep(broker, copy);
}

/* What a client of a door holds goes back with its own connection. */
static int fail(seam_broker *broker, const struct publish *publish)
{
    if (!publish->failure->said.connection_lost)
        return -EIO;
    if (!publish->offer)
        broker_recover(broker->core);
    return -ENOTCONN;
}

static int deliver(seam_broker *broker, struct publish *publish)
{
    const struct failure *failure = publish->failure;
    bool is_unroutable = failure && failure->said.unroutable;

    if (failure && !is_unroutable && !failure->said.accepted)
        return fail(broker, publish);
    publish->queues =
        broker_route_typed(broker->core, &publish->message,
                           publish->offer ? publish->offer->header_types : NULL, &publish->err);
    publish->refused = publish->queues < 0;
    if (publish->refused)
        return publish->queues;
    if (is_unroutable)
        publish->queues = 0;
    if (publish->queues == 0 && (publish->mandatory || (is_unroutable && publish->by_port)))
        return -ENOENT;
    take(broker, publish);
    return failure && !is_unroutable ? fail(broker, publish) : 0;
}

/* ---- what the report shows --------------------------------------------------------------- */

static const char *say_answer(const struct publish *publish, int r, struct arena *arena)
{
    if (r == -ENOTCONN)
        return publish->taken ? "taken, and the connection is lost" : "the connection is lost";
    if (r == -EIO)
        return publish->taken ? "taken, and the answer is lost" : "it fails";
    if (publish->refused)
        return publish->err.text;
    if (r == -ENOENT)
        return "returned: no queue";
    if (publish->queues == 0)
        return "no queue";
    return arena_printf(arena, "%d queue%s", publish->queues, publish->queues == 1 ? "" : "s");
}

static void report(seam_broker *broker, const struct publish *publish, int r, uint64_t begin_ns)
{
    struct arena arena = { 0 };

    t_exchange(broker->t, &(struct t_exchange){
                              .seam = "broker",
                              .method = "publish",
                              .what = message_name(&publish->message, &arena),
                              .answer = say_answer(publish, r, &arena),
                              .begin_ns = begin_ns,
                              .elapsed_ns = now_ns() - begin_ns,
                              .body = publish->message.body,
                              .body_size = publish->message.size,
                              .note = publish->failure ? "seam_broker_fail" : NULL,
                          });
    if (publish->refused)
        seam_error_at(broker->t, broker->site, "%s", publish->err.text);
    arena_fini(&arena);
}

static int publish_all(seam_broker *broker, struct publish *publish)
{
    uint64_t begin_ns = now_ns();
    int r;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    broker->publishes++;
    publish->failure = find_failure(broker);
    r = deliver(broker, publish);
    pthread_mutex_unlock(&broker->lock);
    report(broker, publish, r, begin_ns);
    broker_run_consumers(broker);
    return r;
}

void broker_offer(seam_broker *broker, struct broker_offer *offer, struct err *err)
{
    struct publish publish = { .message = offer->message,
                               .offer = offer,
                               .mandatory = offer->mandatory };
    int r;

    broker->publishes++;
    publish.failure = find_failure(broker);
    r = deliver(broker, &publish);
    offer->queues = publish.queues;
    offer->refused = publish.refused;
    offer->taken = publish.taken;
    offer->returned = r == -ENOENT && !publish.refused;
    offer->connection_lost = r == -ENOTCONN;
    offer->failed = r == -EIO && !publish.taken;
    offer->answer_lost = r == -EIO && publish.taken;
    offer->note = publish.failure ? "seam_broker_fail" : NULL;
    if (publish.refused)
        *err = publish.err;
}

/* ---- for the application ----------------------------------------------------------------- */

int seam_broker_publish(void *arg, const char *routing_key, const void *body, size_t size)
{
    seam_broker *broker = arg;
    struct publish publish = {
        .message = { .exchange = broker->exchange,
                     .routing_key = routing_key ? routing_key : "",
                     .body = body ? body : "",
                     .size = body ? size : 0,
                     .priority = -1 },
        .by_port = true,
    };

    return publish_all(broker, &publish);
}

int seam_broker_send(void *arg, const seam_message *message, bool mandatory)
{
    seam_broker *broker = arg;
    struct publish publish = { .message = *message, .mandatory = mandatory };
    seam_message *own = &publish.message;

    own->exchange = own->exchange ? own->exchange : broker->exchange;
    own->routing_key = own->routing_key ? own->routing_key : "";
    own->size = own->body ? own->size : 0;
    own->body = own->body ? own->body : "";
    return publish_all(broker, &publish);
}
