/* fake/broker.c - the functions of seam/broker.h about what is in a broker; see broker.h. */

#include "fake/broker.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "fake/now.h"
#include "test/t.h"

static int64_t now_ms(void *arg)
{
    (void)arg;
    return fake_now_ms();
}

/* ---- the life of a broker ---------------------------------------------------------------- */

static _Thread_local const seam_broker *running; /* whose consumers this thread calls */

static void stop(void *arg)
{
    seam_broker *broker = arg;

    if (running == broker) /* a consumer has ended the test */
        running = NULL;
    broker_expect_end(broker);
    for (struct expectation *at = broker->expectations; at; at = at->next)
        message_match_fini(at->match);
    buf_fini(&broker->journal);
    broker_free(broker->core);
    pthread_cond_destroy(&broker->came);
    pthread_mutex_destroy(&broker->lock);
}

static struct broker *new_core(void)
{
    struct timespec wall;
    struct broker_time time = { .now_ms = now_ms };

    clock_gettime(CLOCK_REALTIME, &wall);
    time.epoch_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - fake_now_ms();
    return broker_new(&time);
}

seam_broker *broker_start(seam_t *t, const seam_broker_options *options)
{
    seam_broker *broker = arena_zero(t_arena(t), sizeof *broker);

    broker->t = t;
    broker->site = options->site;
    broker->exchange = arena_dup(t_arena(t), options->exchange ? options->exchange : "events");
    broker->strict = options->strict;
    broker->journal = BUF_INIT(SIZE_MAX / 2);
    broker->expectations_end = &broker->expectations;
    pthread_mutex_init(&broker->lock, NULL);
    pthread_cond_init(&broker->came, NULL);
    broker->core = new_core();
    if (!broker->core)
        seam_fatal_at(t, options->site, "cannot start a broker: out of memory");
    seam_cleanup(t, stop, broker);
    return broker;
}

seam_broker *seam_broker_start_at(seam_t *t, const seam_broker_options *options)
{
    seam_broker *broker = broker_start(t, options);
    struct err err;

    if (!broker_has_exchange(broker->core, broker->exchange) &&
        broker_declare_exchange(broker->core, broker->exchange, "topic", &err) < 0)
        seam_fatal_at(t, options->site, "%s", err.text);
    return broker;
}

struct published *broker_published(const seam_broker *broker, size_t i)
{
    seam_broker *locked = (seam_broker *)broker;
    struct published *published = NULL;

    pthread_mutex_lock(&locked->lock);
    if (i < broker->journal.size / sizeof(struct published *))
        published = ((struct published **)(void *)broker->journal.data)[i];
    pthread_mutex_unlock(&locked->lock);
    return published;
}

size_t seam_broker_count(const seam_broker *broker)
{
    seam_broker *locked = (seam_broker *)broker;
    size_t count;

    pthread_mutex_lock(&locked->lock);
    count = broker->journal.size / sizeof(struct published *);
    pthread_mutex_unlock(&locked->lock);
    return count;
}

const seam_message *seam_broker_message(const seam_broker *broker, size_t i)
{
    const struct published *published = broker_published(broker, i);

    return published ? published->message : NULL;
}

/* ---- exchanges and queues ---------------------------------------------------------------- */

/* After a call of the core's. */
static void unlock_and_judge(seam_broker *broker, seam_site at, int r, const struct err *err)
{
    pthread_mutex_unlock(&broker->lock);
    if (r < 0)
        seam_fatal_at(broker->t, at, "%s", err->text);
}

void seam_broker_exchange_at(seam_broker *broker, seam_site at, const char *name,
                             const char *type)
{
    struct err err;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    unlock_and_judge(broker, at, broker_declare_exchange(broker->core, name, type, &err), &err);
}

void seam_broker_queue_at(seam_broker *broker, const char *name,
                          const seam_broker_queue_options *options)
{
    const struct broker_arguments arguments = {
        .dead_letter_exchange = options->dead_letter_exchange,
        .dead_letter_key = options->dead_letter_key,
        .message_ttl_ms = options->message_ttl_ms,
        .max_length = options->max_length,
    };
    struct err err;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    unlock_and_judge(broker, options->site,
                     broker_declare_queue(broker->core, name, &arguments, &err), &err);
}

void seam_broker_bind_at(seam_broker *broker, seam_site at, const char *queue,
                         const char *exchange, const char *key)
{
    struct err err;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    unlock_and_judge(broker, at, broker_bind(broker->core, queue, exchange, key, NULL, &err),
                     &err);
}

void seam_broker_bind_headers_at(seam_broker *broker, const char *queue, const char *exchange,
                                 const seam_broker_headers *wanted)
{
    struct broker_headers headers = { .at = wanted->match, .any = wanted->any };
    struct err err;

    while (headers.count < sizeof wanted->match / sizeof *wanted->match &&
           wanted->match[headers.count].name)
        headers.count++;
    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    unlock_and_judge(broker, wanted->site,
                     broker_bind(broker->core, queue, exchange, "", &headers, &err), &err);
}

/* ---- messages of a queue ----------------------------------------------------------------- */

/* Those that any thread may call cannot end the test. */
static void judge(seam_broker *broker, int r, const struct err *err)
{
    if (r < 0)
        seam_error_at(broker->t, broker->site, "%s", err->text);
}

const seam_message *seam_broker_get(seam_broker *broker, const char *queue)
{
    const seam_message *message;
    struct err err;
    int r;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    r = broker_get(broker->core, queue, &message, &err);
    pthread_mutex_unlock(&broker->lock);
    judge(broker, r, &err);
    return message;
}

static struct broker_counts counts_of(seam_broker *broker, const char *queue)
{
    struct broker_counts counts;
    struct err err;
    int r;

