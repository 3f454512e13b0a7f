/* service/modules/box.c - a module's own server in a container; see box.h. */

#include "service/modules/box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "lease/image_lock.h"
#include "service/modules/server_lease.h"
#include "service/port.h"

enum { PORT_TRIES = 3, RAW_ROOM = 2048, URL_ROOM = 2048 };

void box_choice_read(const struct message *request, struct arena *arena, struct box_choice *ret)
{
    static const char *const tiers[] = { "auto", "native", "docker" };
    struct message tier = message_value(request, "tier");
    struct message image = message_value(request, "image");
    struct message lock = message_value(request, "lock");

    *ret = (struct box_choice){ .offline = message_int(request, "offline", 0) != 0 };
    for (int i = 0; i < 3; i++)
        if (tier.size == strlen(tiers[i]) && memcmp(tier.data, tiers[i], tier.size) == 0)
            ret->tier = (enum box_tier)i;
    if (image.data)
        ret->image = arena_copy(arena, image.data, image.size);
    if (lock.data)
        ret->lock = arena_copy(arena, lock.data, lock.size);
}

/* ---- the request ------------------------------------------------------------------------ */

static struct buf begin(void)
{
    struct buf frame = BUF_INIT(MESSAGE_MAX);

    message_begin(&frame);
    return frame;
}

static void add_frame(struct buf *to, const char *key, struct buf *frame)
{
    if (frame->failed)
        to->failed = true;
    else
        message_add(to, key, frame->data + 4, frame->size - 4);
    buf_fini(frame);
}

static void add_list(struct buf *to, const char *key, const char *const *list)
{
    for (; list && *list; list++)
        message_add_text(to, key, *list);
}

static void add_files(const struct box_wish *wish, struct buf *to)
{
    for (const struct box_file *file = wish->files;
         file < wish->files + BOX_FILES && file->path; file++) {
        struct buf part = begin();

        message_add_text(&part, "path", file->path);
        message_add_int(&part, "mode", file->mode);
        if (file->from)
            message_add_text(&part, "from", file->from);
        else
            message_add(&part, "data", file->data, file->size);
        add_frame(to, "file", &part);
    }
}

void box_add_file(struct box_wish *wish, const char *path, const void *data, size_t size)
{
    for (size_t i = 0; i < BOX_FILES; i++)
        if (!wish->files[i].path) {
            wish->files[i] = (struct box_file){ .path = path, .data = data, .size = size };
            return;
        }
}

static void add_wait(const struct box_wish *wish, struct buf *to)
{
    struct buf wait = begin();

    message_add_int(&wait, "kind", WAIT_ALL);
    if (wish->query) {
        struct buf part = begin();

        message_add_int(&part, "kind", WAIT_SQL);
        message_add_text(&part, "text", wish->query);
        message_add_text(&part, "words", wish->query_words);
        add_frame(&wait, "part", &part);
    }
    if (wish->probe) {
        struct buf part = begin();

        message_add_int(&part, "kind", WAIT_PROBE);
        message_add_int(&part, "probe", wish->probe);
        add_frame(&wait, "part", &part);
    }
    add_frame(to, "wait", &wait);
}

/* Ports of this machine that are ours to choose: the engine gives others after a restart. */
static int add_kept_ports(const struct box_wish *wish, const struct engine *engine,
                          struct buf *to, struct err *err)
{
    const char *address = strcmp(engine_host(engine), "127.0.0.1") == 0 ? "127.0.0.1" : "";
    struct buf raw = BUF_INIT(RAW_ROOM);

    for (int i = 0; i < BOX_PORTS && wish->ports[i]; i++) {
        int port = port_reserve();

        if (port < 0)
            return err_set(err, port, "cannot reserve a port of 127.0.0.1");
        buf_printf(&raw, "%s\"%d/tcp\":[{\"HostIp\":\"%s\",\"HostPort\":\"%d\"}]",
                   i ? "," : "{\"HostConfig\":{\"PortBindings\":{", wish->ports[i], address,
                   port);
    }
    buf_add_text(&raw, "}}}");
    message_add_text(to, "raw_json", buf_text(&raw));
    buf_fini(&raw);
    return 0;
}

static int add_image(const struct box_wish *wish, struct buf *to, struct err *err)
{
    struct buf digest = BUF_INIT(128);
    int r = 0;

    message_add_text(to, "image", wish->image);
    if (wish->choice.lock)
        r = image_lock_find(wish->choice.lock, wish->image, &digest, err);
    if (r > 0)
        message_add_text(to, "digest", buf_text(&digest));
    buf_fini(&digest);
    return r < 0 ? r : 0;
}

static int write_request(const struct box_wish *wish, const struct engine *engine,
                         struct buf *frame, struct err *err)
{
    struct buf all = begin();
    int r = add_image(wish, &all, err);

