/* service/modules/kafka_container.c - a Kafka in a container of the image apache/kafka; see kafka_cluster.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/engine.h"
#include "service/modules/container.h"
#include "service/modules/daemon.h"
#include "service/modules/kafka_cluster.h"
#include "service/modules/server_lease.h"
#include "service/port.h"

enum {
    PORT = 9092,
    INSIDE_PORT = 19092,
    START_MAX_MS = 150000,
    PORT_TRIES = 3,
    FRAME_MAX = 64 << 10,
    WORDS = 512
};

static const char default_image[] = "apache/kafka";

struct kafka_container {
    struct kafka_cluster cluster; /* first */
    struct server *server;
};

static struct kafka_container *container_of(struct kafka_cluster *cluster)
{
    return (struct kafka_container *)cluster;
}

/* ---- the request ------------------------------------------------------------------------ */

/* Clients are told addresses by the broker, which must know its own: for this machine the port that the daemon
 * publishes, so we choose it; for other containers its address in their network, which it asks for when it starts. */
static void add_command(struct buf *to, const char *host, int port)
{
    char script[WORDS];

    snprintf(
        script, sizeof script,
        "KAFKA_ADVERTISED_LISTENERS=HOST://%s:%d,INSIDE://$(hostname -i | cut -d ' ' -f 1):%d "
        "&& export KAFKA_ADVERTISED_LISTENERS && exec /etc/kafka/docker/run",
        host, port, INSIDE_PORT);
    message_add_text(to, "entrypoint", "/bin/sh");
    message_add_text(to, "cmd", "-c");
    message_add_text(to, "cmd", script);
}

static void add_environment(struct buf *to)
{
    static const char *const env[] = {
        "KAFKA_NODE_ID=1",
        "KAFKA_PROCESS_ROLES=broker,controller",
        "KAFKA_LISTENERS=HOST://0.0.0.0:9092,INSIDE://0.0.0.0:19092,CONTROLLER://"
        "127.0.0.1:29093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=HOST:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:"
        "PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME=INSIDE",
        "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:29093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS=1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS=1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR=1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR=1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0",
        "KAFKA_CONTROLLER_QUORUM_APPEND_LINGER_MS=0",
        "KAFKA_LOG_SEGMENT_DELETE_DELAY_MS=1000",
        "KAFKA_HEAP_OPTS=-Xms96m -Xmx384m",
        "KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData",
    };

    for (size_t i = 0; i < sizeof env / sizeof *env; i++)
        message_add_text(to, "env", env[i]);
}

/* The published port is ours to say; else the daemon would choose it when it is too late. */
static void add_binding(struct buf *to, const char *host, int port)
{
    const char *address = strcmp(host, "127.0.0.1") == 0 ? host : "";
    char text[WORDS];

    snprintf(text, sizeof text,
             "{\"HostConfig\":{\"PortBindings\":{\"%d/"
             "tcp\":[{\"HostIp\":\"%s\",\"HostPort\":\"%d\"}]}}}",
             PORT, address, port);
    message_add_int(to, "port", PORT);
    message_add_text(to, "raw_json", text);
}

static void add_frame(struct buf *to, const char *key, struct buf *frame)
{
    message_end(frame, 0);
    message_add(to, key, frame->data + 4, frame->size - 4);
    buf_fini(frame);
}

static void add_wait(struct buf *to)
{
    struct buf all = BUF_INIT(FRAME_MAX), log = BUF_INIT(FRAME_MAX);

    message_begin(&log);
    message_add_int(&log, "kind", WAIT_LOG);
    message_add_text(&log, "text", "Kafka Server started");
    message_begin(&all);
    message_add_int(&all, "kind", WAIT_ALL);
    add_frame(&all, "part", &log);
    add_frame(to, "wait", &all);
}

static int make_request(const struct kafka_wish *wish, const char *host, int port,
                        struct request **ret, struct err *err)
{
    struct buf frame = BUF_INIT(FRAME_MAX), body = BUF_INIT(FRAME_MAX);
    struct message message;
    int r;

