/* test/mask_test.c - what is a secret in URLs, headers and bodies, and what is not. */

#include "test/mask.h"

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>

enum { MASKED_MAX = 4096 };

/* A copy of just the size lets a sanitizer see a byte read too many. */
static const char *masked(seam_t *t, const char *text, size_t size)
{
    struct buf buf = BUF_INIT(MASKED_MAX);
    char *copy = memcpy(malloc(size), text, size);
    const char *words;

    mask_text(&buf, copy, size);
    free(copy);
    words = seam_format(t, "%s", buf_text(&buf));
    buf_fini(&buf);
    return words;
}

struct row {
    const char *text;
    const char *want;
};

static void check_row(seam_t *t, const struct row *row)
{
    seam_check_str(t, masked(t, row->text, strlen(row->text)), row->want);
}

#define CHECK_ROWS(rows)                                                                       \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                 \
    seam_via(t, check_row(t, &(rows)[i]))

SEAM_TEST(mask_knows_secret_names)
{
    static const char *const secret[] = {
        "token",
        "access_token",
        "accessToken",
        "X-Auth-Token",
        "api_key",
        "apikey",
        "X-Api-Key",
        "key",
        "KEY",
        "client_secret",
        "password",
        "db.password",
        "X-Amz-Signature",
        "sig",
        "api%5Fkey",
        "passphrase",
        "private_key",
        "Set-Cookie",
        "id_token",
        "access%5ftoken",
    };
    static const char *const plain[] = { "",       "Idempotency-Key", "monkey",
                                         "tokens", "max_tokens",      "keys",
                                         "page",   "signed",          "design",
                                         "tok%",   "author" };

    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (!mask_is_secret(secret[i], strlen(secret[i])))
            seam_error(t, "'%s' is no secret", secret[i]);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (mask_is_secret(plain[i], strlen(plain[i])))
            seam_error(t, "'%s' is a secret", plain[i]);
}

SEAM_TEST(mask_knows_places_of_secrets)
{
    seam_check(t, mask_is_secret_path("$.user.token"));
    seam_check(t, mask_is_secret_path("$[0].secret[1].name"));
    seam_check(t, mask_is_secret_path("$[\"api key\"][\"access_token\"]"));
    seam_check(t, mask_is_secret_path("/user/password/0"));
    seam_check(t, !mask_is_secret_path("$.user[0].name"));
    seam_check(t, !mask_is_secret_path("/tokens/0"));
    seam_check(t, !mask_is_secret_path("$"));
    seam_check(t, !mask_is_secret_path(""));
}

SEAM_TEST(mask_leaves_the_scheme)
{
    seam_check_eq(t, mask_scheme("authorization", "Bearer abc"), 7);
    seam_check_eq(t, mask_scheme("Proxy-Authorization", "abc"), 0);
    seam_check_eq(t, mask_scheme("X-Token", "Bearer abc"), 0);
}

SEAM_TEST(mask_looks_at_the_end_of_a_long_name)
{
    char name[300];

    memset(name, 'a', sizeof name);
    seam_check(t, !mask_is_secret(name, sizeof name));
    memcpy(name + sizeof name - 6, "_token", 6);
    seam_check(t, mask_is_secret(name, sizeof name));
}

SEAM_TEST(mask_hides_what_a_url_carries)
{
    static const struct row rows[] = {
        { "", "" },
        { "https://api.pay.test/v1", "https://api.pay.test/v1" },
        { "GET https://joe:pw@h.test:8/a?b=@c", "GET https://***@h.test:8/a?b=@c" },
        { "https://joe@h", "https://***@h" },
        { "https://a@b@h/x@y", "https://***@h/x@y" },
        { "http://h/?token=abc&page=2", "http://h/?token=***&page=2" },
        { "/v1?page=2&api_key=abc", "/v1?page=2&api_key=***" },
        { "/v1?a;sig=abc;b=c", "/v1?a;sig=***;b=c" },
        { "/v1?key=", "/v1?key=***" },
        { "/v1?key&page=1", "/v1?key&page=1" },
        { "/cb#access_token=abc&state=1", "/cb#access_token=***&state=1" },
        { "/v1/token=abc/x", "/v1/token=abc/x" },
        { "://", "://" },
    };

    CHECK_ROWS(rows);
}

