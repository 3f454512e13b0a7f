/* front/order_json.c - orders as JSON; see order_json.h. */

#include "front/order_json.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int wrong(struct failure *failure,
                                                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    return -1;
}

/* Nothing is cut: an order with half a note is another order. */
static int copy_text(char *into, size_t room, const char *text, const char *name,
                     struct failure *failure)
{
    size_t length = strlen(text);

    if (length >= room)
        return wrong(failure, "'%s' is longer than %zu bytes", name, room - 1);
    memcpy(into, text, length + 1);
    return 0;
}

static int read_line(json_t *json, struct order_line *line, struct failure *failure)
{
    json_int_t unit_cents, quantity;
    json_error_t error;
    const char *sku;

    if (json_unpack_ex(json, &error, 0, "{s:s, s:I, s:I !}", "sku", &sku, "quantity", &quantity,
                       "unit_cents", &unit_cents) < 0)
        return wrong(failure, "a line: %s", error.text);
    if (quantity != (int32_t)quantity)
        return wrong(failure, "'quantity' is too large");
    line->quantity = (int32_t)quantity;
    line->unit_cents = unit_cents;
    return copy_text(line->sku, sizeof line->sku, sku, "sku", failure);
}

static int read_lines(json_t *lines, struct order *order, struct failure *failure)
{
    if (!json_is_array(lines))
        return wrong(failure, "'lines' is no list");
    if (json_array_size(lines) > ORDER_LINES_MAX)
        return wrong(failure, "%s", order_error_text(ORDER_TOO_MANY_LINES));
    order->line_count = json_array_size(lines);
    for (size_t i = 0; i < order->line_count; i++)
        if (read_line(json_array_get(lines, i), &order->lines[i], failure) < 0)
            return -1;
    return 0;
}

static int read_metadata(const json_t *metadata, struct order *order, struct failure *failure)
{
    char *text;
    int r;

    if (!metadata)
        return 0;
    if (!json_is_object(metadata))
        return wrong(failure, "'metadata' is no object");
    text = json_dumps(metadata, JSON_COMPACT);
    if (!text)
        return wrong(failure, "'metadata' cannot be written");
    r = copy_text(order->metadata, sizeof order->metadata, text, "metadata", failure);
    free(text);
    return r;
}

static int read_order(json_t *json, struct order *order, struct failure *failure)
{
    const char *currency, *note = "";
    json_int_t customer_id;
    json_error_t error;
    json_t *lines, *metadata = NULL;

    if (json_unpack_ex(json, &error, 0, "{s:I, s:s, s:o, s?s, s?o !}", "customer_id",
                       &customer_id, "currency", &currency, "lines", &lines, "note", &note,
                       "metadata", &metadata) < 0)
        return wrong(failure, "%s", error.text);
    order->customer_id = customer_id;
    if (copy_text(order->currency, sizeof order->currency, currency, "currency", failure) < 0 ||
        copy_text(order->note, sizeof order->note, note, "note", failure) < 0 ||
        read_metadata(metadata, order, failure) < 0)
        return -1;
    return read_lines(lines, order, failure);
}

int order_json_read(const char *text, size_t size, struct order *ret_draft,
                    struct failure *failure)
{
    struct order order = { 0 };
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    int r;

    if (!json)
        return wrong(failure, "line %d: %s", error.line, error.text);
    r = read_order(json, &order, failure);
    json_decref(json);
    if (r == 0)
        *ret_draft = order;
    return r;
}

/* ---- writing ---------------------------------------------------------------------------- */

static json_t *write_lines(const struct order *order)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = &order->lines[i];

        json_array_append_new(lines, json_pack("{s:s, s:i, s:I}", "sku", line->sku, "quantity",
                                               (int)line->quantity, "unit_cents",
                                               (json_int_t)line->unit_cents));
    }
    return lines;
}

static json_t *write_metadata(const struct order *order)
{
    return order->metadata[0] ? json_loads(order->metadata, 0, NULL) : json_object();
}

/* What an order does not have yet is null. */
static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

static json_t *write_time(int64_t at_us)
{
    return at_us ? json_integer(at_us) : json_null();
}

char *order_json_write(const struct order *order)
{
    struct money total;
    json_t *json;
    char *text;

    if (order_total(order, &total))
        return NULL;
    json = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s?, s:o, s:s?, s:I, s:o, s:o}", "id",
                     order->id, "status", order_status_name(order->status), "customer_id",
                     (json_int_t)order->customer_id, "currency", order->currency, "total_cents",
                     (json_int_t)total.cents, "note", or_null(order->note), "metadata",
                     write_metadata(order), "payment_id", or_null(order->payment_id),
                     "created_at_us", (json_int_t)order->created_at_us, "paid_at_us",
                     write_time(order->paid_at_us), "lines", write_lines(order));
    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}
