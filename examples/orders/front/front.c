/* front/front.c - requests in, statuses out; see front.h. */

#define _POSIX_C_SOURCE 200809L

#include "front/front.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "front/order_json.h"

enum { BODY_MAX = 65536 };

/* A request while its body comes in. */
struct request {
    size_t size;
    bool too_long;
    char body[BODY_MAX];
};

struct reply {
    unsigned status;
    char *body; /* JSON, to be freed; NULL when there was no memory for it */
    const char *field; /* a header of its own; NULL: none */
    char value[sizeof "/orders/" + ORDER_ID_LENGTH];
};

/* What a result of the service means to a client. */
static const struct meaning {
    unsigned status;
    const char *word;
    const char *detail; /* instead of the service's words, which are our own affair */
} meanings[] = {
    [SERVICE_OK] = { MHD_HTTP_CREATED, NULL, NULL },
    [SERVICE_DECLINED] = { MHD_HTTP_PAYMENT_REQUIRED, NULL, NULL },
    [SERVICE_INVALID] = { MHD_HTTP_UNPROCESSABLE_CONTENT, "invalid_order", NULL },
    [SERVICE_NO_CUSTOMER] = { MHD_HTTP_UNPROCESSABLE_CONTENT, "no_customer",
                              "there is no such customer" },
    [SERVICE_KEY_REUSED] = { MHD_HTTP_UNPROCESSABLE_CONTENT, "key_reused", NULL },
    [SERVICE_NOT_FOUND] = { MHD_HTTP_NOT_FOUND, "not_found", "there is no such order" },
    [SERVICE_TRY_AGAIN] = { MHD_HTTP_SERVICE_UNAVAILABLE, "try_again",
                            "the same request may succeed later" },
    [SERVICE_FAILED] = { MHD_HTTP_INTERNAL_SERVER_ERROR, "internal", "this is our mistake" },
};

/* ---- replies ---------------------------------------------------------------------------- */

static struct reply error_reply(unsigned status, const char *word, const char *detail)
{
    json_t *json = json_pack("{s:s, s:s}", "error", word, "detail", detail);
    struct reply reply = { .status = status };

    reply.body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return reply;
}

static struct reply order_reply(unsigned status, const struct order *order)
{
    struct reply reply = { .status = status, .body = order_json_write(order) };

    if (status == MHD_HTTP_CREATED) {
        reply.field = MHD_HTTP_HEADER_LOCATION;
        snprintf(reply.value, sizeof reply.value, "/orders/%s", order->id);
    }
    return reply;
}

static struct reply service_error(enum service_result result, const struct failure *failure)
{
    const struct meaning *m = &meanings[result];
    struct reply reply = error_reply(m->status, m->word, m->detail ? m->detail : failure->text);

    if (m->status >= 500)
        fprintf(stderr, "orders: %s: %s\n", m->word, failure->text);
    if (result == SERVICE_TRY_AGAIN) {
        reply.field = MHD_HTTP_HEADER_RETRY_AFTER;
        snprintf(reply.value, sizeof reply.value, "1");
    }
    return reply;
}

static struct reply not_allowed(const char *allowed)
{
    struct reply reply = error_reply(MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                                     "this can be done in another way only");

