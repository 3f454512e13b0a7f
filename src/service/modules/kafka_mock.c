/* service/modules/kafka_mock.c - librdkafka's mock cluster: brokers that are threads of the keeper; see kafka_cluster.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "service/modules/kafka_cluster.h"

enum { BROKERS_MAX = 32, TIMES_MAX = 1000 };

struct kafka_mock {
    struct kafka_cluster cluster; /* first */
    struct service service;
    const struct kafka_library *kafka;
    rd_kafka_t *owner; /* the library wants one */
    rd_kafka_mock_cluster_t *brokers;
    int broker_count;
};

static struct kafka_mock *mock_of(struct kafka_cluster *cluster)
{
    return (struct kafka_mock *)cluster;
}

static void end_service(struct service *service)
{
    (void)service; /* it ends with the keeper */
}

static void say_nothing(const rd_kafka_t *of, int level, const char *facility, const char *text)
{
    (void)of;
    (void)level;
    (void)facility;
    (void)text;
}

static int make_brokers(struct kafka_mock *mock, struct err *err)
{
    const struct kafka_library *kafka = mock->kafka;
    rd_kafka_conf_t *conf = kafka->conf_new();
    char why[400] = "";

    kafka->conf_set_log_cb(conf, say_nothing);
    mock->owner = kafka->new (RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!mock->owner) {
        kafka->conf_destroy(conf);
        return err_set(err, -EIO, "librdkafka: %s", why);
    }
    mock->brokers = kafka->mock_cluster_new(mock->owner, mock->broker_count);
    if (!mock->brokers)
        return err_set(err, -EIO, "librdkafka cannot make a mock cluster");
    snprintf(mock->cluster.servers, sizeof mock->cluster.servers, "%s",
             kafka->mock_cluster_bootstraps(mock->brokers));
    return 0;
}

static void mock_free(struct kafka_cluster *cluster)
{
    struct kafka_mock *mock = mock_of(cluster);

    keeper_remove(cluster->keeper, &mock->service);
    kafka_client_free(cluster->client);
    if (mock->brokers)
        mock->kafka->mock_cluster_destroy(mock->brokers);
    if (mock->owner)
        mock->kafka->destroy(mock->owner);
    if (mock->service.folder[0])
        io_remove_tree(mock->service.folder, NULL);
    free(mock);
}

static int mock_start(const struct kafka_wish *wish, struct kafka_cluster **ret,
                      struct kafka_trouble *trouble)
{
    struct err err = { "out of memory" };
    struct kafka_mock *mock;
    bool on_tmpfs;
    int r;

    if (wish->brokers < 0 || wish->brokers > BROKERS_MAX)
        return kafka_fail(trouble, -EINVAL, ".brokers of a mock is from 1 to %d, not %d",
                          BROKERS_MAX, wish->brokers);
    mock = calloc(1, sizeof *mock);
    if (!mock)
        return kafka_fail(trouble, -ENOMEM, "%s", err.text);
    mock->kafka = kafka_library(NULL);
    mock->broker_count = wish->brokers > 0 ? wish->brokers : 1;
    mock->cluster = (struct kafka_cluster){ .service = &mock->service,
                                            .keeper = wish->keeper,
                                            .tier = &kafka_mock_tier };
    mock->service.tier = "mock";
    mock->service.end = end_service;
    snprintf(mock->service.version, sizeof mock->service.version, "%s",
             mock->kafka->version_str());
    r = keeper_prepare(wish->keeper, &mock->service, "kafka", 0, &on_tmpfs, &err);
    if (r == 0)
        r = make_brokers(mock, &err);
    if (r < 0) {
        mock_free(&mock->cluster);
        return kafka_fail(trouble, r, "%s", err.text);
    }
    keeper_add(wish->keeper, &mock->service);
    *ret = &mock->cluster;
    return 0;
}

static bool mock_is_alive(struct kafka_cluster *cluster)
{
    (void)cluster;
    return true;
}

static void mock_look(struct kafka_cluster *cluster, struct buf *note)
{
    buf_printf(note, "kcat -b %s -L", cluster->servers);
}

/* ---- its verbs -------------------------------------------------------------------------- */

/* Up and down as of a broker's process; a mock keeps its records. */
static int mock_control(struct kafka_cluster *cluster, const char *what, struct err *err)
{
    struct kafka_mock *mock = mock_of(cluster);
    bool up = strcmp(what, "restart") == 0;

    if (!up && strcmp(what, "stop") != 0)
        return err_set(err, -EINVAL, "a mock cannot do that; it can stop and restart");
    for (int i = 1; i <= mock->broker_count; i++)
        if (up)
            mock->kafka->mock_broker_set_up(mock->brokers, i);
        else
            mock->kafka->mock_broker_set_down(mock->brokers, i);
    return 0;
}

