/* service/engine_call_test.c - calls of the engine's API to a daemon of the test's own: versions, refusals, and what
 * goes wrong on the way. */

#include <jansson.h>
#include <seam/http.h>
#include <seam/seam.h>
#include <seam/spawn.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "service/engine_test.h"

/* ---- versions */

static void refuse_all(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 404, "application/json", "{\"message\":\"page not found\"}");
}

SEAM_TEST(engine_agrees_on_the_newest_version_of_both)
{
    static const struct {
        const char *api, *oldest, *want;
    } rows[] = { { "1.41", "1.12", "1.41" },
                 { "1.43", "1.12", "1.43" },
                 { "1.52", "1.44", "1.44" },
                 { "1.44", "1.24", "1.44" } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_fake fake = { .rest = refuse_all,
                                    .api = rows[i].api,
                                    .oldest = rows[i].oldest };

        seam_check_eq(t, engine_api(engine_test_fake(t, &fake)), rows[i].want);
    }
}

struct version_row {
    const char *name, *api, *oldest;
    int code;
    const char *want; /* behind the place */
};

static void check_version(seam_t *t, void *arg)
{
    const struct version_row *row = arg;
    struct engine_fake fake = { .rest = refuse_all, .api = row->api, .oldest = row->oldest };
    struct engine *engine = NULL;
    struct err err = { "" };
    const char *url;

    engine_test_serve(t, &fake, &url);
    seam_setenv(t, "DOCKER_HOST", url);
    seam_check_eq(t, engine_open(&engine, NULL, &err), row->code);
    seam_check_eq(t, err.text, seam_format(t, row->want, url));
}

