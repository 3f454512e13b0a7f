/* service/modules/rabbitmq.c - leases of a broker: a virtual host with a user, or a server. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/message_list.h"
#include "service/modules/rabbitmq_host.h"
#include "service/modules/rabbitmq_lease.h"
#include "service/watch.h"

enum {
    QUIET_MS = 100,
    SETTLE_MAX_MS = 1000,
    SLICE_MAX = 32 << 10,
    DEFINITIONS_MAX = 16 << 20,
    BODY_ROOM = 512,
    KEY_MAX = 4096
};

/* Servers that tests share, by what makes them different; one that has died is replaced. */
struct shared {
    struct shared *next;
    char *key;
    pthread_mutex_t lock; /* held while it starts: who waits wants the same */
    struct rabbitmq_server *server;
    struct err error; /* why there is none; "" when nobody has tried */
    const char *remedy;
    bool skip;
};

static struct {
    pthread_mutex_t lock; /* guards the list */
    struct shared *list;
} shares = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct shared *find_shared(const struct rabbitmq_wish *wish)
{
    struct buf key = BUF_INIT(KEY_MAX);
    struct shared *one;

    buf_printf(&key, "%d %d %s\n%s", wish->tls, wish->is_boxed,
               wish->choice.image ? wish->choice.image : "",
               wish->plugins ? wish->plugins : "");
    pthread_mutex_lock(&shares.lock);
    for (one = shares.list; one; one = one->next)
        if (strcmp(one->key, buf_text(&key)) == 0)
            break;
    if (!one && !key.failed && (one = calloc(1, sizeof *one))) {
        pthread_mutex_init(&one->lock, NULL);
        one->key = buf_take(&key);
        one->next = shares.list;
        shares.list = one;
    }
    pthread_mutex_unlock(&shares.lock);
    buf_fini(&key);
    return one;
}

static int get_shared(struct keeper *keeper, const struct rabbitmq_wish *wish,
                      struct rabbitmq_server **ret, bool *ret_skip, const char **ret_remedy,
                      struct err *err)
{
    struct shared *one = find_shared(wish);
    int r = 0;

    if (!one)
        return err_set(err, -ENOMEM, "out of memory");
    pthread_mutex_lock(&one->lock);
    if (one->server && !rabbitmq_server_is_alive(one->server)) {
        rabbitmq_server_abandon(one->server);
        one->server = NULL;
    }
    if (one->error.text[0])
        r = -EIO; /* it would take as long again */
    else if (!one->server)
        r = rabbitmq_server_start(keeper, wish, &one->server, &one->skip, &one->remedy,
                                  &one->error);
    if (r < 0) {
        *err = one->error;
        *ret_skip = one->skip;
        *ret_remedy = one->remedy;
    } else
        rabbitmq_server_count(one->server, 1);
    *ret = one->server;
    pthread_mutex_unlock(&one->lock);
    return r;
}

int rabbitmq_lease_open(struct rabbitmq_lease *mine, struct rabbitmq_link *link,
                        struct err *err)
{
    struct rabbitmq_address address = { mine->server->host, mine->server->port, RABBITMQ_ADMIN,
                                        mine->server->password, mine->name };

    return rabbitmq_link_open(link, &address, err);
}

/* ---- leases ----------------------------------------------------------------------------- */

static int port_of(const struct rabbitmq_server *server)
{
    return server->tls_port ? server->tls_port : server->port;
}

static void add_url(const struct rabbitmq_lease *mine, struct buf *ret)
{
    const struct rabbitmq_server *server = mine->server;

    buf_printf(ret, "%s://%s:%s@%s:%d/%s", server->tls_port ? "amqps" : "amqp", mine->name,
               mine->password, server->host, port_of(server), mine->name);
}

