/* service/engine.c - find a Docker daemon and agree with it; see engine.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "service/engine_state.h"
#include "base/hostile.h"

/* The versions that this client speaks: x.y as 100 x + y. */
enum { OLDEST = 141, NEWEST = 144, ROUTE_MAX = 1 << 16 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void begin_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- agree */

static int version_number(const char *text)
{
    int major, minor;

    if (sscanf(text, "%d.%d", &major, &minor) != 2 || minor < 0 || minor > 99)
        return -1;
    return 100 * major + minor;
}

static int agree(struct engine *engine, const json_t *answer, struct err *err)
{
    const char *theirs = engine_text(answer, "ApiVersion");
    int newest = version_number(theirs);
    int oldest = version_number(engine_text(answer, "MinAPIVersion"));
    int ours = newest < NEWEST ? newest : NEWEST;

    if (newest < 0)
        return err_set(err, -EPROTO,
                       "what listens at '%s' is no Docker daemon; try: check DOCKER_HOST",
                       engine->place.where);
    if (newest < OLDEST)
        return err_set(err, -EPROTONOSUPPORT,
                       "the Docker daemon %s at '%s' speaks API %s, and 1.41 is needed; try: "
                       "install Docker 20.10 or newer",
                       engine_text(answer, "Version"), engine->place.where, theirs);
    if (oldest > NEWEST)
        return err_set(
            err, -EPROTONOSUPPORT,
            "the Docker daemon %s at '%s' speaks no API older than %s, and Seam none "
            "newer than 1.44; try: DOCKER_MIN_API_VERSION=1.44 for the daemon",
            engine_text(answer, "Version"), engine->place.where,
            engine_text(answer, "MinAPIVersion"));
    snprintf(engine->api, sizeof engine->api, "%d.%d", ours / 100, ours % 100);
    snprintf(engine->version, sizeof engine->version, "%s", engine_text(answer, "Version"));
    return 0;
}

static int negotiate(struct engine *engine, struct err *err)
{
    const struct engine_call call = { .method = "GET",
                                      .path = "/version",
                                      .timeout_ms = 10000 };
    json_t *answer = NULL;
    char what[ENGINE_PATH_MAX + 120];
    int r;

    snprintf(what, sizeof what, "cannot use '%s'%s%s", engine->place.where,
             *engine->place.from ? " of " : "", engine->place.from);
    r = engine_do(engine, &call, what, &answer, NULL, err);
    if (r == 0)
        r = agree(engine, answer, err);
    json_decref(answer);
    return r;
}

/* ---- where published ports are reached */

static void find_gateway(char *host, size_t size)
{
    struct buf route = BUF_INIT(ROUTE_MAX);

    if (io_read_file("/proc/net/route", &route) == 0)
        engine_gateway(buf_text(&route), host, size);
    buf_fini(&route);
}

/* Whether the daemon behind a socket lives in our own network, as one that was started beside us in the same
 * container: a process that we cannot see does not. */
static bool is_in_our_network(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct ucred peer = { 0 };
    socklen_t size = sizeof peer;
    struct stat ours, theirs;
    char name[64];
    bool ours_too = false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) < sizeof address.sun_path)
        memcpy(address.sun_path, path, strlen(path));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0) {
        snprintf(name, sizeof name, "/proc/%d/ns/net", (int)peer.pid);
        ours_too = stat("/proc/self/ns/net", &ours) == 0 && stat(name, &theirs) == 0 &&
                   ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    }
    io_close(&fd);
    return ours_too;
}

static void choose_host(struct engine_place *place)
{
    const char *named = getenv("TESTCONTAINERS_HOST_OVERRIDE");

    if (named && *named)
        snprintf(place->host, sizeof place->host, "%s", named);
    else if (*place->socket && access("/.dockerenv", F_OK) == 0 &&
             !is_in_our_network(place->socket))
        find_gateway(place->host, sizeof place->host);
}

/* ---- open */

/* Connecting tells in plain words what libcurl's do not: who may. */
static int look_at_socket(const struct engine_place *place, struct err *err)
{
    int code;

    if (!*place->socket || faccessat(AT_FDCWD, place->socket, R_OK | W_OK, AT_EACCESS) == 0)
        return 0;
    code = -errno;
    return err_system(err, code == -EACCES ? code : -ENOENT, "cannot use '%s'%s%s",
                      place->where, *place->from ? " of " : "", place->from);
}

static int try_place(struct engine *engine, const struct engine_place *place, struct err *err)
{
    int r = look_at_socket(place, err);

    engine->place = *place;
    if (r < 0)
        return r;
    r = negotiate(engine, err);
    if (r < 0)
        return r == -ENOTCONN || r == -ETIMEDOUT ? -ENOENT : r;
    choose_host(&engine->place);
    return 0;
}

/* The first that answers; else the words of the one that is likeliest meant. */
static int try_places(struct engine *engine, struct err *err)
{
    struct engine_place *places = calloc(ENGINE_PLACES, sizeof *places);
    struct err other = { "" };
    int count, r;

    if (!places)
        return err_system(err, -ENOMEM, "cannot look for a Docker daemon");
    count = engine_places(places, err);
    r = count;
    if (count == 0)
        r = err_set(err, -ENOENT,
                    "there is no Docker daemon: DOCKER_HOST is not set, and there is no "
                    "/var/run/docker.sock nor one of a rootless daemon");
    for (int i = 0; i < count && (i == 0 || r < 0); i++) {
        int found = try_place(engine, &places[i], i == 0 ? err : &other);

        r = i == 0 || found == 0 ? found : r;
    }
    free(places);
    return r;
}

static const char *remedy_of(int code)
{
    switch (code) {
    case -EACCES:
        return "usermod -aG docker $USER, and log in again";
    case -ENOENT:
        return getenv("DOCKER_HOST") ? "correct or unset DOCKER_HOST"
                                     : "apt-get install docker.io && systemctl start docker";
    default:
        return NULL;
    }
}

int engine_open(struct engine **ret, const char **ret_remedy, struct err *err)
{
    struct engine *engine = calloc(1, sizeof *engine);
    int r;

    pthread_once(&curl_once, begin_curl);
    if (!engine)
        return err_system(err, -ENOMEM, "cannot look for a Docker daemon");
    pthread_mutex_init(&engine->lock, NULL);
    engine->stall_ms = ENGINE_SILENCE_MS;
    engine->note_ms = ENGINE_NOTE_MS;
    r = try_places(engine, err);
    if (r < 0) {
        if (ret_remedy)
            *ret_remedy = remedy_of(r);
        engine_close(engine);
        return r;
    }
    *ret = engine;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    for (struct engine_line *next; engine->idle; engine->idle = next) {
        next = engine->idle->next;
        engine_line_free(engine->idle);
    }
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

const char *engine_version(const struct engine *engine)
{
    return engine->version;
}

const char *engine_api(const struct engine *engine)
{
    return engine->api;
}

const char *engine_where(const struct engine *engine)
{
    return engine->place.where;
}

bool engine_is_local(const struct engine *engine)
{
    return engine->place.is_local;
}

const char *engine_host(const struct engine *engine)
{
    return engine->place.host;
}
