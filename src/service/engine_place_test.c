/* service/engine_place_test.c - which Docker daemon is meant, and what is said when it cannot be used. */

#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/engine_test.h"

/* An environment that names no daemon, with a home of its own. Returns the home. */
static const char *forget(seam_t *t)
{
    static const char *const names[] = { "TESTCONTAINERS_HOST", "TESTCONTAINERS_HOST_OVERRIDE",
                                         "DOCKER_HOST",         "DOCKER_CONTEXT",
                                         "DOCKER_CONFIG",       "DOCKER_TLS_VERIFY",
                                         "DOCKER_CERT_PATH",    "XDG_RUNTIME_DIR" };
    const char *home = seam_tempdir(t);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        seam_setenv(t, names[i], NULL);
    seam_setenv(t, "HOME", home);
    return home;
}

/* ---- urls */

SEAM_TEST(place_of_a_url)
{
    static const struct {
        const char *url, *socket, *base, *host;
        bool is_local;
    } rows[] = {
        { "unix:///run/docker.sock", "/run/docker.sock", "http://localhost", "127.0.0.1",
          true },
        { "tcp://build.test:2375", "", "http://build.test:2375", "build.test", false },
        { "tcp://build.test", "", "http://build.test:2375", "build.test", false },
        { "tcp://127.0.0.1:99/", "", "http://127.0.0.1:99", "127.0.0.1", true },
        { "tcp://localhost:99", "", "http://localhost:99", "127.0.0.1", true },
        { "http://a:1", "", "http://a:1", "a", false },
        { "https://a", "", "https://a:2376", "a", false },
        { "tcp://[fd00::1]:5", "", "http://[fd00::1]:5", "fd00::1", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_place place = { .is_local = false };
        struct err err = { "" };

        seam_require_ok(t, engine_place_read(rows[i].url, &place, &err));
        seam_check_eq(t, place.socket, rows[i].socket);
        seam_check_eq(t, place.base, rows[i].base);
        seam_check_eq(t, place.host, rows[i].host);
        seam_check_eq(t, place.is_local, rows[i].is_local);
        seam_check_eq(t, place.where, rows[i].url);
    }
}

SEAM_TEST(place_of_a_url_that_is_none)
{
    static const struct {
        const char *url;
        int code;
        const char *want;
    } rows[] = {
        { "ssh://me@host", -EPROTONOSUPPORT,
          "a Docker daemon cannot be reached by 'ssh://me@host'; try: unix://, tcp:// or "
          "https:// "
          "(for ssh: ssh -nNT -L ./docker.sock:/var/run/docker.sock HOST)" },
        { "unix://docker.sock", -EINVAL,
          "'unix://docker.sock' is no path of a socket; try: unix:///run/docker.sock" },
        { "tcp://:1", -EINVAL, "':1' is no host and port; try: tcp://127.0.0.1:2375" },
        { "tcp://a:", -EINVAL, "'a:' is no host and port; try: tcp://127.0.0.1:2375" },
        { "tcp://a:0", -EINVAL, "'a:0' is no host and port; try: tcp://127.0.0.1:2375" },
        { "tcp://a:1x", -EINVAL, "'a:1x' is no host and port; try: tcp://127.0.0.1:2375" },
        { "tcp://[::1", -EINVAL, "'[::1' is no host and port; try: tcp://127.0.0.1:2375" },
        { "tcp://", -EINVAL, "'' is no host and port; try: tcp://127.0.0.1:2375" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_place place = { .is_local = false };
        struct err err = { "" };

        seam_check_eq(t, engine_place_read(rows[i].url, &place, &err), rows[i].code);
        seam_check_eq(t, err.text, rows[i].want);
    }
}

/* ---- which one */

static struct engine_place *only_place(seam_t *t)
{
    struct engine_place *places = seam_alloc(t, ENGINE_PLACES * sizeof *places);
    struct err err = { "" };
    int count = engine_places(places, &err);

    if (count < 0)
        seam_fatal(t, "%s", err.text);
    seam_require_eq(t, count, 1);
    return places;
}

SEAM_TEST(place_is_named_by_the_environment)
{
    struct engine_place *place;

    forget(t);
    seam_setenv(t, "DOCKER_HOST", "tcp://a:1");
    seam_check_eq(t, only_place(t)->base, "http://a:1");
    seam_setenv(t, "TESTCONTAINERS_HOST", "tcp://b:2");
    seam_setenv(t, "DOCKER_TLS_VERIFY", "1");
    seam_setenv(t, "DOCKER_CERT_PATH", "/certs");
    place = only_place(t);
    seam_check_eq(t, place->base, "https://b:2");
    seam_check_eq(t, place->from, "TESTCONTAINERS_HOST");
    seam_check_eq(t, place->certificates, "/certs");
}

/* A context of `docker context create`. */
static void write_context(seam_t *t, const char *home, const char *folder, const char *meta)
{
    static const char *const above[] = { "", "/contexts", "/contexts/meta" };
    const char *path;

    for (size_t i = 0; i < sizeof above / sizeof *above; i++)
        mkdir(seam_path(t, "%s/.docker%s", home, above[i]), 0755);
    path = seam_path(t, "%s/.docker/contexts/meta/%s", home, folder);
    seam_require_ok(t, mkdir(path, 0755));
    seam_write_file(t, seam_path(t, "%s/meta.json", path), meta, strlen(meta));
}

SEAM_TEST(place_is_that_of_the_docker_context)
{
    static const char config[] = "{\"currentContext\":\"mine\"}";
    const char *home = forget(t), *certificates;
    struct engine_place *place, places[ENGINE_PLACES];
    struct err err = { "" };

    write_context(t, home, "0a",
                  "{\"Name\":\"other\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///o\"}}}");
    write_context(t, home, "0b",
                  "{\"Name\":\"mine\",\"Endpoints\":{\"docker\":{\"Host\":\"tcp://m:5\","
                  "\"SkipTLSVerify\":true}}}");
    seam_write_file(t, seam_path(t, "%s/.docker/config.json", home), config, strlen(config));
    seam_require_ok(t, mkdir(seam_path(t, "%s/.docker/contexts/tls", home), 0755));
    seam_require_ok(t, mkdir(seam_path(t, "%s/.docker/contexts/tls/0b", home), 0755));
    certificates = seam_path(t, "%s/.docker/contexts/tls/0b/docker", home);
    seam_require_ok(t, mkdir(certificates, 0755));
    place = only_place(t);
    seam_check_eq(t, place->base, "https://m:5");
    seam_check_eq(t, place->certificates, certificates);
    seam_check(t, place->unchecked);
    seam_check_eq(t, place->from, "context 'mine'");

    seam_setenv(t, "DOCKER_CONTEXT", "other");
    seam_check_eq(t, only_place(t)->socket, "/o");
    seam_setenv(t, "DOCKER_CONTEXT", "none");
    seam_check_eq(t, engine_places(places, &err), -ENOENT);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "the docker context 'none' is not in '%s/.docker/contexts/meta'; try: "
                    "docker context use default",
                    home));
}

