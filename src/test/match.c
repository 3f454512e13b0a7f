/* test/match.c - regular expressions; see match.h. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "test/match.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "test/library.h"
#include "test/quote.h"

#include "base/hostile.h"

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

static pcre2_code *compile(const struct pcre2 *pcre2, const char *pattern, bool is_utf,
                           bool whole, struct err *err)
{
    uint32_t options = PCRE2_DOLLAR_ENDONLY | (is_utf ? PCRE2_UTF : 0) |
                       (whole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0);
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
                size_t size, struct err *err)
{
    pcre2_match_context *context = pcre2->match_context_create(NULL);
    pcre2_match_data *data = pcre2->match_data_create(1, NULL);
    int error = PCRE2_ERROR_NOMEMORY;
    char room[256];

    if (context && data) {
        pcre2->set_match_limit(context, STEPS_MAX);
        pcre2->set_depth_limit(context, DEPTH_MAX);
        pcre2->set_heap_limit(context, HEAP_MAX_KIB);
        error = pcre2->match(code, (PCRE2_SPTR)text, size, 0, 0, data, context);
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

static bool match_once(const struct pcre2 *pcre2, const char *pattern, bool is_utf, bool whole,
                       const char *text, size_t size, struct err *err)
{
    pcre2_code *code = compile(pcre2, pattern, is_utf, whole, err);
    bool is_found = code && run(pcre2, code, text, size, err);

    pcre2->code_free(code);
    return is_found;
}

bool match_regex(const char *text, const char *pattern, struct err *err)
{
    const struct pcre2 *pcre2 = library_pcre2(err);
    size_t size = strlen(text);

    if (!pcre2)
        return false;
    err_set(err, 0, "%s", "");
    return match_once(pcre2, pattern,
                      quote_is_utf8(text, size) && quote_is_utf8(pattern, strlen(pattern)),
                      false, text, size, err);
}

/* ---- patterns that are kept -------------------------------------------------------------- */

struct match_pattern {
    const struct pcre2 *pcre2;
    pcre2_code *code;
    bool is_utf;
    bool whole;
    char text[];
};

int match_pattern_new(struct match_pattern **ret, const char *text, bool whole, struct err *err)
{
    const struct pcre2 *pcre2 = library_pcre2(err);
    size_t size = strlen(text);
    struct match_pattern *pattern;

    if (!pcre2)
        return -ENOENT;
    pattern = malloc(sizeof *pattern + size + 1);
    if (!pattern)
        return err_set(err, -ENOMEM, "out of memory");
    *pattern = (struct match_pattern){ .pcre2 = pcre2,
                                       .is_utf = quote_is_utf8(text, size),
                                       .whole = whole };
    memcpy(pattern->text, text, size + 1);
    pattern->code = compile(pcre2, text, pattern->is_utf, whole, err);
    if (!pattern->code) {
        free(pattern);
        return -EINVAL;
    }
    *ret = pattern;
    return 0;
}

bool match_pattern_found(const struct match_pattern *pattern, const char *text, size_t size,
                         struct err *err)
{
    err_set(err, 0, "%s", "");
    if (pattern->is_utf && !quote_is_utf8(text, size))
        return match_once(pattern->pcre2, pattern->text, false, pattern->whole, text, size,
                          err);
    return run(pattern->pcre2, pattern->code, text, size, err);
}

void match_pattern_free(struct match_pattern *pattern)
{
    if (pattern)
        pattern->pcre2->code_free(pattern->code);
    free(pattern);
}
