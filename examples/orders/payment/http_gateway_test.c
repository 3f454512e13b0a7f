/* payment/http_gateway_test.c - the gateway against a payment provider that does as it is told. */

#define _POSIX_C_SOURCE 200809L

#include <seam/http_mock.h>

#include <string.h>
#include <time.h>

#include "payment/http_gateway.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define CHARGE .method = "POST", .path = "/v1/charges"

enum { WAITS = 4 };

/* Keeps how long it was asked to wait, and lets no time pass. */
struct fake_waiter {
    int64_t ms[WAITS];
    size_t count;
    bool stops;
};

static int note_wait(void *self, int64_t ms)
{
    struct fake_waiter *fake = self;

    if (fake->count < WAITS)
        fake->ms[fake->count] = ms;
    fake->count++;
    return fake->stops ? -1 : 0;
}

SEAM_CLEANUP_FN(close_gateway, http_gateway_close, struct http_gateway *);

static struct payment_gateway open_gateway(seam_t *t, struct fake_waiter *waiter,
                                           struct http_gateway_settings settings)
{
    struct http_gateway *gateway;

    settings.token = "secret";
    settings.waiter = (struct waiter){ waiter, note_wait };
    seam_require_ok(t, http_gateway_open(&gateway, &settings));
    seam_cleanup(t, close_gateway, gateway);
    return http_gateway_port(gateway);
}

/* What came of charging 42.00 EUR for order-7. */
struct outcome {
    enum payment_result result;
    char id[ORDER_PAYMENT_ID_MAX + 1];
    struct failure failure;
    struct fake_waiter waiter;
};

static void charge_with(seam_t *t, struct outcome *ret, struct http_gateway_settings settings)
{
    struct payment_gateway gateway = open_gateway(t, &ret->waiter, settings);
    struct money amount = { .cents = 4200, .currency = "EUR" };

    ret->result = gateway.charge(gateway.self, "order-7", amount, ret->id, &ret->failure);
}

static void charge(seam_t *t, struct outcome *ret)
{
    charge_with(t, ret, (struct http_gateway_settings){ 0 });
}

/* ---- answers ---------------------------------------------------------------------------- */

SEAM_TEST(charge_is_accepted)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE,
                     .header = { "Idempotency-Key: order-7", "Authorization: Bearer secret",
                                 "Content-Type: application/json" },
                     .json = "{'currency': 'EUR', 'amount': 4200, 'order': 'order-7'}",
                     .reply = { { .json = "{'id': 'ch_1'}" } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_OK);
    seam_check_eq(t, o.id, "ch_1");
    seam_check_eq(t, o.waiter.count, 0);
}

SEAM_TEST(charge_is_declined)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { .id = "untouched" };

    seam_http_expect(pay, CHARGE,
                     .reply = { { .status = 402, .json = "{'error': 'card expired'}" } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_DECLINED);
    seam_check_eq(t, o.failure.text, "the payment provider answered 402: card expired");
    seam_check_eq(t, o.id, "untouched");
}

/* None of these gets better by itself: they are asked once. */
SEAM_TEST(our_own_mistakes_are_failures)
{
    static const int statuses[] = { 302, 400, 401, 404, 409, 422 };

    for (size_t i = 0; i < COUNT(statuses); i++) {
        seam_http_mock *pay = seam_http_mock_start(t, NULL);
        struct http_gateway_settings settings = { .base_url = seam_http_mock_url(pay, "/") };
        struct outcome o = { 0 };

        seam_scope(t, "status %d", statuses[i]);
        seam_http_expect(pay, CHARGE, .reply = { { .status = statuses[i] } });
        charge_with(t, &o, settings);
        seam_check_eq(t, o.result, PAYMENT_FAILED);
        seam_check_contains(t, o.failure.text, seam_format(t, "answered %d", statuses[i]));
    }
}

/* ---- asked again ------------------------------------------------------------------------ */

