/* service/wait_log.c - what a log must have said; see wait.h. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "service/wait.h"

enum { LINE_SHOWN = 400 };

static bool matches(void *pattern, const char *line, size_t size)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    bool found = data && pcre2_match(pattern, (PCRE2_SPTR)line, size, 0, 0, data, NULL) >= 0;

    pcre2_match_data_free(data);
    return found;
}

/* Whole lines count for good; the last one, as far as it has come, for now. */
static int count_lines(struct wait_condition *condition, const char *log, size_t size)
{
    const char *end;

    while ((end = memchr(log + condition->scanned, '\n', size - condition->scanned))) {
        const char *line = log + condition->scanned;
        size_t length = (size_t)(end - line);

        length -= length > 0 && line[length - 1] == '\r';
        condition->found += matches(condition->pattern, line, length);
        condition->scanned = (size_t)(end + 1 - log);
    }
    return condition->found +
           (size > condition->scanned &&
            matches(condition->pattern, log + condition->scanned, size - condition->scanned));
}

/* What was begun at the end of the last look is looked at again. */
static int count_texts(struct wait_condition *condition, const char *log, size_t size)
{
    size_t length = strlen(condition->text);
    const char *at;

    if (length == 0)
        return condition->times;
    while ((at = memmem(log + condition->scanned, size - condition->scanned, condition->text,
                        length))) {
        condition->found++;
        condition->scanned = (size_t)(at - log) + length;
    }
    if (size >= length && size - length + 1 > condition->scanned)
        condition->scanned = size - length + 1;
    return condition->found;
}

bool wait_scan(struct wait_condition *condition, const char *log, size_t size)
{
    int found;

    if (size < condition->scanned ||
        size == 0) /* of one that has begun anew: what is known already */
        found = 0;
    else
        found = condition->pattern ? count_lines(condition, log, size)
                                   : count_texts(condition, log, size);
    if (found >= condition->times)
        return true;
    if (condition->times > 1)
        snprintf(condition->last, sizeof condition->last, "found %d times in %zu bytes", found,
                 size);
    else
        snprintf(condition->last, sizeof condition->last, "not found in %zu bytes", size);
    return false;
}

void wait_log_tail(const char *text, size_t size, struct buf *ret)
{
    const char *at, *end;
    int lines = WAIT_LOG_LINES;

    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    end = text + size;
    if (size == 0) {
        buf_add_text(ret, "    its log is empty\n");
        return;
    }
    for (at = end; at > text && !(at[-1] == '\n' && --lines == 0); at--)
        ;
    buf_add_text(ret, at > text ? "    the last 50 lines of its log:\n" : "    its log:\n");
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((next ? next : end) - at);

        length -= length > 0 && at[length - 1] == '\r';
        buf_printf(ret, "        %.*s%s\n", (int)(length < LINE_SHOWN ? length : LINE_SHOWN),
                   at, length < LINE_SHOWN ? "" : "...");
        at = next ? next + 1 : end;
    }
}
