/* test/mask.c - secrets in what is shown or kept of an exchange; see mask.h. */

#include "test/mask.h"

#include <string.h>
#include <strings.h>

#define MASKED "***"

/* ---- names */

struct secret {
    const char *name;
    size_t size;
    bool whole; /* only as the whole name: "idempotency_key" is none */
};

#define ENDING(text)                                                                           \
    {                                                                                          \
        text, sizeof text - 1, false                                                           \
    }
#define WHOLE(text)                                                                            \
    {                                                                                          \
        text, sizeof text - 1, true                                                            \
    }
static const struct secret secrets[] = {
    ENDING("token"),      ENDING("secret"),      ENDING("password"),
    ENDING("passwd"),     ENDING("passphrase"),  ENDING("signature"),
    ENDING("credential"), ENDING("credentials"), ENDING("apikey"),
    ENDING("accesskey"),  ENDING("privatekey"),  ENDING("secretkey"),
    ENDING("signingkey"), ENDING("cookie"),      ENDING("authorization"),
    ENDING("jwt"),        WHOLE("key"),          WHOLE("sig"),
    WHOLE("pwd"),         WHOLE("auth"),         WHOLE("pass"),
};

enum { NAME_MAX_SEEN = 64, SHORTEST = 3 /* of the secrets */ };

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The end of a name in lower case, without what separates words; returns its size. */
static size_t fold_name(char ret[NAME_MAX_SEEN], const char *name, size_t size)
{
    size_t count = 0;

    if (size > NAME_MAX_SEEN) {
        name += size - NAME_MAX_SEEN;
        size = NAME_MAX_SEEN;
    }
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (c == '%' && i + 2 < size && hex_value(name[i + 1]) >= 0 &&
            hex_value(name[i + 2]) >= 0) {
            c = (char)(hex_value(name[i + 1]) * 16 + hex_value(name[i + 2]));
            i += 2;
        }
        if (c != '-' && c != '_' && c != '.')
            ret[count++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return count;
}

bool mask_is_secret(const char *name, size_t size)
{
    char folded[NAME_MAX_SEEN];
    size_t count = size < SHORTEST ? 0 : fold_name(folded, name, size);

    for (size_t i = 0; count > 0 && i < sizeof secrets / sizeof *secrets; i++) {
        const struct secret *secret = &secrets[i];

        if (folded[count - 1] == secret->name[secret->size - 1] && /* mostly all it takes */
            (secret->whole ? count == secret->size : count >= secret->size) &&
            memcmp(folded + count - secret->size, secret->name, secret->size) == 0)
            return true;
    }
    return false;
}

bool mask_is_secret_path(const char *path)
{
    static const char between[] = "$./[]\"";

    while (*path) {
        size_t size = strcspn(path, between);

        if (mask_is_secret(path, size))
            return true;
        path += size;
        path += strspn(path, between);
    }
    return false;
}

/* ---- one pass over a text */

struct scan {
    struct buf *to;
    const char *kept; /* from here to `at` nothing has been added yet */
    const char *at;
    const char *end;
};

/* Leave out what stands from `from` to `until`. */
static void replace(struct scan *scan, const char *from, const char *until, const char *by)
{
    buf_add(scan->to, scan->kept, (size_t)(from - scan->kept));
    buf_add_text(scan->to, by);
    scan->kept = scan->at = until;
}

/* What may end a host, the name or the value of a parameter, a number of JSON; so does any blank. */
enum { ENDS_HOST = 1, ENDS_NAME = 2, ENDS_VALUE = 4, ENDS_NUMBER = 8 };

static const unsigned char ends[256] = {
    ['"'] = ENDS_HOST | ENDS_NAME | ENDS_VALUE,
    ['\''] = ENDS_HOST | ENDS_NAME | ENDS_VALUE,
    ['<'] = ENDS_HOST | ENDS_NAME | ENDS_VALUE,
    ['>'] = ENDS_HOST | ENDS_NAME | ENDS_VALUE,
    ['#'] = ENDS_HOST | ENDS_NAME | ENDS_VALUE,
    ['?'] = ENDS_HOST | ENDS_NAME,
    ['/'] = ENDS_HOST | ENDS_NAME,
    ['\\'] = ENDS_HOST,
    ['&'] = ENDS_NAME | ENDS_VALUE,
    [';'] = ENDS_NAME | ENDS_VALUE,
    ['='] = ENDS_NAME,
    ['{'] = ENDS_NAME,
    ['}'] = ENDS_NAME | ENDS_NUMBER,
    [']'] = ENDS_NUMBER,
    [','] = ENDS_NAME | ENDS_NUMBER,
};

static const char *find_end(const char *at, const char *end, unsigned what)
{
    while (at < end && (unsigned char)*at > ' ' && !(ends[(unsigned char)*at] & what))
        at++;
    return at;
}

/* "://" is at `at`: mask what stands before the last @ of the authority. */
static void scan_authority(struct scan *scan)
{
    const char *from = scan->at + 3;
    const char *until = find_end(from, scan->end, ENDS_HOST);
    const char *at_sign = memrchr(from, '@', (size_t)(until - from));

    scan->at = from;
    if (at_sign)
        replace(scan, from, at_sign, MASKED);
}

/* A parameter may begin at `at`. */
static void scan_parameter(struct scan *scan)
{
    const char *name = scan->at;
    const char *equals = find_end(name, scan->end, ENDS_NAME);
    const char *value = equals + 1;

    if (equals < scan->end && *equals == '=' && mask_is_secret(name, (size_t)(equals - name)))
        replace(scan, value, find_end(value, scan->end, ENDS_VALUE), MASKED);
}

/* ---- JSON */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) && *at)
        at++;
    return at;
}

