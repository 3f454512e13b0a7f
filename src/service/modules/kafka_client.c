/* service/modules/kafka_client.c - a client's connections, and questions to brokers; see kafka_client.h. */

#include "service/modules/kafka_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/modules/kafka_link.h"

enum {
    ASK_MS = 20000,
    TRY_MS = 250,
    LOST_MS = 3000,
    COMING_MS = 5000,
    AWAIT_MS = 20000,
    CONFIG_ROOM = 256,
    NAMES_MAX = 256
};

/* ---- connections ------------------------------------------------------------------------ */

/* What librdkafka says about connections that come and go is no news for a test. */
static void say_nothing(const rd_kafka_t *of, int level, const char *facility, const char *text)
{
    (void)of;
    (void)level;
    (void)facility;
    (void)text;
}

rd_kafka_t *kafka_link_open(struct kafka_client *client, rd_kafka_type_t type,
                            const char *const *settings, struct err *err)
{
    static const char *const common[] = { "broker.address.family",
                                          "v4",
                                          "reconnect.backoff.ms",
                                          "10",
                                          "reconnect.backoff.max.ms",
                                          "100",
                                          "retry.backoff.ms",
                                          "10",
                                          "topic.metadata.refresh.fast.interval.ms",
                                          "10",
                                          "topic.metadata.propagation.max.ms",
                                          "5000",
                                          "allow.auto.create.topics",
                                          "false",
                                          "socket.nagle.disable",
                                          "true",
                                          "client.id",
                                          "seam",
                                          NULL };
    const char *const *const both[] = { common, settings };
    const struct kafka_library *kafka = client->kafka;
    rd_kafka_conf_t *conf = kafka->conf_new();
    rd_kafka_t *link = NULL;
    char why[400] = "";
    bool sound = kafka->conf_set(conf, "bootstrap.servers", client->servers, why, sizeof why) ==
                 RD_KAFKA_CONF_OK;

    for (size_t i = 0; i < 2; i++)
        for (const char *const *at = both[i]; sound && *at; at += 2)
            sound =
                kafka->conf_set(conf, at[0], at[1], why, sizeof why) != RD_KAFKA_CONF_INVALID;
    kafka->conf_set_log_cb(conf, say_nothing);
    kafka->conf_set_opaque(conf, client);
    if (type == RD_KAFKA_PRODUCER)
        kafka->conf_set_dr_msg_cb(conf, kafka_link_delivered);
    if (sound)
        link = kafka->new (type, conf, why, sizeof why); /* takes conf where it succeeds */
    if (!link) {
        kafka->conf_destroy(conf);
        err_set(err, -EIO, "librdkafka: %s", why);
    }
    return link;
}

struct kafka_client *kafka_client_new(const char *servers, struct err *err)
{
    static const char *const none[] = { NULL };
    const struct kafka_library *kafka = kafka_library(err);
    struct kafka_client *client = kafka ? calloc(1, sizeof *client) : NULL;

    if (!client)
        return NULL;
    client->kafka = kafka;
    client->servers = strdup(servers);
    client->asking =
        client->servers ? kafka_link_open(client, RD_KAFKA_CONSUMER, none, err) : NULL;
    if (!client->asking) {
        kafka_client_free(client);
        return NULL;
    }
    return client;
}

void kafka_client_free(struct kafka_client *client)
{
    if (!client)
        return;
    kafka_link_forget_reading(client);
    kafka_link_forget_writing(client);
    if (client->grouping)
        client->kafka->destroy_flags(client->grouping, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (client->asking)
        client->kafka->destroy(client->asking);
    free(client->servers);
    free(client->group);
    free(client);
}

int kafka_link_fail(const struct kafka_client *client, rd_kafka_resp_err_t code,
                    const char *words, struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    bool is_own = code < 0; /* librdkafka's, not a broker's */

    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return err_set(err, -ENOTCONN, "no broker answers at '%s'", client->servers);
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
        code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE)
        return err_set(err, -ETIMEDOUT, "no broker answered in time at '%s'", client->servers);
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return err_set(err, -ENXIO, "there is no such topic");
    return err_set(err, -EREMOTEIO, "%s%s%s", is_own ? "" : kafka->err2name(code),
                   is_own ? "" : ": ", words ? words : kafka->err2str(code));
}

