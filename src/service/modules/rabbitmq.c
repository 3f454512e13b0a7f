/* service/modules/rabbitmq.c - leases of a broker: a virtual host with a user, or a server. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/modules/rabbitmq_host.h"
#include "service/modules/rabbitmq_lease.h"
#include "service/watch.h"

enum {
    QUIET_MS = 100,
    SETTLE_MAX_MS = 1000,
    SLICE_MAX = 32 << 10,
    DEFINITIONS_MAX = 16 << 20,
    BODY_ROOM = 512
};

/* The server that tests share; one that has died is replaced. */
static struct {
    pthread_mutex_t lock; /* held while it starts: who waits wants the same */
    struct rabbitmq_server *server;
    struct err error; /* why there is none; "" when nobody has tried */
    const char *remedy;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int get_shared(struct keeper *keeper, struct rabbitmq_server **ret,
                      const char **ret_remedy, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&shared.lock);
    if (shared.server && !rabbitmq_server_is_alive(shared.server)) {
        keeper_remove(keeper, &shared.server->service);
        shared.server = NULL;
    }
    if (shared.error.text[0])
        r = -EIO; /* it would take as long again */
    else if (!shared.server)
        r = rabbitmq_server_start(keeper, &shared.server, &shared.remedy, &shared.error);
    if (r < 0) {
        *err = shared.error;
        *ret_remedy = shared.remedy;
    } else
        keeper_count(keeper, &shared.server->service, 1);
    *ret = shared.server;
    pthread_mutex_unlock(&shared.lock);
    return r;
}

int rabbitmq_lease_open(struct rabbitmq_lease *mine, struct rabbitmq_link *link,
                        struct err *err)
{
    struct rabbitmq_address address = { mine->server->port, RABBITMQ_ADMIN,
                                        mine->server->password, mine->name };

    return rabbitmq_link_open(link, &address, err);
}

/* ---- leases ----------------------------------------------------------------------------- */

static void add_url(const struct rabbitmq_lease *mine, struct buf *ret)
{
    buf_printf(ret, "amqp://%s:%s@127.0.0.1:%d/%s", mine->name, mine->password,
               mine->server->port, mine->name);
}

static void describe(const struct rabbitmq_lease *mine, struct buf *reply)
{
    struct buf text = BUF_INIT(512);

    add_url(mine, &text);
    message_add_text(reply, "url", buf_text(&text));
    buf_clear(&text);
    buf_printf(&text, "http://127.0.0.1:%d", mine->server->management_port);
    message_add_text(reply, "management_url", buf_text(&text));
    message_add_text(reply, "host", "127.0.0.1");
    message_add_int(reply, "port", mine->server->port);
    message_add_text(reply, "vhost", mine->name);
    message_add_text(reply, "user", mine->name);
    message_add_text(reply, "password", mine->password);
    message_add_text(reply, "version", mine->server->service.version);
    buf_fini(&text);
}

static size_t log_size(const struct rabbitmq_server *server)
{
    struct stat st;

    return stat(server->service.log, &st) == 0 ? (size_t)st.st_size : 0;
}

static void forget_links(struct rabbitmq_lease *mine)
{
    rabbitmq_link_close(&mine->link);
    rabbitmq_link_close(&mine->consuming);
}

static void let_go(struct rabbitmq_lease *mine)
{
    struct rabbitmq_server *server = mine->server;

    forget_links(mine);
    if (mine->is_private) {
        keeper_count(server->keeper, &server->service, -1);
        rabbitmq_server_free(server);
    } else {
        if (mine->http && mine->name[0] && rabbitmq_server_is_alive(server))
            rabbitmq_host_remove(mine->http, mine->name);
        keeper_count(server->keeper, &server->service, -1);
    }
    rabbitmq_http_free(mine->http);
    free(mine);
}

