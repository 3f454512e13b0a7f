/* runner/include_words.c - see include_words.h. */

#include "runner/include_words.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* The length of the option that the text begins with, whose value is a path; 0: none of them. */
static size_t option_length(const char *text)
{
    static const char *const names[] = { "-I", "-isystem", "-iquote", "-idirafter",
                                         "-include" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0)
            return strlen(names[i]);
    return 0;
}

/* The end of a word for the shell. */
static const char *end_of(const char *word)
{
    char quote = '\0';

    for (; *word && (quote || !strchr(BLANKS, *word)); word++)
        if (*word == quote)
            quote = '\0';
        else if (!quote && (*word == '"' || *word == '\''))
            quote = *word;
        else if (*word == '\\' && quote != '\'' && word[1])
            word++;
    return word;
}

/* Not of a path that has a root already, be it / or, as -I=path says, the compiler's own, or a variable. */
static bool is_relative(const char *path)
{
    path += *path == '\'' || *path == '"';
    return *path && !strchr("/=$'\"" BLANKS, *path);
}

static void add_folder(struct buf *to, const char *folder)
{
    buf_add_char(to, '\'');
    for (; *folder; folder++)
        buf_add_text(to, *folder == '\'' ? "'\\''" : (char[]){ *folder, '\0' });
    buf_add_text(to, "/'");
}

/* One word, from `word` to `end`. Returns whether the next one is a path. */
static bool add_word(struct buf *to, const char *word, const char *end, bool is_path,
                     const char *folder)
{
    bool quoted = *word == '\'' || *word == '"';
    size_t length = is_path ? 0 : option_length(word + quoted);
    const char *value = word + quoted + length;

    if (is_path) {
        if (is_relative(word))
            add_folder(to, folder);
        buf_add(to, word, (size_t)(end - word));
        return false;
    }
    if (length && value < end && is_relative(value) && !(quoted && value + 1 == end)) {
        buf_add(to, word + quoted, length);
        add_folder(to, folder);
        if (quoted)
            buf_add_char(to, *word);
        buf_add(to, value, (size_t)(end - value));
        return false;
    }
    buf_add(to, word, (size_t)(end - word));
    return length && value + quoted == end;
}

void include_words_add(struct buf *to, const char *words, const char *folder)
{
    bool is_path = false;

    while (*words) {
        const char *end = end_of(words);

        if (end > words)
            is_path = add_word(to, words, end, is_path, folder);
        words = end + strspn(end, BLANKS);
        if (end < words || *words)
            buf_add_char(to, ' ');
    }
}
