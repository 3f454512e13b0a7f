/* wire/pg_setting.c - values of parameters: what is taken, what SHOW makes of it; see pg_setting.h. */

#include "wire/pg_setting.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WHOLE_MAX 1e15 /* numbers up to here are exact, and fit into 64 bits */

/* ---- units */

struct unit {
    const char *name;
    double factor; /* of kB, or of ms */
};

static const struct unit memory_units[] = {
    { "TB", 1024.0 * 1024 * 1024 },
    { "GB", 1024.0 * 1024 },
    { "MB", 1024 },
    { "kB", 1 },
    { "B", 1.0 / 1024 },
};
static const struct unit time_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 },
    { "s", 1000 },     { "ms", 1 },      { "us", 1.0 / 1000 },
};

static bool is_memory(const char *unit)
{
    return strchr(unit, 'B') != NULL;
}

static const struct unit *units_of(const char *unit, size_t *ret_count)
{
    *ret_count = is_memory(unit) ? sizeof memory_units / sizeof *memory_units
                                 : sizeof time_units / sizeof *time_units;
    return is_memory(unit) ? memory_units : time_units;
}

/* Of the unit that the parameter is kept in, which may have a number in front: "8kB". */
static double factor_of(const char *kept, const char *unit, size_t size)
{
    size_t count;
    const struct unit *at = units_of(kept, &count);

    for (size_t i = 0; i < count; i++)
        if (strlen(at[i].name) == size && memcmp(at[i].name, unit, size) == 0)
            return at[i].factor;
    return 0;
}

static double factor_kept(const char *kept)
{
    char *name;
    double number = strtod(kept, &name);

    return (name == kept ? 1 : number) * factor_of(kept, name, strlen(name));
}

static bool is_whole(double v)
{
    return v < WHOLE_MAX && v == (double)(int64_t)v;
}

const char *pg_setting_show(const struct pg_setting *setting, const char *value,
                            struct arena *arena)
{
    size_t count;
    const struct unit *at;
    double v = setting->unit ? atof(value) : 0;

    if (setting->type != PG_SETTING_INT && setting->type != PG_SETTING_REAL)
        return value;
    if (v <= 0)
        return value;
    v *= factor_kept(setting->unit);
    at = units_of(setting->unit, &count);
    while (count > 1 && !is_whole(v / at->factor))
        at++, count--;
    return arena_printf(arena, "%.15g%s", v / at->factor, at->name);
}

/* ---- values */

static const char *refuse(struct pg_setting_refusal *ret, const char *message)
{
    ret->message = message;
    return NULL;
}

static const char *invalid(struct arena *arena, const char *name, const char *value,
                           struct pg_setting_refusal *ret)
{
    return refuse(
        ret, arena_printf(arena, "invalid value for parameter \"%s\": \"%s\"", name, value));
}

static bool begins(const char *whole, const char *value, size_t least)
{
    return strlen(value) >= least && strncasecmp(whole, value, strlen(value)) == 0;
}

static const char *check_bool(const char *name, const char *value, struct arena *arena,
                              struct pg_setting_refusal *ret)
{
    if (begins("true", value, 1) || begins("yes", value, 1) || begins("on", value, 2) ||
        strcmp(value, "1") == 0)
        return "on";
    if (begins("false", value, 1) || begins("no", value, 1) || begins("off", value, 2) ||
        strcmp(value, "0") == 0)
        return "off";
    return refuse(ret, arena_printf(arena, "parameter \"%s\" requires a Boolean value", name));
}

static const char *check_enum(const struct pg_setting *setting, const char *name,
                              const char *value, struct arena *arena,
                              struct pg_setting_refusal *ret)
{
    size_t size = strlen(value);

    for (const char *at = setting->values; *at; at += strcspn(at, ","), at += *at ? 2 : 0)
        if (strcspn(at, ",") == size && strncasecmp(at, value, size) == 0)
            return arena_copy(arena, at, size);
    ret->hint = arena_printf(arena, "Available values: %s.", setting->values);
    return invalid(arena, name, value, ret);
}

/* What is behind the number: a factor to the parameter's unit; 0: nothing that is known. */
static double read_unit(const struct pg_setting *setting, const char *at)
{
    size_t size;

    while (isspace((unsigned char)*at))
        at++;
    size = strlen(at);
    while (size > 0 && isspace((unsigned char)at[size - 1]))
        size--;
    if (size == 0)
        return 1;
    if (!setting->unit)
        return 0;
    return factor_of(setting->unit, at, size) / factor_kept(setting->unit);
}

static const char *out_of_range(const struct pg_setting *setting, const char *name, double v,
                                struct arena *arena, struct pg_setting_refusal *ret)
{
    const char *unit = setting->unit ? setting->unit : "";

    return refuse(ret,
                  arena_printf(arena,
                               "%.15g%s%s is outside the valid range for parameter \"%s\" "
                               "(%.15g .. %.15g)",
                               v, *unit ? " " : "", unit, name, setting->min, setting->max));
}

static const char *check_number(const struct pg_setting *setting, const char *name,
                                const char *value, struct arena *arena,
                                struct pg_setting_refusal *ret)
{
    char *end;
    double v = strtod(value, &end), factor = end == value ? 0 : read_unit(setting, end);