/* The protocol's numbers of the requests that the mock serves. */
static int number_of_request(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } requests[] = {
        { "Produce", 0 },          { "Fetch", 1 },
        { "ListOffsets", 2 },      { "Metadata", 3 },
        { "OffsetCommit", 8 },     { "OffsetFetch", 9 },
        { "FindCoordinator", 10 }, { "JoinGroup", 11 },
        { "Heartbeat", 12 },       { "LeaveGroup", 13 },
        { "SyncGroup", 14 },       { "ApiVersions", 18 },
        { "InitProducerId", 22 },  { "AddPartitionsToTxn", 24 },
        { "AddOffsetsToTxn", 25 }, { "EndTxn", 26 },
        { "TxnOffsetCommit", 28 },
    };

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (strcmp(name, requests[i].name) == 0)
            return requests[i].number;
    return -1;
}

static int do_fail(struct kafka_mock *mock, const struct message *request, struct buf *reply)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    char *name = message_text(request, "request"), *word = message_text(request, "error");
    int times = (int)message_int(request, "times", 1),
        number = name ? number_of_request(name) : -1;
    int r = 0;

    if (number < 0)
        r = keeper_error(reply,
                         "a mock does not know the request '%s'; it knows Produce, Fetch, "
                         "Metadata, JoinGroup, OffsetCommit and the like",
                         name);
    else if (!word || kafka_error_of(word, &error) < 0)
        r = keeper_error(reply, "Kafka has no error '%s'; one is 'NOT_LEADER_FOR_PARTITION'",
                         word);
    else if (times < 1 || times > TIMES_MAX)
        r = keeper_error(reply, "a failure comes from 1 to %d times, not %d", TIMES_MAX, times);
    for (int i = 0; r == 0 && i < times; i++)
        mock->kafka->mock_push_request_errors(mock->brokers, (int16_t)number, 1, error);
    free(name);
    free(word);
    return r;
}

static int do_broker(struct kafka_mock *mock, const char *verb, const struct message *request,
                     struct buf *reply)
{
    int broker = (int)message_int(request, "broker", 1);

    if (broker < 1 || broker > mock->broker_count)
        return keeper_error(reply, "there is no broker %d; there are %d", broker,
                            mock->broker_count);
    if (strcmp(verb, "delay") == 0)
        mock->kafka->mock_broker_set_rtt(mock->brokers, broker,
                                         (int)message_int(request, "ms", 0));
    else if (message_int(request, "up", 0) != 0)
        mock->kafka->mock_broker_set_up(mock->brokers, broker);
    else
        mock->kafka->mock_broker_set_down(mock->brokers, broker);
    return 0;
}

static int do_leader(struct kafka_mock *mock, const struct message *request, struct buf *reply)
{
    char *topic = message_text(request, "topic");
    rd_kafka_resp_err_t code = mock->kafka->mock_partition_set_leader(
        mock->brokers, topic ? topic : "", (int)message_int(request, "partition", 0),
        (int)message_int(request, "broker", 1));

    free(topic);
    return code ? keeper_error(reply, "%s", mock->kafka->err2str(code)) : 0;
}

int kafka_mock_verb(struct kafka_cluster *cluster, const char *verb,
                    const struct message *request, struct buf *reply)
{
    struct kafka_mock *mock = mock_of(cluster);

    if (strcmp(verb, "fail") != 0 && strcmp(verb, "delay") != 0 &&
        strcmp(verb, "broker") != 0 && strcmp(verb, "leader") != 0)
        return -ENOSYS;
    if (cluster->tier != &kafka_mock_tier)
        return keeper_error(reply, "only a mock can do that: ask for .tier = SEAM_KAFKA_MOCK");
    if (strcmp(verb, "fail") == 0)
        return do_fail(mock, request, reply);
    if (strcmp(verb, "leader") == 0)
        return do_leader(mock, request, reply);
    return do_broker(mock, verb, request, reply);
}

int kafka_mock_create(struct kafka_cluster *cluster, const char *topic, int partitions,
                      struct err *err)
{
    struct kafka_mock *mock = mock_of(cluster);
    rd_kafka_resp_err_t code =
        mock->kafka->mock_topic_create(mock->brokers, topic, partitions, 1);

    if (code)
        return err_set(err, -EEXIST, "%s", mock->kafka->err2str(code));
    return 0;
}

const struct kafka_tier kafka_mock_tier = {
    .word = "mock",
    .start = mock_start,
    .is_alive = mock_is_alive,
    .control = mock_control,
    .free = mock_free,
    .look = mock_look,
};
