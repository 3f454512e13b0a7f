/* service/engine_place.c - where a Docker daemon listens. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { FILE_MAX = 1 << 20 };

/* The value of a variable that is set and not empty, else NULL. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* ---- a url */

static int read_unix(const char *path, struct engine_place *place, struct err *err)
{
    if (*path != '/' || strlen(path) > 107)
        return err_set(err, -EINVAL,
                       "'unix://%s' is no path of a socket; try: unix:///run/docker.sock",
                       path);
    snprintf(place->socket, sizeof place->socket, "%s", path);
    snprintf(place->base, sizeof place->base, "http://localhost");
    snprintf(place->host, sizeof place->host, "127.0.0.1");
    place->is_local = true;
    return 0;
}

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

/* The host of "host:port", "[::1]:port", "host". Returns what is behind it, NULL when it is none. */
static const char *take_host(const char *at, char *ret, size_t size)
{
    bool bracket = *at == '[';
    size_t length = strcspn(at + bracket, bracket ? "]" : ":/");
    const char *end = at + bracket + length;

    if (length == 0 || length >= size || (bracket && *end++ != ']'))
        return NULL;
    memcpy(ret, at + bracket, length);
    ret[length] = '\0';
    return end;
}

static int read_tcp(const char *rest, bool tls, struct engine_place *place, struct err *err)
{
    char host[sizeof place->host];
    const char *end = take_host(rest, host, sizeof host);
    long port = tls ? 2376 : 2375;
    char *stop = NULL;

    if (end && *end == ':')
        port = strtol(end + 1, &stop, 10);
    else
        stop = (char *)end;
    if (!end || stop == end + 1 || port < 1 || port > 65535 ||
        (*stop && strcmp(stop, "/") != 0))
        return err_set(err, -EINVAL, "'%s' is no host and port; try: tcp://127.0.0.1:2375",
                       rest);
    snprintf(place->base, sizeof place->base, "http%s://%s%s%s:%ld", tls ? "s" : "",
             strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port);
    place->is_local = is_this_machine(host);
    snprintf(place->host, sizeof place->host, "%s", place->is_local ? "127.0.0.1" : host);
    return 0;
}

int engine_place_read(const char *url, struct engine_place *ret, struct err *err)
{
    struct engine_place place = *ret;
    int r;

    if (snprintf(place.where, sizeof place.where, "%s", url) >= (int)sizeof place.where)
        return err_set(err, -ENAMETOOLONG, "the name of the Docker daemon is too long");
    if (strncmp(url, "unix://", 7) == 0)
        r = read_unix(url + 7, &place, err);
    else if (strncmp(url, "tcp://", 6) == 0)
        r = read_tcp(url + 6, *place.certificates != '\0', &place, err);
    else if (strncmp(url, "http://", 7) == 0)
        r = read_tcp(url + 7, false, &place, err);
    else if (strncmp(url, "https://", 8) == 0)
        r = read_tcp(url + 8, true, &place, err);
    else
        return err_set(
            err, -EPROTONOSUPPORT,
            "a Docker daemon cannot be reached by '%s'; try: unix://, tcp:// or "
            "https:// (for ssh: ssh -nNT -L ./docker.sock:/var/run/docker.sock HOST)",
            url);
    if (r == 0)
        *ret = place;
    return r;
}

/* ---- docker contexts */

static void home_path(char *ret, size_t size, const char *rest)
{
    const char *home = variable("HOME");

    snprintf(ret, size, "%s%s", home ? home : "", rest);
}

/* "~/.docker", or DOCKER_CONFIG. */
static void config_folder(char *ret, size_t size)
{
    const char *named = variable("DOCKER_CONFIG");

    if (named)
        snprintf(ret, size, "%s", named);
    else
        home_path(ret, size, "/.docker");
}

static json_t *read_json(const char *path)
{
    struct buf text = BUF_INIT(FILE_MAX);
    json_t *value = NULL;

    if (io_read_file(path, &text) == 0)
        value = json_loadb(text.data ? text.data : "", text.size, 0, NULL);
    buf_fini(&text);
    return value;
}

/* The name of the context that is in use; false: none, or "default". */
static bool current_context(const char *folder, char *ret, size_t size)
{
    const char *named = variable("DOCKER_CONTEXT");
    char path[ENGINE_PATH_MAX + 16];
    json_t *config;

    snprintf(path, sizeof path, "%s/config.json", folder);
    config = named ? NULL : read_json(path);
    snprintf(ret, size, "%s", named ? named : engine_text(config, "currentContext"));
    json_decref(config);
    return *ret && strcmp(ret, "default") != 0;
}

