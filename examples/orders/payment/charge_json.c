/* payment/charge_json.c - charges as JSON; see charge_json.h. */

#include "payment/charge_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

char *charge_json_write(const char *order, struct money amount)
{
    json_t *charge = json_pack("{s:s, s:I, s:s}", "order", order, "amount",
                               (json_int_t)amount.cents, "currency", amount.currency);
    char *text = charge ? json_dumps(charge, JSON_COMPACT) : NULL;

    json_decref(charge);
    return text;
}

/* Copies the id out of `charge`; NULL when that worked, else what is wrong. */
static const char *read_id(const json_t *charge, char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1])
{
    const json_t *id = json_object_get(charge, "id");
    size_t size = json_string_length(id);

    if (!json_is_string(id) || size == 0)
        return "it has no id";
    if (size > ORDER_PAYMENT_ID_MAX)
        return "its id is too long";
    memcpy(ret_payment_id, json_string_value(id), size + 1);
    return NULL;
}

int charge_json_read(const char *text, size_t size,
                     char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1], struct failure *failure)
{
    json_error_t error;
    json_t *charge = json_loadb(text, size, 0, &error);
    const char *wrong;

    if (!charge) {
        snprintf(failure->text, sizeof failure->text,
                 "the payment provider's answer is no JSON: line %d: %s", error.line,
                 error.text);
        return -1;
    }
    wrong = read_id(charge, ret_payment_id);
    json_decref(charge);
    if (!wrong)
        return 0;
    snprintf(failure->text, sizeof failure->text,
             "the payment provider's answer is no charge: %s", wrong);
    return -1;
}

void charge_json_reason(const char *text, size_t size, struct failure *ret_reason)
{
    json_t *answer = json_loadb(text, size, 0, NULL);
    const char *reason = json_string_value(json_object_get(answer, "error"));

    snprintf(ret_reason->text, sizeof ret_reason->text, "%s", reason ? reason : "");
    json_decref(answer);
}
