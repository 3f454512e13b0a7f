/* amqp/origin.c - addresses of AMQP doubles; see origin.h. */

#include "amqp/origin.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum { PORT_USUAL = 5672, PORT_TLS = 5671, PORT_MAX = 65535, TEXT_MAX = 8000 };

/* ---- taking apart ------------------------------------------------------------------------ */

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
                             struct amqp_origin *origin)
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
                     struct amqp_origin *origin, struct err *err)
{
    static const char usual[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:";
    bool is_bracket = at < end && *at == '[';
    const char *close = is_bracket ? memchr(at, ']', (size_t)(end - at)) : NULL;
    const char *host_end = close ? close : memchr(at, ':', (size_t)(end - at));
    const char *rest = host_end ? host_end + (close != NULL) : end;
    char *host;

    if (is_bracket && !close)
        return err_set(err, -EINVAL, "origin '%s' has no ']' behind its address", text);
    at += is_bracket;
    host = arena_copy(arena, at, (size_t)((host_end ? host_end : end) - at));
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!*host)
        return err_set(err, -EINVAL, "origin '%s' has no host", text);
    if (host[strspn(host, usual)])
        return err_set(err, -EINVAL, "'%s' is no host", host);
    origin->host = host;
    if (rest == end)
        return 0;
    if (*rest != ':')
        return err_set(err, -EINVAL, "origin '%s' has '%.*s' behind its host", text,
                       (int)(end - rest), rest);
    return take_port(text, rest + 1, end, &origin->port, err);
}

int amqp_origin_parse(struct arena *arena, const char *text, struct amqp_origin *ret,
                      struct err *err)
{
    struct amqp_origin origin = { .tls = strncasecmp(text, "amqps://", 8) == 0 };
    const char *at, *end;
    int r;

    if (!origin.tls && strncasecmp(text, "amqp://", 7) != 0)
        return err_set(err, -EINVAL,
                       "origin '%s' does not begin with amqp:// or amqps://\n"
                       "try: 'amqp://mq.example.com:5672'",
                       text);
    at = strstr(text, "://") + strlen("://");
    end = at + strcspn(at, "/?#");
    if (strpbrk(end, "?#") || (*end && strchr(end + 1, '/')))
        return err_set(err, -EINVAL,
                       "origin '%s' has more than a virtual host behind its host\n"
                       "try: '%%2F' for a slash in its name",
                       text);
    origin.port = origin.tls ? PORT_TLS : PORT_USUAL;
    at = take_user(arena, at, end, &origin);
    r = take_host(arena, text, at, end, &origin, err);
    if (r < 0)
        return r;
    origin.vhost = *end ? decode(arena, end + 1, strlen(end + 1)) : "/";
    *ret = origin;
    return 0;
}

/* ---- saying ------------------------------------------------------------------------------ */

static void add_encoded(struct buf *to, const char *text)
{
    for (; *text; text++)
        if (isalnum((unsigned char)*text) || strchr("-._~", *text))
            buf_add_char(to, *text);
        else
            buf_printf(to, "%%%02x", (unsigned char)*text);
}

const char *amqp_origin_url(struct arena *arena, const struct amqp_origin *origin)
{
    bool is_ipv6 = strchr(origin->host, ':');
    struct buf text = BUF_INIT(TEXT_MAX);
    const char *copy;

    buf_add_text(&text, origin->tls ? "amqps://" : "amqp://");
    if (origin->user)
        add_encoded(&text, origin->user);
    if (origin->user && origin->password) {
        buf_add_char(&text, ':');
        add_encoded(&text, origin->password);
    }
    buf_printf(&text, is_ipv6 ? "%s[%s]:%d/" : "%s%s:%d/", origin->user ? "@" : "",
               origin->host, origin->port);
    add_encoded(&text, origin->vhost);
    copy = arena_dup(arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}