/* The quote that closes the string whose first character is at `at`; the end when it is cut off. */
static const char *find_quote(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at;
}

/* Behind the object or array that begins at `at`. */
static const char *skip_nested(const char *at, const char *end)
{
    int depth = 0;

    for (; at < end; at++) {
        if (*at == '"')
            at = find_quote(at + 1, end);
        else if (*at == '{' || *at == '[')
            depth++;
        else if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
    }
    return end;
}

static void mask_value(struct scan *scan, const char *value)
{
    const char *close;

    if (*value == '"') {
        close = find_quote(value + 1, scan->end);
        replace(scan, value, close < scan->end ? close + 1 : close, "\"" MASKED "\"");
    } else if (*value == '{' || *value == '[') {
        replace(scan, value, skip_nested(value, scan->end), MASKED);
    } else {
        close = find_end(value, scan->end, ENDS_NUMBER);
        if (close - value != 4 || memcmp(value, "null", 4) != 0)
            replace(scan, value, close, MASKED);
    }
}

/* A quote is at `at`, which may open the name of a member. When it closes a string instead, what follows has
 * no colon, or no secret name. */
static void scan_member(struct scan *scan)
{
    const char *name = ++scan->at;
    const char *close = find_quote(name, scan->end);
    const char *colon = close < scan->end ? skip_blanks(close + 1, scan->end) : scan->end;
    const char *value = colon < scan->end ? skip_blanks(colon + 1, scan->end) : scan->end;

    if (value < scan->end && *colon == ':' && mask_is_secret(name, (size_t)(close - name)))
        mask_value(scan, value);
}

/* ---- */

/* Behind what is of no interest: most of a text. */
static const char *skip_plain(const char *at, const char *end)
{
    static const bool special[256] = {
        ['"'] = true, [':'] = true, ['?'] = true, ['&'] = true, ['#'] = true, [';'] = true
    };

    while (at < end && !special[(unsigned char)*at])
        at++;
    return at;
}

void mask_text(struct buf *to, const char *text, size_t size)
{
    struct scan scan = { to, text, text, text + size };

    if (size == 0)
        return;
    scan_parameter(&scan); /* the first of a form */
    while ((scan.at = skip_plain(scan.at, scan.end)) < scan.end) {
        if (*scan.at == '"') {
            scan_member(&scan);
        } else if (*scan.at != ':') {
            scan.at++;
            scan_parameter(&scan);
        } else if (scan.end - scan.at > 3 && memcmp(scan.at, "://", 3) == 0) {
            scan_authority(&scan);
        } else
            scan.at++;
    }
    buf_add(to, scan.kept, (size_t)(scan.end - scan.kept));
}

void mask_url(struct buf *to, const char *url)
{
    mask_text(to, url, strlen(url));
}

/* ---- header fields */

static bool has_scheme(const char *name)
{
    return strcasecmp(name, "Authorization") == 0 ||
           strcasecmp(name, "Proxy-Authorization") == 0;
}

size_t mask_scheme(const char *name, const char *value)
{
    const char *blank = has_scheme(name) ? strchr(value, ' ') : NULL;

    return blank ? (size_t)(blank - value) + 1 : 0;
}

static void mask_credentials(struct buf *to, const char *name, const char *value)
{
    buf_add(to, value, mask_scheme(name, value));
    buf_add_text(to, MASKED);
}

/* "a=***; b=***"; of Set-Cookie only the first is a cookie, what follows it are attributes. */
static void mask_cookies(struct buf *to, const char *value, bool only_first)
{
    while (*value) {
        size_t size = strcspn(value, ";");
        const char *equals = memchr(value, '=', size);

        if (equals)
            buf_add(to, value, (size_t)(equals - value) + 1);
        buf_add_text(to, MASKED);
        value += size;
        if (only_first)
            break;
        size = strspn(value, "; ");
        buf_add(to, value, size);
        value += size;
    }
    buf_add_text(to, value);
}

void mask_header(struct buf *to, const char *name, const char *value)
{
    if (has_scheme(name))
        mask_credentials(to, name, value);
    else if (strcasecmp(name, "Cookie") == 0 || strcasecmp(name, "Set-Cookie") == 0)
        mask_cookies(to, value, strcasecmp(name, "Set-Cookie") == 0);
    else if (mask_is_secret(name, strlen(name)))
        buf_add_text(to, MASKED);
    else
        mask_text(to, value, strlen(value));
}

/* ---- quotations */

/* A line of a message, or the beginning of it; `tail` ends the quotation. */
static void mask_line(struct buf *to, const char *line, size_t size, const char *tail)
{
    size_t name = strcspn(line, ":= \t");

    if (*line == ' ' || *line == '\t')
        name = 0;
    if (name < size && (name == 0 || mask_is_secret(line, name))) {
        name += strspn(line + name, ": \t");
        buf_add(to, line, name < size ? name : size);
        buf_add_text(to, MASKED);
    } else
        mask_text(to, line, size);
    buf_add_text(to, tail);
}

void mask_quoted(struct buf *to, const char *words)
{
    static const char begin[] = ": '";
    const char *quoted = strstr(words, begin);
    const char *end = quoted ? strrchr(quoted += sizeof begin - 1, '\'') : NULL;

    if (!quoted) {
        mask_text(to, words, strlen(words));
        return;
    }
    buf_add(to, words, (size_t)(quoted - words));
    if (!end || strspn(end, "'.") != strlen(end)) /* cut off */
        end = words + strlen(words);
    mask_line(to, quoted, (size_t)(end - quoted), end);
}
