/* service/engine_build_test.c - images out of Dockerfiles: what a daemon is sent, and what a real one makes of it. */

#include <jansson.h>
#include <seam/http.h>
#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/engine_test.h"
#include "service/tar.h"

static void put(seam_t *t, const char *folder, const char *name, const char *text)
{
    seam_write_file(t, seam_path(t, "%s/%s", folder, name), text, strlen(text));
}

/* ---- a daemon of the test's own */

struct script {
    const char *answer;
    char target[1000]; /* what was asked for */
    char config[1000]; /* X-Registry-Config */
    char members[1000];
};

static void play(seam_http_exchange *x, void *arg)
{
    struct script *script = arg;
    struct tar_member member;
    struct buf tar = BUF_INIT(1);
    size_t at = 0;

    tar.data = (char *)seam_http_body(x, &tar.size);
    while (tar_next(&tar, &at, &member) > 0) {
        size_t used = strlen(script->members);

        snprintf(script->members + used, sizeof script->members - used, "%s ", member.path);
    }
    snprintf(script->target, sizeof script->target, "%s", seam_http_target(x));
    snprintf(script->config, sizeof script->config, "%s",
             seam_http_field(x, "X-Registry-Config"));
    seam_http_printf(x, "%s", script->answer);
}

static int build(seam_t *t, struct script *script, const struct engine_build *request,
                 const char **ret_image, struct err *err)
{
    struct engine_fake fake = { .rest = play, .arg = script };
    struct buf image = BUF_INIT(200);
    int r;

    seam_setenv(t, "DOCKER_AUTH_CONFIG",
                "{\"auths\":{\"host:5000\":{\"identitytoken\":\"tok\"}}}");
    r = engine_build(engine_test_fake(t, &fake), request, &image, NULL, err);
    *ret_image = seam_format(t, "%s", buf_text(&image));
    buf_fini(&image);
    return r;
}

SEAM_TEST(build_sends_the_folder_and_its_arguments)
{
    static const char *const args[] = { "VERSION=1 2", "EMPTY=", "HOME", NULL };
    static const char *const labels[] = { "seam.run=7", NULL };
    const char *folder = seam_tempdir(t), *image;
    struct script script = { .answer = "{\"stream\":\"Step 1\"}\n"
                                       "{\"aux\":{\"ID\":\"sha256:ab\"}}\n" };
    struct err err = { "" };

    put(t, folder, "Other", "FROM scratch\n");
    put(t, folder, "in.c", "");
    put(t, folder, "out.o", "");
    put(t, folder, ".dockerignore", "*.o\nOther\n.dockerignore\n");
    seam_setenv(t, "HOME", "/h");
    seam_require_eq(t,
                    build(t, &script,
                          &(struct engine_build){ .folder = folder,
                                                  .dockerfile = "Other",
                                                  .target = "run",
                                                  .platform = "linux/amd64",
                                                  .args = args,
                                                  .labels = labels },
                          &image, &err),
                    0);
    seam_check_eq(t, image, "sha256:ab");
    seam_check_eq(t, script.members, ".dockerignore Other in.c ");
    seam_check_eq(
        t, script.config,
        "eyJob3N0OjUwMDAiOnsiaWRlbnRpdHl0b2tlbiI6InRvayIsInNlcnZlcmFkZHJlc3MiOiJob3N0Oj"
        "UwMDAifX0=");
    seam_check_eq(
        t, script.target,
        "/v1.41/build?rm=1&forcerm=1&dockerfile=Other&target=run&platform=linux%2Famd64"
        "&buildargs=%7B%22VERSION%22%3A%221%202%22%2C%22EMPTY%22%3A%22%22%2C%22HOME%22%3A"
        "%22%2Fh%22%7D&labels=%7B%22seam.run%22%3A%227%22%7D");
}

SEAM_TEST(build_shows_the_last_lines_of_its_output)
{
    const char *folder = seam_tempdir(t), *image;
    const char *answer = "", *want = "";
    struct script script = { .answer = "" };
    struct err err = { "" };

    for (int i = 0; i < 300; i++)
        answer = seam_format(t, "%s{\"stream\":\"line %03d\\n\"}\n", answer, i);
    script.answer = seam_format(t,
                                "%s{\"errorDetail\":{\"message\":\"The command 'x' returned a "
                                "non-zero code: 3\"}}\n{\"stream\":\"not reached\"}\n",
                                answer);
    for (int i = 201; i < 300; i++)
        want = seam_format(t, "%sline %03d\n", want, i);
    put(t, folder, "Dockerfile", "");
    seam_check_eq(t,
                  build(t, &script, &(struct engine_build){ .folder = folder }, &image, &err),
                  -EREMOTEIO);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot build '%s/Dockerfile': the Docker daemon says 'The command "
                    "'x' returned a non-zero code: 3'; try: correct the command of the "
                    "Dockerfile\n%s",
                    folder, want));
}

SEAM_TEST(build_without_a_dockerfile)
{
    const char *folder = seam_tempdir(t), *image;
    struct script script = { .answer = "" };
    struct err err = { "" };

    seam_check_eq(t,
                  build(t, &script, &(struct engine_build){ .folder = folder }, &image, &err),
                  -ENOENT);
    seam_check_eq(t, err.text,
                  seam_format(t,
                              "cannot read the Dockerfile '%s/Dockerfile': No such file or "
                              "directory",
                              folder));
}

SEAM_TEST(build_that_names_no_image)
{
    const char *folder = seam_tempdir(t), *image;
    struct script script = { .answer = "{\"stream\":\"x\"}\n" };
    struct err err = { "" };

    put(t, folder, "Dockerfile", "");
    seam_check_eq(t,
                  build(t, &script, &(struct engine_build){ .folder = folder }, &image, &err),
                  -EPROTO);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot build '%s/Dockerfile': the Docker daemon's answer names no "
                    "image",
                    folder));
}
