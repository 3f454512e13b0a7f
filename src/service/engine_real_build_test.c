/* service/engine_real_build_test.c - what a Docker daemon that runs here makes of Dockerfiles, good and bad. */

#include <jansson.h>
#include <seam/seam.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/engine_test.h"

SEAM_FILE(.tags = "integration");

struct built {
    struct engine *engine;
    struct buf image;
    struct err err;
    char label[64];
};

static void forget(void *arg)
{
    struct built *built = arg;

    engine_prune(built->engine, built->label, NULL);
    buf_fini(&built->image);
}

static int build(seam_t *t, const char *text, struct built **ret)
{
    struct built *built = seam_alloc(t, sizeof *built);
    const char *folder = seam_tempdir(t);
    const char *const args[] = { "WORD=hello", NULL };
    const char *const labels[] = { built->label, NULL };

    built->engine = engine_test_real(t);
    built->image = BUF_INIT(200);
    snprintf(built->label, sizeof built->label, "seam.run=build-%d", (int)getpid());
    seam_cleanup(t, forget, built);
    seam_write_file(t, seam_path(t, "%s/Dockerfile", folder), text, strlen(text));
    seam_write_file(t, seam_path(t, "%s/kept", folder), "kept", 4);
    seam_write_file(t, seam_path(t, "%s/gone", folder), "gone", 4);
    seam_write_file(t, seam_path(t, "%s/.dockerignore", folder), "gone\nDockerfile\n", 16);
    *ret = built;
    return engine_build(
        built->engine,
        &(struct engine_build){ .folder = folder, .args = args, .labels = labels },
        &built->image, NULL, &built->err);
}

SEAM_TEST(real_build_makes_an_image)
{
    struct built *built;
    json_t *seen = NULL, *config;

    if (build(t,
              "FROM " ENGINE_TEST_IMAGE "\nARG WORD\nCOPY . /in/\nRUN echo $WORD >/said && "
              "test -f /in/kept && ! test -e /in/gone && ! test -e /in/Dockerfile\n"
              "ENV SAID=$WORD\n",
              &built) < 0)
        seam_fatal(t, "%s", built->err.text);
    seam_require_eq(t,
                    engine_do(built->engine,
                              &(struct engine_call){ .method = "GET",
                                                     .path = seam_format(t, "/images/%s/json",
                                                                         built->image.data) },
                              "cannot look", &seen, NULL, &built->err),
                    0);
    config = json_object_get(seen, "Config");
    seam_check_eq(t, engine_text(json_object_get(config, "Labels"), "seam.run"),
                  strchr(built->label, '=') + 1);
    seam_check_eq(t, json_string_value(json_array_get(json_object_get(config, "Env"), 1)),
                  "SAID=hello");
    json_decref(seen);
    seam_check(t, engine_image_is_here(built->engine, built->image.data));
    seam_check(t, engine_prune(built->engine, built->label, &built->err) > 0);
    seam_check(t, !engine_image_is_here(built->engine, built->image.data));
}

struct bad {
    const char *name, *text;
    int code;
    const char *want; /* a part of the message */
};

static void check_bad(seam_t *t, void *arg)
{
    const struct bad *bad = arg;
    struct built *built;

    seam_check_eq(t, build(t, bad->text, &built), bad->code);
    if (!seam_check(t, strstr(built->err.text, bad->want) != NULL))
        seam_log(t, "%s", built->err.text);
}

#define FROM "FROM " ENGINE_TEST_IMAGE "\n"

SEAM_TEST(real_build_fails)
{
    static const struct bad rows[] = {
        { "instruction", FROM "FRM x\n", -EINVAL,
          "/Dockerfile': the Docker daemon says 'dockerfile parse error line 2: unknown "
          "instruction: FRM' (status 400); try: correct the Dockerfile" },
        { "empty", "", -EINVAL,
          "the Docker daemon says 'the Dockerfile (Dockerfile) cannot be empty' (status 400); "
          "try: correct the Dockerfile" },
        { "copy", FROM "COPY nothing /x\n", -ENOENT,
          "the Docker daemon says 'COPY failed: file not found in build context or excluded by "
          ".dockerignore: stat nothing: file does not exist'; try: correct the path, or the "
          ".dockerignore that excludes it\nStep 1/" },
        { "ignored", FROM "COPY gone /x\n", -ENOENT,
          "excluded by .dockerignore: stat gone: file does not exist'; try: " },
        { "command", FROM "RUN echo it is broken >&2; exit 4\n", -EREMOTEIO,
          "returned a non-zero code: 4'; try: correct the command of the Dockerfile\nStep 1/" },
        { "output", FROM "RUN echo it is broken >&2; exit 4\n", -EREMOTEIO,
          "\nit is broken\n" },
        { "base", "FROM 127.0.0.1:1/seam-test/none\n", -EREMOTEIO,
          "connection refused'; try: name a registry that can be reached in "
          "SEAM_IMAGE_PREFIX" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, check_bad, &rows[i]);
}
