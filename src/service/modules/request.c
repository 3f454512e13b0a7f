/* service/modules/request.c - a request for a server, read; see request.h. */

#include "service/modules/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/message_list.h"

static void read_files(const struct message *written, struct request *ret)
{
    struct arena *arena = &ret->arena;
    struct message key, value;
    size_t at = 0;

    ret->files = arena_zero(arena, (message_count(written, "file") + 1) * sizeof *ret->files);
    while (message_next(written, &at, &key, &value) == 1)
        if (message_is(&key, "file")) {
            struct message data = message_value(&value, "data");

            ret->files[ret->file_count++] = (struct request_file){
                .path = message_copy(&value, "path", arena),
                .data = data.data ? arena_copy(arena, data.data, data.size) : "",
                .size = data.size,
                .is_text = message_int(&value, "text", 0) != 0,
                .from = message_copy(&value, "from", arena),
                .mode = (int)message_int(&value, "mode", 0),
            };
        }
}

static void read_texts(const struct message *written, struct request *ret)
{
    struct arena *arena = &ret->arena;

    ret->image = message_copy(written, "image", arena);
    ret->digest = message_copy(written, "digest", arena);
    ret->user = message_copy(written, "user", arena);
    ret->workdir = message_copy(written, "workdir", arena);

    ret->network_mode = message_copy(written, "network_mode", arena);
    ret->platform = message_copy(written, "platform", arena);
    ret->cpus = message_copy(written, "cpus", arena);
    ret->raw_json = message_copy(written, "raw_json", arena);
    ret->build_folder = message_copy(written, "build_folder", arena);
    ret->build_file = message_copy(written, "build_file", arena);
    ret->build_target = message_copy(written, "build_target", arena);
    ret->health_command = message_copy(written, "health_command", arena);
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

    ret->argv = message_list(written, "argv", arena);
    ret->ports = message_list(written, "port", arena);
    ret->host_ports = message_list(written, "host_port", arena);
    ret->env = message_list(written, "env", arena);
    ret->cmd = message_list(written, "cmd", arena);
    ret->entrypoint = message_list(written, "entrypoint", arena);
    ret->labels = message_list(written, "labels", arena);
    ret->mounts = message_list(written, "mounts", arena);
    ret->tmpfs = message_list(written, "tmpfs", arena);
    ret->aliases = message_list(written, "alias", arena);
    ret->ulimits = message_list(written, "ulimits", arena);
    ret->caps = message_list(written, "cap", arena);
    ret->extra_hosts = message_list(written, "extra_hosts", arena);
    ret->build_args = message_list(written, "build_arg", arena);
}

static int read_all(const struct message *message, struct request *request, struct err *err)
{
    struct message written = message_value(message, "request");
    struct message wait = message_value(&written, "wait");

    if (!written.data || !wait.data)
        return err_set(err, -EINVAL, "the request has no server");
    request->name = message_copy(message, "name", &request->arena);
    request->kind = message_copy(message, "kind", &request->arena);
    request->is_private = message_int(message, "private", 0) != 0;
    request->pull = message_int(message, "pull", 0) != 0;
    request->offline = message_int(message, "offline", 0) != 0;
    request->timeout_ms = (int)message_int(message, "timeout_ms", 60000);
    request->attempts = (int)message_int(message, "attempts", 1);
    request->network = message_copy(message, "network", &request->arena);
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
