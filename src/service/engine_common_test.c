/* service/engine_common_test.c - what tests of the engine's client share; see engine_test.h. */
//seam:pkg-config libcurl jansson openssl

#include "service/engine_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_engine(void *engine)
{
    engine_close(engine);
}

void engine_test_lacks(seam_t *t, const char *format, ...)
{
    const char *needed = getenv("CI_NEEDS_DOCKER");
    char what[2200];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (needed && strcmp(needed, "1") == 0)
        seam_fatal(t, "%s", what);
    seam_skip(t, "%s", what);
}

struct engine *engine_test_real(seam_t *t)
{
    struct engine *engine = NULL;
    struct err err = { "" };

    if (engine_open(&engine, NULL, &err) < 0)
        engine_test_lacks(t, "needs docker: %s", err.text);
    seam_cleanup(t, close_engine, engine);
    if (!engine_image_is_here(engine, ENGINE_TEST_IMAGE))
        engine_test_lacks(t, "needs the image '%s'; try: images/build base", ENGINE_TEST_IMAGE);
    return engine;
}

static void answer(seam_http_exchange *x, void *arg)
{
    const struct engine_fake *fake = arg;

    if (strcmp(seam_http_path(x), "/version") != 0) {
        fake->rest(x, fake->arg);
        return;
    }
    seam_http_add_field(x, "Content-Type", "application/json");
    seam_http_printf(x, "{\"Version\":\"fake\",\"ApiVersion\":\"%s\",\"MinAPIVersion\":\"%s\"}",
                     fake->api ? fake->api : "1.41", fake->oldest ? fake->oldest : "1.12");
}

seam_http_server *engine_test_serve(seam_t *t, const struct engine_fake *fake,
                                    const char **ret_url)
{
    struct engine_fake *copy = seam_alloc(t, sizeof *copy);
    seam_http_server *server;

    *copy = *fake;
    server = seam_http_serve(t, answer, copy, .unix_socket = "");

    *ret_url = seam_format(t, "unix://%s", seam_http_socket(server));
    return server;
}

struct engine *engine_test_fake(seam_t *t, const struct engine_fake *fake)
{
    const char *url;

    engine_test_serve(t, fake, &url);
    return engine_test_open(t, url);
}

struct engine *engine_test_open(seam_t *t, const char *url)
{
    struct engine *engine = NULL;
    struct err err = { "" };

    seam_setenv(t, "DOCKER_HOST", url);
    if (engine_open(&engine, NULL, &err) < 0)
        seam_fatal(t, "%s", err.text);
    seam_cleanup(t, close_engine, engine);
    return engine;
}
