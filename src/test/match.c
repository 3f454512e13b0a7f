/* test/match.c - regular expressions; see match.h. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "test/match.h"

#include <errno.h>
#include <pcre2.h>
#include <string.h>

#include "test/library.h"
#include "test/quote.h"

/* Enough for a linear match of some megabytes, and reached within a second or so by a pattern
 * that backtracks without end. */
enum { STEPS_MAX = 5000000, DEPTH_MAX = 250000, HEAP_MAX_KIB = 64 << 10 };

/* PCRE2's own words for one of its errors. They never fill the room; were they cut, they would
 * still end in NUL. */
static const char *words_of(const struct pcre2 *pcre2, int error, char room[static 256])
{
    room[0] = '\0';
    pcre2->get_error_message(error, (PCRE2_UCHAR *)room, 256);
    return room;
}

static pcre2_code *compile(const struct pcre2 *pcre2, const char *text, const char *pattern,
                           struct err *err)
{
    bool is_utf = quote_is_utf8(text, strlen(text)) && quote_is_utf8(pattern, strlen(pattern));
    uint32_t options = PCRE2_DOLLAR_ENDONLY | (is_utf ? PCRE2_UTF : 0);
    PCRE2_SIZE offset;
    pcre2_code *code;
    char room[256];
    int error;

    code = pcre2->compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &offset,
                          NULL);
    if (!code)
        err_set(err, -EINVAL, "%s at offset %zu", words_of(pcre2, error, room), offset);
    return code;
}

static bool is_limit(int error)
{
    return error == PCRE2_ERROR_MATCHLIMIT || error == PCRE2_ERROR_DEPTHLIMIT ||
           error == PCRE2_ERROR_HEAPLIMIT;
}

static bool run(const struct pcre2 *pcre2, const pcre2_code *code, const char *text,
                struct err *err)
{
    pcre2_match_context *context = pcre2->match_context_create(NULL);
    pcre2_match_data *data = pcre2->match_data_create(1, NULL);
    int error = PCRE2_ERROR_NOMEMORY;
    char room[256];

    if (context && data) {
        pcre2->set_match_limit(context, STEPS_MAX);
        pcre2->set_depth_limit(context, DEPTH_MAX);
        pcre2->set_heap_limit(context, HEAP_MAX_KIB);
        error = pcre2->match(code, (PCRE2_SPTR)text, strlen(text), 0, 0, data, context);
    }
    if (is_limit(error))
        err_set(err, -E2BIG,
                "the pattern takes too many steps for this text (%s)\n"
                "try: a pattern without a repeat inside a repeat, such as (a+)+",
                words_of(pcre2, error, room));
    else if (error < 0 && error != PCRE2_ERROR_NOMATCH)
        err_set(err, -EINVAL, "cannot match: %s", words_of(pcre2, error, room));
    pcre2->match_data_free(data);
    pcre2->match_context_free(context);
    return error >= 0;
}

bool match_regex(const char *text, const char *pattern, struct err *err)
{
    const struct pcre2 *pcre2 = library_pcre2(err);
    pcre2_code *code;
    bool is_found;

    if (!pcre2)
        return false;
    err_set(err, 0, "%s", "");
    code = compile(pcre2, text, pattern, err);
    if (!code)
        return false;
    is_found = run(pcre2, code, text, err);
    pcre2->code_free(code);
    return is_found;
}
