/* test/filter.c - the patterns of -run and -skip; see filter.h. */

#include "test/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/match.h"

/* The bytes of the white space that begins here, 0 when none does. What lies above ASCII is what
 * Go takes for a space in UTF-8. */
static size_t space_size(const char *at)
{
    static const char *const wide[] = { "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                        "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                        "\xe2\x81\x9f", "\xe3\x80\x80" };

    if (strchr(" \t\n\v\f\r", *at))
        return 1;
    if (strncmp(at, "\xe2\x80", 2) == 0 && (unsigned char)at[2] - 0x80u <= 0x0a)
        return 3; /* U+2000 to U+200A */
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strncmp(at, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    return 0;
}

void filter_rewrite(char *to, const char *name)
{
    while (*name) {
        size_t space = space_size(name);
        unsigned char c = (unsigned char)*name;

        if (space > 0)
            *to++ = '_';
        else if (c == '\a' || c == '\b')
            to += snprintf(to, 3, "\\%c", c == '\a' ? 'a' : 'b');
        else if (c < 0x20 || c == 0x7f)
            to += snprintf(to, 5, "\\x%02x", c);
        else
            *to++ = *name;
        name += space > 0 ? space : 1;
    }
    *to = '\0';
}

/* The next `|` or `/` that is outside [] and (), or the end. */
static const char *element_end(const char *at)
{
    int round = 0;
    int square = 0;

    for (; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '[')
            square++;
        else if (*at == ']' && square > 0)
            square--;
        else if (*at == '(' && square == 0)
            round++;
        else if (*at == ')' && square == 0)
            round--;
        else if ((*at == '/' || *at == '|') && round <= 0 && square == 0)
            break;
    }
    return at;
}

static char *element_copy(const char *from, const char *end)
{
    char *plain = strndup(from, (size_t)(end - from));
    char *element = plain ? malloc(4 * strlen(plain) + 1) : NULL;

    if (element)
        filter_rewrite(element, plain);
    free(plain);
    return element;
}

static void free_elements(char **elements)
{
    for (size_t i = 0; elements && elements[i]; i++)
        free(elements[i]);
    free(elements);
}

/* Make room for one more pointer and the NULL behind it; NULL, and nothing changed, when memory ends. */
static void *with_room(void *list, size_t count)
{
    return realloc(list, (count + 2) * sizeof(void *));
}

/* One alternative from *at on, which moves behind it; *ret_more says whether another follows. NULL when
 * memory ends. */
static char **alternative(const char **at, bool *ret_more)
{
    char **elements = NULL;
    const char *end;

    for (size_t count = 0;; count++) {
        char **wider = with_room(elements, count);

        if (!wider)
            break;
        end = element_end(*at);
        elements = wider;
        elements[count] = element_copy(*at, end);
        elements[count + 1] = NULL;
        if (!elements[count])
            break;
        *at = end + (*end ? 1 : 0);
        *ret_more = *end == '|';
        if (*end != '/')
            return elements;
    }
    free_elements(elements);
    return NULL;
}

static int try_elements(const struct filter *filter, struct err *err)
{
    for (size_t a = 0; filter->alternatives[a]; a++)
        for (size_t i = 0; filter->alternatives[a][i]; i++) {
            struct err why;

            if (!*filter->alternatives[a][i] ||
                match_regex("", filter->alternatives[a][i], &why) || !*why.text)
                continue;
            return err_set(err, -EINVAL, "element %zu of '%s': %s", i, filter->text, why.text);
        }
    return 0;
}

static int split(struct filter *filter)
{
    const char *at = filter->text;
    bool more = true;

    for (size_t count = 0; more; count++) {
        char ***wider = with_room(filter->alternatives, count);

        if (!wider)
            return -ENOMEM;
        filter->alternatives = wider;
        wider[count] = alternative(&at, &more);
        wider[count + 1] = NULL;
        if (!wider[count])
            return -ENOMEM;
    }
    return 0;
}

int filter_init(struct filter *filter, const char *text, struct err *err)
{
    *filter = (struct filter){ .text = text };
    if (!text)
        return 0;
    if (split(filter) < 0) {
        filter_fini(filter);
        return err_set(err, -ENOMEM, "out of memory for '%s'", text);
    }
    return try_elements(filter, err);
}

/* Whether the element is found in the first `size` bytes. Where memory ends it is. */
static bool is_in(const char *element, const char *level, size_t size)
{
    char *part = *element ? strndup(level, size) : NULL;
    bool found = !part || match_regex(part, element, NULL);

    free(part);
    return found;
}

static enum filter_match match_one(char **elements, const char *name)
{
    const char *at = name;

    for (size_t i = 0; elements[i]; i++) {
        size_t size = strcspn(at, "/");

        if (!is_in(elements[i], at, size))
            return FILTER_NO;
        if (at[size] == '\0')
            return elements[i + 1] ? FILTER_PARTIAL : FILTER_FULL;
        at += size + 1;
    }
    return FILTER_FULL;
}

enum filter_match filter_match(const struct filter *filter, const char *name)
{
    enum filter_match best = FILTER_NO;

    if (!filter->text || !*filter->text)
        return FILTER_FULL;
    for (size_t i = 0; filter->alternatives[i] && best != FILTER_FULL; i++) {
        enum filter_match this = match_one(filter->alternatives[i], name);

        if (this > best)
            best = this;
    }
    return best;
}

void filter_fini(struct filter *filter)
{
    for (size_t i = 0; filter->alternatives && filter->alternatives[i]; i++)
        free_elements(filter->alternatives[i]);
    free(filter->alternatives);
    *filter = (struct filter){ 0 };
}
