/* report/json_text.c - values as Go's encoding/json writes them; see json_text.h. */

#include "report/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/lines.h"

/* ---- UTF-8, as Unicode's table 3-7 has it: no overlong forms, no surrogates */

/* How many bytes a character that begins so has; 0 when none does. */
static size_t length_by_first(unsigned char first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

static bool second_fits(unsigned char first, unsigned char second)
{
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= least && second <= most;
}

/* The size of the character at `at`; 0 when it is none. */
static size_t character(const unsigned char *at, size_t left)
{
    size_t size = length_by_first(*at);

    if (size > left || (size > 1 && !second_fits(at[0], at[1])))
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

size_t json_cut(const char *data, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char byte = (unsigned char)data[size - back];

        if ((byte & 0xc0) != 0x80)
            return length_by_first(byte) > back ? size - back : size;
    }
    return size;
}

/* ---- strings */

/* Most bytes of a report pass here, so it is a look-up: one bit for each ASCII character. */
static bool is_plain(unsigned char c)
{
    static const uint64_t special[] = {
        0xffffffff | 1ull << '"' | 1ull << '&' | 1ull << '<' | 1ull << '>',
        1ull << ('\\' - 64),
    };

    return c < 128 && !(special[c / 64] >> c % 64 & 1);
}

static void add_escaped_byte(struct buf *to, unsigned char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: what, and its letter */

    for (const char *pair = letters; *pair; pair += 2)
        if ((unsigned char)*pair == c) {
            buf_add_char(to, '\\');
            buf_add_char(to, pair[1]);
            return;
        }
    buf_printf(to, "\\u%04x", c);
}

static bool is_line_separator(const unsigned char *at)
{
    return at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9);
}

/* Escape the character at `at`, which is not plain; returns its size. */
static size_t add_special(struct buf *to, const unsigned char *at, size_t left)
{
    size_t size = character(at, left);

    if (size == 0)
        buf_add_text(to, "\\ufffd");
    else if (size == 1)
        add_escaped_byte(to, *at);
    else if (size == 3 && is_line_separator(at))
        buf_printf(to, "\\u20%02x", at[2] - 0x80);
    else
        buf_add(to, at, size);
    return size ? size : 1;
}

void json_add_string(struct buf *to, struct text text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.size;

    buf_add_char(to, '"');
    while (at < end) {
        const unsigned char *plain = at;

        while (at < end && is_plain(*at))
            at++;
        buf_add(to, plain, (size_t)(at - plain));
        if (at < end)
            at += add_special(to, at, (size_t)(end - at));
    }
    buf_add_char(to, '"');
}

/* ---- numbers */

static void drop_zeros(char *number)
{
    size_t size = strlen(number);

    while (size > 0 && number[size - 1] == '0')
        number[--size] = '\0';
    if (size > 0 && number[size - 1] == '.')
        number[size - 1] = '\0';
}

static void set_clock(struct json_clock *clock, time_t second)
{
    struct tm tm;
    unsigned minutes;

    clock->second = second;
    localtime_r(&second, &tm);
    minutes = (unsigned)labs(tm.tm_gmtoff) / 60;
    strftime(clock->date, sizeof clock->date, "%Y-%m-%dT%H:%M:%S", &tm);
    if (tm.tm_gmtoff == 0)
        memcpy(clock->zone, "Z", 2);
    else
        snprintf(clock->zone, sizeof clock->zone, "%c%02u:%02u", tm.tm_gmtoff < 0 ? '-' : '+',
                 minutes / 60 % 100, minutes % 60);
}

void json_add_time(struct buf *to, struct json_clock *clock, uint64_t time_ns)
{
    time_t second = (time_t)(time_ns / 1000000000);
    uint64_t rest = time_ns % 1000000000;
    char fraction[] = ".000000000";

    if (second != clock->second || !clock->date[0])
        set_clock(clock, second);
    for (int i = 9; i > 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    drop_zeros(fraction);
    buf_add_char(to, '"');
    buf_add_text(to, clock->date);
    buf_add_text(to, fraction);
    buf_add_text(to, clock->zone);
    buf_add_char(to, '"');
}

void json_add_seconds(struct buf *to, uint64_t ns, int digits)
{
    char room[LINES_SECONDS_MAX];
    char *number = lines_seconds(room, ns, digits);

    drop_zeros(number);
    buf_add_text(to, number);
}
