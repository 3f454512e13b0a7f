/*
 * payment/http_gateway.h - payments taken by a provider with an HTTP API.
 *
 * Fills the payment_gateway port of service/ports.h:
 *
 *     POST {base_url}/v1/charges   {"order": "...", "amount": 4200, "currency": "EUR"}
 *     Idempotency-Key: <the order's id>
 *
 *     200  {"id": "ch_1"}          charged
 *     402  {"error": "..."}        declined
 *     429, 5xx                     asked again, three times in all, after the time in
 *                                  Retry-After, else 200 ms and then 400 ms
 *     any other                    PAYMENT_FAILED
 *
 * What is not a whole answer is PAYMENT_UNAVAILABLE and not asked again here: it may have taken
 * effect, so that is for somebody who has the time to find out.
 *
 * Ownership: whoever opens a gateway closes it. Settings are copied, the waiter's `self` lives
 * longer than the gateway.
 *
 * Threads: one at a time for each gateway; open one in each thread. The program has called
 * curl_global_init before.
 */
#ifndef PAYMENT_HTTP_GATEWAY_H
#define PAYMENT_HTTP_GATEWAY_H

#include "service/ports.h"

#define HTTP_GATEWAY_BASE_URL "https://api.pay.test"

struct http_gateway;

/* Lets time pass between two attempts. */
struct waiter {
    void *self;

    /* Returns 0 when the time has passed, -1 when the program has no more time: it stops. */
    int (*wait)(void *self, int64_t ms);
};

struct http_gateway_settings {
    const char *base_url; /* NULL: HTTP_GATEWAY_BASE_URL */
    const char *token;
    int timeout_ms; /* for each attempt; 0: 5 s */
    struct waiter waiter;
};

/* Returns 0, or -1 when there is no memory. Nothing is asked yet. */
int http_gateway_open(struct http_gateway **ret_gateway,
                      const struct http_gateway_settings *settings);

/* NULL is fine. */
void http_gateway_close(struct http_gateway *gateway);

/* The port; good until the gateway is closed. */
struct payment_gateway http_gateway_port(struct http_gateway *gateway);

#endif
