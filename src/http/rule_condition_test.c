/* http/rule_condition_test.c - each kind of condition against requests that fit and that do not. */

#include "http/rule_test.h"

#include "http/match_coding.h"
#include "http/match_form.h"

/* A rule that asks one thing, a request, and whether it fits. */
struct row {
    seam_http_rule rule;
    const char *line; /* NULL: GET / */
    const char *fields[4];
    const char *body;
    bool fits;
};

static void check_row(seam_t *t, const struct row *row)
{
    struct rule_set *set = rule_set_new();
    const char *body = row->body ? row->body : "";
    seam_http_rule rule = row->rule;
    struct err err = { "" };

    rule.reply[0].status = 200;
    if (rule_add(set, &rule, ".", &err) < 0)
        seam_error(t, "%s", err.text);
    else
        seam_check_eq(t,
                      rule_test_answer(set, rule_request_new(t, row->line ? row->line : "GET /",
                                                             row->fields, body, strlen(body))),
                      row->fits ? 200 : 501);
    rule_set_free(set);
}

#define CHECK(t, rows)                                                                         \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++) {                               \
        seam_scope(t, "row %zu", i);                                                           \
        check_row(t, &(rows)[i]);                                                              \
    }

SEAM_TEST(condition_of_a_header)
{
    static const struct row rows[] = {
        { { .header = { "Accept: text/html" } }, NULL, { "accept: text/html" }, NULL, true },
        { { .header = { "Accept:  text/html " } }, NULL, { "Accept: text/html" }, NULL, true },
        { { .header = { "Accept: text/html" } }, NULL, { "Accept: text/HTML" }, NULL, false },
        { { .header = { "A: 2" } }, NULL, { "A: 1", "A: 2" }, NULL, true },
        { { .header = { "A: 2" } }, NULL, { "A: 1, 2" }, NULL, false },
        { { .header = { "A:" } }, NULL, { "a: x" }, NULL, true },
        { { .header = { "A:" } }, NULL, { "A: " }, NULL, true },
        { { .header = { "A:" } }, NULL, { "B: x" }, NULL, false },
        { { .header = { "!A" } }, NULL, { "B: x" }, NULL, true },
        { { .header = { "!A" } }, NULL, { "a: x" }, NULL, false },
        { { .header = { "A ~ ^b+$" } }, NULL, { "A: x", "A: bbb" }, NULL, true },
        { { .header = { "A ~ ^b+$" } }, NULL, { "A: bbc" }, NULL, false },
        { { .header = { "A: x ~ y" } }, NULL, { "A: x ~ y" }, NULL, true },
        { { .header = { "A: 1", "B: 2" } }, NULL, { "A: 1" }, NULL, false },
    };

    CHECK(t, rows);
}

SEAM_TEST(condition_of_the_query)
{
    static const struct row rows[] = {
        { { .query = { "q=a b" } }, "GET /?q=a+b", { NULL }, NULL, true },
        { { .query = { "q=a b" } }, "GET /?x&q=a%20b", { NULL }, NULL, true },
        { { .query = { "q=a+b" } }, "GET /?q=a+b", { NULL }, NULL, false },
        { { .query = { "q=a+b" } }, "GET /?q=a%2Bb", { NULL }, NULL, true },
        { { .query = { "q=" } }, "GET /?q", { NULL }, NULL, true },
        { { .query = { "q" } }, "GET /?q=1", { NULL }, NULL, true },
        { { .query = { "q" } }, "GET /?Q=1", { NULL }, NULL, false },
        { { .query = { "!q" } }, "GET /?r", { NULL }, NULL, true },
        { { .query = { "!q" } }, "GET /?q", { NULL }, NULL, false },
        { { .query = { "q=2" } }, "GET /?q=1&q=2", { NULL }, NULL, true },
        { { .query = { "q ~ ^[0-9]+$" } }, "GET /?q=12", { NULL }, NULL, true },
        { { .query = { "q ~ ^[0-9]+$" } }, "GET /?q=1x", { NULL }, NULL, false },
        { { .query = { "q=a ~ b" } }, "GET /?q=a+~+b", { NULL }, NULL, true },
        { { .query = { "q ~ a=b" } }, "GET /?q=xa%3Dby", { NULL }, NULL, true },
        { { .query = { "a" }, .no_other_query = true }, "GET /?a=1", { NULL }, NULL, true },
        { { .query = { "a" }, .no_other_query = true }, "GET /?a=1&b", { NULL }, NULL, false },
        { { .query = { "a=1" }, .no_other_query = true },
          "GET /?a=1&a=2",
          { NULL },
          NULL,
          false },
        { { .no_other_query = true }, "GET /?", { NULL }, NULL, true },
        { { .no_other_query = true }, "GET /?&", { NULL }, NULL, true },
        { { .no_other_query = true }, "GET /?a", { NULL }, NULL, false },
        { { .query = { "a=b" } }, "GET /#?a=b", { NULL }, NULL, false },
    };

    CHECK(t, rows);
}