int kafka_error_of(const char *name, rd_kafka_resp_err_t *ret)
{
    const struct kafka_library *kafka = kafka_library(NULL);
    const struct rd_kafka_err_desc *list = NULL;
    size_t count = 0;

    if (kafka)
        kafka->get_err_descs(&list, &count);
    for (size_t i = 0; i < count; i++)
        if (list[i].name && list[i].code > 0 && strcmp(list[i].name, name) == 0) {
            *ret = list[i].code;
            return 0;
        }
    return -ENOENT;
}

/* ---- metadata --------------------------------------------------------------------------- */

/* A question that a broker took with it when it went down waits for that broker to come back; another asks another. */
int kafka_link_metadata(struct kafka_client *client, rd_kafka_t *link, rd_kafka_topic_t *topic,
                        int within_ms, const struct rd_kafka_metadata **ret, struct err *err)
{
    uint64_t deadline = deadline_after_ms(within_ms), lost = deadline_after_ms(LOST_MS);
    rd_kafka_resp_err_t code;
    int left;

    do {
        left = deadline_poll_ms(deadline);
        code = client->kafka->metadata(link, topic == NULL, topic, ret,
                                       left < TRY_MS ? left : TRY_MS);
    } while (code && now_ns() < deadline &&
             (code == RD_KAFKA_RESP_ERR__TIMED_OUT || now_ns() < lost));
    return code ? kafka_link_fail(client, code, NULL, err) : 0;
}

static int get_metadata(struct kafka_client *client, int within_ms,
                        const struct rd_kafka_metadata **ret, struct err *err)
{
    return kafka_link_metadata(client, client->asking, NULL, within_ms, ret, err);
}

