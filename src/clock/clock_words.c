/* clock/clock_words.c - points in time and those who wait for them, as words; see clock_words.h. */

#include "clock/clock_words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000, DIGITS = 9, LAST_YEAR = 2261 };

/* ---- reading ----------------------------------------------------------------------------- */

/* That many digits; -1: there are other things. */
static int digits(const char **at, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool skip(const char **at, const char *any)
{
    if (!**at || !strchr(any, **at))
        return false;
    (*at)++;
    return true;
}

/* What follows the second: a part of one. */
static bool read_part(const char **at, int64_t *ret_ns)
{
    int64_t unit = SECOND / 10;
    int count = 0;

    *ret_ns = 0;
    if (!skip(at, "."))
        return true;
    for (; **at >= '0' && **at <= '9' && count < DIGITS; count++, unit /= 10)
        *ret_ns += (*(*at)++ - '0') * unit;
    return count > 0;
}

/* Seconds that the zone lies east of Greenwich. */
static bool read_zone(const char **at, int *ret_seconds)
{
    bool west = **at == '-';
    int hours, minutes;

    *ret_seconds = 0;
    if (skip(at, "Zz"))
        return true;
    if (!skip(at, "+-"))
        return false;
    hours = digits(at, 2);
    if (hours < 0 || hours > 23 || !skip(at, ":"))
        return false;
    minutes = digits(at, 2);
    *ret_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return minutes >= 0 && minutes <= 59;
}

static bool read_day(const char **at, struct tm *ret)
{
    ret->tm_year = digits(at, 4) - 1900;
    if (!skip(at, "-"))
        return false;
    ret->tm_mon = digits(at, 2) - 1;
    if (!skip(at, "-"))
        return false;
    ret->tm_mday = digits(at, 2);
    return ret->tm_year >= -1900 && ret->tm_mon >= 0 && ret->tm_mon < 12 && ret->tm_mday > 0;
}

static bool read_hour(const char **at, struct tm *ret)
{
    ret->tm_hour = digits(at, 2);
    if (!skip(at, ":"))
        return false;
    ret->tm_min = digits(at, 2);
    if (!skip(at, ":"))
        return false;
    ret->tm_sec = digits(at, 2);
    return ret->tm_hour >= 0 && ret->tm_hour < 24 && ret->tm_min >= 0 && ret->tm_min < 60 &&
           ret->tm_sec >= 0 && ret->tm_sec < 60;
}

int clock_read(const char *text, int64_t *ret_ns)
{
    struct tm day = { 0 }, made;
    int64_t seconds, part;
    int zone;

    if (!read_day(&text, &day) || !skip(&text, "Tt ") || !read_hour(&text, &day) ||
        !read_part(&text, &part) || !read_zone(&text, &zone) || *text)
        return -EINVAL;
    made = day;
    seconds = timegm(&made);
    if (made.tm_mday != day.tm_mday || made.tm_mon != day.tm_mon) /* no such day */
        return -EINVAL;
    seconds -= zone;
    if (seconds < 0 || day.tm_year + 1900 > LAST_YEAR)
        return -ERANGE;
    *ret_ns = seconds * SECOND + part;
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* ".5" of 500000000: without what is zero behind. */
static void write_part(int64_t ns, char *ret, size_t size)
{
    size_t end;

    *ret = '\0';
    if (ns == 0)
        return;
    snprintf(ret, size, ".%09" PRId64, ns);
    for (end = strlen(ret); ret[end - 1] == '0'; end--)
        ret[end - 1] = '\0';
}

void clock_write(int64_t ns, char ret[CLOCK_TEXT_SIZE])
{
    time_t seconds = ns / SECOND;
    char whole[24], part[12];
    struct tm day;

    gmtime_r(&seconds, &day);
    strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &day);
    write_part(ns % SECOND, part, sizeof part);
    snprintf(ret, CLOCK_TEXT_SIZE, "%s%sZ", whole, part);
}

static void add_span(struct buf *to, int64_t ns)
{
    if (ns >= SECOND) {
        char part[12];

        write_part(ns % SECOND, part, sizeof part);
        buf_printf(to, "%" PRId64 "%s s", ns / SECOND, part);
    } else
        buf_printf(to, "%" PRId64 ".%06" PRId64 " ms", ns / 1000000, ns % 1000000);
}

static void add_who(struct buf *to, const struct page_sleeper *sleeper, int32_t tid)
{
    char program[sizeof sleeper->program], thread[sizeof sleeper->thread];

    page_get_text(program, sleeper->program, sizeof program);
    page_get_text(thread, sleeper->thread, sizeof thread);
    if (sleeper->pid != getpid())
        buf_printf(to, "program '%s'", program);
    else if (tid == sleeper->pid)
        buf_add_text(to, "the test's own thread");
    else
        buf_printf(to, "thread '%s'", thread);
}

static void add_when(struct buf *to, const struct page *page, int64_t until_ns)
{
    int64_t left = until_ns - atomic_load(&page->monotonic_ns);
    char text[CLOCK_TEXT_SIZE];
    int64_t at;

    if (left <= 0) {
        buf_add_text(to, ", whose time has come");
        return;
    }
    if (__builtin_add_overflow(atomic_load(&page->wall_ns), left, &at)) {
        buf_add_text(to, " for ever");
        return;
    }
    clock_write(at, text);
    buf_printf(to, " until %s, in ", text);
    add_span(to, left);
}

void clock_add_sleepers(struct buf *to, const struct page *page)
{
    for (int i = 0; i < PAGE_SLEEPERS; i++) {
        const struct page_sleeper *sleeper = &page->sleepers[i];
        int32_t tid = atomic_load(&sleeper->tid);
        char function[sizeof sleeper->function];

        if (tid <= 0)
            continue;
        page_get_text(function, sleeper->function, sizeof function);
        buf_printf(to, "%s    %s in ", to->size ? "\n" : "", function);
        add_who(to, sleeper, tid);
        add_when(to, page, atomic_load(&sleeper->until_ns));
    }
}