SEAM_TEST(condition_of_cookies_and_basic_auth)
{
    static const struct row rows[] = {
        { { .cookie = { "a=1" } }, NULL, { "Cookie: b=2; a=1" }, NULL, true },
        { { .cookie = { "a=1" } }, NULL, { "Cookie: b=2", "Cookie: a=1" }, NULL, true },
        { { .cookie = { "a=1=2" } }, NULL, { "Cookie: a=1=2;" }, NULL, true },
        { { .cookie = { "a=1" } }, NULL, { "Cookie: a=\"1\"" }, NULL, false },
        { { .cookie = { "a=%20" } }, NULL, { "Cookie: a=%20" }, NULL, true },
        { { .cookie = { "a" } }, NULL, { "Cookie: a" }, NULL, false },
        { { .cookie = { "!a" } }, NULL, { "Cookie: b=a" }, NULL, true },
        { { .cookie = { "!a" } }, NULL, { NULL }, NULL, true },
        { { .cookie = { "a ~ ^.{3}$" } }, NULL, { "Cookie: a=xyz" }, NULL, true },
        { { .basic_auth = "Aladdin:open sesame" },
          NULL,
          { "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
          NULL,
          true },
        { { .basic_auth = "Aladdin:open sesame" },
          NULL,
          { "Authorization: basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ" },
          NULL,
          true },
        { { .basic_auth = "Aladdin:open" },
          NULL,
          { "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
          NULL,
          false },
        { { .basic_auth = "a:b" }, NULL, { "Authorization: Basic !" }, NULL, false },
        { { .basic_auth = "a:b" }, NULL, { "Authorization: Bearer YTpi" }, NULL, false },
    };

    CHECK(t, rows);
}

#define FORM "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
#define MULTIPART "Content-Type: multipart/form-data; boundary=\"x y\""
#define PART(head, data) "--x y\r\nContent-Disposition: form-data; " head "\r\n\r\n" data "\r\n"

SEAM_TEST(condition_of_forms)
{
    static const char parts[] = PART("name=\"a\"", "1")
        PART("name=f; filename=\"b;\\\"c.png\"\r\nContent-Type: image/png", "\r\n--x\r\n")
            PART("name=e", "") "--x y--\r\nepilogue";
    static const struct row rows[] = {
        { { .form = { "a=1 2", "b" } }, NULL, { FORM }, "a=1+2&b", true },
        { { .form = { "a=1" } }, NULL, { FORM }, "a=2", false },
        { { .form = { "a=1" } }, NULL, { NULL }, "a=1", false },
        { { .form = { "!a" } }, NULL, { FORM }, "b=1", true },
        { { .form = { "a ~ ^1" } }, NULL, { FORM }, "a=12", true },
        { { .form = { "a=1", "e=", "!f" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "a=1", "f=\r\n--x\r\n", "e=" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "f; filename=\"b;\\\"c.png\"" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "f; type=image/png" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "f; type=image/" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "f; type=text/plain" } }, NULL, { MULTIPART }, parts, false },
        { { .part = { "a; filename=x" } }, NULL, { MULTIPART }, parts, false },
        { { .part = { "!g" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "f ~ --x" } }, NULL, { MULTIPART }, parts, true },
        { { .part = { "a=1" } }, NULL, { FORM }, parts, false },
    };

    CHECK(t, rows);
}

SEAM_TEST(condition_of_the_body)
{
    static const struct row rows[] = {
        { { .body = "abc" }, NULL, { NULL }, "abc", true },
        { { .body = "abc" }, NULL, { NULL }, "abcd", false },
        { { .body = "abcdef", .size = 3 }, NULL, { NULL }, "abc", true },
        { { .body = "" }, NULL, { NULL }, "", true },
        { { .body = "" }, NULL, { NULL }, "x", false },
        { { .body_contains = "bc" }, NULL, { NULL }, "abcd", true },
        { { .body_contains = "bd" }, NULL, { NULL }, "abcd", false },
        { { .body_pattern = "^b" }, NULL, { NULL }, "abc", false },
        { { .body_pattern = "b.?$" }, NULL, { NULL }, "abc", true },
        { { .json = "{'a': 1}" }, NULL, { NULL }, " {\"a\" : 1.0}\n", true },
        { { .json = "{'a': 1}" }, NULL, { NULL }, "{'a': 1}", false },
        { { .json = "{'a': 1}" }, NULL, { NULL }, "{\"a\":1,\"a\":1}", false },
        { { .json = "{'a': 1}", .json_ignore = { "/b" } },
          NULL,
          { NULL },
          "{\"a\":1,\"b\":2}",
          true },
        { { .json_subset = "{'a': 1}" }, NULL, { NULL }, "{\"a\":1,\"b\":2}", true },
        { { .json_unordered = "[1, 2]" }, NULL, { NULL }, "[2,1]", true },
        { { .json_at = { "/a/0 = 'x'", "!/b", "/a" } },
          NULL,
          { NULL },
          "{\"a\":[\"x\"]}",
          true },
        { { .json_at = { "/a = 1" } }, NULL, { NULL }, "{\"a\":2}", false },
        { { .json_at = { "!/a" } }, NULL, { NULL }, "{\"a\":2}", false },
        { { .json_at = { "!/a" } }, NULL, { NULL }, "no", false },
        { { .json_at = { "/big = 123456789012345678901" } },
          NULL,
          { NULL },
          "{\"big\":123456789012345678901}",
          true },
    };

    CHECK(t, rows);
}

SEAM_TEST(condition_of_a_body_with_nul)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .any_times = true, .body_pattern = "b$", .body_contains = "\xff", OK);
    seam_check_eq(t, rule_test_answer(set, rule_request_new(t, "PUT /", NULL, "\xff\0b", 3)),
                  200);
    seam_check_eq(t, rule_test_answer(set, rule_request_new(t, "PUT /", NULL, "\xff\0c", 3)),
                  501);
}

