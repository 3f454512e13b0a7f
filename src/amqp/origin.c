/* amqp/origin.c - addresses of AMQP doubles; see origin.h. */

#include "amqp/origin.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "double/address.h"

enum { PORT_USUAL = 5672, PORT_TLS = 5671, TEXT_MAX = 8000 };

/* ---- taking apart ------------------------------------------------------------------------ */

int amqp_origin_parse(struct arena *arena, const char *text, struct amqp_origin *ret,
                      struct err *err)
{
    bool tls = strncasecmp(text, "amqps://", 8) == 0;
    struct address address = { .port = tls ? PORT_TLS : PORT_USUAL };
    const char *at, *end;
    int r;

    if (!tls && strncasecmp(text, "amqp://", 7) != 0)
        return err_set(err, -EINVAL,
                       "origin '%s' does not begin with amqp:// or amqps://\n"
                       "try: 'amqp://mq.example.com:5672'",
                       text);
    at = strstr(text, "://") + strlen("://");
    text = address_shown(arena, text);
    end = at + strcspn(at, "/?#");
    if (strpbrk(end, "?#") || (*end && strchr(end + 1, '/')))
        return err_set(err, -EINVAL,
                       "origin '%s' has more than a virtual host behind its host\n"
                       "try: '%%2F' for a slash in its name",
                       text);
    r = address_parse(arena, text, at, end, NULL, &address, err);
    if (r < 0)
        return r;
    *ret = (struct amqp_origin){ .user = address.user,
                                 .password = address.password,
                                 .host = address.host,
                                 .vhost = *end ? address_decode(arena, end + 1, strlen(end + 1))
                                               : "/",
                                 .port = address.port,
                                 .tls = tls };
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
