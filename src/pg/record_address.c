/* pg/record_address.c - where a real server is: a conninfo or a URL, as libpq has them; see record.h. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg/origin.h"
#include "pg/record.h"

enum { PORT_USUAL = 5432, PORT_MAX = 65535 };

/* Words that say nothing of where the server is and who asks. */
static const char *const idle[] = {
    "application_name", "fallback_application_name",
    "connect_timeout",  "client_encoding",
    "options",          "keepalives",
    "keepalives_idle",  "keepalives_interval",
    "keepalives_count", "tcp_user_timeout",
    "gssencmode",       "channel_binding",
    "sslcompression",   "sslrootcert",
    "sslsni",           "target_session_attrs",
};

static int take_port(const char *value, struct record_address *to, struct err *err)
{
    char *end;
    long port = strtol(value, &end, 10);

    if (end == value || *end || port < 1 || port > PORT_MAX)
        return err_set(err, -EINVAL, "port '%s' is no number from 1 to %d", value, PORT_MAX);
    to->port = (int)port;
    return 0;
}

static int take_sslmode(const char *value, struct record_address *to, struct err *err)
{
    static const char *const free_ones[] = { "disable", "allow", "prefer" };

    for (size_t i = 0; i < sizeof free_ones / sizeof *free_ones; i++)
        if (strcmp(value, free_ones[i]) == 0)
            return 0;
    to->needs_tls = true;
    return err_set(err, -EINVAL,
                   "sslmode '%s': a recording asks the real server without TLS\n"
                   "try: sslmode=disable, or a tunnel",
                   value);
}

static int take_pair(const char *name, const char *value, struct record_address *to,
                     struct err *err)
{
    if (strcmp(name, "port") == 0)
        return take_port(value, to, err);
    if (strcmp(name, "sslmode") == 0)
        return take_sslmode(value, to, err);
    if (strcmp(name, "host") == 0 || strcmp(name, "hostaddr") == 0)
        to->host = value;
    else if (strcmp(name, "user") == 0)
        to->user = value;
    else if (strcmp(name, "password") == 0)
        to->password = value;
    else if (strcmp(name, "dbname") == 0)
        to->database = value;
    else {
        for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
            if (strcmp(name, idle[i]) == 0)
                return 0;
        return err_set(err, -EINVAL,
                       "'%s' is not known here\ntry: host, port, user, password and dbname",
                       name);
    }
    return 0;
}

/* The value behind a '=', with quotes and backslashes as libpq has them; *at goes behind it. */
static char *take_value(struct arena *arena, const char **at)
{
    char *value = arena_zero(arena, strlen(*at) + 1), *to = value;
    bool quoted = **at == '\'';

    *at += quoted;
    for (; **at && (quoted ? **at != '\'' : !isspace((unsigned char)**at)); (*at)++) {
        if (**at == '\\' && (*at)[1])
            (*at)++;
        *to++ = **at;
    }
    *at += quoted && **at == '\'';
    return value;
}

static int take_words(struct arena *arena, const char *at, struct record_address *to,
                      struct err *err)
{
    int r = 0;

    while (r == 0) {
        size_t size;
        const char *name;

        at += strspn(at, " \t\r\n");
        if (!*at)
            break;
        size = strcspn(at, "= \t\r\n");
        name = arena_copy(arena, at, size);
        at += size;
        at += strspn(at, " \t\r\n");
        if (*at != '=')
            return err_set(err, -EINVAL, "'%s' has no '=' behind it", name);
        at++;
        at += strspn(at, " \t\r\n");
        r = take_pair(name, take_value(arena, &at), to, err);
    }
    return r;
}

static int take_parameters(struct arena *arena, const char *at, struct record_address *to,
                           struct err *err)
{
    int r = 0;

    for (; r == 0 && *at; at += strcspn(at, "&"), at += *at == '&') {
        size_t size = strcspn(at, "&"), name = strcspn(at, "=&");

        r = take_pair(arena_copy(arena, at, name),
                      name < size ? arena_copy(arena, at + name + 1, size - name - 1) : "", to,
                      err);
    }
    return r;
}

static int take_url(struct arena *arena, const char *url, struct record_address *to,
                    struct err *err)
{
    size_t size = strcspn(url, "?");
    struct pg_origin origin;
    struct err why;

    if (pg_origin_parse(arena, arena_copy(arena, url, size), &origin, &why) < 0)
        return err_set(err, -EINVAL,
                       "it is no URL of a server\ntry: postgres://user@host:5432/app");
    *to = (struct record_address){ .host = origin.host,
                                   .port = origin.port,
                                   .user = origin.user,
                                   .password = origin.password,
                                   .database = origin.database };
    return url[size] ? take_parameters(arena, url + size + 1, to, err) : 0;
}

int record_address_parse(struct arena *arena, const char *conninfo, struct record_address *ret,
                         struct err *err)
{
    const char *user = getenv("USER");
    struct record_address to = { .port = PORT_USUAL };
    bool is_url = strncasecmp(conninfo, "postgres://", 11) == 0 ||
                  strncasecmp(conninfo, "postgresql://", 13) == 0;
    int r =
        is_url ? take_url(arena, conninfo, &to, err) : take_words(arena, conninfo, &to, err);

    if (r < 0)
        return r;
    if (!to.host || !*to.host)
        to.host = "/var/run/postgresql";
    if (strchr(to.host, ','))
        return err_set(err, -EINVAL,
                       "it has several hosts\ntry: the one that is to be recorded");
    if (!to.user || !*to.user)
        to.user = arena_dup(arena, user && *user ? user : "postgres");
    if (!to.database || !*to.database)
        to.database = to.user;
    *ret = to;
    return 0;
}
