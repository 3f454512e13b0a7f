/* service/engine_registry_test.c - pulls of a Docker daemon that runs here, from registries of the test's own. */

#include <jansson.h>
#include <seam/http.h>
#include <seam/seam.h>
#include <seam/spawn.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/engine_test.h"
#include "service/tar.h"

SEAM_FILE(.tags = "integration");

/* base64 of user:secret, and its entry for docker-registry. */
static const char password[] = "dXNlcjpzZWNyZXQ=";
static const char htpasswd[] =
    "user:$2y$04$T4mmWX7xCA8cmHOR6lSL.eHUETvDwdwKF0EXkYXFoOLgutz4l8b6K\n";

/* A registry, and the name of an image in it. */
struct registry {
    struct engine *engine;
    const char *host, *image;
};

static void remove_image(void *arg)
{
    struct registry *registry = arg;
    char path[600];

    snprintf(path, sizeof path, "/images/%s?force=1", registry->image);
    engine_do(registry->engine, &(struct engine_call){ .method = "DELETE", .path = path },
              "cannot remove", NULL, NULL, NULL);
}

static int start_registry(seam_t *t, bool closed)
{
    static const char open_config[] = "version: 0.1\nlog: {level: error, accesslog: {disabled: "
                                      "true}}\nstorage: {filesystem: {}}\nhttp: {addr: set}\n";
    const char *folder = seam_tempdir(t), *config = seam_path(t, "%s/config.yml", folder);
    const char *users = seam_path(t, "%s/htpasswd", folder);
    const char *root =
        seam_format(t, "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=%s/data", folder);
    const char *realm = closed ? "REGISTRY_AUTH_HTPASSWD_REALM=test" : "NOTHING=1";
    const char *path =
        closed ? seam_format(t, "REGISTRY_AUTH_HTPASSWD_PATH=%s", users) : "NOTHING=1";
    seam_process *program;

    if (access("/usr/bin/docker-registry", X_OK) < 0)
        engine_test_lacks(t, "needs docker-registry; try: apt-get install docker-registry");
    seam_write_file(t, config, open_config, strlen(open_config));
    seam_write_file(t, users, htpasswd, strlen(htpasswd));
    program =
        seam_spawn(t, .argv = { "/usr/bin/docker-registry", "serve", config },
                   .env = { "REGISTRY_HTTP_ADDR=127.0.0.1:{port:http}", root, realm, path },
                   .ready_port = "http", .may_fail = true);
    return seam_process_port(program, "http");
}

static bool pass(void *arg, const json_t *line)
{
    const char *failure = engine_text(line, "error");

    snprintf(arg, 1000, "%s", failure);
    return *failure == '\0';
}

/* A call that answers by lines, whose failure ends the test. */
static void do_lines(seam_t *t, struct engine *engine, struct engine_call call)
{
    char failure[1000] = "";
    struct engine_lines lines = { .sink = pass, .arg = failure, .rest = BUF_INIT(1 << 20) };
    struct err err = { "" };

    call.sink = engine_lines_feed;
    call.arg = &lines;
    if (engine_do(engine, &call, "cannot prepare", NULL, NULL, &err) < 0 || *failure)
        seam_fatal(t, "%s%s", err.text, failure);
    engine_lines_end(&lines);
}

/* An image with one small file goes into the registry and is removed here. */
static void push(seam_t *t, struct registry *registry)
{
    struct buf tar = BUF_INIT(1 << 20), auth = BUF_INIT(1000);
    const char *name =
        seam_format(t, "%.*s", (int)strlen(registry->image) - 2, registry->image);

    seam_setenv(
        t, "DOCKER_AUTH_CONFIG",
        seam_format(t, "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", registry->host, password));
    seam_require_ok(t, engine_auth(registry->host, &auth, NULL, NULL));
    tar_add(&tar, "file", 0644, registry->host, strlen(registry->host));
    tar_end(&tar);
    do_lines(t, registry->engine,
             (struct engine_call){
                 .method = "POST",
                 .path = seam_format(t, "/images/create?fromSrc=-&repo=%s&tag=1", name),
                 .body = tar.data,
                 .body_size = tar.size });
    do_lines(t, registry->engine,
             (struct engine_call){ .method = "POST",
                                   .path = seam_format(t, "/images/%s/push?tag=1", name),
                                   .auth = auth.data });
    buf_fini(&tar);
    buf_fini(&auth);
}

static struct registry *begin(seam_t *t, bool closed)
{
    struct registry *registry = seam_alloc(t, sizeof *registry);

    registry->engine = engine_test_real(t);
    registry->host = seam_format(t, "127.0.0.1:%d", start_registry(t, closed));
    registry->image = seam_format(t, "%s/seam-test/app:1", registry->host);
    seam_cleanup(t, remove_image, registry);
    push(t, registry);
    remove_image(registry);
    seam_require(t, !engine_image_is_here(registry->engine, registry->image));
    return registry;
}

