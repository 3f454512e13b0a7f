/* wire/pg_lex.c - PostgreSQL's tokens; see pg_lex.h. The rules are those of the server's scan.l. */

#include "wire/pg_lex.h"

#include <string.h>
#include <strings.h>

static const char operator_letters[] = "~!@#^&|`?+-*/%<>=";

static bool is_space(char c)
{
    return c != '\0' && strchr(" \t\n\r\f", c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c) || c == '$';
}

static bool is_operator(char c)
{
    return c != '\0' && strchr(operator_letters, c);
}

static size_t count_name(const char *at)
{
    size_t size = 0;

    while (is_name_part(at[size]))
        size++;
    return size;
}

static struct pg_token token(enum pg_token_kind kind, const char *at, size_t size)
{
    return (struct pg_token){ .kind = kind, .at = at, .size = size };
}

static struct pg_token wrong(enum pg_token_kind kind, const char *at, size_t size,
                             const char *mistake)
{
    return (struct pg_token){ .kind = kind, .at = at, .size = size, .mistake = mistake };
}

/* ---- space and comments -------------------------------------------------------------------- */

static struct pg_token lex_space(const char *at)
{
    return token(PG_TOKEN_SPACE, at, strspn(at, " \t\n\r\f"));
}

static struct pg_token lex_line_comment(const char *at)
{
    return token(PG_TOKEN_COMMENT, at, strcspn(at, "\n\r"));
}

static struct pg_token lex_comment(const char *at)
{
    const char *end = at + 2;

    for (size_t depth = 1; depth > 0;) {
        if (end[0] == '\0')
            return wrong(PG_TOKEN_COMMENT, at, (size_t)(end - at), "unterminated /* comment");
        if (end[0] == '/' && end[1] == '*') {
            depth++;
            end += 2;
        } else if (end[0] == '*' && end[1] == '/') {
            depth--;
            end += 2;
        } else {
            end++;
        }
    }
    return token(PG_TOKEN_COMMENT, at, (size_t)(end - at));
}

/* ---- quotes -------------------------------------------------------------------------------- */

/* Behind the quote that ends what begins at `at`; NULL: nothing does. A doubled one does not end it. */
static const char *skip_quoted(const char *at, char quote, bool backslashes)
{
    for (; *at; at++) {
        if (backslashes && at[0] == '\\' && at[1])
            at++;
        else if (at[0] == quote && at[1] == quote)
            at++;
        else if (at[0] == quote)
            return at + 1;
    }
    return NULL;
}

/* A string goes on in the next quotes when a line ends before them: behind their first quote, or NULL. */
static const char *find_continuation(const char *at)
{
    bool line = false;

    for (;;) {
        if (at[0] == '\n' || at[0] == '\r')
            line = true;
        if (is_space(*at))
            at++;
        else if (at[0] == '-' && at[1] == '-')
            at += strcspn(at, "\n\r");
        else
            return line && *at == '\'' ? at + 1 : NULL;
    }
}

static struct pg_token lex_string(const char *at, size_t prefix, bool backslashes,
                                  const char *mistake)
{
    const char *end = at;

    for (const char *inside = at + prefix + 1; inside; inside = find_continuation(end)) {
        end = skip_quoted(inside, '\'', backslashes);
        if (!end)
            return wrong(PG_TOKEN_STRING, at, strlen(at), mistake);
    }
    return token(PG_TOKEN_STRING, at, (size_t)(end - at));
}

static struct pg_token lex_name(const char *at, size_t prefix)
{
    const char *end = skip_quoted(at + prefix + 1, '"', false);

    if (!end)
        return wrong(PG_TOKEN_NAME, at, strlen(at), "unterminated quoted identifier");
    if ((size_t)(end - at) == prefix + 2)
        return wrong(PG_TOKEN_NAME, at, prefix + 2, "zero-length delimited identifier");
    return token(PG_TOKEN_NAME, at, (size_t)(end - at));
}

/* The size of the $tag$ that begins here; 0: none does. */
static size_t count_dollar_tag(const char *at)
{
    size_t size = 1;

    if (is_name_start(at[1]))
        for (size = 2; is_name_start(at[size]) || is_digit(at[size]);)
            size++;
    return at[size] == '$' ? size + 1 : 0;
}

static struct pg_token lex_dollar(const char *at)
{
    size_t tag = count_dollar_tag(at);