int kafka_client_ping(struct kafka_client *client, int within_ms, struct err *err)
{
    const struct rd_kafka_metadata *all;
    int r = get_metadata(client, within_ms, &all, err);

    if (r < 0)
        return r;
    if (all->broker_cnt == 0)
        r = err_set(err, -EAGAIN, "the broker does not know itself yet");
    client->kafka->metadata_destroy(all);
    return r;
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int kafka_client_list(struct kafka_client *client, const char *prefix, const char *indent,
                      struct buf *ret)
{
    const struct rd_kafka_metadata *all;
    const char *names[NAMES_MAX];
    size_t count = 0;
    int r = get_metadata(client, ASK_MS, &all, NULL);

    if (r < 0)
        return r;
    for (int i = 0; i < all->topic_cnt && count < NAMES_MAX; i++)
        if (begins(all->topics[i].topic, prefix) && !begins(all->topics[i].topic, "__"))
            names[count++] = all->topics[i].topic;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        buf_printf(ret, "%s'%s'\n", indent, names[i]);
    client->kafka->metadata_destroy(all);
    return (int)count;
}

/* A topic's partitions that have a leader; -ENXIO: there is no such topic. */
static int count_partitions(struct kafka_client *client, const char *topic, struct err *err)
{
    const struct rd_kafka_metadata *all;
    int r = get_metadata(client, ASK_MS, &all, err), found = -ENXIO;

    if (r < 0)
        return r;
    for (int i = 0; i < all->topic_cnt; i++)
        if (strcmp(all->topics[i].topic, topic) == 0 &&
            all->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            found = 0;
            for (int n = 0; n < all->topics[i].partition_cnt; n++)
                found += all->topics[i].partitions[n].leader >= 0;
        }
    client->kafka->metadata_destroy(all);
    if (found < 0)
        return err_set(err, -ENXIO, "there is no such topic");
    return found;
}

int kafka_client_partitions(struct kafka_client *client, const char *topic, struct err *err)
{
    return count_partitions(client, topic, err);
}

/* ---- offsets ---------------------------------------------------------------------------- */

/* What a broker says of a partition that it is about to lead. */
static bool is_coming(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

int kafka_client_offsets(struct kafka_client *client, const char *topic, int partition,
                         int64_t *ret_begin, int64_t *ret_end, struct err *err)
{
    uint64_t deadline = deadline_after_ms(COMING_MS);
    rd_kafka_resp_err_t code;

    do
        code = client->kafka->query_watermark_offsets(client->asking, topic, partition,
                                                      ret_begin, ret_end, ASK_MS);
    while (is_coming(code) && now_ns() < deadline);
    return code ? kafka_link_fail(client, code, NULL, err) : 0;
}

/* Brokers name the leader of a new topic a little before it leads. */
static int await_topic(struct kafka_client *client, const char *topic, int partitions,
                       struct err *err)
{
    uint64_t deadline = deadline_after_ms(AWAIT_MS);
    int64_t begin, end;
    int found, r;

    do
        found = count_partitions(client, topic, err);
    while ((found == -ENXIO || (found >= 0 && found < partitions)) && now_ns() < deadline);
    if (found < 0)
        return found;
    if (found < partitions)
        return err_set(err, -ETIMEDOUT, "it got no leader within %d s", AWAIT_MS / 1000);
    r = 0;
    for (int i = 0; r == 0 && i < partitions; i++)
        r = kafka_client_offsets(client, topic, i, &begin, &end, err);
    return r;
}

/* ---- topics ----------------------------------------------------------------------------- */

struct asking {
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
};

static void begin_asking(struct kafka_client *client, rd_kafka_admin_op_t what,
                         struct asking *ret)
{
    char why[200];

    ret->queue = client->kafka->queue_new(client->asking);
    ret->options = client->kafka->AdminOptions_new(client->asking, what);
    client->kafka->AdminOptions_set_request_timeout(ret->options, ASK_MS, why, sizeof why);
    client->kafka->AdminOptions_set_operation_timeout(ret->options, ASK_MS, why, sizeof why);
}

static void end_asking(struct kafka_client *client, struct asking *asking)
{
    client->kafka->AdminOptions_destroy(asking->options);
    client->kafka->queue_destroy(asking->queue);
}

/* The answer, whose own failure is in its event; NULL with words. */
static rd_kafka_event_t *take_answer(struct kafka_client *client, struct asking *asking,
                                     struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    rd_kafka_event_t *event = kafka->queue_poll(asking->queue, 2 * ASK_MS);

    if (!event) {
        kafka_link_fail(client, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, err);
        return NULL;
    }
    if (kafka->event_error(event)) {
        kafka_link_fail(client, kafka->event_error(event), kafka->event_error_string(event),
                        err);
        kafka->event_destroy(event);
        return NULL;
    }
    return event;
}

static int judge(struct kafka_client *client, const rd_kafka_topic_result_t **results,
                 size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = client->kafka->topic_result_error(results[i]);

        if (code)
            return kafka_link_fail(client, code,
                                   client->kafka->topic_result_error_string(results[i]), err);
    }
    return 0;
}

static int configure(struct kafka_client *client, const struct message *configs,
                     rd_kafka_NewTopic_t *topic, struct err *err)
{
    struct message key, value;
    size_t at = 0;

    while (message_next(configs, &at, &key, &value) == 1) {
        char text[CONFIG_ROOM], *equal;

        if (!message_is(&key, "config"))
            continue;
        snprintf(text, sizeof text, "%.*s", (int)value.size, value.data);
        equal = strchr(text, '=');
        if (!equal || equal == text)
            return err_set(err, -EINVAL, "its setting '%s' is no 'name=value'", text);
        *equal = '\0';
        client->kafka->NewTopic_set_config(topic, text, equal + 1);
    }
    return 0;
}

int kafka_client_create(struct kafka_client *client, const char *topic, int partitions,
                        const struct message *configs, struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event = NULL;
    rd_kafka_NewTopic_t *wish;
    struct asking asking;
    char why[400];
    size_t count;
    int r;

    wish = kafka->NewTopic_new(topic, partitions, 1, why, sizeof why);
    if (!wish)
        return err_set(err, -EINVAL, "%s", why);
    r = configure(client, configs, wish, err);
    if (r == 0) {
        begin_asking(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, &asking);
        kafka->CreateTopics(client->asking, &wish, 1, asking.options, asking.queue);
        event = take_answer(client, &asking, err);
        end_asking(client, &asking);
        r = event ? 0 : -EREMOTEIO;
    }
    kafka->NewTopic_destroy(wish);
    if (r < 0)
        return r;
    results =
        kafka->CreateTopics_result_topics(kafka->event_CreateTopics_result(event), &count);
    r = judge(client, results, count, err);
    kafka->event_destroy(event);
    return r < 0 ? r : await_topic(client, topic, partitions, err);
}

static int delete (struct kafka_client *client, rd_kafka_DeleteTopic_t **topics, size_t count,
                   struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event;
    struct asking asking;
    size_t found;
    int r;

    begin_asking(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, &asking);
    kafka->DeleteTopics(client->asking, topics, count, asking.options, asking.queue);
    event = take_answer(client, &asking, err);
    end_asking(client, &asking);
    if (!event)
        return -EREMOTEIO;
    results =
        kafka->DeleteTopics_result_topics(kafka->event_DeleteTopics_result(event), &found);
    r = judge(client, results, found, err);
    kafka->event_destroy(event);
    return r;
}

/* Brokers go on naming a topic a little after it was deleted. */
static int await_end(struct kafka_client *client, const char *topic, struct err *err)
{
    uint64_t deadline = deadline_after_ms(AWAIT_MS);
    int found;

    do
        found = count_partitions(client, topic, err);
    while (found >= 0 && now_ns() < deadline);
    if (found >= 0)
        return err_set(err, -ETIMEDOUT, "it is still there after %d s", AWAIT_MS / 1000);
    return found == -ENXIO ? 0 : found;
}

int kafka_client_delete(struct kafka_client *client, const char *topic, struct err *err)
{
    rd_kafka_DeleteTopic_t *wish = client->kafka->DeleteTopic_new(topic);
    int r = delete (client, &wish, 1, err);

    client->kafka->DeleteTopic_destroy(wish);
    return r < 0 ? r : await_end(client, topic, err);
}

void kafka_client_delete_all(struct kafka_client *client, const char *prefix)
{
    rd_kafka_DeleteTopic_t *wishes[NAMES_MAX];
    const struct rd_kafka_metadata *all;
    size_t count = 0;

    if (get_metadata(client, ASK_MS, &all, NULL) < 0)
        return;
    for (int i = 0; i < all->topic_cnt && count < NAMES_MAX; i++)
        if (begins(all->topics[i].topic, prefix))
            wishes[count++] = client->kafka->DeleteTopic_new(all->topics[i].topic);
    client->kafka->metadata_destroy(all);
    if (count > 0)
        delete (client, wishes, count, NULL);
    for (size_t i = 0; i < count; i++)
        client->kafka->DeleteTopic_destroy(wishes[i]);
}

/* ---- groups ----------------------------------------------------------------------------- */

/* A group is asked by a connection that names it. */
static int begin_grouping(struct kafka_client *client, const char *group, struct err *err)
{
    const char *const settings[] = { "group.id", group, NULL };

    if (client->grouping && strcmp(client->group, group) == 0)
        return 0;
    if (client->grouping)
        client->kafka->destroy_flags(client->grouping, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(client->group);
    client->group = strdup(group);
    client->grouping =
        client->group ? kafka_link_open(client, RD_KAFKA_CONSUMER, settings, err) : NULL;
    return client->grouping ? 0 : -EIO;
}

int kafka_client_committed(struct kafka_client *client, const char *group, const char *topic,
                           int first, int count, int64_t *ret, struct err *err)
{
    const struct kafka_library *kafka = client->kafka;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    int r = begin_grouping(client, group, err);

    if (r < 0)
        return r;
    list = kafka->topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        kafka->topic_partition_list_add(list, topic, first + i);
    code = kafka->committed(client->grouping, list, ASK_MS);
    for (int i = 0; i < count && !code; i++) {
        code = list->elems[i].err;
        ret[i] = list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
    }
    kafka->topic_partition_list_destroy(list);
    return code ? kafka_link_fail(client, code, NULL, err) : 0;
}

int kafka_client_lag(struct kafka_client *client, const char *group, const char *topic,
                     int64_t *ret, struct err *err)
{
    int partitions = count_partitions(client, topic, err), r;
    int64_t lag = 0, *done;

    if (partitions < 0)
        return partitions;
    done = calloc((size_t)partitions + 1, sizeof *done);
    r = done ? kafka_client_committed(client, group, topic, 0, partitions, done, err) : -ENOMEM;
    for (int i = 0; r == 0 && i < partitions; i++) {
        int64_t begin = 0, end = 0;

        r = kafka_client_offsets(client, topic, i, &begin, &end, err);
        lag += end - (done[i] > begin ? done[i] : begin);
    }
    free(done);
    if (r == 0)
        *ret = lag;
    return r;
}
