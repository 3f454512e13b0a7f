/* service/engine_auth.c - passwords for registries: DOCKER_AUTH_CONFIG, docker's config.json, credential helpers. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { CONFIG_MAX = 1 << 20, HELPER_MAX = 1 << 16, HELPER_MS = 30000, SECRET_MAX = 8192 };

static const char hub[] = "https://index.docker.io/v1/";

/* ---- config.json */

static void config_path(char *ret, size_t size)
{
    const char *folder = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

    if (folder && *folder)
        snprintf(ret, size, "%s/config.json", folder);
    else
        snprintf(ret, size, "%s/.docker/config.json", home ? home : "");
}

static json_t *parse(const char *data, size_t size, const char *where, struct err *err)
{
    json_error_t error;
    json_t *config = json_loadb(data, size, 0, &error);

    if (!config)
        err_set(err, -EINVAL, "'%s' is no JSON: %s, line %d", where, error.text, error.line);
    return config;
}

/* The configuration, an empty one when there is none; NULL with words. `where` names it. */
static json_t *read_config(char *where, size_t size, struct err *err)
{
    const char *given = getenv("DOCKER_AUTH_CONFIG");
    struct buf text = BUF_INIT(CONFIG_MAX);
    json_t *config = NULL;
    int r;

    if (given && *given) {
        snprintf(where, size, "DOCKER_AUTH_CONFIG");
        return parse(given, strlen(given), where, err);
    }
    config_path(where, size);
    r = io_read_file(where, &text);
    if (r == 0)
        config = parse(buf_text(&text), text.size, where, err);
    else if (r == -ENOENT || r == -ENOTDIR)
        config = json_object();
    else
        err_system(err, r, "cannot read '%s'", where);
    buf_fini(&text);
    return config;
}

/* "https://host:5000/v2/" and "host:5000" are the same registry. */
static bool same_registry(const char *key, const char *registry)
{
    bool is_hub = strcmp(registry, "docker.io") == 0;
    size_t size;

    if (is_hub && strcmp(key, hub) == 0)
        return true;
    if (strncmp(key, "https://", 8) == 0)
        key += 8;
    else if (strncmp(key, "http://", 7) == 0)
        key += 7;
    size = strcspn(key, "/");
    if (is_hub && ((size == 15 && memcmp(key, "index.docker.io", size) == 0) ||
                   (size == 20 && memcmp(key, "registry-1.docker.io", size) == 0)))
        return true;
    return strlen(registry) == size && memcmp(key, registry, size) == 0;
}

static const json_t *entry_of(const json_t *object, const char *registry)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        if (same_registry(key, registry))
            return value;
    }
    return NULL;
}

/* ---- base64 */

/* base64url, as the daemon's header wants it. */
static int add_encoded(struct buf *ret, const char *text)
{
    size_t size = strlen(text), begin = ret->size;
    char *room = buf_reserve(ret, (size + 2) / 3 * 4 + 1);

    if (!room)
        return -ENOMEM;
    ret->size +=
        (size_t)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)text, (int)size);
    for (size_t i = begin; i < ret->size; i++)
        if (ret->data[i] == '+' || ret->data[i] == '/')
            ret->data[i] = ret->data[i] == '+' ? '-' : '_';
    return 0;
}

/* "dXNlcjpwYXNz" as "user:pass". False when it is none. */
static bool decode_pair(const char *text, char *user, char *password)
{
    unsigned char room[SECRET_MAX];
    size_t size = strlen(text);
    char *colon;
    int n;

    if (size == 0 || size % 4 || size / 4 * 3 >= sizeof room)
        return false;
    n = EVP_DecodeBlock(room, (const unsigned char *)text, (int)size);
    if (n < 0)
        return false;
    room[n] = '\0'; /* the padding has become NULs before */
    colon = strchr((char *)room, ':');
    if (!colon)
        return false;
    *colon = '\0';
    snprintf(user, SECRET_MAX, "%s", (char *)room);
    snprintf(password, SECRET_MAX, "%s", colon + 1);
    return true;
}

/* ---- credential helpers */

/* Read until the end, its exit, or too long. */
static int read_helper(int fd, struct buf *ret)
{
    uint64_t deadline_ns = deadline_after_ms(HELPER_MS);
    char room[4096];

    for (;;) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int n = poll(&ready, 1, deadline_poll_ms(deadline_ns));
        ssize_t size;

        if (n == 0)
            return -ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        size = n < 0 ? -1 : read(fd, room, sizeof room);
        if (size == 0)
            return 0;
        if (size > 0 && buf_add(ret, room, (size_t)size) < 0)
            return -ENOBUFS;
    }
}