SEAM_TEST(mask_hides_members_of_json)
{
    static const struct row rows[] = {
        { "{\"id\":7,\"token\":\"abc\",\"n\":1}", "{\"id\":7,\"token\":\"***\",\"n\":1}" },
        { "{ \"api_key\" : \"a\\\"b\" , \"n\":1}", "{ \"api_key\" : \"***\" , \"n\":1}" },
        { "{\"password\":12345}", "{\"password\":***}" },
        { "[{\"secret\":true},{\"secret\":null}]", "[{\"secret\":***},{\"secret\":null}]" },
        { "{\"token\":{\"value\":\"}\",\"a\":[1]},\"n\":1}", "{\"token\":***,\"n\":1}" },
        { "{\"key\":[\"a\",\"b\"],\"n\":[1]}", "{\"key\":***,\"n\":[1]}" },
        { "{\"name\":\"token\",\"value\":\"x\"}", "{\"name\":\"token\",\"value\":\"x\"}" },
        { "[\"a\",\"token\",\"b\"]", "[\"a\",\"token\",\"b\"]" },
        { "{\"url\":\"https://u:p@h/?token=x&a=1\"}",
          "{\"url\":\"https://***@h/?token=***&a=1\"}" },
    };

    CHECK_ROWS(rows);
}

SEAM_TEST(mask_hides_a_value_that_is_cut_off)
{
    static const struct row rows[] = {
        { "{\"token\":\"ab", "{\"token\":\"***\"" },
        { "{\"token\":\"ab\\", "{\"token\":\"***\"" },
        { "{\"token\":{\"a\":1", "{\"token\":***" },
        { "{\"token\":12", "{\"token\":***" },
        { "{\"token\":", "{\"token\":" },
        { "{\"token\"", "{\"token\"" },
        { "{\"tok", "{\"tok" },
        { "\"", "\"" },
        { "a=1&password=x", "a=1&password=***" },
        { "https://joe:p", "https://joe:p" },
    };

    CHECK_ROWS(rows);
}

SEAM_TEST(mask_hides_fields_of_a_form)
{
    static const struct row rows[] = {
        { "client_secret=abc&grant_type=password", "client_secret=***&grant_type=password" },
        { "user=joe&password=a+b%26c", "user=joe&password=***" },
    };

    CHECK_ROWS(rows);
}

static void check_header(seam_t *t, const char *name, const char *value, const char *want)
{
    struct buf buf = BUF_INIT(MASKED_MAX);

    mask_header(&buf, name, value);
    seam_check_str(t, buf_text(&buf), want);
    buf_fini(&buf);
}

SEAM_TEST(mask_hides_header_fields)
{
    seam_via(t, check_header(t, "authorization", "Bearer abc", "Bearer ***"));
    seam_via(t, check_header(t, "Authorization", "Digest username=\"joe\"", "Digest ***"));
    seam_via(t, check_header(t, "Proxy-Authorization", "abc", "***"));
    seam_via(t, check_header(t, "Cookie", "a=1; sid=2;c", "a=***; sid=***;***"));
    seam_via(t, check_header(t, "Set-Cookie", "sid=2; Path=/; HttpOnly",
                             "sid=***; Path=/; HttpOnly"));
    seam_via(t, check_header(t, "x-api-key", "abc", "***"));
    seam_via(t, check_header(t, "X-Auth-Token", "abc", "***"));
    seam_via(t,
             check_header(t, "Location", "https://u:p@h/?token=x", "https://***@h/?token=***"));
    seam_via(t, check_header(t, "Idempotency-Key", "order-7", "order-7"));
    seam_via(t, check_header(t, "Accept", "*/*", "*/*"));
}

SEAM_TEST(mask_of_a_url_ends_at_its_nul)
{
    struct buf buf = BUF_INIT(MASKED_MAX);

    mask_url(&buf, "https://joe:pw@h/");
    seam_check_str(t, buf_text(&buf), "https://***@h/");
    buf_fini(&buf);
}

static void check_quoted(seam_t *t, const struct row *row)
{
    struct buf buf = BUF_INIT(MASKED_MAX);

    mask_quoted(&buf, row->text);
    seam_check_str(t, buf_text(&buf), row->want);
    buf_fini(&buf);
}

SEAM_TEST(mask_hides_what_is_quoted_of_a_malformed_message)
{
    static const struct row rows[] = {
        { "it is not 'name: value': 'Cookie sid=2'", "it is not 'name: value': 'Cookie ***'" },
        { "it has a NUL in it: 'x-api-key: abc?'", "it has a NUL in it: 'x-api-key: ***'" },
        { "a line is longer than 9 bytes: 'Cookie: sid=2...'",
          "a line is longer than 9 bytes: 'Cookie: ***'" },
        { "a field is folded: ' abc'", "a field is folded: ' ***'" },
        { "a field is wrong: 'token: a'b", "a field is wrong: 'token: ***" },
        { "a field is wrong: 'token:", "a field is wrong: 'token:***" },
        { "it is no line: 'GET /?token=abc'", "it is no line: 'GET /?token=***'" },
        { "it is no line: 'secret", "it is no line: 'secret" },
        { "it is no line: ''", "it is no line: ''" },
        { "the target is '/?token=abc'", "the target is '/?token=***'" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_via(t, check_quoted(t, &rows[i]));
}
