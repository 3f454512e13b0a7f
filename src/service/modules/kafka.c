/* service/modules/kafka.c - leases of a Kafka: a prefix of names in a shared cluster, or a cluster; see kafka_cluster.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/deadline.h"
#include "service/modules/kafka_cluster.h"
#include "service/modules/kafka_home.h"

enum { STORY_MAX = 256 << 10, MEET_MS = 60000, PREFIX_ROOM = 32 };

/* What a test holds. */
struct kafka_lease {
    struct kafka_cluster *cluster;
    bool is_private;
    char prefix[PREFIX_ROOM]; /* of its topics and groups */
    size_t log_from;
    struct kafka_client *client; /* for records; made by the first */
};

int kafka_fail(struct kafka_trouble *trouble, int code, const char *format, ...)
{
    va_list args;

    buf_clear(&trouble->story);
    va_start(args, format);
    buf_vprintf(&trouble->story, format, args);
    va_end(args);
    return code;
}

/* ---- clusters --------------------------------------------------------------------------- */

/* Those that tests share, of native ones and of containers by their image; one that has died is replaced. */
static struct {
    pthread_mutex_t lock; /* held while one starts: who waits wants the same */
    struct shared_cluster {
        struct shared_cluster *next;
        const struct kafka_tier *tier;
        char *image; /* NULL: the default one */
        struct kafka_cluster *cluster;
        bool has_failed;
        struct kafka_trouble trouble; /* why there is none */
    } * first;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

int kafka_cluster_meet(struct kafka_cluster *cluster, struct err *err)
{
    kafka_client_free(cluster->client);
    cluster->client = kafka_client_new(cluster->servers, err);
    return cluster->client ? kafka_client_ping(cluster->client, MEET_MS, err) : -EIO;
}

static int start(const struct kafka_tier *tier, const struct kafka_wish *wish,
                 struct kafka_cluster **ret, struct kafka_trouble *trouble)
{
    struct kafka_cluster *cluster = NULL;
    struct err err = { "" };
    int r = tier->start(wish, &cluster, trouble);

    if (r < 0)
        return r;
    if (!cluster->client && (r = kafka_cluster_meet(cluster, &err)) < 0) {
        tier->free(cluster);
        return kafka_fail(trouble, r, "%s", err.text);
    }
    *ret = cluster;
    return 0;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct shared_cluster *find_shared(const struct kafka_tier *tier, const char *image)
{
    struct shared_cluster *at = shared.first;

    while (at && !(at->tier == tier && is_same(at->image, image)))
        at = at->next;
    if (at)
        return at;
    at = calloc(1, sizeof *at);
    if (!at)
        return NULL;
    *at = (struct shared_cluster){ .next = shared.first,
                                   .tier = tier,
                                   .image = image ? strdup(image) : NULL,
                                   .trouble = { .story = BUF_INIT(STORY_MAX) } };
    return shared.first = at;
}

static int get_shared(const struct kafka_tier *tier, const struct kafka_wish *wish,
                      struct kafka_cluster **ret, struct kafka_trouble *trouble)
{
    struct shared_cluster *at;
    int r = 0;

    pthread_mutex_lock(&shared.lock);
    at = find_shared(tier, wish->image);
    if (!at) {
        pthread_mutex_unlock(&shared.lock);
        return kafka_fail(trouble, -ENOMEM, "out of memory");
    }
    if (at->cluster && !tier->is_alive(at->cluster)) {
        keeper_remove(wish->keeper, at->cluster->service); /* tests that have it must find it */
        at->cluster = NULL;
    }
    if (at->has_failed)
        r = -EIO; /* it would take as long again */
    else if (!at->cluster)
        r = start(tier, wish, &at->cluster, &at->trouble);
    at->has_failed = r < 0;
    if (r < 0) {
        trouble->is_missing = at->trouble.is_missing;
        trouble->remedy = at->trouble.remedy;
        kafka_fail(trouble, r, "%s", buf_text(&at->trouble.story));
    } else
        keeper_count(wish->keeper, at->cluster->service, 1);
    *ret = at->cluster;
    pthread_mutex_unlock(&shared.lock);
    return r;
}

static int get_cluster(const struct kafka_tier *tier, const struct kafka_wish *wish,
                       struct kafka_cluster **ret, struct kafka_trouble *trouble)
{
    struct err err = { "" };
    int r;

