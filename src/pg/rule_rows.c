/* pg/rule_rows.c - rows as a test writes them, made into the texts that a server sends; see rule_set.h. */

#include <errno.h>
#include <string.h>

#include "base/digits.h"
#include "base/io.h"
#include "pg/rule_set.h"
#include "test/quote.h"

enum { OID_BYTEA = 17, OID_BOOL = 16, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23 };
enum { OID_TEXT = 25, CELL_MAX = 128 << 20, FILE_MAX = 256 << 20 };

/* ---- a cell ------------------------------------------------------------------------------ */

static bool fits(uint32_t type, intmax_t v)
{
    return type == OID_INT8 || (type == OID_INT4 && v >= INT32_MIN && v <= INT32_MAX) ||
           (type == OID_INT2 && v >= INT16_MIN && v <= INT16_MAX);
}

static int give_integer(intmax_t v, struct arena *arena, struct pg_cell *ret)
{
    char digits[DIGITS_MAX], *end = digits + sizeof digits;
    char *at = digits_before_signed(end, v);

    *ret = (struct pg_cell){ arena_copy(arena, at, (size_t)(end - at)), (size_t)(end - at) };
    return 0;
}

static int give_canonical(const struct pg_column *column, const char *text, size_t size,
                          struct arena *arena, struct pg_cell *ret, struct err *err)
{
    const struct pg_type *type = pg_type_of_oid(column->type);
    struct buf out = BUF_INIT(CELL_MAX);
    int r;

    if (!type) {
        *ret = (struct pg_cell){ arena_copy(arena, text, size), size };
        return 0;
    }
    r = pg_canonical(type, column->modifier, text, size, &out, err);
    if (r == 0)
        *ret = (struct pg_cell){ arena_copy(arena, buf_text(&out), out.size), out.size };
    buf_fini(&out);
    return r;
}

static int give_text(const struct pg_column *column, const seam_value *value,
                     struct arena *arena, struct pg_cell *ret, struct err *err)
{
    const char *text = value->as.p;

    if (!text)
        return err_set(err, -EINVAL, "a text that is NULL\ntry: SEAM_SQL_NULL");
    if (column->type != OID_BYTEA && memchr(text, '\0', value->size))
        return err_set(err, -EINVAL, "a text with a NUL in it\ntry: type bytea and SEAM_BYTES");
    if (column->type != OID_TEXT || !quote_is_utf8(text, value->size))
        return give_canonical(column, text, value->size, arena, ret, err);
    *ret = (struct pg_cell){ arena_copy(arena, text, value->size), value->size };
    return 0;
}

static const char *value_word(int kind)
{
    return kind == SEAM_KIND_ANY       ? "SEAM_ANY"
           : kind == SEAM_KIND_LIKE    ? "SEAM_LIKE"
           : kind == SEAM_KIND_MATCHES ? "SEAM_MATCHES"
                                       : "an address";
}

/* true is t of a bool, and as text what a cast makes of it. */
static const char *boolean_text(const struct pg_column *column, bool v)
{
    if (column->type == OID_BOOL)
        return v ? "t" : "f";
    return v ? "true" : "false";
}

int pg_rule_cell(const struct pg_column *column, const seam_value *value, struct arena *arena,
                 struct pg_cell *ret, struct err *err)
{
    size_t size = 0;
    const char *text;

    switch (value->kind) {
    case SEAM_KIND_NULL:
        *ret = (struct pg_cell){ 0 };
        return 0;
    case SEAM_KIND_TEXT:
        return give_text(column, value, arena, ret, err);
    case SEAM_KIND_INT:
        if (fits(column->type, value->as.i))
            return give_integer(value->as.i, arena, ret);
        break;
    case SEAM_KIND_BOOL:
        text = boolean_text(column, value->as.u);
        return give_canonical(column, text, strlen(text), arena, ret, err);
    case SEAM_KIND_BYTES:
        if (column->type != OID_BYTEA)
            return err_set(err, -EINVAL, "SEAM_BYTES is of type bytea alone");
        break;
    case SEAM_KIND_END:
        return err_set(err, -EINVAL, "there is no value\ntry: SEAM_SQL_NULL");
    case SEAM_KIND_ANY:
    case SEAM_KIND_LIKE:
    case SEAM_KIND_MATCHES:
    case SEAM_KIND_POINTER:
        return err_set(err, -EINVAL, "%s is no value that could be sent",
                       value_word(value->kind));
    default:
        break;
    }
    text = rule_value_text(value, arena, &size);
    return give_canonical(column, text, size, arena, ret, err);
}

/* ---- cells one after the other --------------------------------------------------------------- */

int rule_rows_cell(struct rule_rows *rows, const seam_value *value)
{
    size_t row = rows->cell_count / rows->columns->count + 1;
    size_t n = rows->cell_count % rows->columns->count;
    const struct pg_column *column = &rows->columns->at[n];
    struct pg_cell cell;
    struct err why;
    int r;

    if (value->kind == SEAM_KIND_NULL && rows->columns->not_null[n])
        return err_set(rows->err, -EINVAL, "row %zu: column '%s' is not null, but the cell is",
                       row, column->name);
    r = pg_rule_cell(column, value, rows->arena, &cell, &why);
    if (r == 0)
        r = buf_add(&rows->cells, &cell, sizeof cell) < 0
                ? err_set(&why, -ENOMEM, "too many rows, or out of memory")
                : 0;
    rows->cell_count += r == 0;
    if (r < 0)
        err_set(rows->err, r, "row %zu, column '%s': %s", row, column->name, why.text);
    return r;
}

