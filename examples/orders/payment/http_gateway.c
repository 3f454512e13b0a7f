/* payment/http_gateway.c - charges over HTTP, asked again where that helps; see http_gateway.h. */

#define _POSIX_C_SOURCE 200809L

#include "payment/http_gateway.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payment/charge_json.h"
#include "payment/post.h"

enum {
    ATTEMPTS = 3,
    FIRST_PAUSE_MS = 200, /* doubled each time */
    LONGEST_PAUSE_S = 30, /* somebody waits for us */
    TIMEOUT_MS = 5000,
};

struct http_gateway {
    CURL *curl;
    char *url;
    char *token;
    int timeout_ms;
    struct waiter waiter;
};

/* ---- one attempt ------------------------------------------------------------------------ */

static int ask(const struct http_gateway *gateway, const char *key, struct money amount,
               struct answer *ret_answer, struct failure *failure)
{
    struct post post = {
        .url = gateway->url,
        .token = gateway->token,
        .idempotency_key = key,
        .timeout_ms = gateway->timeout_ms,
    };
    char *json = charge_json_write(key, amount);
    int r;

    if (!json) {
        snprintf(failure->text, sizeof failure->text, "cannot write the charge of %s", key);
        return -1;
    }
    post.json = json;
    r = post_send(gateway->curl, &post, ret_answer, failure);
    free(json);
    return r;
}

/* What an answer means that is not worth another attempt. */
static enum payment_result judge(const struct answer *answer,
                                 char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1],
                                 struct failure *failure)
{
    struct failure reason;

    if (answer->status == 200)
        return charge_json_read(answer->body, answer->size, ret_payment_id, failure) < 0
                   ? PAYMENT_UNAVAILABLE
                   : PAYMENT_OK;
    charge_json_reason(answer->body, answer->size, &reason);
    snprintf(failure->text, sizeof failure->text, "the payment provider answered %d%s%.400s",
             answer->status, reason.text[0] ? ": " : "", reason.text);
    return answer->status == 402 ? PAYMENT_DECLINED : PAYMENT_FAILED;
}

/* ---- and the next one ------------------------------------------------------------------- */

static bool is_temporary(int status)
{
    return status == 429 || status >= 500;
}

/* Let the time pass that the provider asks for. Returns -1 when there will be no next attempt. */
static int pause_after(const struct http_gateway *gateway, const struct answer *answer,
                       int attempt, struct failure *failure)
{
    const struct waiter *waiter = &gateway->waiter;
    int64_t ms = (int64_t)FIRST_PAUSE_MS << (attempt - 1);

    if (attempt == ATTEMPTS) {
        snprintf(failure->text, sizeof failure->text,
                 "the payment provider answered %d at the last of %d attempts", answer->status,
                 ATTEMPTS);
        return -1;
    }
    if (answer->retry_after_s > LONGEST_PAUSE_S) {
        snprintf(failure->text, sizeof failure->text,
                 "the payment provider answered %d and wants %" PRId64 " s of peace",
                 answer->status, answer->retry_after_s);
        return -1;
    }
    if (answer->retry_after_s > 0)
        ms = answer->retry_after_s * 1000;
    if (waiter->wait(waiter->self, ms) == 0)
        return 0;
    snprintf(failure->text, sizeof failure->text,
             "the payment provider answered %d and we stop before the next attempt",
             answer->status);
    return -1;
}

static enum payment_result charge(void *self, const char *key, struct money amount,
                                  char ret_payment_id[ORDER_PAYMENT_ID_MAX + 1],
                                  struct failure *failure)
{
    struct http_gateway *gateway = self;
    struct answer answer;

    for (int attempt = 1;; attempt++) {
        if (ask(gateway, key, amount, &answer, failure) < 0)
            return PAYMENT_UNAVAILABLE;
        if (!is_temporary(answer.status))
            return judge(&answer, ret_payment_id, failure);
        if (pause_after(gateway, &answer, attempt, failure) < 0)
            return PAYMENT_UNAVAILABLE;
    }
}

/* ---- its life --------------------------------------------------------------------------- */

/* `base_url` may end with a slash or not. */
static char *charges_url(const char *base_url)
{
    static const char path[] = "/v1/charges";
    size_t length = strlen(base_url);
    char *url;

    while (length > 0 && base_url[length - 1] == '/')
        length--;
    url = malloc(length + sizeof path);
    if (url) {
        memcpy(url, base_url, length);
        memcpy(url + length, path, sizeof path);
    }
    return url;
}

int http_gateway_open(struct http_gateway **ret_gateway,
                      const struct http_gateway_settings *settings)
{
    const char *base_url = settings->base_url ? settings->base_url : HTTP_GATEWAY_BASE_URL;
    struct http_gateway *gateway = calloc(1, sizeof *gateway);

    if (!gateway)
        return -1;
    *gateway = (struct http_gateway){
        .curl = curl_easy_init(),
        .url = charges_url(base_url),
        .token = strdup(settings->token),
        .timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS,
        .waiter = settings->waiter,
    };
    if (!gateway->curl || !gateway->url || !gateway->token) {
        http_gateway_close(gateway);
        return -1;
    }
    *ret_gateway = gateway;
    return 0;
}

void http_gateway_close(struct http_gateway *gateway)
{
    if (!gateway)
        return;
    curl_easy_cleanup(gateway->curl);
    free(gateway->token);
    free(gateway->url);
    free(gateway);
}

struct payment_gateway http_gateway_port(struct http_gateway *gateway)
{
    return (struct payment_gateway){ .self = gateway, .charge = charge };
}
