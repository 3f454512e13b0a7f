/* runner/pkg_config.c - ask pkg-config for flags, and say well what it does not know. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runner/build.h"
#include "runner/directive.h"

static const struct {
    const char *module;
    const char *package;
} debian[] = {
    { "libpq", "libpq-dev" },
    { "libcurl", "libcurl4-openssl-dev" },
    { "librabbitmq", "librabbitmq-dev" },
    { "libmicrohttpd", "libmicrohttpd-dev" },
    { "openssl", "libssl-dev" },
    { "libssl", "libssl-dev" },
    { "libcrypto", "libssl-dev" },
    { "jansson", "libjansson-dev" },
    { "sqlite3", "libsqlite3-dev" },
    { "zlib", "zlib1g-dev" },
    { "hiredis", "libhiredis-dev" },
    { "rdkafka", "librdkafka-dev" },
    { "glib-2.0", "libglib2.0-dev" },
    { "libpcre2-8", "libpcre2-dev" },
    { "libuv", "libuv1-dev" },
    { "libevent", "libevent-dev" },
    { "mariadb", "libmariadb-dev" },
    { "libxml-2.0", "libxml2-dev" },
};

static const char *remedy(struct arena *arena, const char *module)
{
    for (size_t i = 0; i < sizeof debian / sizeof *debian; i++)
        if (strcmp(debian[i].module, module) == 0)
            return arena_printf(arena, "apt-get install %s", debian[i].package);
    return arena_printf(arena, "install the package that has %s.pc, or set PKG_CONFIG_PATH",
                        module);
}

static bool module_exists(const char *module)
{
    const char *argv[] = { "pkg-config", "--exists", module, NULL };
    struct buf output = BUF_INIT(64 << 10);
    int status = build_run_program(argv, NULL, &output);

    buf_fini(&output);
    return status == 0;
}

/* Name the first module that is not there, with the line that asks for it. */
static void say_missing(struct build *build, struct source_package *package)
{
    for (const struct directive *d = package->directives; d; d = d->next)
        for (const char *at = d->kind == DIRECTIVE_PKG_CONFIG ? d->words : ""; *at;) {
            size_t size = strcspn(at, " \t");
            const char *module = arena_copy(build->arena, at, size);

            if (!module_exists(module)) {
                package->trouble = arena_printf(
                    build->arena,
                    "pkg-config does not know '%s' (%s:%d: //seam:pkg-config %s)\n    try: %s",
                    module, d->file, d->line, d->words, remedy(build->arena, module));
                return;
            }
            at += size + strspn(at + size, " \t");
        }
    package->trouble = arena_printf(build->arena, "pkg-config cannot be started\n"
                                                  "    try: apt-get install pkg-config");
}

const char *pkg_config(struct build *build, struct source_package *package, const char *option)
{
    const char *argv[64] = { "pkg-config", option };
    struct buf output = BUF_INIT(1 << 20);
    int count = 2;
    const char *flags = NULL;

    for (const struct directive *d = package->directives; d; d = d->next)
        for (const char *at = d->kind == DIRECTIVE_PKG_CONFIG ? d->words : "";
             *at && count < 63;) {
            size_t size = strcspn(at, " \t");

            argv[count++] = arena_copy(build->arena, at, size);
            at += size + strspn(at + size, " \t");
        }
    if (count == 2)
        return "";
    if (build_run_program(argv, NULL, &output) == 0) {
        output.data[strcspn(output.data, "\n")] = '\0';
        flags = arena_dup(build->arena, output.data);
    } else
        say_missing(build, package);
    buf_fini(&output);
    return flags;
}
