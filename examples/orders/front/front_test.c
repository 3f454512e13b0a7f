/* front/front_test.c - the real handler behind a real server, with a world of fakes behind it. */

#include <seam/http.h>
#include <seam/mhd.h>

#include <string.h>

#include "front/front.h"
#include "testkit/fakes.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char draft[] = "{'customer_id': 7, 'currency': 'EUR', 'note': 'ring twice',"
                            " 'lines': [{'sku': 'tea', 'quantity': 2, 'unit_cents': 2100}]}";

struct site {
    struct world world;
    struct service_pool services;
    struct front front;
    seam_mhd_server *server;
};

/* Each test is a process of its own, so that it has this to itself. */
static struct site site;

static void open_site(seam_t *t)
{
    world_init(&site.world);
    service_pool_init(&site.services);
    service_pool_give_back(&site.services, &site.world.service);
    front_init(&site.front, &site.services);
    site.server = seam_mhd_serve(t, front_handle, &site.front, .completed = front_completed,
                                 .completed_cls = &site.front);
}

/* The world as the server's thread left it: whoever has the service has the world. */
static const struct world *look(void)
{
    service_pool_give_back(&site.services, service_pool_take(&site.services));
    return &site.world;
}

static const seam_http_response *post(seam_t *t, const char *key, const char *json)
{
    return seam_http_do(t, .url = seam_mhd_url(site.server, "/orders"),
                        .header = { seam_format(t, "Idempotency-Key: %s", key) }, .json = json);
}

/* ---- what works ------------------------------------------------------------------------- */

SEAM_TEST(order_is_placed)
{
    const seam_http_response *r;

    open_site(t);
    r = post(t, "key-1", draft);
    seam_check_eq(t, r->status, 201);
    seam_check_eq(t, seam_http_header(r, "Content-Type"), "application/json");
    seam_check_eq(t, seam_http_header(r, "Location"),
                  "/orders/00000000-0000-4000-8000-000000000001");
    seam_check_json(t, r->body,
                    "{'id': '00000000-0000-4000-8000-000000000001', 'status': 'paid',"
                    " 'customer_id': 7, 'currency': 'EUR', 'total_cents': 4200,"
                    " 'note': 'ring twice', 'metadata': {}, 'payment_id': 'ch_1',"
                    " 'created_at_us': 1700000000000001, 'paid_at_us': 1700000000000001,"
                    " 'lines': [{'sku': 'tea', 'quantity': 2, 'unit_cents': 2100}]}");
    seam_check_eq(t, look()->orders.count, 1);
    seam_check_eq(t, look()->orders.event_count, 1);
}

SEAM_TEST(placed_order_is_found)
{
    const seam_http_response *placed, *found;

    open_site(t);
    placed = post(t, "key-1", draft);
    found = seam_http_get(t, seam_mhd_url(site.server, seam_http_header(placed, "Location")));
    seam_check_eq(t, found->status, 200);
    seam_check_json(t, found->body, placed->body);
}

SEAM_TEST(same_request_again_has_the_same_answer)
{
    const seam_http_response *first, *second;

    open_site(t);
    first = post(t, "key-1", draft);
    second = post(t, "key-1", draft);
    seam_check_eq(t, second->status, 201);
    seam_check_eq(t, second->body, first->body);
    seam_check_eq(t, look()->payments.count, 1);
}

SEAM_TEST(declined_order_is_shown)
{
    const seam_http_response *r;

    open_site(t);
    site.world.payments.answer = PAYMENT_DECLINED;
    r = post(t, "key-1", draft);
    seam_check_eq(t, r->status, 402);
    seam_check_contains(t, r->body, "\"status\":\"declined\"");
    seam_check_null(t, seam_http_header(r, "Location"));
}

SEAM_TEST(server_is_healthy)
{
    const seam_http_response *r;

    open_site(t);
    r = seam_http_get(t, seam_mhd_url(site.server, "/healthz"));
    seam_check_eq(t, r->status, 200);
    seam_check_json(t, r->body, "{'status': 'ok'}");
    r = seam_http_do(t, .method = "HEAD", .url = seam_mhd_url(site.server, "/healthz"));
    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "");
}

/* ---- what the client got wrong ---------------------------------------------------------- */

#define KEY "Idempotency-Key: key-1"
#define LONG_KEY                                                                               \
    "Idempotency-Key: 0123456789012345678901234567890123456789012345678901234567890123x"

struct mistake_row {
    const char *name;
    const char *method, *path;
    const char *header;
    const char *json, *body; /* one of them, or none */
    int status;
    const char *words; /* in the body */
};

SEAM_SUBTEST(mistake_row)
{
    const struct mistake_row *row = arg;
    const seam_http_response *r;

    open_site(t);
    r = seam_http_do(t, .method = row->method, .url = seam_mhd_url(site.server, row->path),
                     .header = { row->header }, .json = row->json, .body = row->body);
    seam_check_eq(t, r->status, row->status);
    seam_check_eq(t, seam_http_header(r, "Content-Type"), "application/json");
    seam_check_contains(t, r->body, row->words);
    seam_check_eq(t, look()->orders.count, 0);
}