    if (end == value || factor == 0 || !isfinite(v)) {
        if (end != value && setting->unit)
            ret->hint =
                is_memory(setting->unit)
                    ? "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", "
                      "and \"TB\"."
                    : "Valid units for this parameter are \"us\", \"ms\", \"s\", "
                      "\"min\", \"h\", and \"d\".";
        return invalid(arena, name, value, ret);
    }
    v *= factor;
    if (setting->type == PG_SETTING_INT && v > -WHOLE_MAX && v < WHOLE_MAX)
        v = (double)(int64_t)(v + (v < 0 ? -0.5 : 0.5));
    if (v < setting->min || v > setting->max)
        return out_of_range(setting, name, v, arena, ret);
    return arena_printf(arena, "%.15g", v);
}

/* ---- texts with rules of their own */

static const char *const encodings[][2] = {
    { "utf8", "UTF8" },
    { "unicode", "UTF8" },
    { "latin1", "LATIN1" },
    { "iso88591", "LATIN1" },
    { "latin9", "LATIN9" },
    { "iso885915", "LATIN9" },
    { "latin2", "LATIN2" },
    { "win1252", "WIN1252" },
    { "windows1252", "WIN1252" },
    { "win1251", "WIN1251" },
    { "windows1251", "WIN1251" },
    { "win1250", "WIN1250" },
    { "windows1250", "WIN1250" },
    { "sqlascii", "SQL_ASCII" },
    { "eucjp", "EUC_JP" },
    { "sjis", "SJIS" },
    { "gbk", "GBK" },
    { "big5", "BIG5" },
    { "koi8r", "KOI8R" },
    { "euckr", "EUC_KR" },
    { "euccn", "EUC_CN" },
};

/* Names of encodings are compared by their letters and digits. */
static const char *check_encoding(const char *value)
{
    char plain[32];
    size_t size = 0;

    if (strcmp(value, "UNICODE") == 0) /* so old clients want it */
        return value;
    for (; *value; value++)
        if (isalnum((unsigned char)*value) && size + 1 < sizeof plain)
            plain[size++] = (char)tolower((unsigned char)*value);
    plain[size] = '\0';
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (strcmp(encodings[i][0], plain) == 0)
            return encodings[i][1];
    return NULL;
}

static const struct {
    const char *word, *style, *order;
} date_words[] = {
    { "iso", "ISO", NULL },           { "sql", "SQL", NULL },
    { "postgres", "Postgres", NULL }, { "german", "German", "DMY" },
    { "ymd", NULL, "YMD" },           { "dmy", NULL, "DMY" },
    { "euro", NULL, "DMY" },          { "european", NULL, "DMY" },
    { "mdy", NULL, "MDY" },           { "us", NULL, "MDY" },
    { "noneuro", NULL, "MDY" },       { "noneuropean", NULL, "MDY" },
};

/* "german" alone also sets the order; what is not said stays as it was: `before` is "ISO, MDY". */
static const char *check_date_style(const char *value, const char *before, struct arena *arena,
                                    struct pg_setting_refusal *ret)
{
    const char *style = NULL, *order = NULL, *implied = NULL;

    while (*value) {
        size_t size = strcspn(value, ", "), i = 0;

        while (i < sizeof date_words / sizeof *date_words &&
               (strlen(date_words[i].word) != size ||
                strncasecmp(date_words[i].word, value, size) != 0))
            i++;
        if (i == sizeof date_words / sizeof *date_words) {
            ret->detail =
                arena_printf(arena, "Unrecognized key word: \"%.*s\".", (int)size, value);
            return NULL;
        }
        if (date_words[i].style)
            style = date_words[i].style, implied = date_words[i].order;
        else
            order = date_words[i].order;
        value += size;
        value += strspn(value, ", ");
    }
    if (!order)
        order = implied ? implied : before + strcspn(before, " ") + 1;
    return style ? arena_printf(arena, "%s, %s", style, order)
                 : arena_printf(arena, "%.*s, %s", (int)strcspn(before, ","), before, order);
}

/* A name for logs: what is not printable ASCII is a question mark. */
static const char *clean_ascii(const char *value, struct arena *arena)
{
    char *clean = arena_dup(arena, value);

    for (char *at = clean; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return clean;
}

static const char *check_text(const struct pg_setting *setting, const char *value,
                              const char *before, struct arena *arena,
                              struct pg_setting_refusal *ret)
{
    const char *checked = value;

    if (strcmp(setting->name, "client_encoding") == 0)
        checked = check_encoding(value);
    else if (strcmp(setting->name, "DateStyle") == 0)
        checked = check_date_style(value, before, arena, ret);
    else if (strcmp(setting->name, "application_name") == 0)
        checked = clean_ascii(value, arena);
    else if (strcmp(setting->name, "TimeZone") == 0 && strcasecmp(value, "utc") == 0)
        checked = "UTC";
    return checked ? checked : invalid(arena, setting->name, value, ret);
}

const char *pg_setting_check(const struct pg_setting *setting, const char *name,
                             const char *value, const char *before, struct arena *arena,
                             struct pg_setting_refusal *ret)
{
    *ret = (struct pg_setting_refusal){ 0 };
    switch (setting->type) {
    case PG_SETTING_BOOL:
        return check_bool(name, value, arena, ret);
    case PG_SETTING_ENUM:
        return check_enum(setting, name, value, arena, ret);
    case PG_SETTING_INT:
    case PG_SETTING_REAL:
        return check_number(setting, name, value, arena, ret);
    case PG_SETTING_TEXT:
        break;
    }
    return check_text(setting, value, before, arena, ret);
}