SEAM_TEST(engine_refuses_a_version_that_it_does_not_speak)
{
    static const struct version_row rows[] = {
        { "old", "1.40", "1.12", -EPROTONOSUPPORT,
          "the Docker daemon fake at '%s' speaks API 1.40, and 1.41 is needed; try: install "
          "Docker 20.10 or newer" },
        { "new", "1.60", "1.50", -EPROTONOSUPPORT,
          "the Docker daemon fake at '%s' speaks no API older than 1.50, and Seam none newer "
          "than 1.44; try: DOCKER_MIN_API_VERSION=1.44 for the daemon" },
        { "none", "x", "", -EPROTO,
          "what listens at '%s' is no Docker daemon; try: check DOCKER_HOST" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, check_version, &rows[i]);
}

/* ---- refusals */

struct refusal {
    const char *name;
    int status;
    const char *body;
    int code;
    const char *want; /* behind "cannot x: the Docker daemon says " */
};

static void refuse(seam_http_exchange *x, void *arg)
{
    const struct refusal *row = arg;

    seam_http_respond(x, row->status, "application/json", row->body);
}

static void check_refusal(seam_t *t, void *arg)
{
    const struct refusal *row = arg;
    struct engine_fake fake = { .rest = refuse, .arg = (void *)row };
    struct engine *engine = engine_test_fake(t, &fake);
    struct err err = { "" };
    int status = 0;

    seam_check_eq(t,
                  engine_do(engine, &(struct engine_call){ .method = "POST", .path = "/x" },
                            "cannot x", NULL, &status, &err),
                  row->code);
    seam_check_eq(t, status, row->status);
    seam_check_eq(t, err.text,
                  seam_format(t, "cannot x: the Docker daemon says %s", row->want));
}

#define NO_ROOM "mkdir /var/lib/docker/overlay2: no space left on device"
#define TAKEN "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated"

SEAM_TEST(engine_shows_the_daemon_s_words_and_a_remedy)
{
    static const struct refusal rows[] = {
        { "unknown", 500, "{\"message\":\"it is broken.\\n\"}", -EREMOTEIO,
          "'it is broken' (status 500)" },
        { "no_json", 502, "<html>", -EREMOTEIO, "'<html>' (status 502)" },
        { "no_words", 500, "", -EREMOTEIO, "'nothing' (status 500)" },
        { "conflict", 409, "{\"message\":\"name is in use\"}", -EEXIST,
          "'name is in use' (status 409)" },
        { "forbidden", 403, "{\"message\":\"plugin says no\"}", -EACCES,
          "'plugin says no' (status 403)" },
        { "disk_full", 500, "{\"message\":\"" NO_ROOM "\"}", -ENOSPC,
          "'" NO_ROOM "' (status 500); try: make room: docker system prune" },
        { "port_taken", 500, "{\"message\":\"" TAKEN "\"}", -EADDRINUSE,
          "'" TAKEN "' (status 500); try: leave the port of this machine to the engine, or end "
          "what holds it (ss -ltnp)" },
        { "rate_limit", 500, "{\"message\":\"toomanyrequests: You have reached your limit\"}",
          -EDQUOT,
          "'toomanyrequests: You have reached your limit' (status 500); try: log in (docker "
          "login), wait, or name a mirror in SEAM_IMAGE_PREFIX" },
        { "platform", 500, "{\"message\":\"no matching manifest for linux/arm64\"}", -ENOENT,
          "'no matching manifest for linux/arm64' (status 500); try: name a platform that the "
          "image has in .platform" },
        { "other_machine", 400, "{\"message\":\"exec /x: exec format error\"}", -ENOEXEC,
          "'exec /x: exec format error' (status 400); try: name the platform of this machine "
          "in "
          ".platform, or apt-get install qemu-user-static" },
        { "no_program", 400, "{\"message\":\"exec: x: executable file not found in $PATH\"}",
          -ENOEXEC,
          "'exec: x: executable file not found in $PATH' (status 400); try: name a program "
          "that "
          "the image has in .cmd or .entrypoint" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, check_refusal, &rows[i]);
}

/* ---- what is sent */

static void mirror(seam_http_exchange *x, void *arg)
{
    const char *type = seam_http_field(x, "Content-Type");
    const char *auth = seam_http_field(x, "X-Registry-Auth");

    (void)arg;
    seam_http_printf(x, "\"%s %s %s %s %zu\"", seam_http_method(x), seam_http_target(x),
                     type ? type : "-", auth ? auth : "-", strlen(seam_http_body(x, NULL)));
}

static const char *sent(seam_t *t, struct engine *engine, const struct engine_call *call)
{
    json_t *answer = NULL;
    struct err err = { "" };
    const char *text;

    if (engine_do(engine, call, "cannot x", &answer, NULL, &err) < 0)
        seam_fatal(t, "%s", err.text);
    text = seam_format(t, "%s", json_string_value(answer));
    json_decref(answer);
    return text;
}

SEAM_TEST(engine_sends_what_the_call_says)
{
    struct engine_fake fake = { .rest = mirror };
    struct engine *engine = engine_test_fake(t, &fake);
    json_t *body = json_pack("{s:i}", "a", 1);

    seam_check_eq(t,
                  sent(t, engine, &(struct engine_call){ .method = "GET", .path = "/x?y=1" }),
                  "GET /v1.41/x?y=1 - - 0");
    seam_check_eq(
        t,
        sent(t, engine, &(struct engine_call){ .method = "POST", .path = "/x", .json = body }),
        "POST /v1.41/x application/json - 7");
    seam_check_eq(t,
                  sent(t, engine,
                       &(struct engine_call){
                           .method = "PUT", .path = "/x", .body = "tar", .body_size = 3 }),
                  "PUT /v1.41/x application/x-tar - 3");
    seam_check_eq(
        t,
        sent(t, engine,
             &(struct engine_call){ .method = "POST", .path = "/x", .auth = "secret" }),
        "POST /v1.41/x application/x-tar secret 0");
    seam_check_eq(t, sent(t, engine, &(struct engine_call){ .method = "DELETE", .path = "/x" }),
                  "DELETE /v1.41/x application/x-tar - 0");
    json_decref(body);
}

/* ---- on the way */

SEAM_TEST(engine_says_that_the_daemon_is_gone)
{
    struct engine_fake fake = { .rest = mirror };
    const char *url;
    seam_http_server *server = engine_test_serve(t, &fake, &url);
    struct engine *engine = engine_test_open(t, url);
    struct err err = { "" };

    seam_http_stop(server);
    seam_check_eq(t, engine_start(engine, "0123456789abcdef", &err), -ENOTCONN);
    seam_check_str(
        t, seam_format(t, "%.*s", (int)(strcspn(err.text, "(") - 1), err.text),
        seam_format(t,
                    "cannot start container '0123456789ab': the Docker daemon at '%s' "
                    "does not answer",
                    url));
}

static void hang_up(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_write(x, "{\"half", 6);
    seam_http_flush(x);
    seam_http_close(x);
}

/* Half of an answer, then the connection's end without that of the chunks. */
static void reset(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_write(x, "{\"half", 6);
    seam_http_flush(x);
    seam_http_reset(x);
}

SEAM_TEST(engine_notices_an_answer_that_is_cut)
{
    struct engine_fake fake = { .rest = reset };
    struct engine *engine = engine_test_fake(t, &fake);
    json_t *answer = NULL;
    struct err err = { "" };

    seam_check_eq(t, engine_inspect(engine, "abc", &answer, &err), -ENOTCONN);
    fake.rest = hang_up;
    engine = engine_test_fake(t, &fake);
    seam_check_eq(t, engine_inspect(engine, "abc", &answer, &err), -EPROTO);
    seam_check(t, answer == NULL);
    seam_check(t, strstr(err.text, "cannot look at container 'abc': the Docker daemon's answer "
                                   "is no JSON: ") == err.text);
}

static void be_silent(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_write(x, " ", 1);
    seam_http_flush(x);
    seam_http_wait(x, 20000);
}

SEAM_TEST(engine_gives_up_a_silent_daemon)
{
    struct engine_fake fake = { .rest = be_silent };
    struct engine *engine = engine_test_fake(t, &fake);
    struct err err = { "" };

    seam_check_eq(
        t,
        engine_do(engine,
                  &(struct engine_call){ .method = "GET", .path = "/x", .timeout_ms = 200 },
                  "cannot x", NULL, NULL, &err),
        -ETIMEDOUT);
    seam_check_eq(t, err.text, "cannot x: nothing came from the Docker daemon for 200 ms");
}

/* Cancels the call from elsewhere, when the client has long begun to wait. */
static void cancel_it(seam_http_exchange *x, void *arg)
{
    seam_http_write(x, " ", 1);
    seam_http_flush(x);
    seam_http_wait(x, 300);
    __atomic_store_n((int *)arg, 1, __ATOMIC_RELAXED);
    seam_http_wait(x, 20000);
}

SEAM_TEST(engine_is_cancelled)
{
    int *cancel = seam_alloc(t, sizeof *cancel);
    struct engine_fake fake = { .rest = cancel_it, .arg = cancel };
    struct engine *engine = engine_test_fake(t, &fake);
    const struct engine_call call = {
        .method = "GET", .path = "/x", .timeout_ms = 30000, .cancel = cancel
    };
    const uint64_t limit_ns = deadline_after_ms(5000);
    struct err err = { "" };

    seam_check_eq(t, engine_do(engine, &call, "cannot x", NULL, NULL, &err), -ECANCELED);
    seam_check_eq(t, err.text, "cannot x: cancelled");
    seam_check(t, deadline_poll_ms(limit_ns) > 0); /* not when something else wakes it */
}

static void be_slow(seam_http_exchange *x, void *arg)
{
    (void)arg;
    for (int i = 0; i < 8; i++) {
        seam_http_write(x, " ", 1);
        seam_http_flush(x);
        seam_http_wait(x, 100);
    }
}

/* The limit is one of silence, not of the whole call. */
SEAM_TEST(engine_waits_while_something_comes)
{
    struct engine_fake fake = { .rest = be_slow };
    struct engine *engine = engine_test_fake(t, &fake);
    const struct engine_call call = { .method = "GET", .path = "/x", .timeout_ms = 500 };
    struct err err = { "" };

    seam_check_eq(t, engine_do(engine, &call, "cannot x", NULL, NULL, &err), 0);
    seam_check_eq(t, err.text, "");
}

static bool enough(void *arg, const char *data, size_t size)
{
    (void)data;
    *(size_t *)arg += size;
    return false;
}

SEAM_TEST(engine_ends_a_call_when_its_sink_says_so)
{
    struct engine_fake fake = { .rest = be_silent };
    struct engine *engine = engine_test_fake(t, &fake);
    struct err err = { "" };
    size_t size = 0;

    seam_check_eq(t,
                  engine_do(engine,
                            &(struct engine_call){
                                .method = "GET", .path = "/x", .sink = enough, .arg = &size },
                            "cannot x", NULL, NULL, &err),
                  0);
    seam_check_eq(t, size, 1);
}

/* ---- threads */

static void *call_often(void *arg)
{
    struct engine *engine = arg;
    size_t failures = 0;

    for (int i = 0; i < 20; i++)
        failures += engine_do(engine, &(struct engine_call){ .method = "GET", .path = "/x" },
                              "cannot x", NULL, NULL, NULL) != 0;
    return (void *)failures;
}

SEAM_TEST(engine_serves_many_threads)
{
    struct engine_fake fake = { .rest = mirror };
    struct engine *engine = engine_test_fake(t, &fake);
    pthread_t threads[8];
    void *failures;

    for (int i = 0; i < 8; i++)
        seam_require_ok(t, pthread_create(&threads[i], NULL, call_often, engine));
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failures);
        seam_check_eq(t, (size_t)failures, 0);
    }
}

