/*
 * double/spawned.c - what a program that the test spawns is given so that it reaches the doubles; see spawned.h.
 *
 * Each has a socket of its own to ask at. Whoever links doubles gets it for all programs that it spawns, also
 * where no double has been started yet.
 */

#include "double/spawned.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "link/ask.h"
#include "link/destination.h"
#include "link/trust.h"
#include "test/t.h"

enum { BUNDLE_MAX = 16 << 20 };

static void stop(void *ask)
{
    link_ask_stop(ask);
}

static void add(struct buf *assignments, const char *name, const char *value)
{
    buf_printf(assignments, "%s%s", name, value);
    buf_add_char(assignments, '\0');
}

static void write_file(seam_t *t, seam_site at, const char *path, const char *data, size_t size)
{
    int r = io_write_file(path, data, size);

    if (r < 0)
        seam_fatal_at(t, at, "cannot write '%s': %s", path, strerror(-r));
}

/* The system's authorities belong to it as long as others than doubles may be reached. */
static void write_bundle(seam_t *t, seam_site at, const char *path, const char *authority)
{
    static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";
    struct buf bundle = BUF_INIT(BUNDLE_MAX);

    buf_add_text(&bundle, authority);
    if (link_allows_others()) {
        link_pass_begin(); /* the file itself, not what the hooks make of it */
        io_read_file(system_bundle, &bundle);
        link_pass_end();
    }
    write_file(t, at, path, buf_text(&bundle), bundle.size);
    buf_fini(&bundle);
}

/* For programs with a TLS library that the shim does not reach. */
static void add_authority(seam_t *t, seam_site at, const char *folder, const char *authority,
                          struct buf *assignments)
{
    static const char *const names[] = { "SSL_CERT_FILE=",      "CURL_CA_BUNDLE=",
                                         "REQUESTS_CA_BUNDLE=", "NODE_EXTRA_CA_CERTS=",
                                         "GIT_SSL_CAINFO=",     "PGSSLROOTCERT=" };
    const char *file = arena_printf(t_arena(t), "%s/authority.pem", folder);
    const char *bundle = arena_printf(t_arena(t), "%s/bundle.pem", folder);

    write_file(t, at, file, authority, strlen(authority));
    write_bundle(t, at, bundle, authority);
    add(assignments, LINK_ASK_AUTHORITY "=", file);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(assignments, names[i], bundle);
}

bool spawned_environment(seam_t *t, seam_site at, struct buf *assignments)
{
    bool has_double = link_is_active();
    const char *authority = link_authority(), *folder, *path, *library;
    struct link_ask *ask;
    struct err err;

    if (!t_libexec() && has_double)
        seam_fatal_at(t, at,
                      "a program that is spawned reaches the doubles of a test only under "
                      "`seam test` or `seam run`");
    if (!t_libexec())
        return false;
    folder = t_make_folder(t, at, "ask");
    path = arena_printf(t_arena(t), "%s/ask", folder);
    library = t_preload_path(t, folder, "libseam-shim.so", &err);
    if (!library || link_ask_start(path, &ask, &err) < 0)
        seam_fatal_at(t, at, "%s", err.text);
    seam_cleanup(t, stop, ask);
    add(assignments, "LD_PRELOAD+=", library);
    add(assignments, LINK_ASK_SOCKET "=", path);
    add(assignments, "ASAN_OPTIONS+=", "verify_asan_link_order=0");
    if (authority)
        add_authority(t, at, folder, authority, assignments);
    return has_double;
}
