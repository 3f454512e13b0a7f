/* service/engine_image_test.c - names of images and passwords of registries. */

#include <openssl/evp.h>
#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "service/engine_test.h"

/* ---- names */

SEAM_TEST(image_reference_has_its_parts)
{
    static const struct {
        const char *image, *registry, *name, *tag;
    } rows[] = {
        { "redis", "docker.io", "redis", "latest" },
        { "redis:7", "docker.io", "redis", "7" },
        { "team/app:1.2", "docker.io", "team/app", "1.2" },
        { "localhost/app", "localhost", "localhost/app", "latest" },
        { "host:5000/app", "host:5000", "host:5000/app", "latest" },
        { "host:5000/a/b:c", "host:5000", "host:5000/a/b", "c" },
        { "quay.io/a@sha256:ab", "quay.io", "quay.io/a", "sha256:ab" },
        { "redis:7@sha256:ab", "docker.io", "redis:7", "sha256:ab" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_reference got;
        struct err err = { "" };

        seam_require_ok(t, engine_reference_read(rows[i].image, &got, &err));
        seam_check_eq(t, got.registry, rows[i].registry);
        seam_check_eq(t, got.name, rows[i].name);
        seam_check_eq(t, got.tag, rows[i].tag);
    }
}

SEAM_TEST(image_name_that_is_none)
{
    static const char *const rows[] = { "", ":7", "a b", "redis:", "/x", "-x", "a?b", "a@" };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct engine_reference got;
        struct err err = { "" };

        seam_check_eq(t, engine_reference_read(rows[i], &got, &err), -EINVAL);
        seam_check_eq(t, err.text,
                      seam_format(t,
                                  "'%s' is no name of an image; try: name:tag, or "
                                  "registry:5000/name@sha256:...",
                                  rows[i]));
    }
}

static const char *name_of(seam_t *t, const char *image)
{
    struct buf name = BUF_INIT(2000);
    struct err err = { "" };
    const char *text;

    text = engine_image_name(image, &name, &err) == 0 ? buf_text(&name) : err.text;
    text = seam_format(t, "%s", text);
    buf_fini(&name);
    return text;
}

SEAM_TEST(image_name_gets_a_prefix)
{
    static const struct {
        const char *image, *want;
    } rows[] = { { "redis:7", "mirror:5000/hub/redis:7" },
                 { "team/app", "mirror:5000/hub/team/app" },
                 { "docker.io/library/redis", "mirror:5000/hub/library/redis" },
                 { "quay.io/app", "quay.io/app" },
                 { "localhost/app", "localhost/app" } };

    seam_setenv(t, "SEAM_IMAGE_MAP", NULL);
    seam_setenv(t, "SEAM_IMAGE_PREFIX", NULL);
    seam_check_eq(t, name_of(t, "redis:7"), "redis:7");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seam_setenv(t, "SEAM_IMAGE_PREFIX", "mirror:5000/hub");
        seam_check_eq(t, name_of(t, rows[i].image), rows[i].want);
        seam_setenv(t, "SEAM_IMAGE_PREFIX", "mirror:5000/hub/");
        seam_check_eq(t, name_of(t, rows[i].image), rows[i].want);
    }
}

SEAM_TEST(image_name_is_mapped)
{
    static const char map[] = "# ours\n\n redis:7\tlocal/redis:7  \nquay.io/a b\n";
    static const char bad[] = "a b\nredis:7 x y\n";
    const char *path = seam_path(t, "%s/map", seam_tempdir(t));

    seam_setenv(t, "SEAM_IMAGE_PREFIX", "mirror");
    seam_setenv(t, "SEAM_IMAGE_MAP", path);
    seam_check_eq(t, name_of(t, "redis:7"),
                  seam_format(t,
                              "cannot read '%s', which SEAM_IMAGE_MAP names: No such file or "
                              "directory",
                              path));
    seam_write_file(t, path, map, strlen(map));
    seam_check_eq(t, name_of(t, "redis:7"), "local/redis:7");
    seam_check_eq(t, name_of(t, "quay.io/a"), "b");
    seam_check_eq(t, name_of(t, "redis:8"), "mirror/redis:8");
    seam_write_file(t, path, bad, strlen(bad));
    seam_check_eq(t, name_of(t, "redis:7"),
                  seam_format(t, "%s:2: a line of SEAM_IMAGE_MAP is 'from to'", path));
}

