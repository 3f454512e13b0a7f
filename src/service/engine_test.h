/* service/engine_test.h - what tests of the engine's client share. */
#ifndef SERVICE_ENGINE_TEST_H
#define SERVICE_ENGINE_TEST_H

#include <seam/http.h>
#include <seam/seam.h>

#include "service/engine_state.h"

/* A Debian without anything. */
#define ENGINE_TEST_IMAGE "seam-test/base"

/* The daemon of this machine, which has that image; the test is skipped where it cannot be used, unless
 * CI_NEEDS_DOCKER=1. */
struct engine *engine_test_real(seam_t *t);
SEAM_NORETURN void engine_test_lacks(seam_t *t, const char *format, ...) SEAM_PRINTF(2, 3);

/* A daemon that is none: it says which versions it speaks, and `rest` answers all other calls. */
struct engine_fake {
    seam_http_handler *rest;
    void *arg;
    const char *api, *oldest; /* NULL: 1.41, 1.12 */
};

/* Start it on a unix socket and a client for it. */
struct engine *engine_test_fake(seam_t *t, const struct engine_fake *fake);
seam_http_server *engine_test_serve(seam_t *t, const struct engine_fake *fake,
                                    const char **ret_url);

/* A client of the daemon at a url, as if it were found there; ends with the test. */
struct engine *engine_test_open(seam_t *t, const char *url);

#endif