/* ---- TCP with TLS */

static void make_certificate(seam_t *t, const char *folder)
{
    seam_process *program = seam_spawn(
        t,
        .argv = { "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                  "/CN=client", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2" },
        .cwd = folder);

    seam_check_eq(t, seam_process_wait(program, 30000), 0);
}

static void tell_version(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 200, "application/json",
                      "{\"Version\":\"tls\",\"ApiVersion\":\"1.41\"}");
}

SEAM_TEST(engine_shows_its_certificate_over_tls)
{
    const char *folder = seam_tempdir(t);
    const char *ca;
    seam_http_server *server;
    struct engine *engine;
    struct err err = { "" };
    size_t size;

    make_certificate(t, folder);
    server = seam_http_serve(t, tell_version, NULL, .tls = true,
                             .client_ca = seam_path(t, "%s/cert.pem", folder));
    ca = seam_read_file(t, seam_http_ca_file(t), &size);
    seam_write_file(t, seam_path(t, "%s/ca.pem", folder), ca, size);
    seam_setenv(t, "DOCKER_TLS_VERIFY", "1");
    seam_setenv(t, "DOCKER_CERT_PATH", folder);
    engine = engine_test_open(t, seam_format(t, "tcp://127.0.0.1:%d", seam_http_port(server)));
    seam_check_eq(t, engine_version(engine), "tls");
    seam_check(t, engine_is_local(engine));

    /* Somebody else's authority is not trusted. */
    ca = seam_read_file(t, seam_path(t, "%s/cert.pem", folder), &size);
    seam_write_file(t, seam_path(t, "%s/ca.pem", folder), ca, size);
    seam_check_eq(t, engine_open(&engine, NULL, &err), -ENOENT);
    seam_check(t, strstr(err.text, "certificate") != NULL);
    seam_log(t, "%s", err.text);
}