/* One folder of contexts/meta: is it of that name? Then its place. */
static int try_context(const char *folder, const char *entry, const char *name,
                       struct engine_place *ret, struct err *err)
{
    char path[2 * ENGINE_PATH_MAX];
    json_t *meta, *endpoint;
    int r = -ENOENT;

    snprintf(path, sizeof path, "%s/contexts/meta/%s/meta.json", folder, entry);
    meta = read_json(path);
    endpoint = json_object_get(json_object_get(meta, "Endpoints"), "docker");
    if (meta && strcmp(engine_text(meta, "Name"), name) == 0) {
        snprintf(path, sizeof path, "%s/contexts/tls/%s/docker", folder, entry);
        if (access(path, F_OK) == 0)
            snprintf(ret->certificates, sizeof ret->certificates, "%.*s", ENGINE_PATH_MAX - 1,
                     path);
        ret->unchecked = json_is_true(json_object_get(endpoint, "SkipTLSVerify"));
        r = engine_place_read(engine_text(endpoint, "Host"), ret, err);
    }
    json_decref(meta);
    return r;
}

static int find_context(const char *folder, const char *name, struct engine_place *ret,
                        struct err *err)
{
    char path[ENGINE_PATH_MAX + 16];
    struct dirent *entry;
    DIR *all;
    int r = -ENOENT;

    snprintf(path, sizeof path, "%s/contexts/meta", folder);
    all = opendir(path);
    snprintf(ret->from, sizeof ret->from, "context '%.60s'", name);
    while (all && r == -ENOENT && (entry = readdir(all)))
        if (*entry->d_name != '.')
            r = try_context(folder, entry->d_name, name, ret, err);
    if (all)
        closedir(all);
    if (r == -ENOENT)
        err_set(err, r,
                "the docker context '%s' is not in '%s'; try: docker context use default", name,
                path);
    return r;
}

/* ---- which */

static void take_certificates(struct engine_place *place)
{
    const char *named = variable("DOCKER_CERT_PATH");

    if (!variable("DOCKER_TLS_VERIFY"))
        return;
    if (named)
        snprintf(place->certificates, sizeof place->certificates, "%s", named);
    else
        config_folder(place->certificates, sizeof place->certificates);
}

/* A socket of a usual place, when it is there. */
static int add_usual(struct engine_place *places, int count, const char *path)
{
    char url[ENGINE_PATH_MAX + 8];

    if (access(path, F_OK) < 0)
        return count;
    snprintf(url, sizeof url, "unix://%s", path);
    places[count] = (struct engine_place){ .is_local = true };
    return count + (engine_place_read(url, &places[count], NULL) == 0);
}

static int usual_places(struct engine_place *ret)
{
    const char *runtime = variable("XDG_RUNTIME_DIR");
    char path[ENGINE_PATH_MAX];
    int count = add_usual(ret, 0, "/var/run/docker.sock");

    if (runtime) {
        snprintf(path, sizeof path, "%s/docker.sock", runtime);
        count = add_usual(ret, count, path);
        snprintf(path, sizeof path, "%s/.docker/run/docker.sock", runtime);
        count = add_usual(ret, count, path);
    }
    home_path(path, sizeof path, "/.docker/run/docker.sock");
    count = add_usual(ret, count, path);
    home_path(path, sizeof path, "/.docker/desktop/docker.sock");
    count = add_usual(ret, count, path);
    snprintf(path, sizeof path, "/run/user/%u/docker.sock", (unsigned)getuid());
    return add_usual(ret, count, path);
}

int engine_places(struct engine_place *ret, struct err *err)
{
    static const char *const named[] = { "TESTCONTAINERS_HOST", "DOCKER_HOST" };
    char folder[ENGINE_PATH_MAX], context[128];
    int r;

    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (!variable(named[i]))
            continue;
        *ret = (struct engine_place){ .is_local = false };
        snprintf(ret->from, sizeof ret->from, "%s", named[i]);
        take_certificates(ret);
        r = engine_place_read(variable(named[i]), ret, err);
        return r < 0 ? r : 1;
    }
    config_folder(folder, sizeof folder);
    if (!current_context(folder, context, sizeof context))
        return usual_places(ret);
    *ret = (struct engine_place){ .is_local = false };
    r = find_context(folder, context, ret, err);
    return r < 0 ? r : 1;
}

/* ---- from inside a container */

int engine_gateway(const char *route, char *ret, size_t size)
{
    unsigned destination, gateway;

    for (const char *line = route; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "%*s %x %x", &destination, &gateway) == 2 && destination == 0 &&
            gateway != 0) {
            /* The kernel prints the address as this machine holds it: on a small-endian one backwards. */
            const unsigned char *byte = (const unsigned char *)&gateway;

            snprintf(ret, size, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
            return 0;
        }
    }
    return -ENOENT;
}
