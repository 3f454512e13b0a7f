/* http/origin.c - origins and the targets of requests taken apart; see origin.h. */

#include "http/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 253, LABEL_MAX = 63, PORT_MAX = 65535 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_host_character(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* ---- hosts ------------------------------------------------------------------------------- */

static char *lower_case(struct arena *arena, const char *text, size_t size)
{
    char *lower = arena_copy(arena, text, size);

    for (char *at = lower; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
    return lower;
}

/* Labels with single dots between them; one more dot may stand in front. */
static bool is_name(const char *name)
{
    size_t label = 0;

    if (*name == '.')
        name++;
    for (; *name; name++) {
        if (*name == '.' && label == 0)
            return false;
        if (*name != '.' && (!is_host_character(*name) || label == LABEL_MAX))
            return false;
        label = *name == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static int parse_address6(struct arena *arena, const char *text, const char **ret_host,
                          struct err *err)
{
    char usual[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (inet_pton(AF_INET6, text, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, usual, sizeof usual))
        return err_set(err, -EINVAL, "'%s' is no IPv6 address", text);
    *ret_host = arena_dup(arena, usual);
    return 0;
}

int http_host_parse(struct arena *arena, const char *text, size_t size, const char **ret_host,
                    struct err *err)
{
    const char *host = lower_case(arena, text, size);

    if (size > HOST_MAX)
        return err_set(err, -EINVAL, "a host of %zu characters; a name has at most %d", size,
                       HOST_MAX);
    if (strchr(host, ':'))
        return parse_address6(arena, host, ret_host, err);
    for (const char *at = host; *at; at++)
        if ((unsigned char)*at >= 0x80)
            return err_set(err, -EINVAL,
                           "host '%s' has characters beyond ASCII\n"
                           "try: the name as it is looked up, xn--...",
                           host);
    if (!is_name(host))
        return err_set(err, -EINVAL, "'%s' is no host", host);
    *ret_host = host;
    return 0;
}

bool http_host_matches(const char *parsed, const char *host)
{
    size_t parsed_size = strlen(parsed);
    size_t size = strlen(host);

    if (parsed[0] != '.')
        return strcmp(parsed, host) == 0;
    return size > parsed_size && strcmp(host + size - parsed_size, parsed) == 0;
}

/* ---- origins ----------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *word)
{
    return strncasecmp(text, word, strlen(word)) == 0;
}

/* An origin that has too much in it: say what, and which part of it is the origin. */
static int too_much(struct err *err, const char *text, const char *what, const char *begin,
                    const char *end)
{
    int scheme = (int)(strstr(text, "://") - text) + 3;

    return err_set(err, -EINVAL, "origin '%s' has %s\ntry: '%.*s%.*s'", text, what, scheme,
                   text, (int)(end - begin), begin);
}

static int parse_port(const char *text, const char *port, int *ret_port, struct err *err)
{
    int value = 0;

    for (const char *at = port; is_digit(*at) && value <= PORT_MAX; at++)
        value = value * 10 + (*at - '0');
    if (port[strspn(port, "0123456789")] != '\0' || value < 1 || value > PORT_MAX)
        return err_set(err, -EINVAL, "origin '%s' has no port from 1 to %d behind its ':'",
                       text, PORT_MAX);
    *ret_port = value;
    return 0;
}

/* What follows the scheme: host, or [address], and port. */
static int parse_authority(struct arena *arena, const char *text, const char *authority,
                           const char **ret_host, int *ret_port, struct err *err)
{
    bool is_bracket = authority[0] == '[';
    size_t size = strcspn(authority, is_bracket ? "]" : ":");
    const char *rest = authority + size + (is_bracket && authority[size] == ']');
    int port = *ret_port;
    int r = 0;

    if (is_bracket && (authority[size] == '\0' || !memchr(authority, ':', size)))
        return err_set(err, -EINVAL, "origin '%s' has no IPv6 address between '[' and ']'",
                       text);
    if (size == 0)
        return err_set(err, -EINVAL, "origin '%s' has no host", text);
    if (*rest == ':')
        r = parse_port(text, rest + 1, &port, err);
    else if (*rest)
        r = err_set(err, -EINVAL, "origin '%s' has '%s' behind its host", text, rest);
    if (r == 0)
        r = http_host_parse(arena, authority + is_bracket, size - is_bracket, ret_host, err);
    if (r == 0)
        *ret_port = port;
    return r;
}

int http_origin_parse(struct arena *arena, const char *text, const char **ret_scheme,
                      const char **ret_host, int *ret_port, struct err *err)
{
    bool is_tls = begins_with(text, "https://");
    const char *authority, *end, *at;
    int port = is_tls ? 443 : 80;
    int r;

    if (!is_tls && !begins_with(text, "http://"))
        return err_set(err, -EINVAL,
                       "origin '%s' does not begin with http:// or https://\n"
                       "try: 'https://api.example.com'",
                       text);
    authority = text + (is_tls ? strlen("https://") : strlen("http://"));
    end = authority + strcspn(authority, "/?#");
    at = memchr(authority, '@', (size_t)(end - authority));
    if (at)
        return err_set(err, -EINVAL, "an origin has no user name or password\ntry: '%.*s%.*s'",
                       (int)(authority - text), text, (int)(end - at - 1), at + 1);
    if (*end)
        return too_much(err, text, *end == '/' ? "a path" : "a query", authority, end);
    r = parse_authority(arena, text, authority, ret_host, &port, err);
    if (r < 0)
        return r;
    *ret_scheme = is_tls ? "https" : "http";
    *ret_port = port;
    return 0;
}

/* ---- targets ----------------------------------------------------------------------------- */

struct http_target http_target_split(const char *target)
{
    const char *scheme_end = strstr(target, "://");
    const char *path = target;
    size_t size;

    if (scheme_end && target[0] != '/' &&
        strcspn(target, "/?#") > (size_t)(scheme_end - target))
        path = scheme_end + 3 + strcspn(scheme_end + 3, "/?#");
    size = strcspn(path, "?#");
    return (struct http_target){ .path = size > 0 ? path : "/",
                                 .path_size = size > 0 ? size : 1,
                                 .query = path[size] == '?' ? path + size + 1 : NULL };
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that "%xx" stands for; 0 when it stands for none that a text can hold. */
static int escaped_byte(const char *text, size_t size)
{
    int high = size >= 3 ? digit_value(text[1]) : -1;
    int low = size >= 3 ? digit_value(text[2]) : -1;

    return high < 0 || low < 0 ? 0 : high * 16 + low;
}

char *http_percent_decode(struct arena *arena, const char *text, size_t size, bool plus,
                          size_t *ret_size)
{
    char *decoded = arena_zero(arena, size + 1);
    size_t to = 0;

    for (size_t at = 0; at < size; at++) {
        int byte = text[at] == '%' ? escaped_byte(text + at, size - at) : 0;

        if (byte > 0)
            at += 2;
        decoded[to++] = byte > 0 ? (char)byte : plus && text[at] == '+' ? ' ' : text[at];
    }
    if (ret_size)
        *ret_size = to;
    return decoded;
}
