/* service/modules/kafka_native.c - a Kafka of this machine: one node, broker and controller; see kafka_cluster.h. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/modules/boot.h"
#include "service/modules/kafka_cluster.h"
#include "service/modules/kafka_home.h"

enum {
    START_MAX_MS = 150000, /* 3 to 5 s of work, which a busy machine stretches */
    FORMAT_MAX_MS = 60000,
    STOP_MAX_MS = 15000,
    DATA_ROOM = 256 << 20,
    LOG_MAX = 64 << 20,
    ARGUMENT = 2 * KAFKA_PATH,
    WORDS = 32, /* of a command: 17 of the JVM, then at most 5, and the end */
    CLUSTER_ID = 23
};

#define STARTED "Kafka Server started"

struct kafka_native {
    struct kafka_cluster cluster; /* first */
    struct service service;
    struct kafka_home home;
    int port, inside_port, controller_port;
    struct child child;
    size_t log_before; /* its size before the last start */
};

static struct kafka_native *native_of(struct kafka_cluster *cluster)
{
    return (struct kafka_native *)cluster;
}

/* ---- its files -------------------------------------------------------------------------- */

static int write_file(const struct kafka_native *native, const char *name,
                      const struct buf *text, struct err *err)
{
    char path[CLEAN_PATH_MAX + 64];
    int r;

    snprintf(path, sizeof path, "%s/%s", native->service.folder, name);
    r = text->failed ? -ENOMEM : io_write_file(path, text->data, text->size);
    return r < 0 ? err_system(err, r, "cannot write '%s'", path) : 0;
}

/* A listener for this machine and one for containers, which reach it by the name host.seam.internal. What Kafka does
 * for the safety of data, with threads and waiting, no test needs. */
static void add_settings(const struct kafka_native *native, struct buf *text)
{
    buf_printf(
        text,
        "process.roles=broker,controller\n"
        "node.id=1\n"
        "controller.quorum.voters=1@127.0.0.1:%d\n"
        "listeners=HOST://127.0.0.1:%d,INSIDE://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d\n"
        "advertised.listeners=HOST://127.0.0.1:%d,INSIDE://host.seam.internal:%d\n"
        "listener.security.protocol.map=HOST:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
        "inter.broker.listener.name=HOST\n"
        "controller.listener.names=CONTROLLER\n"
        "log.dirs=%s/data\n",
        native->controller_port, native->port, native->inside_port, native->controller_port,
        native->port, native->inside_port, native->service.folder);
    buf_add_text(text, "num.network.threads=2\n"
                       "num.io.threads=2\n"
                       "background.threads=2\n"
                       "log.cleaner.dedupe.buffer.size=4194304\n"
                       "log.segment.delete.delay.ms=1000\n"
                       "log.index.size.max.bytes=1048576\n"
                       "offsets.topic.replication.factor=1\n"
                       "offsets.topic.num.partitions=1\n"
                       "transaction.state.log.replication.factor=1\n"
                       "transaction.state.log.min.isr=1\n"
                       "transaction.state.log.num.partitions=1\n"
                       "share.coordinator.state.topic.replication.factor=1\n"
                       "share.coordinator.state.topic.min.isr=1\n"
                       "group.initial.rebalance.delay.ms=0\n"
                       "controller.quorum.append.linger.ms=0\n" /* 25: of each topic's making */
                       "controlled.shutdown.enable=false\n");
}

static int write_settings(const struct kafka_native *native, struct err *err)
{
    struct buf text = BUF_INIT(8192);
    int r;

    add_settings(native, &text);
    r = write_file(native, "server.properties", &text, err);
    buf_clear(&text);
    buf_add_text(&text, "status=error\n" /* log4j 2, of Kafka 4 */
                        "appender.out.type=Console\nappender.out.name=out\n"
                        "appender.out.layout.type=PatternLayout\n"
                        "appender.out.layout.pattern=[%d] %p %m (%c)%n\n"
                        "rootLogger.level=info\nrootLogger.appenderRef.out.ref=out\n");
    if (r == 0)
        r = write_file(native, "log4j2.properties", &text, err);
    buf_clear(&text);
    buf_add_text(&text, "log4j.rootLogger=INFO, out\n" /* log4j 1, of Kafka 3 */
                        "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
                        "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
                        "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n");
    if (r == 0)
        r = write_file(native, "log4j.properties", &text, err);
    buf_fini(&text);
    return r;
}