    reply.field = MHD_HTTP_HEADER_ALLOW;
    snprintf(reply.value, sizeof reply.value, "%s", allowed);
    return reply;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, const struct reply *reply)
{
    struct MHD_Response *response;
    enum MHD_Result sent;

    if (!reply->body)
        return MHD_NO; /* the connection is closed */
    response = MHD_create_response_from_buffer(strlen(reply->body), reply->body,
                                               MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(reply->body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (reply->field)
        MHD_add_response_header(response, reply->field, reply->value);
    sent = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return sent;
}

/* ---- what can be asked ------------------------------------------------------------------ */

/* The draft of an order from a request. Returns 0, or -1 after making the reply that says why. */
static int read_draft(struct MHD_Connection *connection, const struct request *request,
                      struct order *ret_draft, struct reply *ret_reply)
{
    const char *key =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Idempotency-Key");
    struct failure failure;

    if (!key)
        *ret_reply = error_reply(MHD_HTTP_BAD_REQUEST, "no_key", "Idempotency-Key is missing");
    else if (strlen(key) > ORDER_KEY_MAX)
        *ret_reply =
            error_reply(MHD_HTTP_BAD_REQUEST, "bad_key", "Idempotency-Key is too long");
    else if (order_json_read(request->body, request->size, ret_draft, &failure) < 0)
        *ret_reply = error_reply(MHD_HTTP_BAD_REQUEST, "bad_json", failure.text);
    else {
        memcpy(ret_draft->idempotency_key, key, strlen(key) + 1);
        return 0;
    }
    return -1;
}

static struct reply place(struct front *front, struct MHD_Connection *connection,
                          const struct request *request)
{
    const struct order_service *service;
    enum service_result result;
    struct failure failure;
    struct reply reply;
    struct order order;

    if (request->too_long)
        return error_reply(MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
                           "an order has less than 64 KiB");
    if (read_draft(connection, request, &order, &reply) < 0)
        return reply;
    service = service_pool_take(front->services);
    result = order_service_place(service, &order, &order, &failure);
    service_pool_give_back(front->services, service);
    if (meanings[result].word)
        return service_error(result, &failure);
    return order_reply(meanings[result].status, &order);
}

static struct reply find(struct front *front, const char *id)
{
    const struct order_service *service = service_pool_take(front->services);
    struct failure failure;
    struct order order;
    enum service_result result = order_service_find(service, id, &order, &failure);

    service_pool_give_back(front->services, service);
    if (result == SERVICE_INVALID) /* no UUID: nobody can have such an order */
        result = SERVICE_NOT_FOUND;
    return result ? service_error(result, &failure) : order_reply(MHD_HTTP_OK, &order);
}

static struct reply answer(struct front *front, struct MHD_Connection *connection,
                           const char *url, const char *method, const struct request *request)
{
    static const char orders[] = "/orders";
    bool gets = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    if (strcmp(url, orders) == 0)
        return strcmp(method, "POST") == 0 ? place(front, connection, request)
                                           : not_allowed("POST");
    if (strncmp(url, "/orders/", sizeof orders) == 0)
        return gets ? find(front, url + sizeof orders) : not_allowed("GET, HEAD");
    if (strcmp(url, "/healthz") != 0)
        return error_reply(MHD_HTTP_NOT_FOUND, "not_found", "there is no such page");
    return gets ? (struct reply){ .status = MHD_HTTP_OK, .body = strdup("{\"status\":\"ok\"}") }
                : not_allowed("GET, HEAD");
}

/* ---- as libmicrohttpd has it ------------------------------------------------------------ */

static enum MHD_Result begin(struct front *front, void **context)
{
    struct request *request = malloc(sizeof *request);

    pthread_mutex_lock(&front->lock);
    front->busy++;
    pthread_mutex_unlock(&front->lock);
    if (!request)
        return MHD_NO;
    request->size = 0;
    request->too_long = false;
    *context = request;
    return MHD_YES;
}

/* What is too long is read to its end all the same, so that the client comes to read the answer. */
static void collect(struct request *request, const char *data, size_t size)
{
    if (size > BODY_MAX - request->size) {
        request->too_long = true;
        return;
    }
    memcpy(request->body + request->size, data, size);
    request->size += size;
}

/* Called once with the head of a request, then with each piece of its body, then with none. */
enum MHD_Result front_handle(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload_data,
                             size_t *upload_data_size, void **context)
{
    struct front *front = cls;
    struct request *request = *context;
    struct reply reply;

    (void)version;
    if (!request)
        return begin(front, context);
    if (*upload_data_size > 0) {
        collect(request, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return MHD_YES;
    }
    reply = answer(front, connection, url, method, request);
    return send_reply(connection, &reply);
}

void front_completed(void *cls, struct MHD_Connection *connection, void **context,
                     enum MHD_RequestTerminationCode code)
{
    struct front *front = cls;

    (void)connection;
    (void)code;
    free(*context);
    *context = NULL;
    pthread_mutex_lock(&front->lock);
    front->busy--;
    pthread_cond_broadcast(&front->ended);
    pthread_mutex_unlock(&front->lock);
}

/* ---- its life --------------------------------------------------------------------------- */

void front_init(struct front *front, struct service_pool *services)
{
    front->services = services;
    pthread_mutex_init(&front->lock, NULL);
    pthread_cond_init(&front->ended, NULL);
    front->busy = 0;
}

void front_fini(struct front *front)
{
    pthread_cond_destroy(&front->ended);
    pthread_mutex_destroy(&front->lock);
}

static struct timespec from_now(int ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at); /* what pthread_cond_timedwait counts by */
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

int front_drain(struct front *front, int within_ms)
{
    struct timespec until = from_now(within_ms);
    size_t busy;
    int r = 0;

    pthread_mutex_lock(&front->lock);
    while (front->busy > 0 && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&front->ended, &front->lock, &until);
    busy = front->busy;
    pthread_mutex_unlock(&front->lock);
    return busy == 0 ? 0 : -1;
}
