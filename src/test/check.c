/* test/check.c - the checks; each records a failure and returns whether it held. */

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/deadline.h"
#include "test/diff.h"
#include "test/match.h"
#include "test/state.h"
#include "test/value.h"

enum { WORDS_MAX = 1 << 20 };

/* Hand the collected words over as the failure of t. */
static bool fail(seam_t *t, seam_site at, struct buf *words)
{
    seam_error_at(t, at, "%s", buf_text(words));
    buf_fini(words);
    return false;
}

static struct buf words_of(const char *text)
{
    struct buf words = BUF_INIT(WORDS_MAX);

    buf_add_text(&words, text);
    buf_add_char(&words, '\n');
    return words;
}

bool seam_check_at(seam_t *t, seam_site at, const char *text, bool held)
{
    if (!held)
        seam_error_at(t, at, "%s is false", text);
    return held;
}

/* ---- a result of which 0 is success */

/* The quote that ends the literal which begins here, or the last character when none does. */
static const char *literal_end(const char *begin)
{
    const char *at = begin + 1;

    for (; *at && *at != *begin; at++)
        at += *at == '\\' && at[1];
    return *at ? at : at - 1;
}

/* The '>' behind a list of template arguments that begins here; NULL when this '<' compares. */
static const char *template_end(const char *begin)
{
    const char *at = begin + strcspn(begin, ">()=;&|");

    while (*at && at[1] == '>')
        at++;
    return *at == '>' && (at[1] == '(' || at[1] == ':') ? at : NULL;
}

/* Whether the expression is a truth: `x == 3` or `!x` would pass when it is false. Both ends of a
 * ternary are results. */
static bool is_truth(const char *text)
{
    bool is_found = *text == '!';
    int depth = 0;

    for (const char *at = text; *at; at++) {
        const char *template = *at == '<' ? template_end(at) : NULL;

        if (*at == '"' || *at == '\'')
            at = literal_end(at);
        else if (strchr("([{", *at))
            depth++;
        else if (strchr(")]}", *at))
            depth--;
        else if (depth > 0)
            continue;
        else if (*at == '?')
            return false;
        else if (template)
            at = template;
        else if ((*at == '-' && at[1] == '>') || ((*at == '<' || *at == '>') && at[1] == *at))
            at++;
        else if (*at == '<' || *at == '>' || ((*at == '=' || *at == '!') && at[1] == '=') ||
                 ((*at == '&' || *at == '|') && at[1] == *at))
            is_found = true;
    }
    return is_found;
}

bool seam_check_ok_at(seam_t *t, seam_site at, const char *text, long result)
{
    const char *name;
    struct buf words;

    if (is_truth(text)) {
        seam_error_at(t, at,
                      "_ok wants a result of which 0 is success, and '%s' is a truth\n"
                      "say seam_check(t, %s) or seam_require(t, %s)",
                      text, text, text);
        return false;
    }
    if (result == 0)
        return true;
    words = words_of(text);
    buf_printf(&words, "got:  %ld", result);
    name = result < 0 && result > -4096 ? strerrorname_np((int)-result) : NULL;
    if (name)
        buf_printf(&words, " (-%s: %s)", name, strerror((int)-result));
    buf_add_text(&words, "\nwant: 0");
    return fail(t, at, &words);
}

/* ---- values */

/* `want` with the expression behind it, unless that is the value itself. */
static void show_want(struct buf *words, const char *text, seam_value want)
{
    size_t before = words->size;

    value_show(words, want);
    if (strcmp(buf_text(words) + before, text) != 0 && !strchr("\"'-0123456789", *text))
        buf_printf(words, " (%s)", text);
}

/* SEAM_ANY and its like are for rules of a double: a check with one would say nothing. */
static bool refuse_pattern(seam_t *t, seam_site at, const char *text, seam_value value)
{
    struct buf words = BUF_INIT(WORDS_MAX);

    buf_printf(&words, "a check compares values, and '%s' is none: ", text);
    value_show(&words, value);
    buf_add_text(&words, " is for the .args of a rule");
    return fail(t, at, &words);
}

static bool compare(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                    seam_value got, seam_value want, const char *relation, bool held)
{
    struct buf words;

    if (value_is_pattern(got))
        return refuse_pattern(t, at, got_text, got);
    if (value_is_pattern(want))
        return refuse_pattern(t, at, want_text, want);
    if (held)
        return true;
    words = words_of(got_text);
    buf_add_text(&words, "got:  ");
    value_show(&words, got);
    buf_printf(&words, "\nwant: %s", relation);
    show_want(&words, want_text, want);
    return fail(t, at, &words);
}

bool seam_check_eq_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                      seam_value got, seam_value want)
{
    bool comparable;
    bool equal = value_compare(got, want, &comparable) == 0 && comparable;

    if (!equal && got.kind == SEAM_KIND_TEXT && want.kind == SEAM_KIND_TEXT && got.as.p &&
        want.as.p) {
        struct buf words = words_of(got_text);

        diff_text_sized(&words, got.as.p, got.size, want.as.p, want.size);
        return fail(t, at, &words);
    }
    return compare(t, at, got_text, want_text, got, want, "", equal);
}