static int get_server(struct lease *lease, struct rabbitmq_lease *mine, struct buf *reply)
{
    const char *remedy = NULL;
    struct err err = { "" };
    int r;

    if (!mine->is_private)
        r = get_shared(lease->keeper, &mine->server, &remedy, &err);
    else {
        r = rabbitmq_server_start(lease->keeper, &mine->server, &remedy, &err);
        if (r == 0)
            keeper_count(lease->keeper, &mine->server->service, 1);
    }
    if (r == 0)
        return 0;
    return remedy ? keeper_skip(reply, remedy, "needs rabbitmq: %s", err.text)
                  : keeper_error(reply, "%s", err.text);
}

static int take_host(struct rabbitmq_lease *mine, struct err *err)
{
    struct rabbitmq_host host;
    int r = mine->is_private ? rabbitmq_host_make(mine->http, &host, err)
                             : rabbitmq_host_take(mine->server, mine->http, &host, err);

    if (r == 0) {
        memcpy(mine->name, host.name, sizeof mine->name);
        memcpy(mine->password, host.password, sizeof mine->password);
    }
    return r;
}

/* Import a file of exported definitions into the virtual host. */
static int define(struct rabbitmq_lease *mine, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(DEFINITIONS_MAX), where = BUF_INIT(BODY_ROOM);
    int r = io_read_file(path, &text);

    if (r < 0)
        err_system(err, r, "cannot read '%s'", path);
    buf_printf(&where, "definitions/%s", mine->name);
    if (r == 0)
        r = rabbitmq_http_call(mine->http, "POST", buf_text(&where), buf_text(&text), NULL,
                               err);
    buf_fini(&text);
    buf_fini(&where);
    return r;
}

static int rabbitmq_start(struct lease *lease, const struct message *request, struct buf *reply)
{
    struct rabbitmq_lease *mine = calloc(1, sizeof *mine);
    struct err err = { "out of memory" };
    char *definitions;
    int r;

    if (!mine)
        return keeper_error(reply, "%s", err.text);
    mine->is_private = message_int(request, "private", 0) != 0;
    r = get_server(lease, mine, reply);
    if (r < 0) {
        free(mine);
        return r;
    }
    mine->http = rabbitmq_http_new(mine->server);
    r = mine->http ? take_host(mine, &err) : -ENOMEM;
    definitions = message_text(request, "definitions");
    if (r == 0 && definitions)
        r = define(mine, definitions, &err);
    free(definitions);
    if (r < 0) {
        let_go(mine);
        return keeper_error(reply, "%s", err.text);
    }
    mine->log_from = log_size(mine->server);
    lease->state = mine;
    describe(mine, reply);
    return 0;
}

static void rabbitmq_end(struct lease *lease, bool keep, struct buf *note)
{
    struct rabbitmq_lease *mine = lease->state;

    if (!keep) {
        let_go(mine);
        return;
    }
    forget_links(mine);
    add_url(mine, note);
    buf_printf(note, ", http://127.0.0.1:%d", mine->server->management_port);
    rabbitmq_http_free(mine->http);
    free(mine);
}

/* ---- verbs ------------------------------------------------------------------------------ */

static int do_control(struct rabbitmq_lease *mine, const char *verb, struct buf *reply)
{
    struct rabbitmq_server *server = mine->server;
    struct err err = { "" };
    int r = 0;

    if (!mine->is_private)
        return keeper_error(reply,
                            "other tests use this server too: ask for .private_server = true");
    if (strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) {
        rabbitmq_server_pause(server, verb[0] == 'p');
        return 0;
    }
    forget_links(mine);
    if (rabbitmq_server_is_alive(server))
        rabbitmq_server_stop(server);
    if (strcmp(verb, "restart") == 0)
        r = rabbitmq_server_boot(server, &err);
    return r < 0 ? keeper_error(reply, "%s", err.text) : 0;
}

