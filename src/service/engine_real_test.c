/* service/engine_real_test.c - the client and a Docker daemon that runs here; skipped where there is none. */

#include <jansson.h>
#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/engine_test.h"

SEAM_FILE(.tags = "integration");

struct container {
    struct engine *engine;
    char id[65];
};

static void remove_container(void *arg)
{
    struct container *container = arg;

    engine_remove(container->engine, container->id, NULL);
}

/* A container of the base image that runs a shell's command. */
static const char *create(seam_t *t, struct engine *engine, const char *command)
{
    struct container *container = seam_alloc(t, sizeof *container);
    struct err err = { "" };
    json_t *body = json_pack("{s:s, s:[s,s,s], s:{s:s}}", "Image", ENGINE_TEST_IMAGE, "Cmd",
                             "/bin/sh", "-c", command, "Labels", "seam-test", "engine");
    int r = engine_create(engine, ENGINE_TEST_IMAGE, NULL, body, container->id, &err);

    json_decref(body);
    container->engine = engine;
    if (r < 0)
        seam_fatal(t, "%s", err.text);
    seam_cleanup(t, remove_container, container);
    return container->id;
}

struct log {
    struct buf out, err;
};

static bool gather(void *arg, int stream, const char *data, size_t size)
{
    struct log *log = arg;

    return buf_add(stream == 2 ? &log->err : &log->out, data, size) == 0;
}

SEAM_TEST(real_daemon_is_found_and_agrees)
{
    struct engine *engine = engine_test_real(t);

    seam_check(t, strcmp(engine_api(engine), "1.41") >= 0);
    seam_check(t, *engine_version(engine) != '\0');
    seam_check(t, engine_is_local(engine));
}

SEAM_TEST(real_container_runs_and_its_log_is_read)
{
    struct engine *engine = engine_test_real(t);
    const char *id = create(t, engine, "echo out; echo err >&2; exit 3");
    struct log log = { BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
    struct err err = { "" };
    json_t *seen = NULL, *state;

    seam_require_ok(t, engine_start(engine, id, &err));
    seam_require_ok(t, engine_logs(engine, id, true, 0, gather, &log, NULL, &err));
    seam_check_eq(t, buf_text(&log.out), "out\n");
    seam_check_eq(t, buf_text(&log.err), "err\n");
    seam_require_ok(t, engine_inspect(engine, id, &seen, &err));
    state = json_object_get(seen, "State");
    seam_check_eq(t, json_integer_value(json_object_get(state, "ExitCode")), 3);
    json_decref(seen);
    buf_fini(&log.out);
    buf_fini(&log.err);
}

SEAM_TEST(real_container_that_is_not_there)
{
    struct engine *engine = engine_test_real(t);
    struct err err = { "" };

    seam_check_eq(t, engine_start(engine, "seam-no-such", &err), -ENOENT);
    seam_check_eq(
        t, err.text,
        "cannot start container 'seam-no-such': the Docker daemon says 'No such container: "
        "seam-no-such' (status 404)");
    seam_check_eq(t, engine_remove(engine, "seam-no-such", &err), -ENOENT);
}

SEAM_TEST(real_image_that_is_not_there)
{
    struct engine *engine = engine_test_real(t);
    json_t *body = json_pack("{s:s}", "Image", "seam-test/no-such:1");
    struct err err = { "" };
    char id[65];

    seam_check_eq(t, engine_create(engine, "seam-test/no-such:1", NULL, body, id, &err),
                  -ENOENT);
    seam_check_eq(
        t, err.text,
        "cannot create a container of 'seam-test/no-such:1': the Docker daemon says 'No such "
        "image: seam-test/no-such:1' (status 404); try: pull it (docker pull), or correct "
        "its name");
    json_decref(body);
}