/* ---- its process ------------------------------------------------------------------------ */

struct command {
    char classes[ARGUMENT], archive[ARGUMENT], log2[ARGUMENT], log1[ARGUMENT];
    char settings[ARGUMENT], heap[ARGUMENT];
    const char *argv[WORDS];
};

/* A heap dump or a crash report of the JVM goes to its own folder. What images/kafka has archived of the classes
 * makes the start faster, and a JVM that it does not fit leaves it alone. */
static void make_command(const struct kafka_native *native, const char *program,
                         struct command *ret)
{
    const char *folder = native->service.folder;
    const char *const argv[] = { native->home.java,
                                 "-XX:TieredStopAtLevel=1",
                                 "-XX:+UseSerialGC",
                                 "-XX:-UsePerfData",
                                 "-Xms96m",
                                 "-Xmx384m",
                                 "-Xshare:auto",
                                 "-Xlog:disable",
                                 "-Xlog:all=error:stderr",
                                 "-Djava.awt.headless=true",
                                 ret->archive,
                                 ret->heap,
                                 ret->log2,
                                 ret->log1,
                                 "-cp",
                                 ret->classes,
                                 program };
    size_t count = sizeof argv / sizeof *argv;

    snprintf(ret->classes, sizeof ret->classes, "%s/libs/*", native->home.folder);
    snprintf(ret->archive, sizeof ret->archive, "-XX:SharedArchiveFile=%s/seam.jsa",
             native->home.folder);
    snprintf(ret->heap, sizeof ret->heap, "-XX:ErrorFile=%s/hs_err.log", folder);
    snprintf(ret->log2, sizeof ret->log2, "-Dlog4j2.configurationFile=%s/log4j2.properties",
             folder);
    snprintf(ret->log1, sizeof ret->log1, "-Dlog4j.configuration=file:%s/log4j.properties",
             folder);
    snprintf(ret->settings, sizeof ret->settings, "%s/server.properties", folder);
    memcpy(ret->argv, argv, sizeof argv);
    ret->argv[count] = NULL;
}

static void append(struct command *command, const char *word)
{
    size_t count = 0;

    while (command->argv[count])
        count++;
    command->argv[count] = word;
    command->argv[count + 1] = NULL;
}

static struct child_spec make_spec(struct kafka_native *native, const struct command *command,
                                   char *marker, size_t size)
{
    struct child_spec spec = { .argv = command->argv,
                               .folder = native->service.folder,
                               .log = native->service.log,
                               .death_signal = SIGKILL };

    spec.marker = keeper_marker(native->cluster.keeper, &native->service, marker, size);
    return spec;
}

/* ---- its storage ------------------------------------------------------------------------ */

/* 22 digits of base 64, as Kafka has them; the first four bits must be no dash's. */
static int make_id(char ret[CLUSTER_ID])
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[CLUSTER_ID - 1];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return -EIO;
    for (int i = 0; i < CLUSTER_ID - 1; i++)
        ret[i] = digits[bytes[i] % (i == 0 ? 52 : 64)];
    ret[CLUSTER_ID - 2] = digits[bytes[0] % 4 * 16]; /* 128 bits end in the middle of it */
    ret[CLUSTER_ID - 1] = '\0';
    return 0;
}

static int format(struct kafka_native *native, const char *id, struct err *err)
{
    struct command command;
    char marker[64];
    struct child_spec spec;

    make_command(native, "kafka.tools.StorageTool", &command);
    append(&command, "format");
    append(&command, "-t");
    append(&command, id);
    append(&command, "-c");
    append(&command, command.settings);
    spec = make_spec(native, &command, marker, sizeof marker);
    return child_run(&spec, deadline_after_ms(FORMAT_MAX_MS), err);
}