static void describe(const struct rabbitmq_lease *mine, struct buf *reply)
{
    struct buf text = BUF_INIT(512);

    add_url(mine, &text);
    message_add_text(reply, "url", buf_text(&text));
    buf_clear(&text);
    buf_printf(&text, "http://%s:%d", mine->server->host, mine->server->management_port);
    message_add_text(reply, "management_url", buf_text(&text));
    message_add_text(reply, "host", mine->server->host);
    message_add_int(reply, "port", port_of(mine->server));
    message_add_int(reply, "management_port", mine->server->management_port);
    message_add_text(reply, "ca_file", mine->server->authority.file);
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
        rabbitmq_server_count(server, -1);
        rabbitmq_server_free(server);
    } else {
        if (mine->http && mine->name[0] && rabbitmq_server_is_alive(server))
            rabbitmq_host_remove(mine->http, mine->name);
        rabbitmq_server_count(server, -1);
    }
    rabbitmq_http_free(mine->http);
    free(mine);
}

static void read_wish(const struct message *request, struct arena *arena,
                      struct rabbitmq_wish *ret)
{
    *ret = (struct rabbitmq_wish){ .plugins = message_copy(request, "plugins", arena),
                                   .tls = message_int(request, "tls", 0) != 0,
                                   .is_private = message_int(request, "private", 0) != 0 };
    box_choice_read(request, arena, &ret->choice);
    ret->is_boxed = ret->choice.tier == BOX_DOCKER || ret->choice.image;
    ret->may_pull = ret->is_boxed;
}

static int get_one(struct lease *lease, const struct rabbitmq_wish *wish,
                   struct rabbitmq_server **ret, bool *ret_skip, const char **ret_remedy,
                   struct err *err)
{
    int r;

    *ret_skip = false;
    *ret_remedy = NULL;
    if (!wish->is_private)
        return get_shared(lease->keeper, wish, ret, ret_skip, ret_remedy, err);
    r = rabbitmq_server_start(lease->keeper, wish, ret, ret_skip, ret_remedy, err);
    if (r == 0)
        rabbitmq_server_count(*ret, 1);
    return r;
}

/* Of this machine, or else in a container, as the wish allows. */
static int get_server(struct lease *lease, struct rabbitmq_wish *wish,
                      struct rabbitmq_lease *mine, struct buf *reply)
{
    struct err err = { "" }, native = { "" };
    const char *remedy, *other;
    bool skip;
    int r;

    if (wish->choice.image && wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, "seam test -services auto",
                           "needs rabbitmq: .image asks for a container, and -services native "
                           "for none");
    r = get_one(lease, wish, &mine->server, &skip, &remedy, &err);
    if (r == 0)
        return 0;
    if (!skip)
        return keeper_error(reply, "%s", err.text);
    if (wish->is_boxed || wish->choice.tier == BOX_NATIVE)
        return keeper_skip(reply, remedy, "needs rabbitmq: %s", err.text);
    native = err;
    wish->is_boxed = true;
    r = get_one(lease, wish, &mine->server, &skip, &other, &err);
    if (r == 0 || !skip)
        return r == 0 ? 0 : keeper_error(reply, "%s", err.text);
    return keeper_skip(reply, remedy, "needs rabbitmq: %s; in a container: %s", native.text,
                       err.text);
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
    struct arena arena = { 0 };
    struct rabbitmq_wish wish;
    char *definitions;
    int r;

    if (!mine)
        return keeper_error(reply, "%s", err.text);
    read_wish(request, &arena, &wish);
    mine->is_private = wish.is_private;
    r = get_server(lease, &wish, mine, reply);
    arena_fini(&arena);
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
    buf_printf(note, ", http://%s:%d", mine->server->host, mine->server->management_port);
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

/* The virtual host or user of a lease, such as 't12_ac39'. */
static bool names_a_lease(const char *line)
{
    for (const char *at = line; (at = strstr(at, "'t")); at++) {
        size_t digits = strspn(at + 2, "0123456789");

        if (digits > 0 && at[2 + digits] == '_')
            return true;
    }
    return false;
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
           (is_bad && !names_a_lease(line) && !strstr(line, "vhost") && !strstr(line, "user"));
}

/* The broker answers a client first and writes its log then: wait until it has nothing more to write. */
static void settle_log(const struct rabbitmq_server *server)
{
    uint64_t last = deadline_after_ms(SETTLE_MAX_MS);
    struct watch watch = WATCH_NONE;
    size_t size;

    if (watch_begin(rabbitmq_server_folder(server), &watch) < 0)
        return;
    do {
        size = log_size(server);
        watch_wait(&watch, rabbitmq_server_end_fd(server), deadline_after_ms(QUIET_MS));
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
