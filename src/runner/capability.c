/* runner/capability.c - parts of Seam that a package links beside libseam; see capability.h. */

#include "runner/capability.h"

#include <string.h>
#include <unistd.h>

/* In the order of the linker: each finds what it needs behind it. */
static const struct {
    enum capability capability;
    const char *name;
} archives[] = {
    { CAPABILITY_AMQP_MOCK, "amqp-mock" }, { CAPABILITY_BROKER, "broker" },
    { CAPABILITY_PROXY, "proxy" },         { CAPABILITY_CLOCK, "clock" },
    { CAPABILITY_PG_MOCK, "pg-mock" },     { CAPABILITY_HTTP_MOCK, "http-mock" },
    { CAPABILITY_HTTP, "http" },           { CAPABILITY_NET, "net" },
    { CAPABILITY_LINK, "link" },
};

void capability_archives(const struct build *build, unsigned capabilities,
                         void (*fn)(struct buf *to, const char *path), struct buf *to)
{
    const char *library = build->installation->library;
    int stem = (int)(strlen(library) - strlen(".a"));

    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        if (capabilities & archives[i].capability)
            fn(to, arena_printf(build->arena, "%.*s-%s.a", stem, library, archives[i].name));
    fn(to, library);
}

static const char *fake_path(struct build *build, const struct source_package *package)
{
    return arena_printf(build->arena, "%s/fake", build_object_folder(build, package));
}

#define EXPORT(name) " -Wl,--export-dynamic-symbol=" name

/* Names that are not libc's are exported only when a linker is told so. */
static const char link_exports[] = EXPORT("X509_verify_cert") EXPORT("X509_STORE_load_file")
    EXPORT("gnutls_handshake") EXPORT("uuid_generate") EXPORT("uuid_generate_random")
        EXPORT("uuid_generate_time") EXPORT("uuid_generate_time_safe");

/* As needed: a mock loads no libcurl. */
const char *capability_words(struct build *build, const struct source_package *package)
{
    const char *libraries = "", *exports = "", *fakes = "";

    if (package->capabilities & CAPABILITY_NET)
        libraries = arena_printf(
            build->arena, " -Wl,--push-state,--as-needed -lssl -lcrypto%s -Wl,--pop-state",
            package->capabilities & CAPABILITY_HTTP ? " -lcurl -lnghttp2 -lz" : "");
    if (package->capabilities & CAPABILITY_LINK) {
        exports = link_exports;
        if (access(fake_path(build, package), F_OK) == 0)
            fakes = " -Wl,-z,muldefs";
    }
    return arena_printf(build->arena, "%s%s%s", libraries, exports, fakes);
}

/* The name in "multiple definition of `connect'" (bfd, gold) or "duplicate symbol: connect" (lld). */
static const char *doubled_name(struct arena *arena, const char *words)
{
    static const char *const marks[] = { "multiple definition of ", "duplicate symbol: " };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(words, marks[i]);

        if (!at)
            continue;
        at += strlen(marks[i]);
        at += strspn(at, "`'");
        return arena_copy(arena, at, strcspn(at, "'\n;:"));
    }
    return NULL;
}

bool capability_learn_fake(struct build *build, struct build_result *result)
{
    const char *path = fake_path(build, result->package);
    const char *name = doubled_name(build->arena, result->output);
    struct buf text = BUF_INIT(SIZE_MAX);
    bool learned = false;

    if (!name || !strstr(result->output, "libseam-link.a") || access(path, F_OK) == 0)
        return false;
    buf_printf(&text, "%s\n", name);
    learned = build_write_file(path, &text) == 0;
    buf_fini(&text);
    if (learned && !strstr(result->output, "libc.a(")) /* of a static program: no fake */
        result->note = arena_printf(
            build->arena,
            "seam: the program's own '%s' answers its calls; doubles do not see them\n", name);
    return learned;
}
