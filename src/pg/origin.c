/* pg/origin.c - addresses of PostgreSQL doubles; see origin.h. */

#include "pg/origin.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "test/mask.h"

enum { PORT_USUAL = 5432, PORT_MAX = 65535, TEXT_MAX = 8000 };

/* ---- taking apart */

static const char *keep(struct arena *arena, struct buf *text)
{
    const char *copy = arena_dup(arena, buf_text(text));

    buf_fini(text);
    return copy;
}

static int digit_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static const char *decode(struct arena *arena, const char *text, size_t size)
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
                             struct pg_origin *origin)
{
    const char *sign = memchr(at, '@', (size_t)(end - at));
    const char *colon = sign ? memchr(at, ':', (size_t)(sign - at)) : NULL;

    if (!sign)
        return at;
    origin->user = decode(arena, at, (size_t)((colon ? colon : sign) - at));
    if (colon)
        origin->password = decode(arena, colon + 1, (size_t)(sign - colon - 1));
    return sign + 1;
}

static int take_port(const char *text, const char *at, const char *end, int *ret,
                     struct err *err)
{
    long port = 0;

    for (const char *digit = at; digit < end && port <= PORT_MAX; digit++)
        port = isdigit((unsigned char)*digit) ? port * 10 + (*digit - '0') : PORT_MAX + 1;
    if (port < 1 || port > PORT_MAX)
        return err_set(err, -EINVAL, "origin '%s' has no port from 1 to %d behind its ':'",
                       text, PORT_MAX);
    *ret = (int)port;
    return 0;
}

static int check_host(const char *text, const char *host, struct err *err)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:";

    if (!*host)
        return err_set(err, -EINVAL, "origin '%s' has no host", text);
    if (strchr(host, ','))
        return err_set(err, -EINVAL, "origin '%s' has several hosts; start a mock for each",
                       text);
    if (strncmp(host, "%2f", 3) == 0)
        return err_set(err, -EINVAL,
                       "origin '%s' is a unix socket, which is not mocked\n"
                       "try: no .origin, and give the program seam_pg_mock_conninfo",
                       text);
    if (host[strspn(host, usual)])
        return err_set(err, -EINVAL, "'%s' is no host", host);
    return 0;
}

static int take_host(struct arena *arena, const char *text, const char *at, const char *end,
                     struct pg_origin *origin, struct err *err)
{
    bool is_bracket = *at == '[';
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
    r = check_host(text, host, err);
    if (r < 0)
        return r;
    origin->host = host;
    if (rest == end)
        return 0;
    if (*rest != ':')
        return err_set(err, -EINVAL, "origin '%s' has '%.*s' behind its host", text,
                       (int)(end - rest), rest);
    return take_port(text, rest + 1, end, &origin->port, err);
}

static const char *behind_scheme(const char *text)
{
    static const char *const schemes[] = { "postgres://", "postgresql://" };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return text + strlen(schemes[i]);
    return NULL;
}

/* As it may be shown: without its password. */
static const char *shown(struct arena *arena, const char *text)
{
    struct buf masked = BUF_INIT(TEXT_MAX);

    mask_url(&masked, text);
    return keep(arena, &masked);
}

int pg_origin_parse(struct arena *arena, const char *text, struct pg_origin *ret,
                    struct err *err)
{
    const char *at = behind_scheme(text), *end, *path;
    struct pg_origin origin = { .port = PORT_USUAL };
    int r;

    if (!at)
        return err_set(err, -EINVAL,
                       "origin '%s' does not begin with postgres://\n"
                       "try: 'postgres://db.example.com:5432/app'",
                       text);
    text = shown(arena, text);
    end = at + strcspn(at, "/?#");
    path = *end == '/' ? end + 1 : end;
    if (strpbrk(path, "?#"))
        return err_set(err, -EINVAL, "origin '%s' has parameters\ntry: '%.*s'", text,
                       (int)(strcspn(text, "?#")), text);
    at = take_user(arena, at, end, &origin);
    r = take_host(arena, text, at, end, &origin, err);
    if (r < 0)
        return r;
    if (*path)
        origin.database = decode(arena, path, strlen(path));
    *ret = origin;
    return 0;
}

/* ---- saying */

static void add_pair(struct buf *to, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(to, "%s%s=", to->size > 0 ? " " : "", name);
    if (*value && !strpbrk(value, " '\\")) {
        buf_add_text(to, value);
        return;
    }
    buf_add_char(to, '\'');
    for (; *value; value++)
        buf_printf(to, "%s%c", strchr("'\\", *value) ? "\\" : "", *value);
    buf_add_char(to, '\'');
}

const char *pg_origin_conninfo(struct arena *arena, const struct pg_origin *origin)
{
    struct buf text = BUF_INIT(TEXT_MAX);

    add_pair(&text, "host", origin->host);
    buf_printf(&text, " port=%d", origin->port);
    add_pair(&text, "user", origin->user);
    add_pair(&text, "password", origin->password);
    add_pair(&text, "dbname", origin->database);
    return keep(arena, &text);
}

static void add_encoded(struct buf *to, const char *text)
{
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || strchr("-._~", *text))
            buf_add_char(to, *text);
        else
            buf_printf(to, "%%%02X", (unsigned char)*text);
}

const char *pg_origin_url(struct arena *arena, const struct pg_origin *origin)
{
    bool is_ipv6 = strchr(origin->host, ':');
    struct buf text = BUF_INIT(TEXT_MAX);

    buf_add_text(&text, "postgres://");
    if (origin->user)
        add_encoded(&text, origin->user);
    if (origin->user && origin->password) {
        buf_add_char(&text, ':');
        add_encoded(&text, origin->password);
    }
    buf_printf(&text, is_ipv6 ? "%s[%s]:%d/" : "%s%s:%d/", origin->user ? "@" : "",
               origin->host, origin->port);
    if (origin->database)
        add_encoded(&text, origin->database);
    return keep(arena, &text);
}