/* ---- from values ------------------------------------------------------------------------- */

static bool is_end(const seam_value *value)
{
    return value->kind == SEAM_KIND_END;
}

static size_t width_of(const seam_value row[SEAM_PG_COLUMNS])
{
    size_t width = SEAM_PG_COLUMNS;

    while (width > 0 && is_end(&row[width - 1]))
        width--;
    return width;
}

/* Mostly there is a row or none: what is behind it is looked at in one go. */
static bool are_zero(const seam_value *values, size_t count)
{
    const char *bytes = (const char *)values;

    return *bytes == 0 && memcmp(bytes, bytes + 1, count * sizeof *values - 1) == 0;
}

static size_t height_of(const seam_pg_rule *from)
{
    size_t height = SEAM_PG_ROWS;

    if (are_zero(from->rows[1], (SEAM_PG_ROWS - 1) * SEAM_PG_COLUMNS))
        height = 1;
    while (height > 0 && width_of(from->rows[height - 1]) == 0)
        height--;
    return height;
}

static int take_rows(struct rule_rows *rows, const seam_pg_rule *from)
{
    size_t height = height_of(from);
    size_t count = rows->columns->count;
    int r = 0;

    buf_reserve(&rows->cells, height * count * sizeof(struct pg_cell));
    for (size_t i = 0; i < height; i++) {
        size_t width = width_of(from->rows[i]);

        if (width != count)
            return err_set(rows->err, -EINVAL, "row %zu has %zu cell%s for %zu column%s%s",
                           i + 1, width, width == 1 ? "" : "s", count, count == 1 ? "" : "s",
                           count > SEAM_PG_COLUMNS ? "\ntry: .all_rows" : "");
        for (size_t j = 0; r == 0 && j < width; j++)
            r = rule_rows_cell(rows, &from->rows[i][j]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int take_all_rows(struct rule_rows *rows, const seam_pg_rule *from)
{
    const seam_value *values = from->all_rows;
    size_t count = 0;
    int r = 0;

    while (!is_end(&values[count]))
        count++;
    if (count % rows->columns->count != 0)
        return err_set(rows->err, -EINVAL, "all_rows has %zu cells for rows of %zu column%s",
                       count, rows->columns->count, rows->columns->count == 1 ? "" : "s");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = rule_rows_cell(rows, &values[i]);
    return r;
}

/* ---- from a file ------------------------------------------------------------------------- */

static int take_csv_file(struct rule_rows *rows, const seam_pg_rule *from, const char *folder)
{
    const char *file = from->csv_file;
    const char *path =
        file[0] == '/' ? file : arena_printf(rows->arena, "%s/%s", folder ? folder : ".", file);
    struct buf text = BUF_INIT(FILE_MAX);
    int r = io_read_file(path, &text);

    if (r < 0)
        err_system(rows->err, r, "csv_file '%s'", file);
    else
        r = rule_rows_csv(rows, file, buf_text(&text), text.size);
    buf_fini(&text);
    return r;
}

/* ---- which of them ------------------------------------------------------------------------- */

struct way {
    const char *word;
    bool is_given;
};

static int check_ways(const seam_pg_rule *from, const struct pg_columns *columns,
                      bool *ret_given, struct err *err)
{
    const struct way ways[] = {
        { ".rows", height_of(from) > 0 },
        { ".all_rows", from->all_rows },
        { ".csv", from->csv },
        { ".csv_file", from->csv_file },
        { ".json", from->json },
        { ".row_fn", from->row_fn },
        { ".no_rows", from->no_rows },
    };
    const char *given = NULL;

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].is_given && given)
            return err_set(err, -EINVAL, "a rule has %s or %s, not both", given, ways[i].word);
        if (ways[i].is_given)
            given = ways[i].word;
    }
    if (given && columns->count == 0)
        return err_set(err, -EINVAL, "a rule with %s has .columns\ntry: .columns = \"id int8\"",
                       given);
    if (!given && from->columns)
        return err_set(err, -EINVAL, "a rule with .columns has rows\ntry: .no_rows = true");
    *ret_given = given;
    return 0;
}

static int take(struct rule_rows *rows, const seam_pg_rule *from, const char *folder)
{
    if (from->all_rows)
        return take_all_rows(rows, from);
    if (from->csv)
        return rule_rows_csv(rows, "csv", from->csv, strlen(from->csv));
    if (from->csv_file)
        return take_csv_file(rows, from, folder);
    if (from->json)
        return rule_rows_json(rows, from->json);
    return take_rows(rows, from);
}

int rule_rows_take(struct pg_rule_set *set, struct pg_rule *rule, const seam_pg_rule *from,
                   const char *folder, struct err *err)
{
    struct rule_rows rows = {
        .arena = &set->arena, .columns = rule->columns, .cells = BUF_INIT(FILE_MAX), .err = err
    };
    int r = check_ways(from, rule->columns, &rule->has_rows, err);

    if (r < 0 || !rule->has_rows)
        return r;
    r = take(&rows, from, folder);
    rule->cells = arena_copy(&set->arena, buf_text(&rows.cells), rows.cells.size);
    rule->row_count = from->row_fn ? SIZE_MAX : rows.cell_count / rule->columns->count;
    buf_fini(&rows.cells);
    return r;
}