static void write_note(void *arg, const char *text)
{
    buf_printf(arg, "%s\n", text);
}

SEAM_TEST(registry_gives_an_image)
{
    struct registry *registry = begin(t, false);
    struct buf notes = BUF_INIT(1 << 16);
    struct err err = { "" };

    registry->engine->note_ms = -1;
    if (engine_pull(registry->engine, registry->image, NULL, write_note, &notes, NULL, &err) <
        0)
        seam_fatal(t, "%s", err.text);
    seam_check(t, engine_image_is_here(registry->engine, registry->image));
    seam_check(t, strstr(buf_text(&notes), ": 1 of 1 layers, ") != NULL);
    buf_fini(&notes);
}

SEAM_TEST(registry_takes_a_prefix)
{
    struct registry *registry = begin(t, false);
    struct buf name = BUF_INIT(1000);
    struct err err = { "" };

    seam_setenv(t, "SEAM_IMAGE_PREFIX", registry->host);
    seam_require_ok(t, engine_image_name("seam-test/app:1", &name, &err));
    seam_check_eq(
        t, engine_pull(registry->engine, buf_text(&name), NULL, NULL, NULL, NULL, &err), 0);
    seam_check(t, engine_image_is_here(registry->engine, registry->image));
    buf_fini(&name);
}

static int pull(struct registry *registry, const char *image, struct err *err)
{
    return engine_pull(registry->engine, image, NULL, NULL, NULL, NULL, err);
}

SEAM_TEST(registry_has_no_such_image)
{
    struct registry *registry = begin(t, false);
    const char *tag = seam_format(t, "%s0", registry->image);
    struct err err = { "" };

    seam_check_eq(t, pull(registry, tag, &err), -ENOENT);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot pull '%s': the Docker daemon says 'manifest for %s not found: "
                    "manifest unknown: manifest unknown' (status 404); try: correct the "
                    "image's name or tag",
                    tag, tag));
}

SEAM_TEST(registry_wants_a_password)
{
    struct registry *registry = begin(t, true);
    const char *said = seam_format(
        t,
        "cannot pull '%s': the Docker daemon says 'Head "
        "\"http://%s/v2/seam-test/app/manifests/1\": "
        "no basic auth credentials' (status 500); try: docker login (no password in "
        "'DOCKER_AUTH_CONFIG')",
        registry->image, registry->host);
    struct err err = { "" };

    seam_check_eq(t, pull(registry, registry->image, &err), 0);
    remove_image(registry);
    seam_setenv(t, "DOCKER_AUTH_CONFIG", "{}");
    seam_check_eq(t, pull(registry, registry->image, &err), -EACCES);
    seam_check_eq(t, err.text, said);
    seam_setenv(
        t, "DOCKER_AUTH_CONFIG",
        seam_format(t, "{\"auths\":{\"%s\":{\"username\":\"user\",\"password\":\"wrong\"}}}",
                    registry->host));
    seam_check_eq(t, pull(registry, registry->image, &err), -EACCES);
    seam_check(t, strstr(err.text, "unauthorized: authentication required") != NULL);
    seam_check(t, strstr(err.text,
                         "try: docker login (the password of 'DOCKER_AUTH_CONFIG')") != NULL);
    seam_log(t, "%s", err.text);
}

/* ---- registries that fail */

static void limit(seam_http_exchange *x, void *arg)
{
    (void)arg;
    if (strcmp(seam_http_path(x), "/v2/") == 0)
        seam_http_respond(x, 200, "application/json", "{}");
    else
        seam_http_respond(x, 429, "application/json",
                          "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"You have "
                          "reached your pull rate limit\"}]}");
}

SEAM_TEST(registry_limits_its_rate)
{
    struct registry registry = { .engine = engine_test_real(t) };
    seam_http_server *server = seam_http_serve(t, limit, NULL);
    const char *image = seam_format(t, "127.0.0.1:%d/app:1", seam_http_port(server));
    struct err err = { "" };

    seam_check_eq(t, pull(&registry, image, &err), -EDQUOT);
    seam_check(t, strstr(err.text, "toomanyrequests") != NULL);
    seam_check(t, strstr(err.text, "; try: log in (docker login), wait, or name a mirror in "
                                   "SEAM_IMAGE_PREFIX") != NULL);
    seam_log(t, "%s", err.text);
}

SEAM_TEST(registry_is_not_there)
{
    struct registry registry = { .engine = engine_test_real(t) };
    seam_http_server *server = seam_http_serve(t, limit, NULL);
    const char *image = seam_format(t, "127.0.0.1:%d/app:1", seam_http_port(server));
    struct err err = { "" };

    seam_http_stop(server);
    seam_check_eq(t, pull(&registry, image, &err), -EREMOTEIO);
    seam_check(t, strstr(err.text, "connection refused") != NULL);
    seam_check(t, strstr(err.text, "; try: name a registry that can be reached in "
                                   "SEAM_IMAGE_PREFIX") != NULL);
    seam_log(t, "%s", err.text);
}
