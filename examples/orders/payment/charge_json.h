/* payment/charge_json.h - what is said to the payment provider, and what it says. */
#ifndef PAYMENT_CHARGE_JSON_H
#define PAYMENT_CHARGE_JSON_H

#include "service/ports.h"

/* The body of a request; to be freed. NULL when there is no memory. */
char *charge_json_write(const char *order, struct money amount);

/* The id of a charge from the body of an answer. Returns 0, or -1 when there is none in it. */
int charge_json_read(const char *text, size_t size,
                     char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1], struct failure *failure);

/* Why the provider said no, from the "error" of its answer; "" when it did not say. */
void charge_json_reason(const char *text, size_t size, struct failure *ret_reason);

#endif