    if (is_digit(at[1])) {
        size_t size = 1 + strspn(at + 1, "0123456789");

        if (is_name_start(at[size]))
            return wrong(PG_TOKEN_PARAMETER, at, size + count_name(at + size),
                         "trailing junk after parameter");
        return token(PG_TOKEN_PARAMETER, at, size);
    }
    if (tag == 0)
        return wrong(PG_TOKEN_OTHER, at, 1, "syntax error");
    for (const char *end = at + tag; (end = strchr(end, '$')); end++)
        if (strncmp(end, at, tag) == 0)
            return token(PG_TOKEN_STRING, at, (size_t)(end - at) + tag);
    return wrong(PG_TOKEN_STRING, at, strlen(at), "unterminated dollar-quoted string");
}

/* ---- words and numbers --------------------------------------------------------------------- */

static struct pg_token lex_name_or_prefix(const char *at)
{
    static const char quoted[] = "unterminated quoted string";

    if (at[1] == '\'' && (at[0] | 32) == 'e')
        return lex_string(at, 1, true, quoted);
    if (at[1] == '\'' && (at[0] | 32) == 'n')
        return lex_string(at, 1, false, quoted);
    if (at[1] == '\'' && (at[0] | 32) == 'b')
        return lex_string(at, 1, false, "unterminated bit string literal");
    if (at[1] == '\'' && (at[0] | 32) == 'x')
        return lex_string(at, 1, false, "unterminated hexadecimal string literal");
    if ((at[0] | 32) == 'u' && at[1] == '&' && at[2] == '\'')
        return lex_string(at, 2, false, quoted);
    if ((at[0] | 32) == 'u' && at[1] == '&' && at[2] == '"')
        return lex_name(at, 2);
    return token(PG_TOKEN_WORD, at, count_name(at));
}

static struct pg_token lex_number(const char *at)
{
    static const char junk[] = "trailing junk after numeric literal";
    size_t size = strspn(at, "0123456789");

    if (at[size] == '.' && at[size + 1] != '.')
        size += 1 + strspn(at + size + 1, "0123456789");
    if ((at[size] | 32) == 'e') {
        size_t sign = at[size + 1] == '-' || at[size + 1] == '+';

        if (is_digit(at[size + 1 + sign]))
            size += 1 + sign + strspn(at + size + 1 + sign, "0123456789");
        else if (sign)
            return wrong(PG_TOKEN_NUMBER, at, size + 2, junk);
    }
    if (is_name_start(at[size]))
        return wrong(PG_TOKEN_NUMBER, at, size + count_name(at + size), junk);
    return token(PG_TOKEN_NUMBER, at, size);
}

/* ---- operators ----------------------------------------------------------------------------- */

/* A comment ends an operator, and '+' and '-' end one only together with a letter that standard SQL has not. */
static struct pg_token lex_operator(const char *at)
{
    size_t size = 1;

    while (is_operator(at[size]) && strncmp(at + size, "--", 2) != 0 &&
           strncmp(at + size, "/*", 2) != 0)
        size++;
    if (size > 1 && !memchr("+-", at[size - 1], 2))
        return token(PG_TOKEN_OPERATOR, at, size);
    if (strcspn(at, "~!@#^&|`?%") < size - 1)
        return token(PG_TOKEN_OPERATOR, at, size);
    while (size > 1 && memchr("+-", at[size - 1], 2))
        size--;
    return token(PG_TOKEN_OPERATOR, at, size);
}

static struct pg_token lex_mark(const char *at)
{
    bool two =
        (at[0] == ':' && (at[1] == ':' || at[1] == '=')) || (at[0] == '.' && at[1] == '.');

    return token(PG_TOKEN_MARK, at, two ? 2 : 1);
}

/* ---- all ----------------------------------------------------------------------------------- */

struct pg_token pg_lex(const char *at)
{
    if (*at == '\0')
        return token(PG_TOKEN_END, at, 0);
    if (is_space(*at))
        return lex_space(at);
    if (at[0] == '-' && at[1] == '-')
        return lex_line_comment(at);
    if (at[0] == '/' && at[1] == '*')
        return lex_comment(at);
    if (*at == '\'')
        return lex_string(at, 0, false, "unterminated quoted string");
    if (*at == '"')
        return lex_name(at, 0);
    if (*at == '$')
        return lex_dollar(at);
    if (is_name_start(*at))
        return lex_name_or_prefix(at);
    if (is_digit(*at) || (at[0] == '.' && is_digit(at[1])))
        return lex_number(at);
    if (strchr("()[],;.:", *at))
        return lex_mark(at);
    if (is_operator(*at))
        return lex_operator(at);
    return wrong(PG_TOKEN_OTHER, at, 1, "syntax error");
}

struct pg_token pg_lex_word(const char *at)
{
    struct pg_token next = pg_lex(at);

    while (next.kind == PG_TOKEN_SPACE || next.kind == PG_TOKEN_COMMENT)
        next = pg_lex(next.at + next.size);
    return next;
}