/* A copy for the next time: of each Kafka version what it formats is the same, but for the number of the cluster.
 * It appears whole or not at all; without it the next start takes a second longer. */
static void keep_format(const struct kafka_native *native, const char *kept)
{
    char from[CLEAN_PATH_MAX + 64], part[ARGUMENT + 32];
    struct buf text = BUF_INIT(1 << 20);

    snprintf(from, sizeof from, "%s/data/bootstrap.checkpoint", native->service.folder);
    snprintf(part, sizeof part, "%s.%d", kept, (int)getpid());
    if (io_read_file(from, &text) == 0 && io_write_file(part, text.data, text.size) == 0 &&
        rename(part, kept) < 0)
        unlink(part);
    buf_fini(&text);
}

static int unpack_format(const struct kafka_native *native, const struct buf *checkpoint,
                         const char *id, struct err *err)
{
    struct buf text = BUF_INIT(256);
    char path[CLEAN_PATH_MAX + 64];
    int r = 0;

    snprintf(path, sizeof path, "%s/data", native->service.folder);
    if (mkdir(path, 0700) < 0)
        return err_system(err, -errno, "cannot make '%s'", path);
    buf_printf(&text, "version=1\ncluster.id=%s\nnode.id=1\n", id);
    r = write_file(native, "data/meta.properties", &text, err);
    if (r == 0)
        r = write_file(native, "data/bootstrap.checkpoint", checkpoint, err);
    buf_fini(&text);
    return r;
}

static int make_storage(struct kafka_native *native, struct err *err)
{
    struct buf checkpoint = BUF_INIT(1 << 20);
    char kept[ARGUMENT], id[CLUSTER_ID];
    int r = make_id(id);

    if (r < 0)
        return err_set(err, r, "cannot get random bytes");
    snprintf(kept, sizeof kept, "%s/kafka-%s.checkpoint", native->cluster.keeper->cache,
             native->home.version);
    if (io_read_file(kept, &checkpoint) == 0 && checkpoint.size > 0)
        r = unpack_format(native, &checkpoint, id, err);
    else {
        r = format(native, id, err);
        if (r == 0)
            keep_format(native, kept);
    }
    buf_fini(&checkpoint);
    return r;
}

/* ---- starting --------------------------------------------------------------------------- */

/* It says so once for each start. */
static int greet(void *arg, struct err *err)
{
    const struct kafka_native *native = arg;
    struct buf log = BUF_INIT(LOG_MAX);
    bool found = io_read_file(native->service.log, &log) == 0 &&
                 log.size > native->log_before &&
                 strstr(buf_text(&log) + native->log_before, STARTED);

    buf_fini(&log);
    return found ? 0 : err_set(err, -EAGAIN, "its log does not say '%s'", STARTED);
}

static size_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static int execute(void *arg, struct err *err)
{
    struct kafka_native *native = arg;
    struct command command;
    struct child_spec spec;
    char marker[64];

    native->log_before = file_size(native->service.log);
    make_command(native, "kafka.Kafka", &command);
    append(&command, command.settings);
    spec = make_spec(native, &command, marker, sizeof marker);
    return child_start(&spec, &native->child, err);
}

/* What it has of ports that were lost goes. */
static int settle(void *arg, struct err *err)
{
    struct kafka_native *native = arg;
    char data[CLEAN_PATH_MAX + 8];
    int r;

    snprintf(data, sizeof data, "%s/data", native->service.folder);
    io_remove_tree(data, NULL);
    r = write_settings(native, err);
    return r == 0 ? make_storage(native, err) : r;
}

static struct boot boot_of(struct kafka_native *native)
{
    return (struct boot){ .name = "kafka",
                          .server = native,
                          .service = &native->service,
                          .child = &native->child,
                          .folder = native->service.folder,
                          .most_ms = START_MAX_MS,
                          .end_signal = SIGKILL,
                          .execute = execute,
                          .greet = greet,
                          .ports = { &native->port, &native->inside_port,
                                     &native->controller_port },
                          .taken = "Address already in use",
                          .settle = settle };
}