static void write_socket(seam_t *t, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    seam_require_ok(t, bind(fd, (struct sockaddr *)&address, sizeof address));
    close(fd);
}

SEAM_TEST(place_of_a_rootless_daemon)
{
    const char *home = forget(t);
    struct engine_place places[ENGINE_PLACES];
    struct err err = { "" };
    const char *path = seam_path(t, "%s/docker.sock", home);
    bool found = false;
    int count;

    write_socket(t, path);
    seam_setenv(t, "XDG_RUNTIME_DIR", home);
    count = engine_places(places, &err);
    for (int i = 0; i < count; i++)
        found = found || strcmp(places[i].socket, path) == 0;
    seam_check(t, found);
}

/* ---- what is said */

SEAM_TEST(place_without_a_daemon)
{
    const char *home = forget(t), *path = seam_path(t, "%s/docker.sock", home);
    struct engine *engine = NULL;
    struct err err = { "" };
    const char *remedy = NULL;

    seam_setenv(t, "DOCKER_HOST", seam_format(t, "unix://%s", path));
    seam_check_eq(t, engine_open(&engine, &remedy, &err), -ENOENT);
    seam_check_eq(
        t, err.text,
        seam_format(t, "cannot use 'unix://%s' of DOCKER_HOST: No such file or directory",
                    path));
    seam_check_eq(t, remedy, "correct or unset DOCKER_HOST");

    /* A socket where nobody listens any more. */
    write_socket(t, path);
    seam_check_eq(t, engine_open(&engine, &remedy, &err), -ENOENT);
    seam_check(t, strstr(err.text, "does not answer (") != NULL);
    seam_check(t, engine == NULL);
}

static void be_root_again(void *arg)
{
    (void)arg;
    if (seteuid(getuid()) < 0)
        abort();
}

SEAM_TEST(place_that_may_not_be_used)
{
    const char *home = forget(t), *path = seam_path(t, "%s/docker.sock", home);
    struct engine *engine = NULL;
    struct err err = { "" };
    const char *remedy = NULL;

    write_socket(t, path);
    seam_require_ok(t, chmod(path, 0));
    seam_setenv(t, "DOCKER_HOST", seam_format(t, "unix://%s", path));
    seam_cleanup(t, be_root_again, NULL);
    if (geteuid() == 0)
        seam_require_ok(t, seteuid(65534));
    seam_check_eq(t, engine_open(&engine, &remedy, &err), -EACCES);
    be_root_again(NULL);
    seam_check_eq(
        t, err.text,
        seam_format(t, "cannot use 'unix://%s' of DOCKER_HOST: Permission denied", path));
    seam_check_eq(t, remedy, "usermod -aG docker $USER, and log in again");
}

/* ---- where ports are */

static void refuse_all(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 404, NULL, NULL);
}

SEAM_TEST(place_s_host_can_be_overridden)
{
    struct engine_fake fake = { .rest = refuse_all };

    forget(t);
    seam_setenv(t, "TESTCONTAINERS_HOST_OVERRIDE", "docker.example");
    seam_check_eq(t, engine_host(engine_test_fake(t, &fake)), "docker.example");
}

SEAM_TEST(place_s_gateway_is_the_default_route_s)
{
    static const char route[] =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "eth0\t0000010A\t020011AC\t0003\t0\t0\t0\t0000FFFF\n"
        "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
        "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\n";
    char host[64] = "unchanged";

    seam_check_eq(t, engine_gateway("Iface\nlo 0000007F 00000000\n", host, sizeof host),
                  -ENOENT);
    seam_check_eq(t, engine_gateway("", host, sizeof host), -ENOENT);
    seam_check_eq(t, host, "unchanged");
    seam_check_eq(t, engine_gateway(route, host, sizeof host), 0);
    seam_check_eq(t, host, "172.17.0.1");
}