/* ---- gzip -------------------------------------------------------------------------------- */

SEAM_TEST(condition_sees_a_body_without_its_gzip)
{
    const char *fields[] = { "Content-Encoding: gzip", NULL };
    struct rule_set *set = rule_test_set(t);
    struct arena arena = { 0 };
    size_t size;
    char *zipped;

    ADD(t, set, .any_times = true, .json = "{'a': 1}", OK);
    seam_require_ok(t, coding_gzip(&arena, "{\"a\":1}", 7, &zipped, &size, NULL));
    seam_check_eq(t, rule_test_answer(set, rule_request_new(t, "PUT /", fields, zipped, size)),
                  200);
    seam_check_eq(t, rule_test_answer(set, rule_request_new(t, "PUT /", NULL, zipped, size)),
                  501);
    /* What is no gzip is looked at as it came. */
    seam_check_eq(
        t, rule_test_answer(set, rule_request_new(t, "PUT /", fields, "{\"a\":1}", 7)), 200);
    arena_fini(&arena);
}

SEAM_TEST(coding_undoes_what_it_did)
{
    static const size_t sizes[] = { 0, 1, 1000, 16384, 100000 };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct arena arena = { 0 };
        char *data = arena_zero(&arena, sizes[i] + 1), *zipped, *twice, *plain;
        size_t zipped_size, plain_size;

        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (char)(k * k / 7);
        seam_require_ok(t, coding_gzip(&arena, data, sizes[i], &zipped, &zipped_size, NULL));
        seam_require_ok(t,
                        coding_gunzip(&arena, zipped, zipped_size, &plain, &plain_size, NULL));
        seam_check_mem(t, plain, plain_size, data, sizes[i]);
        seam_check_eq(
            t, coding_gunzip(&arena, zipped, zipped_size - 1, &plain, &plain_size, NULL), -22);
        /* Two members one behind the other are one text. */
        twice = arena_zero(&arena, 2 * zipped_size);
        memcpy(twice, zipped, zipped_size);
        memcpy(twice + zipped_size, zipped, zipped_size);
        seam_require_ok(
            t, coding_gunzip(&arena, twice, 2 * zipped_size, &plain, &plain_size, NULL));
        seam_check_eq(t, plain_size, 2 * sizes[i]);
        arena_fini(&arena);
    }
}