/* ---- passwords */

/* What the daemon is told for a registry, decoded; or the words of the failure. */
static const char *auth_of(seam_t *t, const char *registry)
{
    struct buf auth = BUF_INIT(1 << 16), where = BUF_INIT(2000);
    struct err err = { "" };
    int r = engine_auth(registry, &auth, &where, &err);
    char *text = seam_alloc(t, auth.size + sizeof err.text);

    if (r < 0)
        memcpy(text, err.text, sizeof err.text);
    else if (auth.size > 0) {
        seam_check(t, strpbrk(auth.data, "+/") == NULL); /* the url's alphabet */
        for (size_t i = 0; i < auth.size; i++)
            auth.data[i] = auth.data[i] == '-' ? '+' : auth.data[i] == '_' ? '/' : auth.data[i];
        EVP_DecodeBlock((unsigned char *)text, (unsigned char *)auth.data, (int)auth.size);
    }
    buf_fini(&auth);
    buf_fini(&where);
    return text;
}

SEAM_TEST(image_password_comes_from_the_configuration)
{
    /* "dXNlcjpwYTpzcw==" is user:pa:ss. */
    static const char config[] =
        "{\"auths\":{\"host:5000\":{\"auth\":\"dXNlcjpwYTpzcw==\"},"
        "\"https://index.docker.io/v1/\":{\"username\":\"u\",\"password\":\"p?>~\"},"
        "\"https://b.test/v2/\":{\"identitytoken\":\"tok\"},"
        "\"empty.test\":{}, \"bad.test\":{\"auth\":\"***\"}}}";
    static const struct {
        const char *registry, *want;
    } rows[] = {
        { "host:5000",
          "{\"username\":\"user\",\"password\":\"pa:ss\",\"serveraddress\":\"host:5000\"}" },
        { "docker.io", "{\"username\":\"u\",\"password\":\"p?>~\",\"serveraddress\":"
                       "\"https://index.docker.io/v1/\"}" },
        { "b.test", "{\"identitytoken\":\"tok\",\"serveraddress\":\"b.test\"}" },
        { "empty.test", "" },
        { "bad.test", "" },
        { "other.test", "" },
    };
    const char *folder = seam_tempdir(t);

    seam_setenv(t, "DOCKER_AUTH_CONFIG", NULL);
    seam_setenv(t, "DOCKER_CONFIG", folder);
    seam_check_eq(t, auth_of(t, "host:5000"), "");
    seam_write_file(t, seam_path(t, "%s/config.json", folder), config, strlen(config));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_check_eq(t, auth_of(t, rows[i].registry), rows[i].want);
    seam_setenv(t, "DOCKER_AUTH_CONFIG",
                "{\"auths\":{\"host:5000\":{\"identitytoken\":\"env\"}}}");
    seam_check_eq(t, auth_of(t, "host:5000"),
                  "{\"identitytoken\":\"env\",\"serveraddress\":\"host:5000\"}");
    seam_check_eq(t, auth_of(t, "b.test"), "");
}

SEAM_TEST(image_password_of_a_broken_configuration)
{
    seam_setenv(t, "DOCKER_AUTH_CONFIG", "{\n\"auths\":");
    seam_check_eq(t, auth_of(t, "a"),
                  "'DOCKER_AUTH_CONFIG' is no JSON: unexpected token near end of file, line 2");
}

static void write_helper(seam_t *t, const char *folder, const char *name, const char *script)
{
    const char *path = seam_path(t, "%s/docker-credential-%s", folder, name);

    seam_write_file(t, path, script, strlen(script));
    seam_require_ok(t, chmod(path, 0755));
}

