/* pg/verify_form.c - values whose form can be judged without a question to the server; see verify.h. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pg/verify.h"

enum {
    NUMERIC_OID = 1700,
    VARCHAR_OID = 1043,
    TIMESTAMPTZ_OID = 1184,
    MODIFIER_BASE = 4, /* of numeric and varchar */
    SCALE_MASK = 0x7ff,
    SCALE_NEGATIVE = 0x400,
    DAYS_OF_ALL_MONTHS = 28
};

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* "-12.50" in numeric(4,2). */
static bool is_numeric(const char *text, int modifier)
{
    size_t precision = (size_t)((modifier - MODIFIER_BASE) >> 16);
    size_t scale = (size_t)((modifier - MODIFIER_BASE) & SCALE_MASK);
    size_t whole;

    text += *text == '-';
    whole = count_digits(text);
    if (scale >= SCALE_NEGATIVE || scale >= precision || whole == 0 ||
        whole > precision - scale || (*text == '0' && whole > 1))
        return false;
    if (scale == 0)
        return !text[whole];
    return text[whole] == '.' && count_digits(text + whole + 1) == scale &&
           !text[whole + 1 + scale];
}

static bool is_varchar(const char *text, int modifier)
{
    int characters = 0;

    for (; *text; text++)
        characters += ((unsigned char)*text & 0xc0) != 0x80;
    return characters <= modifier - MODIFIER_BASE;
}

/* A number of two digits at most `last`. */
static bool is_below(const char *text, int first, int last)
{
    int number = (text[0] - '0') * 10 + text[1] - '0';

    return number >= first && number <= last;
}

/* "2024-01-28 12:00:00.25+00", in a session with ISO dates in UTC. */
static bool is_timestamptz(const char *text)
{
    static const char form[] = "dddd-dd-dd dd:dd:dd";
    size_t fraction;

    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    if (strncmp(text, "0000", 4) == 0 || !is_below(text + 5, 1, 12) ||
        !is_below(text + 8, 1, DAYS_OF_ALL_MONTHS) || !is_below(text + 11, 0, 23) ||
        !is_below(text + 14, 0, 59) || !is_below(text + 17, 0, 59))
        return false;
    text += strlen(form);
    fraction = *text == '.' ? count_digits(text + 1) : 0;
    if (*text == '.' && (fraction == 0 || fraction > 6 || text[fraction] == '0'))
        return false;
    return strcmp(text + (*text == '.' ? fraction + 1 : 0), "+00") == 0;
}

static bool is_utc(const struct real_session *session)
{
    static const char *const names[] = { "UTC", "Etc/UTC", "GMT" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(session->zone, names[i]) == 0)
            return strncmp(session->date_style, "ISO", 3) == 0;
    return false;
}

bool verify_has_form(const struct real_session *session, uint32_t type, int modifier,
                     const char *text)
{
    if (type == NUMERIC_OID)
        return is_numeric(text, modifier);
    if (type == VARCHAR_OID)
        return is_varchar(text, modifier);
    return type == TIMESTAMPTZ_OID && modifier == -1 && is_utc(session) && is_timestamptz(text);
}
