/* service/modules/sql_split.c - a script of SQL as its statements; see sql_split.h. */

#include "service/modules/sql_split.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

/* Behind a quoted text that begins at `at`; a doubled quote is part of it. */
static const char *skip_quoted(const char *at, bool backslash)
{
    char quote = *at++;

    for (; *at; at++) {
        if (*at == '\\' && backslash && at[1])
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return at;
}

/* Behind a block comment, which may hold others. */
static const char *skip_block(const char *at)
{
    int depth = 0;

    while (*at) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else
            at++;
    }
    return at;
}

static const char *skip_comment(const char *at)
{
    if (at[0] == '-' && at[1] == '-')
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*')
        return skip_block(at);
    return at;
}

/* Behind $tag$ ... $tag$; one character on when it is none. */
static const char *skip_dollar(const char *at)
{
    size_t tag = 1;
    const char *end;

    if (isdigit((unsigned char)at[1]))
        return at + 1;
    while (is_word(at[tag]) && at[tag] != '$')
        tag++;
    if (at[tag] != '$')
        return at + 1;
    tag++;
    for (end = strchr(at + tag, '$'); end; end = strchr(end + 1, '$'))
        if (strncmp(end, at, tag) == 0)
            return end + tag;
    return at + strlen(at);
}

/* What a statement is about as far as a semicolon goes. */
struct nesting {
    int words; /* met so far, up to 4 */
    bool create; /* the first is CREATE */
    bool routine; /* one of the next is FUNCTION or PROCEDURE */
    int parentheses;
    int begins; /* BEGIN and CASE without their END, in a routine */
};

static bool is(const char *word, size_t size, const char *name)
{
    return strlen(name) == size && strncasecmp(word, name, size) == 0;
}

static void take_word(struct nesting *nesting, const char *word, size_t size)
{
    if (nesting->words < 4) {
        if (nesting->words == 0)
            nesting->create = is(word, size, "CREATE");
        else if (nesting->create && (is(word, size, "FUNCTION") || is(word, size, "PROCEDURE")))
            nesting->routine = true;
        nesting->words++;
    }
    if (!nesting->routine)
        return;
    if (is(word, size, "BEGIN") || (nesting->begins > 0 && is(word, size, "CASE")))
        nesting->begins++;
    else if (nesting->begins > 0 && is(word, size, "END"))
        nesting->begins--;
}

/* Behind the piece of a statement that begins at `at`. */
static const char *skip_piece(const char *at, struct nesting *nesting)
{
    const char *end = skip_comment(at);

    if (end != at)
        return end;
    if ((*at == 'e' || *at == 'E') && at[1] == '\'')
        return skip_quoted(at + 1, true);
    if (*at == '\'' || *at == '"')
        return skip_quoted(at, false);
    if (*at == '$')
        return skip_dollar(at);
    if (is_word(*at)) {
        while (is_word(*end))
            end++;
        take_word(nesting, at, (size_t)(end - at));
        return end;
    }
    nesting->parentheses += *at == '(' ? 1 : *at == ')' && nesting->parentheses > 0 ? -1 : 0;
    return at + 1;
}

static int count_lines(const char *from, const char *to)
{
    int lines = 0;

    while ((from = memchr(from, '\n', (size_t)(to - from)))) {
        lines++;
        from++;
    }
    return lines;
}

/* Behind white space, comments and empty statements. */
static const char *skip_nothing(const char *at)
{
    for (;;) {
        const char *end = skip_comment(at);

        while (isspace((unsigned char)*end) || *end == ';')
            end++;
        if (end == at)
            return at;
        at = end;
    }
}

int sql_next(struct sql_script *script, struct sql_statement *ret)
{
    const char *begin = skip_nothing(script->at);
    const char *end = begin;
    struct nesting nesting = { 0 };

    while (*end && !(*end == ';' && nesting.parentheses == 0 && nesting.begins == 0))
        end = skip_piece(end, &nesting);
    script->at = end + (*end == ';');
    if (begin == end)
        return 0;
    script->line += count_lines(script->counted, begin);
    script->counted = begin;
    while (isspace((unsigned char)end[-1]))
        end--;
    *ret = (struct sql_statement){ begin, (size_t)(end - begin), script->line };
    return 1;
}

bool sql_is_copy(const struct sql_statement *statement)
{
    static const char from[] = "from", stdin_word[] = "stdin";
    const char *end = statement->text + statement->size;

    if (statement->size < 4 || strncasecmp(statement->text, "copy", 4) != 0)
        return false;
    for (const char *at = statement->text; end - at > (long)sizeof from; at++)
        if (strncasecmp(at, from, sizeof from - 1) == 0) {
            const char *word = at + sizeof from - 1;

            while (word < end && isspace((unsigned char)*word))
                word++;
            if (end - word >= (long)sizeof stdin_word - 1 &&
                strncasecmp(word, stdin_word, sizeof stdin_word - 1) == 0)
                return true;
        }
    return false;
}

size_t sql_copy_data(struct sql_script *script, const char **ret)
{
    const char *begin = script->at + strcspn(script->at, "\n");
    const char *line;

    begin += *begin == '\n';
    for (line = begin; *line; line += *line == '\n') {
        size_t size = strcspn(line, "\r\n");

        if (size == 2 && line[0] == '\\' && line[1] == '.')
            break;
        line += strcspn(line, "\n");
    }
    *ret = begin;
    script->at = line + strcspn(line, "\n");
    return (size_t)(line - begin);
}

int sql_line(const struct sql_statement *statement, long characters)
{
    const char *at = statement->text;
    const char *end = at + statement->size;

    while (at < end && characters > 1) {
        at++;
        while (at < end && (*at & 0xc0) == 0x80)
            at++;
        characters--;
    }
    return statement->line + count_lines(statement->text, at);
}