    pthread_mutex_lock(&broker->lock);
    r = broker_counts(broker->core, queue, &counts, &err);
    pthread_mutex_unlock(&broker->lock);
    judge(broker, r, &err);
    return counts;
}

size_t seam_broker_ready(seam_broker *broker, const char *queue)
{
    return counts_of(broker, queue).ready;
}

size_t seam_broker_unacknowledged(seam_broker *broker, const char *queue)
{
    return counts_of(broker, queue).unacknowledged;
}

int seam_broker_ack(seam_broker *broker, uint64_t delivery_tag)
{
    int r;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    r = broker_ack(broker->core, delivery_tag);
    pthread_mutex_unlock(&broker->lock);
    broker_run_consumers(broker);
    return r;
}

int seam_broker_reject(seam_broker *broker, uint64_t delivery_tag, bool requeue)
{
    int r;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    r = broker_reject(broker->core, delivery_tag, requeue);
    pthread_mutex_unlock(&broker->lock);
    broker_run_consumers(broker);
    return r;
}

void seam_broker_recover(seam_broker *broker)
{
    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    broker_recover(broker->core);
    pthread_mutex_unlock(&broker->lock);
    broker_run_consumers(broker);
}

/* ---- consumers --------------------------------------------------------------------------- */

int seam_broker_consume(seam_broker *broker, const char *queue, int prefetch,
                        seam_broker_consume_fn *fn, void *arg)
{
    struct broker_callback *callback;
    struct err err;
    int number;

    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    number = broker_consume(broker->core, queue, prefetch, &err);
    if (number > 0) {
        callback = broker_alloc(broker->core, sizeof *callback);
        *callback = (struct broker_callback){ broker->callbacks, number, fn, arg };
        broker->callbacks = callback;
    }
    pthread_mutex_unlock(&broker->lock);
    judge(broker, number, &err);
    broker_run_consumers(broker);
    return number;
}

void seam_broker_cancel(seam_broker *broker, int consumer)
{
    pthread_mutex_lock(&broker->lock);
    broker->touched = true;
    broker_cancel(broker->core, consumer);
    pthread_mutex_unlock(&broker->lock);
}

int broker_door_consume(seam_broker *broker, const char *queue,
                        const struct broker_consumer *as, void *arg, struct err *err)
{
    struct broker_callback *callback;
    int number = broker_consume_as(broker->core, queue, as, err);

    if (number < 0)
        return number;
    callback = broker_alloc(broker->core, sizeof *callback);
    *callback = (struct broker_callback){ broker->callbacks, number, NULL, arg };
    broker->callbacks = callback;
    return number;
}

struct broker *broker_enter(seam_broker *broker)
{
    pthread_mutex_lock(&broker->lock);
    return broker->core;
}

void broker_leave(seam_broker *broker)
{
    pthread_mutex_unlock(&broker->lock);
}

/* ---- calling them ------------------------------------------------------------------------ */

static const struct broker_callback *find_callback(const seam_broker *broker, int consumer)
{
    const struct broker_callback *callback = broker->callbacks;

    while (callback && callback->consumer != consumer)
        callback = callback->next;
    return callback;
}

static const struct broker_callback *next_delivery(seam_broker *broker,
                                                   struct broker_delivery *ret)
{
    const struct broker_callback *callback = NULL;

    pthread_mutex_lock(&broker->lock);
    if (broker->callbacks && broker_deliver(broker->core, ret))
        callback = find_callback(broker, ret->consumer);
    pthread_mutex_unlock(&broker->lock);
    return callback;
}

static const struct broker_callback *next_cancelled(seam_broker *broker)
{
    const struct broker_callback *callback = NULL;
    int consumer;

    pthread_mutex_lock(&broker->lock);
    while (!callback && (consumer = broker_next_cancelled(broker->core)) > 0) {
        callback = find_callback(broker, consumer);
        if (callback && callback->fn)
            callback = NULL; /* a function of the test's is not told */
    }
    pthread_mutex_unlock(&broker->lock);
    return callback;
}

struct call {
    seam_broker *broker;
    const struct broker_callback *callback;
    const struct broker_delivery *delivery;
};

static void call_user(void *arg)
{
    const struct call *call = arg;

    call->callback->fn(call->broker, call->delivery->message, call->callback->arg);
}

static void call_consumer(seam_broker *broker, const struct broker_callback *callback,
                          const struct broker_delivery *delivery)
{
    struct call call = { broker, callback, delivery };

    if (!callback->fn)
        broker->door->deliver(callback->arg, delivery);
    else if (broker->door)
        broker->door->outside(call_user, &call);
    else
        call_user(&call);
}

/* What a consumer causes is done when it has returned: its calls nest no deeper. */
void broker_pump(seam_broker *broker)
{
    const seam_broker *outer = running;
    const struct broker_callback *callback;
    struct broker_delivery delivery;

    if (running == broker)
        return;
    running = broker;
    while ((callback = next_cancelled(broker)))
        broker->door->cancelled(callback->arg);
    while ((callback = next_delivery(broker, &delivery))) {
        if (delivery.tries == BROKER_TRIES_MAX)
            seam_error_at(broker->t, broker->site,
                          "queue '%s' gave out one message %d times, which its consumer sends "
                          "back: it is given to consumers no more",
                          delivery.queue, delivery.tries);
        call_consumer(broker, callback, &delivery);
    }
    running = outer;
    if (broker->door)
        broker->door->done(broker->door->arg);
}

void broker_run_consumers(seam_broker *broker)
{
    if (running == broker)
        return;
    if (broker->door)
        broker->door->lock();
    broker_pump(broker);
    if (broker->door)
        broker->door->unlock();
}
