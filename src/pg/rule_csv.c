/* pg/rule_csv.c - rows from comma-separated values; see rule_set.h. */

#include <errno.h>
#include <string.h>

#include "pg/rule_set.h"

enum { FIELD_MAX = 64 << 20 };

/* A place in the text, and the line that it is in. */
struct csv {
    const char *at, *end;
    const char *label;
    size_t line; /* from 1 */
};

static int fail(const struct rule_rows *rows, size_t line, const char *label, const char *words)
{
    return err_set(rows->err, -EINVAL, "%s, line %zu: %s", label, line, words);
}

static bool is_line_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' ||
           (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n'));
}

/* Behind the quote that begins a field, up to the one that ends it: "" is one. */
static int take_quoted(const struct rule_rows *rows, struct csv *csv, struct buf *to)
{
    size_t begun = csv->line;

    for (csv->at++; csv->at < csv->end; csv->at++) {
        if (*csv->at == '"' && (csv->at + 1 == csv->end || csv->at[1] != '"'))
            break;
        csv->at += *csv->at == '"';
        csv->line += *csv->at == '\n';
        buf_add_char(to, *csv->at);
    }
    if (csv->at == csv->end)
        return fail(rows, begun, csv->label,
                    "a quote is open\ntry: \"\" for a quote in a field");
    csv->at++;
    if (!is_line_end(csv) && *csv->at != ',')
        return fail(rows, csv->line, csv->label,
                    "text stands behind the quote that ends a field\n"
                    "try: \"\" for a quote in a field");
    return 0;
}

static int take_plain(const struct rule_rows *rows, struct csv *csv, struct buf *to)
{
    for (; !is_line_end(csv) && *csv->at != ','; csv->at++) {
        if (*csv->at == '"')
            return fail(rows, csv->line, csv->label,
                        "a quote is inside of a field\ntry: the whole field in quotes");
        buf_add_char(to, *csv->at);
    }
    return 0;
}

static int take_field(struct rule_rows *rows, struct csv *csv)
{
    struct buf field = BUF_INIT(FIELD_MAX);
    bool is_quoted = csv->at < csv->end && *csv->at == '"';
    int r = is_quoted ? take_quoted(rows, csv, &field) : take_plain(rows, csv, &field);
    seam_value value = { .kind = SEAM_KIND_NULL };

    if (is_quoted || field.size > 0)
        value = (seam_value){ .kind = SEAM_KIND_TEXT,
                              .size = field.size,
                              .as.p = buf_text(&field) };
    if (r == 0 && field.failed)
        r = fail(rows, csv->line, csv->label, "a field is too large");
    if (r == 0)
        r = rule_rows_cell(rows, &value);
    buf_fini(&field);
    return r;
}

/* Of the line; 0: a quote stays open. */
static size_t count_fields(struct csv csv)
{
    size_t count = 1;
    bool is_quoted = false;

    for (; csv.at < csv.end && (is_quoted || !is_line_end(&csv)); csv.at++) {
        is_quoted ^= *csv.at == '"';
        count += !is_quoted && *csv.at == ',';
    }
    return is_quoted ? 0 : count;
}

static int take_line(struct rule_rows *rows, struct csv *csv)
{
    size_t wanted = rows->columns->count;
    size_t count = count_fields(*csv);
    int r = 0;

    if (count > 0 && count != wanted)
        return err_set(rows->err, -EINVAL, "%s, line %zu: %zu field%s for %zu column%s",
                       csv->label, csv->line, count, count == 1 ? "" : "s", wanted,
                       wanted == 1 ? "" : "s");
    for (size_t i = 0; r == 0 && i < wanted; i++) {
        csv->at += i > 0 && csv->at < csv->end && *csv->at == ',';
        r = take_field(rows, csv);
    }
    return r;
}

int rule_rows_csv(struct rule_rows *rows, const char *label, const char *text, size_t size)
{
    struct csv csv = { text, text + size, label, 1 };
    int r = 0;

    while (r == 0 && csv.at < csv.end) {
        r = take_line(rows, &csv);
        csv.at += r == 0 && csv.at < csv.end && *csv.at == '\r';
        csv.at += r == 0 && csv.at < csv.end && *csv.at == '\n';
        csv.line++;
    }
    return r;
}
