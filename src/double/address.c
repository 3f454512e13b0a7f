/* double/address.c - "user:password@host:port" of a URL; see address.h. */

#include "double/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "test/mask.h"

enum { PORT_MAX = 65535, TEXT_MAX = 8000 };

static int digit_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

const char *address_decode(struct arena *arena, const char *text, size_t size)
{
    char *decoded = arena_zero(arena, size + 1);
    size_t to = 0;

    for (size_t at = 0; at < size; at++) {
        bool escaped = text[at] == '%' && size - at > 2 &&
                       isxdigit((unsigned char)text[at + 1]) &&
                       isxdigit((unsigned char)text[at + 2]);

        decoded[to++] = escaped
                            ? (char)(digit_value(text[at + 1]) * 16 + digit_value(text[at + 2]))
                            : text[at];
        at += escaped ? 2 : 0;
    }
    return decoded;
}

/* "user:password" up to the '@'; returns what is behind it. */
static const char *take_user(struct arena *arena, const char *at, const char *end,
                             struct address *ret)
{
    const char *sign = memchr(at, '@', (size_t)(end - at));
    const char *colon = sign ? memchr(at, ':', (size_t)(sign - at)) : NULL;

    if (!sign)
        return at;
    ret->user = address_decode(arena, at, (size_t)((colon ? colon : sign) - at));
    if (colon)
        ret->password = address_decode(arena, colon + 1, (size_t)(sign - colon - 1));
    return sign + 1;
}

static int take_port(const char *text, const char *at, const char *end, int *ret,
                     struct err *err)
{
    int port = 0;

    for (const char *digit = at; digit < end && port <= PORT_MAX; digit++)
        port = isdigit((unsigned char)*digit) ? port * 10 + (*digit - '0') : PORT_MAX + 1;
    if (port < 1 || port > PORT_MAX)
        return err_set(err, -EINVAL, "origin '%s' has no port from 1 to %d behind its ':'",
                       text, PORT_MAX);
    *ret = port;
    return 0;
}

static int take_host(struct arena *arena, const char *text, const char *at, const char *end,
                     address_check *check, struct address *ret, struct err *err)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:";
    bool is_bracket = at < end && *at == '[';
    const char *close = is_bracket ? memchr(at, ']', (size_t)(end - at)) : NULL;
    const char *host_end = close ? close : memchr(at, ':', (size_t)(end - at));
    const char *rest = host_end ? host_end + (close != NULL) : end;
    char *host;
    int r;

    if (is_bracket && !close)
        return err_set(err, -EINVAL, "origin '%s' has no ']' behind its address", text);
    at += is_bracket;
    host = arena_copy(arena, at, (size_t)((host_end ? host_end : end) - at));
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!*host)
        return err_set(err, -EINVAL, "origin '%s' has no host", text);
    r = check ? check(text, host, err) : 0;
    if (r < 0)
        return r;
    if (host[strspn(host, usual)])
        return err_set(err, -EINVAL, "'%s' is no host", host);
    ret->host = host;
    if (rest == end)
        return 0;
    if (*rest != ':')
        return err_set(err, -EINVAL, "origin '%s' has '%.*s' behind its host", text,
                       (int)(end - rest), rest);
    return take_port(text, rest + 1, end, &ret->port, err);
}

int address_parse(struct arena *arena, const char *text, const char *at, const char *end,
                  address_check *check, struct address *ret, struct err *err)
{
    at = take_user(arena, at, end, ret);
    return take_host(arena, text, at, end, check, ret, err);
}

const char *address_shown(struct arena *arena, const char *url)
{
    struct buf masked = BUF_INIT(TEXT_MAX);
    const char *shown;

    mask_url(&masked, url);
    shown = arena_dup(arena, buf_text(&masked));
    buf_fini(&masked);
    return shown;
}
