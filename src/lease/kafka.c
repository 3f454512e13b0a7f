/* lease/kafka.c - a Kafka for a test: its topics, offsets and failures; see seam/kafka.h. */

#include "lease/kafka.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lease/image_lock.h"
#include "lease/service_request.h"
#include "test/t.h"

enum {
    START_MAX_MS = 600000, /* an image may have to come first */
    CONFIGS = sizeof((seam_kafka_topic_options *)0)->config / sizeof(char *)
};

/* ---- asking ----------------------------------------------------------------------------- */

int kafka_try(seam_kafka *kafka, seam_site at, struct buf *frame, struct message *ret)
{
    int r;

    message_end(frame, 0);
    r = lease_ask(kafka->lease, at, frame, ret);
    buf_fini(frame);
    return r;
}

void kafka_ask(seam_kafka *kafka, seam_site at, struct buf *frame, struct message *ret,
               const char *what, const char *of)
{
    const char *why;
    size_t size;

    if (kafka_try(kafka, at, frame, ret) == 0)
        return;
    why = lease_text(kafka->lease, ret, "error");
    size = strlen(why);
    seam_fatal_at(kafka->t, at, "kafka: cannot %s '%s': %.*s", what, of,
                  (int)(size > 0 && why[size - 1] == '\n' ? size - 1 : size), why);
}

/* ---- starting --------------------------------------------------------------------------- */

/* The log of a failed test is shown as far as it is the test's own. */
static void show_log(void *arg)
{
    seam_kafka *kafka = arg;
    struct message answer;
    struct buf frame;
    const char *log;

    if (!seam_failed(kafka->t) || kafka->lease->fd < 0 || kafka->lease->owner != getpid())
        return;
    lease_request(&frame, "logs");
    if (kafka_try(kafka, kafka->lease->site, &frame, &answer) < 0)
        return;
    log = lease_text(kafka->lease, &answer, "log");
    if (*log)
        seam_log_at(kafka->t, kafka->lease->site, "kafka while the test ran:\n%.*s",
                    (int)strlen(log) - 1, log);
}

/* What contradicts itself. */
static const char *what_is_wrong(const seam_kafka_options *options)
{
    if (options->tier < SEAM_KAFKA_ANY || options->tier > SEAM_KAFKA_MOCK)
        return ".tier is none of SEAM_KAFKA_ANY, _NATIVE, _CONTAINER and _MOCK";
    if (options->brokers != 0 && options->tier != SEAM_KAFKA_MOCK)
        return ".brokers is of a mock: ask for .tier = SEAM_KAFKA_MOCK too";
    if (options->image &&
        (options->tier == SEAM_KAFKA_MOCK || options->tier == SEAM_KAFKA_NATIVE))
        return ".image is of a container, which .tier forbids";
    if (options->network &&
        (options->tier == SEAM_KAFKA_MOCK || options->tier == SEAM_KAFKA_NATIVE))
        return ".network is of a container, which .tier forbids";
    return NULL;
}

static void write_request(seam_t *t, const seam_kafka_options *options, struct buf *frame)
{
    static const char *const tiers[] = { "any", "native", "container", "mock" };
    bool wants_container = options->image || options->network;

    lease_request(frame, "kafka.start");
    message_add_text(frame, "test", seam_name(t));
    message_add_text(frame, "tier",
                     tiers[wants_container ? SEAM_KAFKA_CONTAINER : options->tier]);
    message_add_text(frame, "image", options->image);
    message_add_text(frame, "network",
                     options->network ? service_network_id(options->network) : NULL);
    message_add_int(frame, "brokers", options->brokers);
    message_add_int(frame, "private", options->private_server || options->network);
    message_add_int(frame, "containers", t_wants_containers());
    message_add_int(frame, "offline", getenv(IMAGE_OFFLINE_VARIABLE) != NULL);
    message_end(frame, 0);
}

seam_kafka *seam_kafka_start_at(seam_t *t, const seam_kafka_options *options)
{
    seam_kafka *kafka = arena_zero(t_arena(t), sizeof *kafka);
    const char *wrong = what_is_wrong(options);
    struct message answer;
    struct buf frame;

    if (wrong)
        seam_fatal_at(t, options->site, "kafka: %s", wrong);
    kafka->t = t;
    write_request(t, options, &frame);
    kafka->lease = lease_start_long(t, options->site, "kafka", &frame, START_MAX_MS, &answer);
    buf_fini(&frame);
    kafka->servers = lease_text(kafka->lease, &answer, "servers");
    kafka->inside = lease_text(kafka->lease, &answer, "inside");
    kafka->version = lease_text(kafka->lease, &answer, "version");
    kafka->tier = lease_text(kafka->lease, &answer, "tier");
    kafka->prefix = lease_text(kafka->lease, &answer, "prefix");
    kafka->inside_port = (int)message_int(&answer, "inside_port", 0);
    kafka->is_own =
        options->private_server || options->network || strcmp(kafka->tier, "mock") == 0;
    seam_cleanup(t, show_log, kafka);
    return kafka;
}

const char *seam_kafka_servers(const seam_kafka *kafka)
{
    return kafka->servers;
}

const char *seam_kafka_version(const seam_kafka *kafka)
{
    return kafka->version;
}

const char *seam_kafka_container_servers(const seam_kafka *kafka)
{
    if (!*kafka->inside)
        seam_fatal_at(kafka->t, kafka->lease->site,
                      "kafka: containers cannot reach a %s; ask for .tier = "
                      "SEAM_KAFKA_CONTAINER or SEAM_KAFKA_NATIVE",
                      kafka->tier);
    return kafka->inside;
}

