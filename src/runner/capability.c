/* runner/capability.c - parts of Seam that a package links beside libseam; see capability.h. */

#include "runner/capability.h"

#include <string.h>

static const struct {
    const char *header;
    unsigned capabilities;
} headers[] = {
    { "http.h", CAPABILITY_HTTP },
    { "mhd.h", CAPABILITY_HTTP },
    { "http_mock.h", CAPABILITY_HTTP | CAPABILITY_MOCK },
    { "net.h", CAPABILITY_HTTP | CAPABILITY_MOCK },
};

unsigned capability_of_include(const char *line)
{
    const char *name = strstr(line, "seam/");
    size_t size;

    if (!name || name == line || !strchr("<\"", name[-1]))
        return 0;
    name += strlen("seam/");
    size = strcspn(name, ">\"");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (strlen(headers[i].header) == size && memcmp(headers[i].header, name, size) == 0)
            return headers[i].capabilities;
    return 0;
}

void capability_archives(const struct build *build, unsigned capabilities,
                         void (*fn)(struct buf *to, const char *path), struct buf *to)
{
    const char *library = build->installation->library;
    int stem = (int)(strlen(library) - strlen(".a"));

    if (capabilities & CAPABILITY_MOCK)
        fn(to, arena_printf(build->arena, "%.*s-http-mock.a", stem, library));
    if (capabilities & CAPABILITY_HTTP)
        fn(to, arena_printf(build->arena, "%.*s-http.a", stem, library));
    if (capabilities & CAPABILITY_MOCK)
        fn(to, arena_printf(build->arena, "%.*s-link.a", stem, library));
    fn(to, library);
}

/* As needed: a mock loads no libcurl, a server without TLS no OpenSSL would be better still, but its code is
 * one. Names that are not libc's are exported only when a linker is told so. */
const char *capability_words(unsigned capabilities)
{
    if (capabilities & CAPABILITY_MOCK)
        return " -Wl,--push-state,--as-needed -lssl -lcrypto -lcurl -lnghttp2 -lz "
               "-Wl,--pop-state"
               " -Wl,--export-dynamic-symbol=X509_verify_cert"
               " -Wl,--export-dynamic-symbol=gnutls_handshake";
    if (capabilities & CAPABILITY_HTTP)
        return " -Wl,--push-state,--as-needed -lssl -lcrypto -lcurl -lnghttp2 -lz "
               "-Wl,--pop-state";
    return "";
}
