/* pg/origin.c - addresses of PostgreSQL doubles; see origin.h. */

#include "pg/origin.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "double/address.h"

enum { PORT_USUAL = 5432, TEXT_MAX = 8000 };

/* ---- taking apart */

static int check_host(const char *text, const char *host, struct err *err)
{
    if (strchr(host, ','))
        return err_set(err, -EINVAL, "origin '%s' has several hosts; start a mock for each",
                       text);
    if (strncmp(host, "%2f", 3) == 0)
        return err_set(err, -EINVAL,
                       "origin '%s' is a unix socket, which is not mocked\n"
                       "try: no .origin, and give the program seam_pg_mock_conninfo",
                       text);
    return 0;
}

static const char *behind_scheme(const char *text)
{
    static const char *const schemes[] = { "postgres://", "postgresql://" };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return text + strlen(schemes[i]);
    return NULL;
}

int pg_origin_parse(struct arena *arena, const char *text, struct pg_origin *ret,
                    struct err *err)
{
    const char *at = behind_scheme(text), *end, *path;
    struct address address = { .port = PORT_USUAL };
    int r;

    if (!at)
        return err_set(err, -EINVAL,
                       "origin '%s' does not begin with postgres://\n"
                       "try: 'postgres://db.example.com:5432/app'",
                       text);
    text = address_shown(arena, text);
    end = at + strcspn(at, "/?#");
    path = *end == '/' ? end + 1 : end;
    if (strpbrk(path, "?#"))
        return err_set(err, -EINVAL, "origin '%s' has parameters\ntry: '%.*s'", text,
                       (int)(strcspn(text, "?#")), text);
    r = address_parse(arena, text, at, end, check_host, &address, err);
    if (r < 0)
        return r;
    *ret = (struct pg_origin){ .user = address.user,
                               .password = address.password,
                               .host = address.host,
                               .database =
                                   *path ? address_decode(arena, path, strlen(path)) : NULL,
                               .port = address.port };
    return 0;
}

/* ---- saying */

static const char *keep(struct arena *arena, struct buf *text)
{
    const char *copy = arena_dup(arena, buf_text(text));

    buf_fini(text);
    return copy;
}

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
