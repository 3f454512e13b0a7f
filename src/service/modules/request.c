/* service/modules/request.c - a request for a server, read; see request.h. */

#include "service/modules/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

static bool is_key(const struct message *key, const char *name)
{
    return key->size == strlen(name) && memcmp(key->data, name, key->size) == 0;
}

static const char *text_of(const struct message *written, const char *key, struct arena *arena)
{
    struct message value = message_value(written, key);

    return value.data ? arena_copy(arena, value.data, value.size) : NULL;
}

static size_t count(const struct message *written, const char *name)
{
    struct message key, value;
    size_t at = 0, found = 0;

    while (message_next(written, &at, &key, &value) == 1)
        found += is_key(&key, name);
    return found;
}

static const char *const *list_of(const struct message *written, const char *name,
                                  struct arena *arena)
{
    const char **list = arena_zero(arena, (count(written, name) + 1) * sizeof *list);
    struct message key, value;
    size_t at = 0, used = 0;

    while (message_next(written, &at, &key, &value) == 1)
        if (is_key(&key, name))
            list[used++] = arena_copy(arena, value.data, value.size);
    return list;
}

static void read_files(const struct message *written, struct request *ret)
{
    struct arena *arena = &ret->arena;
    struct message key, value;
    size_t at = 0;

    ret->files = arena_zero(arena, (count(written, "file") + 1) * sizeof *ret->files);
    while (message_next(written, &at, &key, &value) == 1)
        if (is_key(&key, "file")) {
            struct message data = message_value(&value, "data");

            ret->files[ret->file_count++] = (struct request_file){
                .path = text_of(&value, "path", arena),
                .data = data.data ? arena_copy(arena, data.data, data.size) : "",
                .size = data.size,
                .is_text = message_int(&value, "text", 0) != 0,
                .from = text_of(&value, "from", arena),
                .mode = (int)message_int(&value, "mode", 0),
            };
        }
}

static void read_texts(const struct message *written, struct request *ret)
{
    struct arena *arena = &ret->arena;

    ret->image = text_of(written, "image", arena);
    ret->digest = text_of(written, "digest", arena);
    ret->user = text_of(written, "user", arena);
    ret->workdir = text_of(written, "workdir", arena);

    ret->network_mode = text_of(written, "network_mode", arena);
    ret->platform = text_of(written, "platform", arena);
    ret->cpus = text_of(written, "cpus", arena);
    ret->raw_json = text_of(written, "raw_json", arena);
    ret->build_folder = text_of(written, "build_folder", arena);
    ret->build_file = text_of(written, "build_file", arena);
    ret->build_target = text_of(written, "build_target", arena);
    ret->health_command = text_of(written, "health_command", arena);
    ret->memory = (long)message_int(written, "memory", 0);
    ret->shm = (long)message_int(written, "shm", 0);
    ret->privileged = message_int(written, "privileged", 0) != 0;
    ret->health_interval_ms = (int)message_int(written, "health_interval_ms", 0);
    ret->health_timeout_ms = (int)message_int(written, "health_timeout_ms", 0);
    ret->health_retries = (int)message_int(written, "health_retries", 0);
}

static void read_lists(const struct message *written, struct request *ret)
{
    struct arena *arena = &ret->arena;

    ret->argv = list_of(written, "argv", arena);
    ret->ports = list_of(written, "port", arena);
    ret->host_ports = list_of(written, "host_port", arena);
    ret->env = list_of(written, "env", arena);
    ret->cmd = list_of(written, "cmd", arena);
    ret->entrypoint = list_of(written, "entrypoint", arena);
    ret->labels = list_of(written, "labels", arena);
    ret->mounts = list_of(written, "mounts", arena);
    ret->tmpfs = list_of(written, "tmpfs", arena);
    ret->aliases = list_of(written, "alias", arena);
    ret->ulimits = list_of(written, "ulimits", arena);
    ret->caps = list_of(written, "cap", arena);
    ret->extra_hosts = list_of(written, "extra_hosts", arena);
    ret->build_args = list_of(written, "build_arg", arena);
}

static int read_all(const struct message *message, struct request *request, struct err *err)
{
    struct message written = message_value(message, "request");
    struct message wait = message_value(&written, "wait");

    if (!written.data || !wait.data)
        return err_set(err, -EINVAL, "the request has no server");
    request->name = text_of(message, "name", &request->arena);
    request->kind = text_of(message, "kind", &request->arena);
    request->is_private = message_int(message, "private", 0) != 0;
    request->pull = message_int(message, "pull", 0) != 0;
    request->offline = message_int(message, "offline", 0) != 0;
    request->timeout_ms = (int)message_int(message, "timeout_ms", 60000);
    request->attempts = (int)message_int(message, "attempts", 1);
    request->network = text_of(message, "network", &request->arena);
    request->identity.data = arena_copy(&request->arena, written.data, written.size);
    request->identity.size = written.size;
    request->key = hash_bytes(HASH_BEGIN, written.data, written.size);
    read_texts(&written, request);
    read_lists(&written, request);
    read_files(&written, request);
    if (!request->name)
        request->name = request->image ? request->image : "server";
    return wait_read(&wait, &request->arena, &request->wait, err);
}

int request_read(const struct message *message, struct request **ret, struct err *err)
{
    struct request *request = calloc(1, sizeof *request);
    int r = request ? read_all(message, request, err) : err_set(err, -ENOMEM, "out of memory");

    if (r < 0)
        request_free(request);
    else
        *ret = request;
    return r;
}

void request_free(struct request *request)
{
    if (!request)
        return;
    wait_fini(&request->wait);
    arena_fini(&request->arena);
    free(request);
}