static int do_close_connections(struct rabbitmq_lease *mine, struct buf *reply)
{
    struct err err = { "" };
    json_t *list = NULL;
    char path[BODY_ROOM];
    int r;

    snprintf(path, sizeof path, "connections/username/%s", mine->name);
    r = rabbitmq_http_call(mine->http, "GET", path, NULL, &list, &err);
    if (r == 0 && json_array_size(list) > 0)
        r = rabbitmq_http_call(mine->http, "DELETE", path, NULL, NULL, &err);
    if (r < 0)
        r = keeper_error(reply, "%s", err.text);
    else
        message_add_int(reply, "connections", (int64_t)json_array_size(list));
    json_decref(list);
    return r;
}

/* Whether a line goes on with the entry of the one before: with the same time, level and process. */
static bool goes_on(const char *line, const char *before)
{
    size_t size = strcspn(line, ">");

    return line[size] && strncmp(line, before, size + 1) == 0;
}

/* Whether it is about this test: its virtual host or user, or something bad that is nobody's. What our own user has
 * done wrong the test was told. */
static bool is_mine(const struct rabbitmq_lease *mine, const char *line)
{
    bool is_bad =
        strstr(line, "[warning]") || strstr(line, "[error]") || strstr(line, "[critical]");

    if (strstr(line, "'" RABBITMQ_ADMIN "'") || strstr(line, "Message store") ||
        strstr(line, "Successfully set"))
        return false;
    return strstr(line, mine->name) ||
           (is_bad && !strstr(line, "vhost") && !strstr(line, "user"));
}

/* The broker answers a client first and writes its log then: wait until it has nothing more to write. */
static void settle_log(const struct rabbitmq_server *server)
{
    uint64_t last = deadline_after_ms(SETTLE_MAX_MS);
    struct watch watch = WATCH_NONE;
    size_t size;

    if (watch_begin(server->service.folder, &watch) < 0)
        return;
    do {
        size = log_size(server);
        watch_wait(&watch, server->child.fd, deadline_after_ms(QUIET_MS));
    } while (log_size(server) > size && now_ns() < last);
    watch_end(&watch);
}

/* Of the log since the lease began what is about this test. */
static void do_logs(struct rabbitmq_lease *mine, struct buf *reply)
{
    struct buf slice = BUF_INIT(SLICE_MAX), before = BUF_INIT(SLICE_MAX);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    bool shown = false;
    FILE *file;

    settle_log(mine->server);
    file = fopen(mine->server->service.log, "re");
    if (file && fseek(file, (long)mine->log_from, SEEK_SET) == 0)
        while ((size = getline(&line, &room, file)) > 0 && slice.size < SLICE_MAX / 2) {
            shown = goes_on(line, buf_text(&before)) ? shown : is_mine(mine, line);
            if (shown)
                buf_add(&slice, line, (size_t)size);
            buf_clear(&before);
            buf_add(&before, line, (size_t)size);
        }
    if (file)
        fclose(file);
    free(line);
    message_add(reply, "log", buf_text(&slice), slice.size);
    buf_fini(&before);
    buf_fini(&slice);
}

static int rabbitmq_verb(struct lease *lease, const char *verb, const struct message *request,
                         struct buf *reply)
{
    static const char *const controls[] = { "stop", "restart", "pause", "resume" };
    struct rabbitmq_lease *mine = lease->state;
    int r;

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (strcmp(verb, controls[i]) == 0)
            return do_control(mine, verb, reply);
    if (strcmp(verb, "logs") == 0) {
        do_logs(mine, reply);
        return 0;
    }
    if (mine->server->paused)
        return keeper_error(reply, "the server is paused");
    if (!rabbitmq_server_is_alive(mine->server))
        return keeper_error(reply, "the server does not run");
    if (strcmp(verb, "close_connections") == 0)
        return do_close_connections(mine, reply);
    r = rabbitmq_call(mine, verb, request, reply);
    return r == -ENOSYS ? keeper_error(reply, "rabbitmq has no verb '%s'", verb) : r;
}

const struct module rabbitmq_module = {
    .start_verb = "rabbitmq.start",
    .start = rabbitmq_start,
    .verb = rabbitmq_verb,
    .end = rabbitmq_end,
};