SEAM_TEST(image_password_comes_from_a_helper)
{
    static const char good[] =
        "#!/bin/sh\nread s\ntest \"$1\" = get || exit 9\n"
        "echo '{\"ServerURL\":\"x\",\"Username\":\"me\",\"Secret\":\"'$s'\"}'\n";
    static const char none[] = "#!/bin/sh\ncat >/dev/null\n"
                               "echo credentials not found in native keychain\nexit 1\n";
    const char *folder = seam_tempdir(t);

    write_helper(t, folder, "good", good);
    write_helper(t, folder, "none", none);
    write_helper(t, folder, "token",
                 "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"s\"}'\n");
    write_helper(t, folder, "broken", "#!/bin/sh\necho the vault is locked\nexit 1\n");
    seam_setenv(t, "PATH", seam_format(t, "%s:/usr/bin:/bin", folder));
    seam_setenv(
        t, "DOCKER_AUTH_CONFIG",
        "{\"credsStore\":\"good\",\"credHelpers\":{\"n.test\":\"none\",\"t.test\":\"token\","
        "\"b.test\":\"broken\",\"m.test\":\"missing\"},"
        "\"auths\":{\"n.test\":{\"identitytoken\":\"file\"}}}");
    seam_check_eq(t, auth_of(t, "h:5000"),
                  "{\"username\":\"me\",\"password\":\"h:5000\",\"serveraddress\":\"h:5000\"}");
    seam_check_eq(t, auth_of(t, "docker.io"),
                  "{\"username\":\"me\",\"password\":\"https://index.docker.io/v1/\","
                  "\"serveraddress\":\"https://index.docker.io/v1/\"}");
    seam_check_eq(t, auth_of(t, "t.test"),
                  "{\"identitytoken\":\"s\",\"serveraddress\":\"t.test\"}");
    seam_check_eq(t, auth_of(t, "n.test"),
                  "{\"identitytoken\":\"file\",\"serveraddress\":\"n.test\"}");
    seam_check_eq(
        t, auth_of(t, "b.test"),
        "'docker-credential-broken get' for 'b.test' has failed: the vault is locked\n");
    seam_check_eq(
        t, auth_of(t, "m.test"),
        "cannot run 'docker-credential-missing', which docker's config.json names for "
        "'m.test': No such file or directory");
}

/* ---- pulling, from a daemon of the test's own */

struct script {
    const char *answer;
    int status, wait_ms;
    bool asked;
};

static void play(seam_http_exchange *x, void *arg)
{
    struct script *script = arg;
    const char *auth = seam_http_field(x, "X-Registry-Auth");
    seam_t *t = seam_http_test(x);

    script->asked = true;
    seam_check_eq(
        t, seam_http_target(x),
        "/v1.41/images/create?fromImage=host%3A5000%2Fapp&tag=1&platform=linux%2Farm64");
    seam_check_eq(t, auth ? auth : "-",
                  "eyJpZGVudGl0eXRva2VuIjoidG9rIiwic2VydmVyYWRkcmVzcyI6Imhvc3Q6NTAwMCJ9");
    seam_http_set_status(x, script->status ? script->status : 200);
    seam_http_printf(x, "%s", script->answer);
    if (script->wait_ms) {
        seam_http_flush(x);
        seam_http_wait(x, script->wait_ms);
    }
}

static void write_note(void *arg, const char *text)
{
    buf_printf(arg, "%s\n", text);
}

static int pull(seam_t *t, struct script *script, struct buf *notes, struct err *err)
{
    struct engine_fake fake = { .rest = play, .arg = script };
    struct engine *engine;
    int r;

    seam_setenv(t, "DOCKER_AUTH_CONFIG",
                "{\"auths\":{\"host:5000\":{\"identitytoken\":\"tok\"}}}");
    engine = engine_test_fake(t, &fake);
    engine->stall_ms = 300;
    engine->note_ms = -1;
    r = engine_pull(engine, "host:5000/app:1", "linux/arm64", write_note, notes, NULL, err);
    seam_check(t, script->asked);
    return r;
}