bool pg_token_is(const struct pg_token *token, const char *text)
{
    return (token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_MARK) &&
           strlen(text) == token->size && strncasecmp(token->at, text, token->size) == 0;
}

/* ---- what a token says --------------------------------------------------------------------- */

/* Names are cut where a character begins. */
static void cut_name(char *name)
{
    size_t size = PG_NAME_MAX;

    if (strlen(name) <= PG_NAME_MAX)
        return;
    while (size > 0 && (name[size] & 0xc0) == 0x80)
        size--;
    name[size] = '\0';
}

static char *fold(const struct pg_token *token, struct arena *arena)
{
    char *text = arena_copy(arena, token->at, token->size);

    for (char *c = text; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c |= 32;
    return text;
}

static int hex_digit(char c)
{
    return is_digit(c)                          ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* Up to `most` digits of a base of 8 or 16; the number of those there are. */
static size_t read_digits(const char *at, const char *end, int base, size_t most,
                          unsigned long *ret)
{
    size_t count = 0;

    *ret = 0;
    for (; count < most && at + count < end; count++) {
        int digit = hex_digit(at[count]);

        if (digit < 0 || digit >= base)
            break;
        *ret = *ret * (unsigned long)base + (unsigned long)digit;
    }
    return count;
}

static char *put_utf8(char *to, unsigned long c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | (c >> 18 & 7));
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* E'\n \x41 \101 \u0041 \U00000041'; any other letter is itself. Each is longer than what it stands for. */
static char *put_escape(char *to, const char **at, const char *end)
{
    static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *letter = memchr(letters, **at, 5);
    char kind = **at;
    unsigned long value;
    size_t count;

    if (letter) {
        (*at)++;
        *to++ = values[letter - letters];
        return to;
    }
    count = read_digits(*at, end, 8, 3, &value);
    if (count > 0) {
        *at += count;
        *to++ = (char)value;
        return to;
    }
    (*at)++;
    if (kind == 'x' || kind == 'u' || kind == 'U') {
        count = read_digits(*at, end, 16, kind == 'x' ? 2 : kind == 'u' ? 4 : 8, &value);
        *at += count;
        if (count > 0 && kind != 'x')
            return put_utf8(to, value);
        if (count > 0)
            kind = (char)value;
    }
    *to++ = kind;
    return to;
}

/* U&'\0041 \+000041 \\'. */
static char *put_unicode(char *to, const char **at, const char *end)
{
    size_t plus = *at < end && **at == '+';
    unsigned long value;
    size_t count = read_digits(*at + plus, end, 16, plus ? 6 : 4, &value);

    if (count == (plus ? 6 : 4)) {
        *at += plus + count;
        return put_utf8(to, value);
    }
    if (*at < end && **at == '\\')
        (*at)++;
    *to++ = '\\';
    return to;
}

static char *unquote(const struct pg_token *token, struct arena *arena)
{
    const char *end = token->at + token->size;
    const char *at = token->at + strcspn(token->at, "'\"");
    char prefix = (char)(*token->at | 32);
    char quote = *at++;
    char *text = arena_zero(arena, token->size + 1), *to = text;

    while (at < end) {
        if (*at == quote && at + 1 < end && at[1] == quote) {
            *to++ = quote;
            at += 2;
        } else if (*at == quote) {
            at = quote == '\'' && at + 1 < end ? find_continuation(at + 1) : NULL;
            if (!at)
                break;
        } else if (*at == '\\' && at + 1 < end && (prefix == 'e' || prefix == 'u')) {
            at++;
            to = prefix == 'e' ? put_escape(to, &at, end) : put_unicode(to, &at, end);
        } else {
            *to++ = *at++;
        }
    }
    return text;
}

char *pg_token_whole_text(const struct pg_token *token, struct arena *arena)
{
    if (token->kind == PG_TOKEN_WORD)
        return fold(token, arena);
    if (token->kind == PG_TOKEN_STRING && *token->at == '$') {
        size_t tag = count_dollar_tag(token->at);
        size_t ends = token->mistake ? tag : 2 * tag;

        return arena_copy(arena, token->at + tag, token->size - ends);
    }
    if (token->kind == PG_TOKEN_STRING || token->kind == PG_TOKEN_NAME)
        return unquote(token, arena);
    return arena_copy(arena, token->at, token->size);
}

char *pg_token_text(const struct pg_token *token, struct arena *arena)
{
    char *text = pg_token_whole_text(token, arena);

    if (token->kind == PG_TOKEN_WORD || token->kind == PG_TOKEN_NAME)
        cut_name(text);
    return text;
}