    if (!kafka_library(&err)) {
        trouble->is_missing = true;
        trouble->remedy = "apt-get install librdkafka1";
        return kafka_fail(trouble, -ENOENT, "%s", err.text);
    }
    if (!wish->is_private)
        return get_shared(tier, wish, ret, trouble);
    r = start(tier, wish, ret, trouble);
    if (r == 0)
        keeper_count(wish->keeper, (*ret)->service, 1);
    return r;
}

/* ---- leases ----------------------------------------------------------------------------- */

static int make_prefix(char prefix[PREFIX_ROOM])
{
    static unsigned number;
    unsigned short bytes;

    if (getrandom(&bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return -EIO;
    snprintf(prefix, PREFIX_ROOM, "t%u-%04x-", __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED),
             bytes);
    return 0;
}

static void describe(const struct kafka_lease *mine, struct buf *reply)
{
    const struct kafka_cluster *cluster = mine->cluster;

    message_add_text(reply, "servers", cluster->servers);
    message_add_text(reply, "inside", cluster->inside);
    message_add_int(reply, "inside_port", cluster->inside_port);
    message_add_text(reply, "version", cluster->service->version);
    message_add_text(reply, "tier", cluster->tier->word);
    message_add_text(reply, "prefix", mine->prefix);
}

static void let_go(struct kafka_lease *mine)
{
    struct kafka_cluster *cluster = mine->cluster;

    kafka_client_free(mine->client);
    keeper_count(cluster->keeper, cluster->service, -1);
    if (mine->is_private)
        cluster->tier->free(cluster);
    else if (cluster->tier->is_alive(cluster))
        kafka_client_delete_all(cluster->client, mine->prefix);
    free(mine);
}

/* The tier by the test's word: "mock", "native", "container", or "any". */
static const struct kafka_tier *choose_tier(const char *word, bool wants_containers)
{
    struct kafka_home home;

    if (strcmp(word, "mock") == 0)
        return &kafka_mock_tier;
    if (strcmp(word, "native") == 0)
        return &kafka_native_tier;
    if (strcmp(word, "container") == 0 || wants_containers)
        return &kafka_container_tier;
    return kafka_home_find(&home, NULL, NULL) == -ENOENT && !getenv("SEAM_KAFKA_HOME")
               ? &kafka_container_tier
               : &kafka_native_tier;
}

static int answer_trouble(const struct kafka_trouble *trouble, bool is_second,
                          struct buf *reply)
{
    if (trouble->is_missing && is_second) /* the first that was looked for is the nearest */
        return keeper_skip(reply, "images/kafka", "needs kafka: none on this machine, and %s",
                           buf_text(&trouble->story));
    if (trouble->is_missing)
        return keeper_skip(reply, trouble->remedy, "needs kafka: %s",
                           buf_text(&trouble->story));
    return keeper_error(reply, "kafka: %s", buf_text(&trouble->story));
}

static int kafka_start(struct lease *lease, const struct message *request, struct buf *reply)
{
    struct kafka_lease *mine = calloc(1, sizeof *mine);
    struct kafka_trouble trouble = { .story = BUF_INIT(STORY_MAX) };
    char *word = message_text(request, "tier");
    bool wants_containers = message_int(request, "containers", 0) != 0;
    const struct kafka_tier *tier = choose_tier(word ? word : "any", wants_containers);
    bool is_second = tier == &kafka_container_tier && !wants_containers &&
                     (!word || strcmp(word, "any") == 0) && kafka_library(NULL);
    struct kafka_wish wish = { .keeper = lease->keeper,
                               .is_private = message_int(request, "private", 0) != 0 ||
                                             tier == &kafka_mock_tier,
                               .pull = message_int(request, "pull", 0) != 0,
                               .offline = message_int(request, "offline", 0) != 0,
                               .brokers = (int)message_int(request, "brokers", 0),
                               .image = message_text(request, "image"),
                               .network = message_text(request, "network") };
    int r = mine ? make_prefix(mine->prefix) : -ENOMEM;

    if (r == 0)
        r = get_cluster(tier, &wish, &mine->cluster, &trouble);
    if (r == 0) {
        mine->is_private = wish.is_private;
        mine->log_from = kafka_log_size(mine->cluster);
        lease->state = mine;
        describe(mine, reply);
    } else {
        r = answer_trouble(&trouble, is_second, reply);
        free(mine);
    }
    buf_fini(&trouble.story);
    free(wish.image);
    free(wish.network);
    free(word);
    return r;
}

static void kafka_end(struct lease *lease, bool keep, struct buf *note)
{
    struct kafka_lease *mine = lease->state;

    if (!keep) {
        let_go(mine);
        return;
    }
    mine->cluster->tier->look(mine->cluster, note);
    if (!mine->is_private)
        buf_printf(note, " (topics '%s*')", mine->prefix);
    kafka_client_free(mine->client);
    free(mine);
}

/* ---- verbs ------------------------------------------------------------------------------ */

/* For records: one thread at a time, so not the cluster's. */
static struct kafka_client *client_of(struct kafka_lease *mine, struct err *err)
{
    if (!mine->client)
        mine->client = kafka_client_new(mine->cluster->servers, err);
    return mine->client;
}

/* Say that a topic is not there, and which are. */
static int say_missing(struct kafka_lease *mine, const char *topic, struct buf *reply)
{
    struct buf names = BUF_INIT(STORY_MAX);
    const char *prefix = mine->is_private ? "" : mine->prefix;
    int count = kafka_client_list(mine->cluster->client, prefix, "    ", &names);

    if (count > 0)
        keeper_error(reply, "there is no topic '%s'; this test has:\n%s", topic,
                     buf_text(&names));
    else
        keeper_error(reply, "there is no topic '%s', and this test has none", topic);
    buf_fini(&names);
    return -ECANCELED;
}

static int do_topic(struct kafka_lease *mine, const struct message *request, const char *topic,
                    struct buf *reply, struct err *err)
{
    struct kafka_cluster *cluster = mine->cluster;
    int partitions = (int)message_int(request, "partitions", 1);

    (void)reply;
    if (partitions < 1)
        return err_set(err, -EINVAL, "it must have a partition at least, not %d", partitions);
    if (cluster->tier == &kafka_mock_tier)
        return kafka_mock_create(cluster, topic, partitions, err);
    return kafka_client_create(cluster->client, topic, partitions, request, err);
}

static int do_delete(struct kafka_lease *mine, const struct message *request, const char *topic,
                     struct buf *reply, struct err *err)
{
    (void)request;
    (void)reply;
    if (mine->cluster->tier == &kafka_mock_tier)
        return err_set(err, -ENOTSUP, "a mock cannot delete topics");
    return kafka_client_delete(mine->cluster->client, topic, err);
}

static int say_no_partition(int partition, int partitions, struct err *err)
{
    return err_set(err, -EINVAL, "it has no partition %d; it has %d, from 0 on", partition,
                   partitions);
}

/* A producer has brokers make a topic that is not there, so look first. */
static int do_produce(struct kafka_lease *mine, const struct message *request,
                      const char *topic, struct buf *reply, struct err *err)
{
    int partition = (int)message_int(request, "partition", -1);
    int partitions = kafka_client_partitions(mine->cluster->client, topic, err);

    if (partitions < 0)
        return partitions;
    if (partition >= partitions)
        return say_no_partition(partition, partitions, err);
    if (!client_of(mine, err))
        return -EIO;
    return kafka_client_produce(mine->client, request, reply, err);
}

static int do_read(struct kafka_lease *mine, const struct message *request, const char *topic,
                   struct buf *reply, struct err *err)
{
    (void)request;
    (void)reply;
    return client_of(mine, err) ? kafka_client_read(mine->client, topic, err) : -EIO;
}

/* The next record of any topic that is read, or {none: 1}. */
static int do_next(struct kafka_lease *mine, const struct message *request, const char *topic,
                   struct buf *reply, struct err *err)
{
    int within_ms = (int)message_int(request, "within_ms", 0);
    uint64_t deadline = now_ns() + (uint64_t)(within_ms > 0 ? within_ms : 0) * 1000000u;
    int r = do_read(mine, request, topic, reply, err);

    if (r == 0)
        r = kafka_client_next(mine->client, deadline, reply, err);
    if (r == -ETIMEDOUT)
        message_add_int(reply, "none", 1);
    return r == -ETIMEDOUT ? 0 : r;
}

/* Where each partition begins and ends, for people. */
static int do_story(struct kafka_lease *mine, const struct message *request, const char *topic,
                    struct buf *reply, struct err *err)
{
    struct kafka_client *client = mine->cluster->client;
    int partitions = kafka_client_partitions(client, topic, err), r = 0;
    struct buf story = BUF_INIT(STORY_MAX);

    (void)request;
    if (partitions < 0)
        return partitions;
    for (int i = 0; r == 0 && i < partitions; i++) {
        int64_t begin = 0, end = 0;

        r = kafka_client_offsets(client, topic, i, &begin, &end, err);
        if (r == 0)
            buf_printf(&story, "partition %d: offsets %lld to %lld\n", i, (long long)begin,
                       (long long)end);
    }
    if (r == 0)
        message_add_text(reply, "story", buf_text(&story));
    buf_fini(&story);
    return r;
}

static int do_offset(struct kafka_lease *mine, const struct message *request, const char *topic,
                     struct buf *reply, struct err *err)
{
    struct kafka_client *client = mine->cluster->client;
    int partition = (int)message_int(request, "partition", 0);
    int partitions = kafka_client_partitions(client, topic, err), r;
    int64_t begin, end;

    if (partitions < 0)
        return partitions;
    if (partition < 0 || partition >= partitions)
        return say_no_partition(partition, partitions, err);
    r = kafka_client_offsets(client, topic, partition, &begin, &end, err);
    if (r == 0) {
        message_add_int(reply, "begin", begin);
        message_add_int(reply, "end", end);
    }
    return r;
}

static int do_committed(struct kafka_lease *mine, const struct message *request,
                        const char *topic, struct buf *reply, struct err *err)
{
    int partition = (int)message_int(request, "partition", 0), r;
    int partitions = kafka_client_partitions(mine->cluster->client, topic, err);
    char *group;
    int64_t offset;

    if (partitions < 0)
        return partitions;
    if (partition < 0 || partition >= partitions)
        return say_no_partition(partition, partitions, err);
    if (!client_of(mine, err))
        return -EIO;
    group = message_text(request, "group");
    r = kafka_client_committed(mine->client, group ? group : "", topic, partition, 1, &offset,
                               err);
    if (r == 0)
        message_add_int(reply, "offset", offset);
    free(group);
    return r;
}

/* How much a group has not done yet; waits as long as that is more than `most`. */
static int do_lag(struct kafka_lease *mine, const struct message *request, const char *topic,
                  struct buf *reply, struct err *err)
{
    int64_t most = message_int(request, "most", INT64_MAX), lag = 0;
    int within_ms = (int)message_int(request, "within_ms", 0);
    uint64_t deadline = now_ns() + (uint64_t)(within_ms > 0 ? within_ms : 0) * 1000000u;
    char *group = message_text(request, "group");
    int r;

    do
        r = client_of(mine, err)
                ? kafka_client_lag(mine->client, group ? group : "", topic, &lag, err)
                : -EIO;
    while (r == 0 && lag > most && now_ns() < deadline);
    if (r == 0)
        message_add_int(reply, "lag", lag);
    free(group);
    return r;
}

static int do_control(struct kafka_lease *mine, const char *verb, struct buf *reply)
{
    struct kafka_cluster *cluster = mine->cluster;
    struct err err = { "" };
    int r;

    if (!mine->is_private)
        return keeper_error(reply,
                            "other tests use this server too: ask for .private_server = true");
    if (strcmp(verb, "stop") == 0 || strcmp(verb, "restart") == 0) {
        kafka_client_free(mine->client);
        mine->client = NULL;
    }
    r = cluster->tier->control(cluster, verb, &err);
    if (r == 0)
        cluster->paused = strcmp(verb, "pause") == 0;
    if (r == 0 && strcmp(verb, "restart") == 0)
        r = kafka_cluster_meet(cluster, &err);
    return r < 0 ? keeper_error(reply, "%s", err.text) : 0;
}

static void do_logs(struct kafka_lease *mine, struct buf *reply)
{
    struct buf slice = BUF_INIT(STORY_MAX);

    kafka_log_slice(mine->cluster, mine->log_from, mine->is_private ? "" : mine->prefix,
                    &slice);
    message_add(reply, "log", buf_text(&slice), slice.size);
    buf_fini(&slice);
}

static int call(struct kafka_lease *mine, const char *verb, const struct message *request,
                struct buf *reply)
{
    static const struct {
        const char *verb;
        int (*fn)(struct kafka_lease *mine, const struct message *request, const char *topic,
                  struct buf *reply, struct err *err);
    } calls[] = { { "topic", do_topic },     { "delete_topic", do_delete },
                  { "produce", do_produce }, { "read", do_read },
                  { "next", do_next },       { "story", do_story },
                  { "offset", do_offset },   { "committed", do_committed },
                  { "lag", do_lag } };
    char *topic = message_text(request, "topic");
    struct err err = { "" };
    int r = -ENOSYS;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(verb, calls[i].verb) == 0)
            r = topic ? calls[i].fn(mine, request, topic, reply, &err) : -EPROTO;
    if (r == -ENOSYS)
        r = keeper_error(reply, "kafka has no verb '%s'", verb);
    else if (r < 0 && !mine->cluster->tier->is_alive(mine->cluster))
        r = keeper_error(reply, "the server does not run");
    else if (r == -ENXIO)
        r = say_missing(mine, topic, reply);
    else if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    free(topic);
    return r;
}

static int kafka_verb(struct lease *lease, const char *verb, const struct message *request,
                      struct buf *reply)
{
    static const char *const controls[] = { "stop", "restart", "pause", "resume" };
    struct kafka_lease *mine = lease->state;
    int r;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(mine, verb, reply);
    if (strcmp(verb, "logs") == 0) {
        do_logs(mine, reply);
        return 0;
    }
    r = kafka_mock_verb(mine->cluster, verb, request, reply);
    if (r != -ENOSYS)
        return r;
    if (mine->cluster->paused)
        return keeper_error(reply, "the server is paused");
    if (!mine->cluster->tier->is_alive(mine->cluster))
        return keeper_error(reply, "the server does not run");
    return call(mine, verb, request, reply);
}

const struct module kafka_module = {
    .start_verb = "kafka.start",
    .start = kafka_start,
    .verb = kafka_verb,
    .end = kafka_end,
};