SEAM_TEST(image_pull_tells_its_progress)
{
    struct script script = {
        .answer = "{\"status\":\"Pulling from app\",\"id\":\"1\"}\r\n"
                  "{\"status\":\"Pulling fs layer\",\"id\":\"aa\"}\r\n"
                  "{\"status\":\"Already exists\",\"id\":\"bb\"}\r\n"
                  "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1500000,"
                  "\"total\":6000000},\"id\":\"aa\"}\r\n"
                  "{\"status\":\"Download complete\",\"id\":\"aa\"}\r\n"
                  "{\"status\":\"Pull complete\",\"id\":\"aa\"}\r\n"
                  "{\"status\":\"Digest: sha256:1\"}\r\n"
    };
    struct buf notes = BUF_INIT(1 << 16);
    struct err err = { "" };

    seam_check_eq(t, pull(t, &script, &notes, &err), 0);
    seam_check_eq(t, err.text, "");
    seam_check_eq(
        t, buf_text(&notes),
        "[                    ] pulling 'host:5000/app:1': 0 of 0 layers, 0.0 of 0.0 MB\n"
        "[                    ] pulling 'host:5000/app:1': 0 of 1 layers, 0.0 of 0.0 MB\n"
        "[                    ] pulling 'host:5000/app:1': 1 of 2 layers, 0.0 of 0.0 MB\n"
        "[#####               ] pulling 'host:5000/app:1': 1 of 2 layers, 1.5 of 6.0 MB\n"
        "[####################] pulling 'host:5000/app:1': 1 of 2 layers, 6.0 of 6.0 MB\n"
        "[####################] pulling 'host:5000/app:1': 2 of 2 layers, 6.0 of 6.0 MB\n"
        "[####################] pulling 'host:5000/app:1': 2 of 2 layers, 6.0 of 6.0 MB\n");
    buf_fini(&notes);
}

#define DENIED                                                                                 \
    "pull access denied for app, repository does not exist or may require 'docker login'"

SEAM_TEST(image_pull_fails)
{
    static const struct {
        struct script script;
        int code;
        const char *want;
    } rows[] = {
        { { .answer = "{\"status\":\"x\"}\n{\"errorDetail\":{\"message\":\"manifest unknown\"},"
                      "\"error\":\"old\"}\n" },
          -ENOENT,
          ": the Docker daemon says 'manifest unknown'; try: correct the image's name or tag" },
        { { .answer = "{\"error\":\"write /x: no space left on device\"}\n" },
          -ENOSPC,
          ": the Docker daemon says 'write /x: no space left on device'; try: make room: "
          "docker "
          "system prune" },
        { { .answer = "{\"message\":\"" DENIED "\"}\n", .status = 404 },
          -EACCES,
          ": the Docker daemon says '" DENIED
          "' (status 404); try: correct the image's name, or "
          "docker login (the password of 'DOCKER_AUTH_CONFIG')" },
        { { .answer = "{\"message\":\"toomanyrequests: slow down\"}\n", .status = 429 },
          -EDQUOT,
          ": the Docker daemon says 'toomanyrequests: slow down' (status 429); try: log in "
          "(docker login), wait, or name a mirror in SEAM_IMAGE_PREFIX" },
        { { .answer = "{\"status\":\"x\"}\n", .wait_ms = 20000 },
          -ETIMEDOUT,
          ": nothing came from the Docker daemon for 300 ms" },
        { { .answer = "{\"status\":\n" }, -EPROTO, ": the Docker daemon's answer is no JSON" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct script *script = seam_alloc(t, sizeof *script); /* a handler outlives its row */
        struct buf notes = BUF_INIT(1 << 16);
        struct err err = { "" };

        *script = rows[i].script;
        seam_check_eq(t, pull(t, script, &notes, &err), rows[i].code);
        seam_check_eq(
            t, err.text,
            seam_format(t, "cannot pull 'host:5000/app:1' for linux/arm64%s", rows[i].want));
        buf_fini(&notes);
    }
}