SEAM_TEST(mistakes_of_the_client_are_told)
{
    static const struct mistake_row rows[] = {
        { "no key", "POST", "/orders", NULL, draft, NULL, 400, "Idempotency-Key is missing" },
        { "long key", "POST", "/orders", LONG_KEY, draft, NULL, 400,
          "Idempotency-Key is too long" },
        { "no body", "POST", "/orders", KEY, NULL, NULL, 400, "bad_json" },
        { "no JSON", "POST", "/orders", KEY, NULL, "{\"customer_id\"", 400, "line 1" },
        { "no order", "POST", "/orders", KEY, "{}", NULL, 400, "customer_id" },
        { "no lines", "POST", "/orders", KEY,
          "{'customer_id': 7, 'currency': 'EUR', 'lines': []}", NULL, 422,
          "there are no lines" },
        { "unknown page", "GET", "/", NULL, NULL, NULL, 404, "there is no such page" },
        { "nearly a page", "GET", "/ordersx", NULL, NULL, NULL, 404, "there is no such page" },
        { "unknown order", "GET", "/orders/nobody", NULL, NULL, NULL, 404,
          "there is no such order" },
        { "no id", "GET", "/orders/", NULL, NULL, NULL, 404, "there is no such order" },
        { "list", "GET", "/orders", NULL, NULL, NULL, 405, "method_not_allowed" },
        { "delete", "DELETE", "/orders/1", NULL, NULL, NULL, 405, "method_not_allowed" },
        { "unhealthy", "POST", "/healthz", NULL, "{}", NULL, 405, "method_not_allowed" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, mistake_row, &rows[i]);
}

SEAM_TEST(what_is_allowed_is_said)
{
    open_site(t);
    seam_check_eq(
        t, seam_http_header(seam_http_get(t, seam_mhd_url(site.server, "/orders")), "Allow"),
        "POST");
}

SEAM_TEST(key_of_a_different_order_is_refused)
{
    const seam_http_response *r;

    open_site(t);
    post(t, "key-1", draft);
    r = post(t, "key-1",
             "{'customer_id': 7, 'currency': 'EUR',"
             " 'lines': [{'sku': 'cup', 'quantity': 1, 'unit_cents': 1700}]}");
    seam_check_eq(t, r->status, 422);
    seam_check_contains(t, r->body, "key_reused");
}

SEAM_TEST(order_of_many_bytes_is_too_large)
{
    static char body[65537];
    const seam_http_response *r;

    open_site(t);
    memset(body, ' ', sizeof body);
    r = seam_http_do(t, .url = seam_mhd_url(site.server, "/orders"), .header = { KEY },
                     .body = body, .size = sizeof body);
    seam_check_eq(t, r->status, 413);
    r = seam_http_do(t, .url = seam_mhd_url(site.server, "/orders"), .header = { KEY },
                     .body = body, .size = sizeof body - 1);
    seam_check_eq(t, r->status, 400); /* as large as can be, but blank */
}

/* ---- what we got wrong ------------------------------------------------------------------ */

struct outage_row {
    const char *name;
    enum repository_result find_by_key;
    int status;
    const char *retry_after;
};

SEAM_SUBTEST(outage_row)
{
    const struct outage_row *row = arg;
    const seam_http_response *r;

    open_site(t);
    site.world.orders.refuse.find_by_key = row->find_by_key;
    r = post(t, "key-1", draft);
    seam_check_eq(t, r->status, row->status);
    seam_check_str(t, seam_http_header(r, "Retry-After"), row->retry_after);
    seam_check(t,
               !strstr(r->body, "the fake was told to fail")); /* is nobody else's business */
}

SEAM_TEST(outages_are_no_affair_of_the_clients)
{
    static const struct outage_row rows[] = {
        { "no customer", REPOSITORY_NO_CUSTOMER, 422, NULL },
        { "busy", REPOSITORY_TRY_AGAIN, 503, "1" },
        { "away", REPOSITORY_UNAVAILABLE, 503, "1" },
        { "broken", REPOSITORY_FAILED, 500, NULL },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, outage_row, &rows[i]);
}

/* ---- the end ---------------------------------------------------------------------------- */

SEAM_TEST(request_that_was_never_finished_is_waited_for_and_freed)
{
    void *context = NULL;
    size_t size = 0;

    front_init(&site.front, &site.services);
    seam_check_eq(t, front_drain(&site.front, 0), 0);
    seam_check_eq(
        t,
        front_handle(&site.front, NULL, "/orders", "POST", "HTTP/1.1", NULL, &size, &context),
        MHD_YES);
    seam_check_eq(t, front_drain(&site.front, 1), -1);
    front_completed(&site.front, NULL, &context, MHD_REQUEST_TERMINATED_CLIENT_ABORT);
    seam_check_eq(t, front_drain(&site.front, 0), 0);
    front_fini(&site.front);
}
