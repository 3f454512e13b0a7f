/* service/modules/container_body.c - the request as the engine's create call wants it; see container.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/modules/container.h"

enum { NANO = 1000000000, MILLION = 1000000 };

/* All json_*_new functions take what is NULL for a failure, so one check at the end is enough. */
static json_t *texts(const char *const *list)
{
    json_t *array = json_array();

    for (; *list; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

static void set_texts(json_t *to, const char *key, const char *const *list)
{
    if (list[0])
        json_object_set_new(to, key, texts(list));
}

static void set_text(json_t *to, const char *key, const char *text)
{
    if (text)
        json_object_set_new(to, key, json_string(text));
}

static void set_number(json_t *to, const char *key, long long number)
{
    if (number != 0)
        json_object_set_new(to, key, json_integer(number));
}

/* "name=value" into {name: value}. */
static void set_pair(json_t *to, const char *pair)
{
    size_t size = strcspn(pair, "=");
    const char *value = pair[size] == '=' ? pair + size + 1 : "";

    json_object_setn_new(to, pair, size, json_string(value));
}

static json_t *labels(const struct container *container)
{
    json_t *object = json_object();

    for (const char *const *at = container->server.request->labels; *at; at++)
        set_pair(object, *at);
    set_pair(object, daemon_label());
    set_text(object, "seam.name", container->server.service.name);
    return object;
}

/* ---- ports ------------------------------------------------------------------------------ */

static void set_ports(const struct container *container, json_t *body, json_t *host)
{
    bool on_loopback = strcmp(container->server.host, "127.0.0.1") == 0;
    const char *address = on_loopback ? "127.0.0.1" : "";
    json_t *exposed = json_object(), *bindings = json_object();
    char name[32];

    for (const char *const *at = container->server.request->ports; *at; at++) {
        snprintf(name, sizeof name, "%s/tcp", *at);
        json_object_set_new(exposed, name, json_object());
        json_object_set_new(bindings, name,
                            json_pack("[{s:s, s:s}]", "HostIp", address, "HostPort", ""));
    }
    json_object_set_new(body, "ExposedPorts", exposed);
    json_object_set_new(host, "PortBindings", bindings);
}

/* ---- mounts ----------------------------------------------------------------------------- */

/* A volume of that name is the run's own: another run's tests may use the same name. */
static int make_volume(const struct container *container, const char *name, size_t size,
                       struct buf *ret, struct err *err)
{
    const char *names[] = { daemon_label(), NULL };
    int r = daemon_begin_making();

    if (r < 0)
        return err_set(err, r, "the run ends");
    buf_printf(ret, "seam-%s-%.*s", container->server.keeper->dirs.run, (int)size, name);
    r = engine_volume(container->engine, buf_text(ret), names, err);
    daemon_end_making();
    return r;
}

static int set_mounts(const struct container *container, json_t *host, struct err *err)
{
    json_t *binds = json_array();
    int r = 0;

    for (const char *const *at = container->server.request->mounts; r == 0 && *at; at++) {
        size_t size = strcspn(*at, ":");
        struct buf bind = BUF_INIT(8192);

        if ((*at)[0] == '/')
            buf_add(&bind, *at, size);
        else
            r = make_volume(container, *at, size, &bind, err);
        buf_add_text(&bind, *at + size);
        json_array_append_new(binds, json_string(buf_text(&bind)));
        buf_fini(&bind);
    }
    json_object_set_new(host, "Binds", binds);
    return r;
}

static void set_tmpfs(const struct request *request, json_t *host)
{
    json_t *object = json_object();

    for (const char *const *at = request->tmpfs; *at; at++) {
        size_t size = strcspn(*at, ":");

        json_object_setn_new(object, *at, size,
                             json_string((*at)[size] == ':' ? *at + size + 1 : ""));
    }
    json_object_set_new(host, "Tmpfs", object);
}

/* ---- limits ----------------------------------------------------------------------------- */

static int set_ulimits(const struct request *request, json_t *host, struct err *err)
{
    json_t *array = json_array();

    for (const char *const *at = request->ulimits; *at; at++) {
        char name[32];
        long long soft, hard;
        int found = sscanf(*at, "%31[a-z]=%lld:%lld", name, &soft, &hard);

        if (found < 2) {
            json_decref(array);
            return err_set(err, -EINVAL, "'%s' in .ulimits is no name=soft:hard", *at);
        }
        json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "Name", name, "Soft",
                                               (json_int_t)soft, "Hard",
                                               (json_int_t)(found == 3 ? hard : soft)));
    }
    json_object_set_new(host, "Ulimits", array);
    return 0;
}

