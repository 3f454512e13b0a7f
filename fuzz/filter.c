/* filter.c - a pattern, a line end, a name: every pattern is taken or refused with words. */

#include "test/filter.h"

#include "fuzz.h"

static void rewrite(const char *name)
{
    size_t room = 4 * strlen(name) + 1;
    char *to = malloc(room);

    MUST(to != NULL);
    filter_rewrite(to, name);
    MUST(strlen(to) < room);
    MUST(!strpbrk(to, " \t\n\v\f\r"));
    free(to);
}

/* What is not matched at all is not matched by a longer name either. */
static void match(const struct filter *filter, char *name)
{
    enum filter_match whole = filter_match(filter, name);
    char *slash = strrchr(name, '/');

    if (!slash)
        return;
    *slash = '\0';
    if (whole != FILTER_NO)
        MUST(filter_match(filter, name) != FILTER_NO);
    if (filter_match(filter, name) == FILTER_FULL)
        MUST(whole == FILTER_FULL);
    *slash = '/';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size < 300 ? size : 300);
    char *name = strchr(text, '\n');
    struct filter filter;
    struct err err = { "" };

    if (name)
        *name++ = '\0';
    if (filter_init(&filter, text, &err) == 0 && name)
        match(&filter, name);
    else if (filter.alternatives)
        MUST(name == NULL || *err.text);
    filter_fini(&filter);
    rewrite(name ? name : text);
    free(text);
    return 0;
}