int seam_kafka_container_port(const seam_kafka *kafka)
{
    return kafka->inside_port;
}

const char *seam_kafka_group(const seam_kafka *kafka, const char *name)
{
    return arena_printf(t_arena(kafka->t), "%s%s", kafka->prefix, name);
}

/* ---- topics ----------------------------------------------------------------------------- */

const char *seam_kafka_topic_name(const seam_kafka *kafka, const char *name)
{
    return arena_printf(t_arena(kafka->t), "%s%s", kafka->prefix, name);
}

const char *seam_kafka_topic_at(seam_kafka *kafka, const char *name,
                                const seam_kafka_topic_options *options)
{
    const char *topic = options->exact ? arena_dup(t_arena(kafka->t), name)
                                       : seam_kafka_topic_name(kafka, name);
    struct message answer;
    struct buf frame;

    if (options->exact && !kafka->is_own)
        seam_fatal_at(
            kafka->t, options->site,
            "kafka: cannot make the topic '%s' by just this name: other tests use this "
            "server too: ask for .private_server = true",
            name);
    lease_request(&frame, "topic");
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "partitions", options->partitions != 0 ? options->partitions : 1);
    for (int i = 0; i < CONFIGS && options->config[i]; i++)
        message_add_text(&frame, "config", options->config[i]);
    kafka_ask(kafka, options->site, &frame, &answer, "make the topic", topic);
    return topic;
}

void seam_kafka_delete_topic_at(seam_kafka *kafka, seam_site at, const char *topic)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "delete_topic");
    message_add_text(&frame, "topic", topic);
    kafka_ask(kafka, at, &frame, &answer, "delete the topic", topic);
}

/* ---- offsets ---------------------------------------------------------------------------- */

int64_t seam_kafka_end_offset_at(seam_kafka *kafka, seam_site at, const char *topic,
                                 int partition)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "offset");
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "partition", partition);
    kafka_ask(kafka, at, &frame, &answer, "ask for the offsets of", topic);
    return message_int(&answer, "end", 0);
}

int64_t seam_kafka_committed_at(seam_kafka *kafka, seam_site at, const char *group,
                                const char *topic, int partition)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "committed");
    message_add_text(&frame, "group", group);
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "partition", partition);
    kafka_ask(kafka, at, &frame, &answer, "ask for the offsets of the group", group);
    return message_int(&answer, "offset", -1);
}

static int64_t ask_lag(seam_kafka *kafka, seam_site at, const char *group, const char *topic,
                       int within_ms)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "lag");
    message_add_text(&frame, "group", group);
    message_add_text(&frame, "topic", topic);
    if (within_ms >= 0) {
        message_add_int(&frame, "most", 0);
        message_add_int(&frame, "within_ms", t_wait_ms(kafka->t, within_ms));
    }
    kafka_ask(kafka, at, &frame, &answer, "ask for the offsets of the group", group);
    return message_int(&answer, "lag", 0);
}

int64_t seam_kafka_lag_at(seam_kafka *kafka, seam_site at, const char *group, const char *topic)
{
    return ask_lag(kafka, at, group, topic, -1);
}

void seam_kafka_expect_caught_up_at(seam_kafka *kafka, seam_site at, const char *group,
                                    const char *topic, int within_ms)
{
    int64_t lag = ask_lag(kafka, at, group, topic, within_ms > 0 ? within_ms : 0);

    if (lag > 0)
        seam_error_at(kafka->t, at,
                      "the group '%s' has not caught up with '%s' within %d ms: %lld %s not "
                      "committed",
                      group, topic, within_ms, (long long)lag,
                      lag == 1 ? "record is" : "records are");
}

/* ---- failures --------------------------------------------------------------------------- */

void seam_kafka_do_at(seam_kafka *kafka, seam_site at, const char *what)
{
    lease_do(kafka->lease, at, what, what);
}

void seam_kafka_mock_fail_at(seam_kafka *kafka, seam_site at, const char *request,
                             const char *error, int times)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "fail");
    message_add_text(&frame, "request", request);
    message_add_text(&frame, "error", error);
    message_add_int(&frame, "times", times);
    kafka_ask(kafka, at, &frame, &answer, "fail the request", request);
}

static void ask_broker(seam_kafka *kafka, seam_site at, const char *verb, int broker,
                       const char *key, int value, const char *what)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, verb);
    message_add_int(&frame, "broker", broker);
    message_add_int(&frame, key, value);
    kafka_ask(kafka, at, &frame, &answer, what, arena_printf(t_arena(kafka->t), "%d", broker));
}

void seam_kafka_mock_delay_at(seam_kafka *kafka, seam_site at, int broker, int ms)
{
    ask_broker(kafka, at, "delay", broker, "ms", ms, "delay the broker");
}

void seam_kafka_mock_broker_at(seam_kafka *kafka, seam_site at, int broker, bool up)
{
    ask_broker(kafka, at, "broker", broker, "up", up,
               up ? "raise the broker" : "stop the broker");
}

void seam_kafka_mock_leader_at(seam_kafka *kafka, seam_site at, const char *topic,
                               int partition, int broker)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "leader");
    message_add_text(&frame, "topic", topic);
    message_add_int(&frame, "partition", partition);
    message_add_int(&frame, "broker", broker);
    kafka_ask(kafka, at, &frame, &answer, "choose a leader of", topic);
}
