/* service/engine_real_test.c - the client and a Docker daemon that runs here; skipped where there is none. */

#include <jansson.h>
#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/engine_test.h"
#include "service/tar.h"

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

/* ---- exec, files */

struct outcome {
    int status;
    struct buf out, err;
};

static void free_outcome(void *arg)
{
    struct outcome *outcome = arg;

    buf_fini(&outcome->out);
    buf_fini(&outcome->err);
}

static struct outcome *run(seam_t *t, struct engine *engine, const char *id,
                           const struct engine_exec *exec)
{
    struct outcome *outcome = seam_alloc(t, sizeof *outcome);
    struct err err = { "" };

    *outcome = (struct outcome){ -1, BUF_INIT(16 << 20), BUF_INIT(16 << 20) };
    seam_cleanup(t, free_outcome, outcome);
    if (engine_exec(engine, id, exec, &outcome->status, &outcome->out, &outcome->err, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return outcome;
}

static const char *start(seam_t *t, struct engine *engine, const char *command)
{
    const char *id = create(t, engine, command);
    struct err err = { "" };

    if (engine_start(engine, id, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return id;
}

SEAM_TEST(real_exec_has_status_streams_and_surroundings)
{
    static const char *const argv[] = { "/bin/sh", "-c",
                                        "echo $WORD; pwd; id -un; echo bad >&2; exit 7", NULL };
    static const char *const env[] = { "WORD=hello", NULL };
    struct engine *engine = engine_test_real(t);
    const char *id = start(t, engine, "sleep 60");
    const struct engine_exec exec = {
        .argv = argv, .env = env, .user = "nobody", .workdir = "/usr"
    };
    struct outcome *got = run(t, engine, id, &exec);

    seam_check_eq(t, got->status, 7);
    seam_check_eq(t, buf_text(&got->out), "hello\n/usr\nnobody\n");
    seam_check_eq(t, buf_text(&got->err), "bad\n");
}

/* More than the pipes on the way hold, in both directions at once. */
SEAM_TEST(real_exec_takes_and_gives_much)
{
    static const char *const argv[] = { "cat", NULL };
    static const char *const count[] = { "wc", "-c", NULL };
    enum { SIZE = 3 << 20 };
    struct engine *engine = engine_test_real(t);
    const char *id = start(t, engine, "sleep 60");
    char *input = seam_alloc(t, SIZE);
    struct outcome *got;

    for (size_t i = 0; i < SIZE; i++)
        input[i] = (char)(i * 7 >> 3);
    got = run(t, engine, id,
              &(struct engine_exec){ .argv = argv, .input = input, .input_size = SIZE });
    seam_check_eq(t, got->status, 0);
    seam_check_mem(t, got->out.data, got->out.size, input, SIZE);
    got = run(t, engine, id, &(struct engine_exec){ .argv = count, .input = "" });
    seam_check_eq(t, buf_text(&got->out), "0\n");
}

SEAM_TEST(real_exec_that_takes_too_long)
{
    static const char *const argv[] = { "sleep", "50", NULL };
    struct engine *engine = engine_test_real(t);
    const char *id = start(t, engine, "sleep 60");
    struct buf out = BUF_INIT(100), error = BUF_INIT(100);
    struct err err = { "" };
    int status;

    seam_check_eq(t,
                  engine_exec(engine, id,
                              &(struct engine_exec){ .argv = argv, .timeout_ms = 300 }, &status,
                              &out, &error, &err),
                  -ETIMEDOUT);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot run 'sleep' in container '%.12s': it has not ended within 300 "
                    "ms; it is left running",
                    id));
}

SEAM_TEST(real_exec_of_no_program)
{
    static const char *const argv[] = { "no-such-program", NULL };
    struct engine *engine = engine_test_real(t);
    const char *id = start(t, engine, "sleep 60");
    struct outcome *got = run(t, engine, id, &(struct engine_exec){ .argv = argv });

    seam_check(t, got->status == 126 || got->status == 127);
    seam_check(t, strstr(buf_text(&got->out), "executable file not found") != NULL);
}

SEAM_TEST(real_exec_in_what_does_not_run)
{
    static const char *const argv[] = { "true", NULL };
    struct engine *engine = engine_test_real(t);
    const char *id = create(t, engine, "true");
    struct buf out = BUF_INIT(100), error = BUF_INIT(100);
    struct err err = { "" };
    int status;

    seam_check_eq(t,
                  engine_exec(engine, id, &(struct engine_exec){ .argv = argv }, &status, &out,
                              &error, &err),
                  -EEXIST);
    seam_check_eq(t, err.text,
                  seam_format(t,
                              "cannot run 'true' in container '%.12s': the Docker daemon says "
                              "'Container %s is not running' (status 409)",
                              id, id));
}

SEAM_TEST(real_files_go_in_and_out)
{
    struct engine *engine = engine_test_real(t);
    const char *id = create(t, engine, "true");
    struct buf tar = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);
    struct tar_member member;
    struct err err = { "" };
    size_t at = 0;

    tar_add_folder(&tar, "/opt/new", 0700);
    tar_add(&tar, "/opt/new/file", 0600, "hello", 5);
    tar_end(&tar);
    if (engine_copy_to(engine, id, &tar, &err) < 0 ||
        engine_copy_from(engine, id, "/opt/new/file", &back, &err) < 0)
        seam_fatal(t, "%s", err.text);
    seam_require_eq(t, tar_next(&back, &at, &member), 1);
    seam_check_eq(t, member.path, "file");
    seam_check_mem(t, member.data, member.size, "hello", 5);
    seam_check_eq(t, tar_next(&back, &at, &member), 0);
    seam_check_eq(t, engine_copy_from(engine, id, "/no/such", &back, &err), -ENOENT);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot copy '/no/such' out of container '%.12s': the Docker daemon "
                    "says 'Could not find the file /no/such in container %s' (status 404)",
                    id, id));
    buf_fini(&tar);
    buf_fini(&back);
}