SEAM_TEST(charge_is_repeated_when_the_provider_says_when)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE, .header = { "Idempotency-Key: order-7" },
                     .reply = { { .status = 429, .header = { "Retry-After: 7" } },
                                { .json = "{'id': 'ch_1'}" } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_OK);
    seam_check_eq(t, o.id, "ch_1");
    seam_require_eq(t, o.waiter.count, 1);
    seam_check_eq(t, o.waiter.ms[0], 7000);
}

/* "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", so many seconds from now. */
static const char *retry_after_date(seam_t *t, time_t seconds)
{
    time_t at = time(NULL) + seconds;
    struct tm utc;
    char text[64];

    strftime(text, sizeof text, "Retry-After: %a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &utc));
    return seam_format(t, "%s", text);
}

/* The date is compared with the machine's clock: how long is left depends on how fast this test is. */
SEAM_TEST(charge_is_repeated_at_the_time_that_the_provider_says)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE,
                     .reply = { { .status = 503, .header = { retry_after_date(t, 25) } },
                                { .status = 503, .header = { retry_after_date(t, -25) } },
                                { .json = "{'id': 'ch_1'}" } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_OK);
    seam_require_eq(t, o.waiter.count, 2);
    seam_check_le(t, o.waiter.ms[0], 25000);
    seam_check_lt(t, 400, o.waiter.ms[0]); /* more than without a word from the provider */
    seam_check_eq(t, o.waiter.ms[1], 400); /* a time that has passed says nothing */
}

SEAM_TEST(provider_that_wants_an_hour_of_peace_gets_it)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE,
                     .reply = { { .status = 429, .header = { "Retry-After: 3600" } } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_UNAVAILABLE);
    seam_check_contains(t, o.failure.text, "wants 3600 s of peace");
    seam_check_eq(t, o.waiter.count, 0);
}

SEAM_TEST(broken_provider_is_asked_three_times)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE, .header = { "Idempotency-Key: order-7" },
                     .reply = { { .status = 500 } }, .times = 3);
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_UNAVAILABLE);
    seam_check_eq(t, o.failure.text,
                  "the payment provider answered 500 at the last of 3 attempts");
    seam_require_eq(t, o.waiter.count, 2);
    seam_check_eq(t, o.waiter.ms[0], 200);
    seam_check_eq(t, o.waiter.ms[1], 400);
}

SEAM_TEST(third_attempt_may_succeed)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(
        pay, CHARGE,
        .reply = { { .status = 503 }, { .status = 500 }, { .json = "{'id': 'ch_1'}" } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_OK);
    seam_check_eq(t, seam_http_mock_count(pay), 3);
}

SEAM_TEST(nobody_waits_in_a_program_that_stops)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { .waiter.stops = true };

    seam_http_expect(pay, CHARGE, .reply = { { .status = 500 } });
    charge(t, &o);
    seam_check_eq(t, o.result, PAYMENT_UNAVAILABLE);
    seam_check_contains(t, o.failure.text, "we stop before the next attempt");
}

/* ---- no answer -------------------------------------------------------------------------- */

/* What is no whole answer may have taken effect: it is told, and not asked again at once. */
struct broken_row {
    const char *name;
    seam_http_reply reply;
    const char *words;
};

SEAM_SUBTEST(broken_row)
{
    const struct broken_row *row = arg;
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { .id = "untouched" };

    seam_http_expect(pay, CHARGE, .reply = { row->reply });
    charge_with(t, &o, (struct http_gateway_settings){ .timeout_ms = 100 });
    seam_check_eq(t, o.result, PAYMENT_UNAVAILABLE);
    seam_check_contains(t, o.failure.text, row->words);
    seam_check_eq(t, o.id, "untouched");
    seam_check_eq(t, o.waiter.count, 0);
}

#define FIFTY_BYTES "12345678901234567890123456789012345678901234567890"
#define LONG_CHARGE                                                                            \
    "{'id': 'ch_1', 'note': '" FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES     \
        FIFTY_BYTES FIFTY_BYTES FIFTY_BYTES "'}"