    message_begin(frame);
    message_add_text(frame, "name", wish->kind);
    message_add_text(frame, "kind", wish->kind);
    message_add_int(frame, "private", 1); /* who shares it is the module's business */
    message_add_int(frame, "offline", wish->choice.offline);
    message_add_int(frame, "timeout_ms", wish->timeout_ms);
    message_add_text(&all, "user", wish->user);
    add_list(&all, "env", wish->env);
    add_list(&all, "cmd", wish->cmd);
    add_list(&all, "entrypoint", wish->entrypoint);
    add_list(&all, "labels", wish->labels);
    add_list(&all, "tmpfs", wish->tmpfs);
    for (int i = 0; i < BOX_PORTS && wish->ports[i]; i++)
        message_add_int(&all, "port", wish->ports[i]);
    if (r == 0 && wish->keeps_ports)
        r = add_kept_ports(wish, engine, &all, err);
    add_files(wish, &all);
    add_wait(wish, &all);
    add_frame(frame, "request", &all);
    message_end(frame, 0);
    return r;
}

/* ---- its life --------------------------------------------------------------------------- */

/* Of a long story its beginning and the last lines of the log: those tell most. */
static void tell(const struct buf *story, struct err *err)
{
    const size_t most = sizeof err->text - 1, head = most / 3;
    const char *text = buf_text(story), *tail = text + story->size - (most - head - 8);

    if (story->size <= most) {
        err_set(err, 0, "%s", text);
        return;
    }
    tail += strcspn(tail, "\n");
    err_set(err, 0, "%.*s\n...%s", (int)head, text, tail);
}

static int try_start(struct keeper *keeper, struct engine *engine, const struct box_wish *wish,
                     struct server **ret, bool *ret_again, const char **ret_remedy,
                     struct err *err)
{
    struct server_trouble trouble = { 0 };
    struct buf frame = BUF_INIT(MESSAGE_MAX);
    struct request *request = NULL;
    struct message message;
    int r = write_request(wish, engine, &frame, err);

    if (r == 0 && frame.failed)
        r = err_set(err, -ENOMEM, "out of memory");
    message = (struct message){ frame.data + 4, frame.size > 4 ? frame.size - 4 : 0 };
    if (r == 0)
        r = request_read(&message, &request, err);
    buf_fini(&frame);
    if (r < 0)
        return r;
    r = server_get(keeper, &container_kind, &request, ret, &trouble);
    request_free(request);
    if (r < 0) {
        *ret_again = strstr(buf_text(&trouble.story), "port is already allocated") ||
                     strstr(buf_text(&trouble.story), "address already in use");
        *ret_remedy = trouble.remedy;
        tell(&trouble.story, err);
        r = trouble.is_missing ? -ENOENT : r == -ENOENT ? -EIO : r;
    }
    buf_fini(&trouble.story);
    return r;
}

/* No image is pulled that nobody has asked for. */
static int check_image(struct engine *engine, const struct box_wish *wish, struct err *err)
{
    struct buf name = BUF_INIT(URL_ROOM);
    int r = wish->may_pull ? 0 : engine_image_name(wish->image, &name, err);

    if (r == 0 && !wish->may_pull && !engine_image_is_here(engine, buf_text(&name)))
        r = err_set(err, -ENOENT, "the image '%s' is not here", wish->image);
    buf_fini(&name);
    return r;
}

int box_open(struct keeper *keeper, const struct box_wish *wish, struct engine **ret,
             const char **ret_remedy, struct err *err)
{
    int r;

    *ret_remedy = NULL;
    r = daemon_open(keeper, ret, ret_remedy, err);
    if (r < 0)
        return -ENOENT;
    r = check_image(*ret, wish, err);
    if (r == -ENOENT)
        *ret_remedy = "seam test -services docker";
    return r;
}

int box_start(struct keeper *keeper, const struct box_wish *wish, struct server **ret,
              const char **ret_remedy, struct err *err)
{
    struct engine *engine;
    bool again = false;
    int r = box_open(keeper, wish, &engine, ret_remedy, err);

    if (r < 0)
        return r;
    for (int tries = 1;; tries++) {
        r = try_start(keeper, engine, wish, ret, &again, ret_remedy, err);
        if (r == 0) /* the module counts its leases */
            keeper_count(keeper, &(*ret)->service, -1);
        if (r == 0 || !again || !wish->keeps_ports || tries == PORT_TRIES)
            return r;
    }
}

void box_free(struct server *server)
{
    if (server)
        server_free(server);
}

bool box_is_alive(struct server *server)
{
    return server->kind->is_alive(server);
}

int box_control(struct server *server, const char *what, struct err *err)
{
    return server->kind->control(server, what, err);
}

int box_port(const struct server *server, size_t n)
{
    return n < server->port_count ? server->ports[n].reached : 0;
}

double box_ms(const struct server *server)
{
    return (double)(now_ns() - server->begun_ns) / 1e6;
}