SEAM_TEST(real_container_is_paused_and_stopped)
{
    static const struct {
        const char *what, *state;
    } steps[] = { { "pause", "paused" },        { "unpause", "running" },
                  { "restart?t=0", "running" }, { "stop?t=0", "exited" },
                  { "stop?t=0", "exited" }, /* again: nothing to do */
                  { "restart", "running" },     { "kill", "exited" } };
    struct engine *engine = engine_test_real(t);
    const char *id = start(t, engine, "sleep 60");

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct err err = { "" };
        json_t *seen = NULL;

        if (engine_signal(engine, id, steps[i].what, &err) < 0 ||
            engine_inspect(engine, id, &seen, &err) < 0)
            seam_fatal(t, "%s", err.text);
        seam_check_eq(t, engine_text(json_object_get(seen, "State"), "Status"), steps[i].state);
        json_decref(seen);
    }
}

/* ---- what goes wrong at a start */

static int start_with(seam_t *t, struct engine *engine, json_t *body, const char *platform,
                      struct err *err)
{
    struct container *container = seam_alloc(t, sizeof *container);
    int r;

    container->engine = engine;
    json_object_set_new(body, "Image", json_string(ENGINE_TEST_IMAGE));
    r = engine_create(engine, ENGINE_TEST_IMAGE, platform, body, container->id, err);
    json_decref(body);
    if (r < 0)
        return r;
    seam_cleanup(t, remove_container, container);
    return engine_start(engine, container->id, err);
}

static json_t *publish(int port)
{
    char text[16];

    snprintf(text, sizeof text, "%d", port);
    return json_pack("{s:[s,s], s:{s:{s:[{s:s,s:s}]}}, s:{s:{}}}", "Cmd", "sleep", "60",
                     "HostConfig", "PortBindings", "80/tcp", "HostIp", "127.0.0.1", "HostPort",
                     text, "ExposedPorts", "80/tcp");
}

SEAM_TEST(real_port_is_taken)
{
    struct engine *engine = engine_test_real(t);
    struct err err = { "" };
    int port, fd = seam_http_listen(t, &port);

    seam_check_eq(t, start_with(t, engine, publish(port), NULL, &err), -EADDRINUSE);
    seam_check(t,
               strstr(err.text,
                      "address already in use' (status 500); try: leave the port of "
                      "this machine to the engine, or end what holds it (ss -ltnp)") != NULL);
    seam_log(t, "%s", err.text);
    close(fd);
}

SEAM_TEST(real_program_is_not_in_the_image)
{
    struct engine *engine = engine_test_real(t);
    struct err err = { "" };

    seam_check_eq(t, start_with(t, engine, json_pack("{s:[s]}", "Cmd", "nothing"), NULL, &err),
                  -ENOEXEC);
    seam_check(t, strstr(err.text, "; try: name a program that the image has in .cmd or "
                                   ".entrypoint") != NULL);
}

SEAM_TEST(real_image_is_for_another_platform)
{
    struct engine *engine = engine_test_real(t);
    struct err err = { "" };

    seam_check_eq(
        t, start_with(t, engine, json_pack("{s:[s]}", "Cmd", "true"), "linux/s390x", &err),
        -ENOENT);
    seam_check(t, strstr(err.text, "does not match the specified platform") != NULL);
    seam_check(t, strstr(err.text, "; try: remove the image that is here") != NULL);
    seam_log(t, "%s", err.text);
}