SEAM_TEST(coding_has_a_limit)
{
    struct arena arena = { 0 };
    char *data = arena_zero(&arena, CODING_MAX / 2 + 1), *zipped, *twice, *plain;
    size_t size, plain_size;
    struct err err;

    seam_require_ok(t, coding_gzip(&arena, data, CODING_MAX / 2 + 1, &zipped, &size, NULL));
    twice = arena_zero(&arena, 2 * size);
    memcpy(twice, zipped, size);
    memcpy(twice + size, zipped, size);
    seam_check_eq(t, coding_gunzip(&arena, twice, 2 * size, &plain, &plain_size, &err), -7);
    seam_check_eq(t, err.text, "more than 64 MB come of it");
    seam_check_eq(t, coding_gunzip(&arena, "no", 2, &plain, &plain_size, &err), -22);
    seam_check_eq(t, err.text, "it is no gzip, or ends early");
    arena_fini(&arena);
}

SEAM_TEST(coding_of_base64)
{
    static const struct {
        const char *text, *bytes; /* NULL: it is none */
    } rows[] = {
        { "", "" },
        { "Zg==", "f" },
        { "Zg", "f" },
        { "Zm8=", "fo" },
        { "Zm9v", "foo" },
        { "Zm9vYg==", "foob" },
        { "Zm9vYmFy", "foobar" },
        { "+/+/", "\xfb\xff\xbf" },
        { "Z", NULL },
        { "Zm9vZ", NULL },
        { "Zm 9v", NULL },
        { "Z===", NULL },
        { "====", NULL },
        { "Zm9-", NULL },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = 0;
        char *bytes = coding_unbase64(&arena, rows[i].text, strlen(rows[i].text), &size);

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, bytes != NULL, rows[i].bytes != NULL);
        if (bytes && rows[i].bytes)
            seam_check_mem(t, bytes, size, rows[i].bytes, strlen(rows[i].bytes));
    }
    arena_fini(&arena);
}

/* ---- multipart --------------------------------------------------------------------------- */

SEAM_TEST(multipart_of_every_form)
{
    static const struct {
        const char *type, *body, *parts;
    } rows[] = {
        { "multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--", "[=x]" },
        { "multipart/form-data; boundary=b", "pre\r\n--b\r\n\r\nx\r\n--b--post", "[=x]" },
        { "multipart/form-data; boundary=b", "--b  \r\n\r\n\r\n--b--", "[=]" },
        { "multipart/form-data; boundary=b", "--b\r\n\r\n--b--", "[=]" },
        { "multipart/form-data; boundary=b", "--b--", "" },
        { "multipart/form-data; boundary=b",
          "--b\r\ncontent-disposition:form-data;name=n;filename=f\r\ncontent-TYPE: t/u\r\nX: "
          "y\r\n\r\n1\r\n--b--",
          "[n=1 f t/u]" },
        { "multipart/form-data; boundary=b", "--b\r\n\r\nx", "no last boundary" },
        { "multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b\r\n",
          "[=x]a part without an empty line behind its fields" },
        { "multipart/form-data; boundary=b", "--bad",
          "a part without an empty line behind its fields" },
        { "multipart/form-data; boundary=b", "x",
          "the boundary of Content-Type is not in the body" },
        { "multipart/form-data", "--b--", "no boundary in Content-Type" },
        { "multipart/form-data; boundary=\"\"", "----", "no boundary in Content-Type" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);
        struct arena arena = { 0 };
        struct match_pairs parts =
            match_multipart(&arena, rows[i].type, rows[i].body, strlen(rows[i].body));

        seam_scope(t, "row %zu", i);
        for (size_t k = 0; k < parts.count; k++) {
            buf_printf(&got, "[%s=%.*s", parts.at[k].name, (int)parts.at[k].size,
                       parts.at[k].value);
            if (parts.at[k].filename)
                buf_printf(&got, " %s", parts.at[k].filename);
            if (parts.at[k].type)
                buf_printf(&got, " %s", parts.at[k].type);
            buf_add_char(&got, ']');
        }
        buf_add_text(&got, parts.fault ? parts.fault : "");
        seam_check_eq(t, buf_text(&got), rows[i].parts);
        buf_fini(&got);
        arena_fini(&arena);
    }
}

SEAM_TEST(pairs_have_a_limit)
{
    struct arena arena = { 0 };
    struct buf text = BUF_INIT(1 << 20);
    struct match_pairs pairs;

    for (int i = 0; i < PAIRS_MAX; i++)
        buf_add_text(&text, "a&");
    pairs = match_urlencoded(&arena, text.data, text.size);
    seam_check_eq(t, pairs.count, PAIRS_MAX);
    seam_check_null(t, pairs.fault);
    buf_add_text(&text, "b");
    pairs = match_urlencoded(&arena, text.data, text.size);
    seam_check_eq(t, pairs.count, PAIRS_MAX);
    seam_check_eq(t, pairs.fault, "more than 10000 of them");
    buf_fini(&text);
    arena_fini(&arena);
}
