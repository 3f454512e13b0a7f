/* service/engine_common_test.c - what tests of the engine's client share; see engine_test.h. */
//seam:pkg-config libcurl jansson openssl

#include "service/engine_test.h"

#include <stdlib.h>
#include <string.h>

static void close_engine(void *engine)
{
    engine_close(engine);
}

struct engine *engine_test_real(seam_t *t)
{
    const char *needed = getenv("CI_NEEDS_DOCKER");
    struct engine *engine = NULL;
    struct err err = { "" };

    if (engine_open(&engine, NULL, &err) < 0) {
        if (needed && strcmp(needed, "1") == 0)
            seam_fatal(t, "needs docker: %s", err.text);
        seam_skip(t, "needs docker: %s", err.text);
    }
    seam_cleanup(t, close_engine, engine);
    return engine;
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