/* Our own mask and what is ignored here are not for it. */
static int spawn_helper(const char *program, int in, int out, pid_t *ret)
{
    char *const argv[] = { (char *)program, (char *)"get", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    int r;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    r = -posix_spawnp(ret, program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return r;
}

/* Start `docker-credential-NAME get`. What it is to read fits into a pipe, and is there before it. */
static int start_helper(const char *program, const char *server, pid_t *ret_pid, int *ret_out)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, r = 0;

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        r = -errno;
    if (r == 0)
        r = io_write_all(in[1], server, strlen(server));
    io_close(&in[1]);
    if (r == 0)
        r = spawn_helper(program, in[0], out[1], ret_pid);
    io_close(&in[0]);
    io_close(&out[1]);
    if (r < 0)
        io_close(&out[0]);
    *ret_out = out[0];
    return r;
}

static int run_helper(const char *program, const char *server, struct buf *ret, int *ret_status)
{
    pid_t pid = 0;
    int out, r;

    r = start_helper(program, server, &pid, &out);
    if (r < 0)
        return r;
    r = read_helper(out, ret);
    close(out);
    if (r < 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    return r;
}

/* What a helper knows of a server. 1 and the pair, 0 when it knows none, negative with words. */
static int ask_helper(const char *name, const char *server, json_t **ret, struct err *err)
{
    struct buf answer = BUF_INIT(HELPER_MAX);
    char program[300];
    int status = 0, r;

    snprintf(program, sizeof program, "docker-credential-%s", name);
    r = run_helper(program, server, &answer, &status);
    if (r < 0)
        err_system(err, r, "cannot run '%s', which docker's config.json names for '%s'",
                   program, server);
    else if (status == 0)
        r = (*ret = json_loadb(buf_text(&answer), answer.size, 0, NULL)) ? 1 : 0;
    else if (!strstr(buf_text(&answer), "credentials not found"))
        r = err_set(err, -EACCES, "'%s get' for '%s' has failed: %.500s", program, server,
                    *buf_text(&answer) ? answer.data : "it has written nothing");
    buf_fini(&answer);
    return r;
}

/* ---- an entry into the header's JSON */

static json_t *from_pair(const char *user, const char *password, const char *server)
{
    if (strcmp(user, "<token>") == 0)
        return json_pack("{s:s, s:s}", "identitytoken", password, "serveraddress", server);
    return json_pack("{s:s, s:s, s:s}", "username", user, "password", password, "serveraddress",
                     server);
}

static json_t *from_entry(const json_t *entry, const char *server)
{
    char user[SECRET_MAX], password[SECRET_MAX];

    if (*engine_text(entry, "identitytoken"))
        return from_pair("<token>", engine_text(entry, "identitytoken"), server);
    if (decode_pair(engine_text(entry, "auth"), user, password))
        return from_pair(user, password, server);
    if (*engine_text(entry, "username"))
        return from_pair(engine_text(entry, "username"), engine_text(entry, "password"),
                         server);
    return NULL;
}

/* The helper that a registry has, or all have. */
static const char *helper_of(const json_t *config, const char *registry)
{
    const char *own =
        json_string_value(entry_of(json_object_get(config, "credHelpers"), registry));

    return own ? own : engine_text(config, "credsStore");
}

/* The pair for a registry: a helper's, else the file's. *ret is NULL when there is none. */
static int find(const json_t *config, const char *registry, json_t **ret, struct err *err)
{
    const char *server = strcmp(registry, "docker.io") == 0 ? hub : registry;
    const char *helper = helper_of(config, registry);
    json_t *answer = NULL;
    int r = 0;

    *ret = NULL;
    if (*helper)
        r = ask_helper(helper, server, &answer, err);
    if (r < 0)
        return r;
    *ret = r > 0 ? from_pair(engine_text(answer, "Username"), engine_text(answer, "Secret"),
                             server)
                 : from_entry(entry_of(json_object_get(config, "auths"), registry), server);
    json_decref(answer);
    return 0;
}

static int add_object(struct buf *ret, const json_t *object, struct err *err)
{
    char *text = json_dumps(object, JSON_COMPACT);
    int r = text ? add_encoded(ret, text) : -ENOMEM;

    free(text);
    return r < 0 ? err_system(err, r, "cannot tell the Docker daemon a password") : 0;
}

int engine_auth(const char *registry, struct buf *ret, struct buf *where, struct err *err)
{
    char path[ENGINE_PATH_MAX + 32];
    json_t *config = read_config(path, sizeof path, err), *pair = NULL;
    int r;

    if (!config)
        return -EINVAL;
    r = find(config, registry, &pair, err);
    if (r == 0 && pair)
        r = add_object(ret, pair, err);
    if (where)
        buf_printf(where, "%s '%s'", pair ? "the password of" : "no password in", path);
    json_decref(pair);
    json_decref(config);
    return r;
}

int engine_auth_all(struct buf *ret, struct err *err)
{
    char path[ENGINE_PATH_MAX + 32];
    json_t *config = read_config(path, sizeof path, err), *all = json_object(), *value;
    const char *key;
    int r = 0;

    if (!config) {
        json_decref(all);
        return -EINVAL;
    }
    json_object_foreach(json_object_get(config, "auths"), key, value)
    {
        json_t *pair = from_entry(value, key);

        if (pair)
            json_object_set_new(all, key, pair);
    }
    if (json_object_size(all) > 0)
        r = add_object(ret, all, err);
    json_decref(all);
    json_decref(config);
    return r;
}