    message_begin(&body);
    message_add_text(&body, "image", wish->image ? wish->image : default_image);
    add_command(&body, host, port);
    add_environment(&body);
    add_binding(&body, host, port);
    add_wait(&body);
    message_begin(&frame);
    message_add_text(&frame, "name", "kafka");
    message_add_int(&frame, "private",
                    1); /* who shares it is not the server's business, but ours */
    message_add_text(&frame, "network", wish->network);
    message_add_int(&frame, "pull", wish->pull);
    message_add_int(&frame, "offline", wish->offline);
    message_add_int(&frame, "timeout_ms", START_MAX_MS);
    add_frame(&frame, "request", &body);
    message_end(&frame, 0);
    message = (struct message){ frame.data + 4, frame.size - 4 };
    r = frame.failed ? err_set(err, -ENOMEM, "out of memory")
                     : request_read(&message, ret, err); /* copies all */
    buf_fini(&frame);
    return r;
}

/* ---- starting --------------------------------------------------------------------------- */

static int start_server(const struct kafka_wish *wish, const char *host, struct server **ret,
                        struct kafka_trouble *trouble)
{
    struct server_trouble why = { 0 };
    struct request *request = NULL;
    struct err err = { "" };
    int port = port_reserve();
    int r = port < 0 ? err_system(&err, port, "cannot reserve a port of 127.0.0.1")
                     : make_request(wish, host, port, &request, &err);

    if (r < 0)
        return kafka_fail(trouble, r, "%s", err.text);
    r = server_get(wish->keeper, &container_kind, &request, ret, &why);
    request_free(request);
    if (r < 0) {
        trouble->is_missing = why.is_missing;
        trouble->remedy = why.remedy;
        kafka_fail(trouble, r, "%s", buf_text(&why.story));
    }
    buf_fini(&why.story);
    return r;
}

static bool lost_its_port(const struct kafka_trouble *trouble)
{
    return strstr(buf_text(&trouble->story), "port is already allocated") ||
           strstr(buf_text(&trouble->story), "address already in use");
}

static int container_start(const struct kafka_wish *wish, struct kafka_cluster **ret,
                           struct kafka_trouble *trouble)
{
    struct kafka_container *mine;
    struct server *server = NULL;
    struct engine *engine;
    struct err err = { "" };
    int tries = PORT_TRIES, r = daemon_open(wish->keeper, &engine, &trouble->remedy, &err);

    trouble->is_missing = r < 0;
    if (r < 0)
        return kafka_fail(trouble, r, "no container: %s", err.text);
    do
        r = start_server(wish, engine_host(engine), &server, trouble);
    while (r < 0 && lost_its_port(trouble) && --tries > 0);
    mine = r == 0 ? calloc(1, sizeof *mine) : NULL;
    if (r == 0 && !mine) {
        server_free(server);
        r = kafka_fail(trouble, -ENOMEM, "out of memory");
    }
    if (r < 0)
        return r;
    keeper_count(wish->keeper, &server->service, -1); /* leases are counted by who asks us */
    mine->server = server;
    mine->cluster = (struct kafka_cluster){ .service = &server->service,
                                            .keeper = wish->keeper,
                                            .tier = &kafka_container_tier };
    snprintf(mine->cluster.servers, KAFKA_SERVERS, "%s:%d", server->host,
             server_port(server, PORT)->reached);
    snprintf(mine->cluster.inside, KAFKA_SERVERS, "%s:%d", ((struct container *)server)->ip,
             INSIDE_PORT);
    *ret = &mine->cluster;
    return 0;
}

/* ---- the tier --------------------------------------------------------------------------- */

static bool container_is_alive(struct kafka_cluster *cluster)
{
    struct server *server = container_of(cluster)->server;

    return server->kind->is_alive(server);
}

static int container_control(struct kafka_cluster *cluster, const char *what, struct err *err)
{
    struct server *server = container_of(cluster)->server;

    return server->kind->control(server, what, err);
}

static void container_free(struct kafka_cluster *cluster)
{
    kafka_client_free(cluster->client);
    server_free(container_of(cluster)->server);
    free(cluster);
}

static void container_look(struct kafka_cluster *cluster, struct buf *note)
{
    struct server *server = container_of(cluster)->server;

    buf_printf(note, "kcat -b %s -L; ", cluster->servers);
    server->kind->look(server, note);
}

const struct kafka_tier kafka_container_tier = {
    .word = "container",
    .start = container_start,
    .is_alive = container_is_alive,
    .control = container_control,
    .free = container_free,
    .look = container_look,
};