static void end_service(struct service *service)
{
    struct kafka_native *native =
        (struct kafka_native *)(void *)((char *)service -
                                        offsetof(struct kafka_native, service));

    child_signal(&native->child, SIGKILL);
}

static void native_free(struct kafka_cluster *cluster)
{
    struct kafka_native *native = native_of(cluster);

    keeper_remove(cluster->keeper, &native->service);
    kafka_client_free(cluster->client);
    child_end(&native->child, SIGKILL, 0);
    if (native->service.folder[0])
        io_remove_tree(native->service.folder, NULL);
    free(native);
}

static struct kafka_native *make(struct keeper *keeper, const struct kafka_home *home)
{
    struct kafka_native *native = calloc(1, sizeof *native);

    if (!native)
        return NULL;
    native->cluster = (struct kafka_cluster){ .service = &native->service,
                                              .keeper = keeper,
                                              .tier = &kafka_native_tier };
    native->home = *home;
    native->child = CHILD_NONE;
    native->service.end = end_service;
    snprintf(native->service.version, sizeof native->service.version, "%s", home->version);
    return native;
}

static int native_start(const struct kafka_wish *wish, struct kafka_cluster **ret,
                        struct kafka_trouble *trouble)
{
    uint64_t begun = now_ns();
    struct kafka_native *native;
    struct kafka_home home = { "", "", "" };
    struct err err = { "out of memory" };
    bool on_tmpfs;
    int r = kafka_home_find(&home, &trouble->remedy, &err);

    trouble->is_missing = r < 0;
    if (r < 0)
        return kafka_fail(trouble, r, "%s", err.text);
    native = make(wish->keeper, &home);
    r = native ? keeper_prepare(wish->keeper, &native->service, "kafka", DATA_ROOM, &on_tmpfs,
                                &err)
               : -ENOMEM;
    if (r == 0) {
        const struct boot boot = boot_of(native);

        r = boot_first(&boot, &err);
    }
    if (r < 0) {
        if (native)
            native_free(&native->cluster);
        return kafka_fail(trouble, r, "%s", err.text);
    }
    snprintf(native->cluster.servers, KAFKA_SERVERS, "127.0.0.1:%d", native->port);
    snprintf(native->cluster.inside, KAFKA_SERVERS, "host.seam.internal:%d",
             native->inside_port);
    native->cluster.inside_port = native->inside_port;
    keeper_add(wish->keeper, &native->service);
    keeper_note(wish->keeper, "kafka %s native, started in %.0f ms", home.version,
                (double)(now_ns() - begun) / 1e6);
    *ret = &native->cluster;
    return 0;
}

/* ---- the tier --------------------------------------------------------------------------- */

static bool native_is_alive(struct kafka_cluster *cluster)
{
    struct pollfd ended = { .fd = native_of(cluster)->child.fd, .events = POLLIN };

    return native_of(cluster)->child.pid > 0 && poll(&ended, 1, 0) == 0;
}

static int native_control(struct kafka_cluster *cluster, const char *what, struct err *err)
{
    struct kafka_native *native = native_of(cluster);
    const struct boot boot = boot_of(native);

    if (strcmp(what, "pause") == 0 || strcmp(what, "resume") == 0) {
        child_signal(&native->child, what[0] == 'p' ? SIGSTOP : SIGCONT);
        return 0;
    }
    if (native_is_alive(cluster)) {
        child_signal(&native->child, SIGCONT);
        child_end(&native->child, SIGTERM, STOP_MAX_MS);
        native->service.pid = 0;
    }
    return strcmp(what, "restart") == 0 ? boot_again(&boot, err) : 0;
}

static void native_look(struct kafka_cluster *cluster, struct buf *note)
{
    buf_printf(note, "kcat -b %s -L", cluster->servers);
}

const struct kafka_tier kafka_native_tier = {
    .word = "native",
    .start = native_start,
    .is_alive = native_is_alive,
    .control = native_control,
    .free = native_free,
    .look = native_look,
};