SEAM_TEST(every_way_to_break_has_its_words)
{
    static const char endless[5000] = "";
    const struct broken_row rows[] = {
        { "time-out",
          { .json = "{'id': 'ch_1'}", .delay_ms = 60000 },
          "did not answer in time" },
        { "stall",
          { .json = LONG_CHARGE, .fault = SEAM_HTTP_STALL, .fault_after = 300 },
          "did not answer in time" },
        { "reset in mid-body",
          { .json = LONG_CHARGE, .fault = SEAM_HTTP_RESET, .fault_after = 300 },
          "answer was cut off" },
        { "end in mid-body",
          { .json = LONG_CHARGE, .fault = SEAM_HTTP_CLOSE, .fault_after = 300 },
          "answer was cut off" },
        { "no answer at all", { .fault = SEAM_HTTP_CLOSE }, "hung up without an answer" },
        { "malformed JSON", { .body = "{\"id\": \"ch_1\"" }, "answer is no JSON: line 1" },
        { "another JSON", { .json = "{'charge': 'ch_1'}" }, "it has no id" },
        { "endless", { .body = endless, .size = sizeof endless }, "answer is too long" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, broken_row, &rows[i]);
}

SEAM_TEST(time_out_is_that_of_the_settings)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, CHARGE, .reply = { { .delay_ms = 60000 } });
    charge_with(t, &o, (struct http_gateway_settings){ .timeout_ms = 300 });
    seam_check_match(t, o.failure.text, "timed out after \\d{3} milliseconds");
}

struct unreachable_row {
    const char *name;
    int fault;
    const char *words;
};

SEAM_SUBTEST(unreachable_row)
{
    const struct unreachable_row *row = arg;
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct outcome o = { 0 };

    seam_http_expect(pay, .reply = { { .fault = row->fault } });
    charge_with(t, &o, (struct http_gateway_settings){ .timeout_ms = 100 });
    seam_check_eq(t, o.result, PAYMENT_UNAVAILABLE);
    seam_check_contains(t, o.failure.text, row->words);
}

SEAM_TEST(every_way_not_to_connect_has_its_words)
{
    static const struct unreachable_row rows[] = {
        { "refused", SEAM_HTTP_REFUSE, "cannot connect to the payment provider" },
        { "unreachable", SEAM_HTTP_UNREACHABLE, "did not answer in time" },
        { "unknown name", SEAM_HTTP_UNKNOWN_HOST, "name is unknown" },
        { "expired", SEAM_HTTP_TLS_EXPIRED, "certificate is not trusted" },
        { "wrong name", SEAM_HTTP_TLS_WRONG_NAME, "certificate is not trusted" },
        { "unknown authority", SEAM_HTTP_TLS_UNKNOWN_CA, "certificate is not trusted" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, unreachable_row, &rows[i]);
}

/* ---- one handle, many charges ----------------------------------------------------------- */

SEAM_TEST(gateway_works_again_after_a_failure)
{
    seam_http_mock *pay = seam_http_mock_start(t, "https://api.pay.test");
    struct money amount = { .cents = 4200, .currency = "EUR" };
    char id[ORDER_PAYMENT_ID_MAX + 1];
    struct fake_waiter waiter = { 0 };
    struct payment_gateway gateway =
        open_gateway(t, &waiter, (struct http_gateway_settings){ 0 });
    struct failure failure;

    seam_http_expect(
        pay, CHARGE,
        .reply = { { .json = "{'id': 'ch_1'}" },
                   { .json = LONG_CHARGE, .fault = SEAM_HTTP_RESET, .fault_after = 300 },
                   { .json = "{'id': 'ch_2'}" } });
    seam_check_eq(t, gateway.charge(gateway.self, "order-1", amount, id, &failure), PAYMENT_OK);
    seam_check_eq(t, gateway.charge(gateway.self, "order-2", amount, id, &failure),
                  PAYMENT_UNAVAILABLE);
    seam_check_eq(t, id, "ch_1");
    seam_check_eq(t, gateway.charge(gateway.self, "order-2", amount, id, &failure), PAYMENT_OK);
    seam_check_eq(t, id, "ch_2");
}