static void set_caps(const struct request *request, json_t *host)
{
    json_t *add = json_array(), *drop = json_array();

    for (const char *const *at = request->caps; *at; at++)
        if ((*at)[0] == '-')
            json_array_append_new(drop, json_string(*at + 1));
        else
            json_array_append_new(add, json_string(*at));
    json_object_set_new(host, "CapAdd", add);
    json_object_set_new(host, "CapDrop", drop);
}

static void set_limits(const struct request *request, json_t *host)
{
    set_number(host, "Memory", request->memory);
    set_number(host, "ShmSize", request->shm);
    if (request->cpus)
        set_number(host, "NanoCpus", (long long)(strtod(request->cpus, NULL) * NANO));
    if (request->privileged)
        json_object_set_new(host, "Privileged", json_true());
}

/* ---- network ---------------------------------------------------------------------------- */

static void set_network(const struct container *container, json_t *body, json_t *host)
{
    const struct request *request = container->server.request;
    const char *mode = request->network        ? request->network
                       : request->network_mode ? request->network_mode
                                               : "bridge";
    bool is_alone = strcmp(mode, "none") == 0, is_host = strcmp(mode, "host") == 0;
    json_t *hosts = texts(request->extra_hosts);

    set_text(host, "NetworkMode", mode);
    if (!is_alone)
        json_array_append_new(hosts, json_string(is_host ? "host.seam.internal:127.0.0.1"
                                                         : "host.seam.internal:host-gateway"));
    json_object_set_new(host, "ExtraHosts", hosts);
    if (request->network)
        json_object_set_new(body, "NetworkingConfig",
                            json_pack("{s:{s:{s:o}}}", "EndpointsConfig", request->network,
                                      "Aliases", texts(request->aliases)));
}

/* ---- all -------------------------------------------------------------------------------- */

static void set_health(const struct request *request, json_t *body)
{
    json_t *health;

    if (!request->health_command)
        return;
    health = json_pack("{s:[s,s]}", "Test", "CMD-SHELL", request->health_command);
    set_number(health, "Interval", (long long)request->health_interval_ms * MILLION);
    set_number(health, "Timeout", (long long)request->health_timeout_ms * MILLION);
    set_number(health, "Retries", request->health_retries);
    json_object_set_new(body, "Healthcheck", health);
}

static int merge_raw(const char *text, json_t *body, struct err *err)
{
    json_error_t where;
    json_t *raw = text ? json_loads(text, 0, &where) : NULL;

    if (text && !json_is_object(raw)) {
        json_decref(raw);
        return raw ? err_set(err, -EINVAL, ".raw_json is no object")
                   : err_set(err, -EINVAL, ".raw_json is wrong in line %d: %s", where.line,
                             where.text);
    }
    if (raw)
        json_object_update_recursive(body, raw);
    json_decref(raw);
    return 0;
}

json_t *container_body(struct container *container, struct err *err)
{
    const struct request *request = container->server.request;
    json_t *body = json_object(), *host = json_object();
    int r;

    set_texts(body, "Cmd", request->cmd);
    set_texts(body, "Entrypoint", request->entrypoint);
    set_texts(body, "Env", request->env);
    set_text(body, "User", request->user);
    set_text(body, "WorkingDir", request->workdir);
    json_object_set_new(body, "Labels", labels(container));
    set_health(request, body);
    set_ports(container, body, host);
    set_tmpfs(request, host);
    set_caps(request, host);
    set_limits(request, host);
    set_network(container, body, host);
    r = set_mounts(container, host, err);
    if (r == 0)
        r = set_ulimits(request, host, err);
    json_object_set_new(body, "HostConfig", host);
    if (r == 0)
        r = merge_raw(request->raw_json, body, err);
    if (r == 0)
        return body;
    json_decref(body);
    return NULL;
}