bool seam_check_ne_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                      seam_value got, seam_value want)
{
    bool comparable;
    bool equal = value_compare(got, want, &comparable) == 0 && comparable;

    return compare(t, at, got_text, want_text, got, want, "anything but ", !equal);
}

bool seam_check_lt_at(seam_t *t, seam_site at, const char *got_text, const char *bound_text,
                      seam_value got, seam_value bound)
{
    bool comparable;
    bool less = value_compare(got, bound, &comparable) < 0;

    return compare(t, at, got_text, bound_text, got, bound, "less than ", less && comparable);
}

bool seam_check_le_at(seam_t *t, seam_site at, const char *got_text, const char *bound_text,
                      seam_value got, seam_value bound)
{
    bool comparable;
    bool held = value_compare(got, bound, &comparable) <= 0;

    return compare(t, at, got_text, bound_text, got, bound, "at most ", held && comparable);
}

bool seam_check_near_at(seam_t *t, seam_site at, const char *text, double got, double want,
                        double within)
{
    struct buf words;

    if (got == want || fabs(got - want) <= within)
        return true;
    words = words_of(text);
    buf_add_text(&words, "got:  ");
    value_show(&words, seam_value_d(got));
    buf_add_text(&words, "\nwant: ");
    value_show(&words, seam_value_d(want));
    buf_add_text(&words, " within ");
    value_show(&words, seam_value_d(within));
    return fail(t, at, &words);
}

/* ---- text and memory */

bool seam_check_str_at(seam_t *t, seam_site at, const char *text, const char *got,
                       const char *want)
{
    struct buf words;

    if (got == want || (got && want && strcmp(got, want) == 0))
        return true;
    if (!got || !want)
        return compare(t, at, text, "\"", seam_value_s(got), seam_value_s(want), "", false);
    words = words_of(text);
    diff_text(&words, got, want);
    return fail(t, at, &words);
}

bool seam_check_mem_at(seam_t *t, seam_site at, const char *text, const void *got,
                       size_t got_size, const void *want, size_t want_size)
{
    struct buf words;

    if (got_size == want_size &&
        (got_size == 0 || (got && want && memcmp(got, want, got_size) == 0)))
        return true;
    words = words_of(text);
    diff_memory(&words, got, got_size, want, want_size);
    return fail(t, at, &words);
}

bool seam_check_json_at(seam_t *t, seam_site at, const char *text, const char *got,
                        const char *want)
{
    struct buf words;

    if (!got || !want)
        return compare(t, at, text, "\"", seam_value_s(got), seam_value_s(want), "", false);
    words = words_of(text);
    if (!diff_json(&words, got, strlen(got), want, strlen(want)))
        return fail(t, at, &words);
    buf_fini(&words);
    return true;
}

bool seam_check_match_at(seam_t *t, seam_site at, const char *text, const char *got,
                         const char *pattern)
{
    struct err err = { "" };
    struct buf words;

    if (got && match_regex(got, pattern, &err))
        return true;
    words = words_of(text);
    if (*err.text)
        buf_printf(&words, "cannot match: %s", err.text);
    else {
        buf_add_text(&words, "got:  ");
        value_show(&words, seam_value_s(got));
        buf_printf(&words, "\nwant: a match of /%s/", pattern);
    }
    return fail(t, at, &words);
}

bool seam_check_contains_at(seam_t *t, seam_site at, const char *text, const char *got,
                            const char *part)
{
    struct buf words;

    if (got && part && strstr(got, part))
        return true;
    words = words_of(text);
    buf_add_text(&words, "got:  ");
    value_show(&words, seam_value_s(got));
    buf_add_text(&words, "\nwant: a text that contains ");
    value_show(&words, seam_value_s(part));
    return fail(t, at, &words);
}

/* ---- pointers */

bool seam_check_null_at(seam_t *t, seam_site at, const char *text, const void *pointer)
{
    if (pointer)
        seam_error_at(t, at, "%s\ngot:  %p\nwant: NULL", text, pointer);
    return !pointer;
}

bool seam_check_same_at(seam_t *t, seam_site at, const char *got_text, const char *want_text,
                        const void *got, const void *want)
{
    if (got != want)
        seam_error_at(t, at, "%s\ngot:  %p\nwant: %p (%s)", got_text, got, want, want_text);
    return got == want;
}

/* ---- what becomes true */

bool seam_check_eventually_at(seam_t *t, seam_site at, const char *text, int within_ms,
                              bool (*fn)(void *arg), void *arg)
{
    int wait_ms = t_wait_ms(t, within_ms > 0 ? within_ms : 0);
    uint64_t deadline_ns = now_ns() + (uint64_t)wait_ms * 1000000u;
    int asked = 0;
    int left_ms;

    for (int pause_ms = 1;; pause_ms = pause_ms < 50 ? pause_ms * 2 : 50) {
        asked++;
        if (fn(arg))
            return true;
        left_ms = deadline_poll_ms(deadline_ns);
        if (left_ms <= 0)
            break;
        machine.poll(NULL, 0, pause_ms < left_ms ? pause_ms : left_ms);
    }
    seam_error_at(t, at, "%s did not become true within %d ms (asked %d times)%s", text,
                  wait_ms, asked, wait_ms < within_ms ? "; the test has no more time" : "");
    return false;
}
