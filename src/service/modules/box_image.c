/* service/modules/box_image.c - images made of containers; see box_image.h. */

#include "service/modules/box_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease/image_lock.h"

enum { URL_ROOM = 2048, MADE_MAX = 12, COMMIT_MAX_MS = 300000 };

static int inspect(struct engine *engine, const char *image, json_t **ret, struct err *err)
{
    struct buf path = BUF_INIT(URL_ROOM);
    struct engine_call call = { .method = "GET" };
    int r;

    buf_printf(&path, "/images/%s/json", image);
    call.path = buf_text(&path);
    r = engine_do(engine, &call, "cannot look at an image", ret, NULL, err);
    buf_fini(&path);
    return r;
}

static int take_id(const json_t *found, char ret_id[BOX_ID], struct err *err)
{
    const char *id = json_string_value(json_object_get(found, "Id"));

    if (!id || strlen(id) >= BOX_ID)
        return err_set(err, -EPROTO, "the daemon does not say the id of an image");
    snprintf(ret_id, BOX_ID, "%s", id);
    return 0;
}

/* The name that is really asked for: mapped, and pinned by the lock file. */
static int real_name(const struct box_wish *wish, struct buf *ret, struct err *err)
{
    struct buf name = BUF_INIT(URL_ROOM), digest = BUF_INIT(128);
    int r =
        wish->choice.lock ? image_lock_find(wish->choice.lock, wish->image, &digest, err) : 0;

    if (r >= 0) {
        int found = engine_image_name(wish->image, &name, err);

        if (found < 0)
            r = found;
        else if (r > 0)
            r = image_lock_pin(buf_text(&name), buf_text(&digest), ret);
        else
            r = buf_add_text(ret, buf_text(&name));
    }
    buf_fini(&name);
    buf_fini(&digest);
    return r;
}

struct progress {
    struct keeper *keeper;
    const char *kind;
};

static void tell_progress(void *arg, const char *text)
{
    const struct progress *progress = arg;

    keeper_progress(progress->keeper, "%s: %s", progress->kind, text);
}

static int pull(struct keeper *keeper, struct engine *engine, const struct box_wish *wish,
                const char *name, const char **ret_remedy, struct err *err)
{
    struct progress progress = { keeper, wish->kind };
    int r;

    if (wish->choice.offline) {
        *ret_remedy = "seam pull";
        return err_set(err, -ENOENT,
                       "the image '%s' is not here, and -offline lets nobody ask for it", name);
    }
    r = engine_pull(engine, name, NULL, tell_progress, &progress, NULL, err);
    return r < 0 ? -ENOENT : 0;
}

int box_image_find(struct keeper *keeper, const struct box_wish *wish, char ret_id[BOX_ID],
                   const char **ret_remedy, struct err *err)
{
    struct buf name = BUF_INIT(URL_ROOM);
    struct engine *engine;
    json_t *found = NULL;
    int r = box_open(keeper, wish, &engine, ret_remedy, err);

    if (r == 0)
        r = real_name(wish, &name, err);
    if (r == 0) {
        r = inspect(engine, buf_text(&name), &found, err);
        if (r == -ENOENT) {
            r = pull(keeper, engine, wish, buf_text(&name), ret_remedy, err);
            if (r == 0)
                r = inspect(engine, buf_text(&name), &found, err);
        }
        if (r == 0)
            r = take_id(found, ret_id, err);
    }
    json_decref(found);
    buf_fini(&name);
    return r;
}

int box_image_label(struct keeper *keeper, const char *image, const char *label,
                    char ret_id[BOX_ID], char *ret, size_t size)
{
    struct engine *engine;
    json_t *found = NULL;
    const char *value = NULL, *remedy;
    int r = daemon_open(keeper, &engine, &remedy, NULL);

    if (r == 0)
        r = inspect(engine, image, &found, NULL);
    if (r == 0)
        r = take_id(found, ret_id, NULL);
    if (r == 0 && (json_unpack(found, "{s:{s:{s:s}}}", "Config", "Labels", label, &value) < 0 ||
                   strlen(value) >= size))
        r = -ENOENT;
    if (r == 0)
        snprintf(ret, size, "%s", value);
    json_decref(found);
    return r;
}

/* ---- making ----------------------------------------------------------------------------- */

static void remove_image(struct engine *engine, const char *id)
{
    struct buf path = BUF_INIT(URL_ROOM);
    struct engine_call call = { .method = "DELETE" };

    buf_printf(&path, "/images/%s", id);
    call.path = buf_text(&path);
    engine_do(engine, &call, "cannot remove an image", NULL, NULL,
              NULL); /* in use: next time */
    buf_fini(&path);
}

/* The daemon lists the newest first. */
static void remove_oldest(struct engine *engine, const struct box_label *label)
{
    struct buf path = BUF_INIT(URL_ROOM);
    struct engine_call call = { .method = "GET" };
    json_t *list = NULL;

    buf_printf(&path, "/images/json?filters=%%7B%%22label%%22:%%5B%%22%s=%s%%22%%5D%%7D",
               label->name, label->value);
    call.path = buf_text(&path);
    if (engine_do(engine, &call, "cannot list images", &list, NULL, NULL) == 0)
        for (size_t i = MADE_MAX; i < json_array_size(list); i++) {
            const char *id = json_string_value(json_object_get(json_array_get(list, i), "Id"));

            if (id)
                remove_image(engine, id);
        }
    json_decref(list);
    buf_fini(&path);
}

/* It would inherit the labels of its container, by which things of a run are found and removed. */
static json_t *config(const struct box_label *labels)
{
    json_t *object = json_object();
    const char *label = daemon_label();

    json_object_setn_new(object, label, strcspn(label, "="), json_string(""));
    json_object_set_new(object, "seam.name", json_string(""));
    for (; labels->name; labels++)
        json_object_set_new(object, labels->name, json_string(labels->value));
    return json_pack("{s:o}", "Labels", object);
}

int box_image_commit(struct server *server, const char *name, const struct box_label *labels,
                     char ret_id[BOX_ID], struct err *err)
{
    const int repository = (int)strcspn(name, ":");
    struct engine_call call = { .method = "POST", .timeout_ms = COMMIT_MAX_MS };
    struct buf path = BUF_INIT(URL_ROOM);
    json_t *body = config(labels), *found = NULL;
    struct engine *engine;
    const char *remedy;
    int r = daemon_open(server->keeper, &engine, &remedy, err);

    buf_printf(&path, "/commit?container=%s&repo=%.*s&tag=%s", server->id, repository, name,
               name + repository + 1);
    call.path = buf_text(&path);
    call.json = body;
    if (r == 0)
        r = engine_do(engine, &call, "cannot make an image of a container", &found, NULL, err);
    if (r == 0)
        r = take_id(found, ret_id, err);
    if (r == 0)
        remove_oldest(engine, &labels[0]);
    json_decref(body);
    json_decref(found);
    buf_fini(&path);
    return r;
}
