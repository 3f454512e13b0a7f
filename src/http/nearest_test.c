/* http/nearest_test.c - the rule that a request came nearest to, and the table that shows both. */

#include "http/rule_test.h"

/* The line of the nearest rule and its table. */
static const char *nearest(seam_t *t, const struct rule_set *set, struct rule_request *request)
{
    struct buf table = BUF_INIT(1 << 20);
    seam_site site = { NULL, 0 };
    const char *copy;

    if (!rule_nearest(set, &request->call, &site, &table))
        return "none";
    seam_check_eq(t, site.file, "a_test.c");
    copy = seam_format(t, "\n%s", buf_text(&table));
    buf_fini(&table);
    return copy;
}

/* Tables stay as they are shown. */
/* clang-format off */

SEAM_TEST(nearest_is_shown_beside_the_request)
{
    const char *fields[] = { "Idempotency-Key: order-8", "Content-Type: application/json",
                             NULL };
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .method = "POST", .path = "/v1/charges",
        .header = { "Idempotency-Key: order-7" }, .json = "{'amount': 4200, 'currency': 'EUR'}",
        .reply = { { .status = 429 }, { .status = 200 } });
    seam_check_eq(
        t,
        nearest(t, set,
                rule_request_new(t, "POST /v1/charges", fields, "{\"amount\":4200}", 15)),
        "\n"
        "rule                                | request\n"
        "method  POST                        | POST                                ok\n"
        "path    /v1/charges                 | /v1/charges                         ok\n"
        "header  Idempotency-Key: order-7    | Idempotency-Key: order-8            <<<\n"
        "json    $.amount    4200            | 4200                                ok\n"
        "json    $.currency  \"EUR\"           | (absent)                            <<<\n");
}

SEAM_TEST(nearest_shows_all_kinds_of_conditions)
{
    const char *fields[] = { "Accept: text/html",
                             "Content-Type: application/x-www-form-urlencoded", "X-Trace: 1",
                             NULL };
    struct rule_set *set = rule_test_set(t);
    const char *body = "name=Ada&age=36";

    ADD(t, set, .method = "PUT", .host = "eu.pay.test", .path_template = "/v1/{id}",
        .query = { "page=2", "size", "!debug", "sort ~ ^(asc|desc)$" }, .no_other_query = true,
        .header = { "Accept: */*", "X-Id:", "!X-Trace", "Accept ~ json" },
        .form = { "name=Ada", "age=37" }, .body_contains = "Grace", .body_pattern = "x+",
        .part = { "file; filename=a.txt" }, .json_at = { "/a = 1" }, OK);
    seam_check_eq(t,
                  nearest(t, set,
                          rule_request_new(t, "POST /v1/7?page=3&size=9&debug&sort=up&z=1",
                                           fields, body, strlen(body))),
                  "\n"
                  "rule                                | request\n"
                  "method  PUT                         | POST                                                             <<<\n"
                  "host    eu.pay.test                 | api.pay.test                                                     <<<\n"
                  "path    /v1/{id}                    | /v1/7                                                            ok\n"
                  "query   page=2                      | page=3                                                           <<<\n"
                  "query   size                        | size=9                                                           ok\n"
                  "query   !debug                      | debug=                                                           <<<\n"
                  "query   sort ~ ^(asc|desc)$         | sort=up                                                          <<<\n"
                  "query   no other                    | z=1                                                              <<<\n"
                  "header  Accept: */*                 | Accept: text/html                                                <<<\n"
                  "header  X-Id:                       | (absent)                                                         <<<\n"
                  "header  !X-Trace                    | X-Trace: 1                                                       <<<\n"
                  "header  Accept ~ json               | Accept: text/html                                                <<<\n"
                  "form    name=Ada                    | name=Ada                                                         ok\n"
                  "form    age=37                      | age=36                                                           <<<\n"
                  "part    file; filename=a.txt        | Content-Type is application/x-www-form-urlencoded                <<<\n"
                  "body    contains \"Grace\"            | \"name=Ada&age=36\"                                                <<<\n"
                  "body    ~ x+                        | \"name=Ada&age=36\"                                                <<<\n"
                  "json    /a = 1                      | body is not JSON: line 1, column 4: invalid token near 'name...  <<<\n");
}

SEAM_TEST(nearest_hides_secrets)
{
    const char *fields[] = { "Authorization: Bearer sk_live_0123456789abcdef",
                             "X-Api-Key: short", "Cookie: session=0123456789abcdef; theme=dark",
                             NULL };
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .method = "PUT",
        .header = { "Authorization: Bearer sk_live_0123456789abcdef", "X-Api-Key: other",
                    "Proxy-Authorization: Bearer 0123456789abcdef", "X-Api-Key ~ ^s" },
        .cookie = { "session=0123456789abcdef", "theme=0123456789abcdef", "theme" },
        .basic_auth = "ada:correct horse", OK);
    seam_check_eq(
        t, nearest(t, set, rule_request_new(t, "GET /", fields, "", 0)),
        "\n"
        "rule                                                        | request\n"
        "method  PUT                                                 | GET                                 <<<\n"
        "header  Authorization: Bearer ***                           | Authorization: Bearer ***           ok\n"
        "header  X-Api-Key: o... (5 characters)                      | X-Api-Key: s... (5 characters)      <<<\n"
        "header  Proxy-Authorization: Bearer 0123... (16 characters) | (absent)                            <<<\n"
        "header  X-Api-Key ~ ^s                                      | X-Api-Key: ***                      ok\n"
        "cookie  session=***                                         | session=***                         ok\n"
        "cookie  theme=0123... (16 characters)                       | theme=d... (4 characters)           <<<\n"
        "cookie  theme                                               | theme=***                           ok\n"
        "auth    ada:corr... (13 characters)                         | (absent)                            <<<\n");
}

SEAM_TEST(nearest_hides_secrets_by_their_names_wherever_they_are)
{
    const char *fields[] = { "Content-Type: application/x-www-form-urlencoded",
                             "X-Auth-Token: Plain abcdefgh",
                             "Referer: https://ada:horse@h.test/?sig=abc", NULL };
    struct rule_set *set = rule_test_set(t);
    const char *body = "client_secret=horse&kind=a";

    ADD(t, set, .method = "PUT", .query = { "token=abc", "page=1" }, .no_other_query = true,
        .header = { "X-Auth-Token: Plain abcdefgh", "Referer: https://bob:staple@h.test/" },
        .form = { "client_secret=horse", "kind=b" }, .body_contains = "password=staple",
        .body = "kind=c&password=staple", OK);
    seam_check_eq(
        t, nearest(t, set, rule_request_new(t, "GET /?token=abc&page=2&api_key=xyz", fields, body, strlen(body))),
        "\n"
        "rule                                 | request\n"
        "method  PUT                          | GET                                   <<<\n"
        "query   token=***                    | token=***                             ok\n"
        "query   page=1                       | page=2                                <<<\n"
        "query   no other                     | api_key=***                           <<<\n"
        "header  X-Auth-Token: ***            | X-Auth-Token: ***                     ok\n"
        "header  Referer: https://***@h.test/ | Referer: https://***@h.test/?sig=***  <<<\n"
        "form    client_secret=***            | client_secret=***                     ok\n"
        "form    kind=b                       | kind=a                                <<<\n"
        "body    \"kind=c&password=***\"        | \"client_secret=***&kind=a\"            <<<\n"
        "body    contains \"password=***\"      | \"client_secret=***&kind=a\"            <<<\n");
}

SEAM_TEST(nearest_hides_secrets_of_json)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .method = "PUT",
        .json = "{'a': 1, 'token': 'abcdefghi', 'auth': {'password': 'horse', 'pin': 12}}",
        .json_at = { "/token = \"abcdefghi\"", "/auth/pin = 13", "/b" }, OK);
    seam_check_eq(t,
                  nearest(t, set,
                          rule_request_text(t, "GET /", "A: b",
                                            "{\"a\":2,\"token\":\"ABCDEFGHI\",\"auth\":{\"password\":\"horse\","
                                            "\"pin\":13},\"b\":{\"secret\":\"staple\"}}")),
                  "\n"
                  "rule                                           | request\n"
                  "method  PUT                                    | GET                                 <<<\n"
                  "json    $.a              1                     | 2                                   <<<\n"
                  "json    $.token          abc... (9 characters) | ABC... (9 characters)               <<<\n"
                  "json    $.auth.password  ***                   | ***                                 ok\n"
                  "json    $.auth.pin       ***                   | ***                                 <<<\n"
                  "json    $.b              (absent)              | {\"secret\":\"***\"}                    <<<\n"
                  "json    /token = abc... (9 characters)         | /token = ABC... (9 characters)      <<<\n"
                  "json    /auth/pin = ***                        | /auth/pin = ***                     ok\n"
                  "json    /b                                     | /b = {\"secret\":\"***\"}               ok\n");
}

SEAM_TEST(nearest_hides_the_password_that_is_right)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .method = "PUT", .basic_auth = "ada:correct horse", OK);
    seam_check_eq(t,
                  nearest(t, set,
                          rule_request_text(
                              t, "GET /", "Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=", "")),
                  "\n"
                  "rule                                | request\n"
                  "method  PUT                         | GET                                 <<<\n"
                  "auth    ada:***                     | ada:***                             ok\n");
    seam_check_eq(t,
                  nearest(t, set,
                          rule_request_text(
                              t, "GET /", "Authorization: Basic Ym9iOndyb25nIHN0YXBsZXM=", "")),
                  "\n"
                  "rule                                | request\n"
                  "method  PUT                         | GET                                 <<<\n"
                  "auth    ada:corr... (13 characters) | bob:wron... (13 characters)         <<<\n");
}

SEAM_TEST(nearest_says_why_a_rule_that_matches_does_not_answer)
{
    struct rule_set *set = rule_test_set(t);
    const seam_http_reply ok = { .status = 200 };

    ADD(t, set, .path = "/a", .reply = { ok, ok });
    ADD(t, set, .path = "/b", .times = 1, .reply = { ok });
    ADD(t, set, .path = "/c", .state = "paid", .reply = { ok });
    rule_test_answer(set, rule_request_plain(t, "GET /a"));
    rule_test_answer(set, rule_request_plain(t, "GET /a"));
    rule_test_answer(set, rule_request_plain(t, "GET /b"));
    seam_check_eq(
        t, nearest(t, set, rule_request_plain(t, "GET /a")),
        "\n"
        "rule                                | request\n"
        "path  /a                            | /a                                  ok\n"
        "used  2 of 2 replies                |                                     <<<\n");
    seam_check_eq(
        t, nearest(t, set, rule_request_plain(t, "GET /b")),
        "\n"
        "rule                                | request\n"
        "path  /b                            | /b                                  ok\n"
        "used  1 of 1 times                  |                                     <<<\n");
    seam_check_eq(
        t, nearest(t, set, rule_request_plain(t, "GET /c")),
        "\n"
        "rule                                | request\n"
        "path   /c                           | /c                                  ok\n"
        "state  'paid'                       | ''                                  <<<\n");
}

static void add_at(seam_t *t, struct rule_set *set, int line, const char *path)
{
    rule_test_add(t, set,
                  &(seam_http_rule){
                      .order = "flow", .path = path, OK, .site = { "some/a_test.c", line } });
}

SEAM_TEST(nearest_says_whose_turn_it_is)
{
    struct rule_set *set = rule_test_set(t);
    struct buf table = BUF_INIT(10000);
    seam_site site;

    add_at(t, set, 11, "/1");
    add_at(t, set, 12, "/2");
    add_at(t, set, 13, "/3");
    seam_check(t, rule_nearest(set, &rule_request_plain(t, "GET /3")->call, &site, &table));
    seam_check_eq(t, site.line, 13);
    seam_check_contains(t, buf_text(&table),
                        "order  'flow'                       | waits for the rule at a_test.c:11   <<<\n");
    buf_fini(&table);
}

SEAM_TEST(nearest_says_that_a_fault_is_of_the_connection)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .reply = { { .fault = SEAM_HTTP_REFUSE } });
    seam_check_eq(t, nearest(t, set, rule_request_plain(t, "GET /")),
                  "\n"
                  "rule                                | request\n"
                  "fault  when the program connects    | on a connection that exists         <<<\n");
}

SEAM_TEST(nearest_shows_where_long_values_differ)
{
    struct rule_set *set = rule_test_set(t);
    const char *a = "0123456789012345678901234567890123456789012345678901234567890123456789left0123456789012345678901234567890";
    const char *b = "0123456789012345678901234567890123456789012345678901234567890123456789right0123456789012345678901234567890";

    ADD(t, set, .path = "/x", .body = a, .header = { seam_format(t, "X-Long: %s", a) }, OK);
    seam_check_eq(
        t, nearest(t, set, rule_request_text(t, "GET /x", seam_format(t, "X-Long: %s", b), b)),
        "\n"
        "rule                                                                         | request\n"
        "path    /x                                                                   | /x                                                                    ok\n"
        "header  X-Long: ...45678901234567890123456789left0123456789012345678901...   | X-Long: ...45678901234567890123456789right012345678901234567890...    <<<\n"
        "body    ...\"012345678901234567890123456789left01234567890123456789012345\"... | ...\"012345678901234567890123456789right0123456789012345678901234\"...  <<<\n");
    seam_check_eq(
        t, nearest(t, set, rule_request_text(t, "GET /x", "X-Long: tab\there", "\x01\xff\n")),
        "\n"
        "rule                                                                      | request\n"
        "path    /x                                                                | /x                                  ok\n"
        "header  X-Long: 0123456789012345678901234567890123456789012345678901...   | X-Long: tab\\there                   <<<\n"
        "body    \"012345678901234567890123456789012345678901234567890123456789\"... | \"\\x01\\xff\\n\"                        <<<\n");
}

SEAM_TEST(nearest_shows_of_much_json_what_differs)
{
    struct rule_set *set = rule_test_set(t);
    struct buf want = BUF_INIT(10000), got = BUF_INIT(10000);

    for (int i = 0; i < 60; i++) {
        buf_printf(&want, "%c%d", i ? ',' : '[', i);
        buf_printf(&got, "%c%d", i ? ',' : '[', i < 37 ? i + 1000 : i);
    }
    buf_add_char(&want, ']');
    buf_add_char(&got, ']');
    ADD(t, set, .json = buf_text(&want), OK);
    seam_check_eq(t, nearest(t, set, rule_request_text(t, "POST /", "A: b", buf_text(&got))),
                  "\n"
                  "rule                                    | request\n"
                  "json  $[0]   0                          | 1000                                <<<\n"
                  "json  $[1]   1                          | 1001                                <<<\n"
                  "json  $[2]   2                          | 1002                                <<<\n"
                  "json  $[3]   3                          | 1003                                <<<\n"
                  "json  $[4]   4                          | 1004                                <<<\n"
                  "json  $[5]   5                          | 1005                                <<<\n"
                  "json  $[6]   6                          | 1006                                <<<\n"
                  "json  $[7]   7                          | 1007                                <<<\n"
                  "json  $[8]   8                          | 1008                                <<<\n"
                  "json  $[9]   9                          | 1009                                <<<\n"
                  "json  $[10]  10                         | 1010                                <<<\n"
                  "json  $[11]  11                         | 1011                                <<<\n"
                  "json  $[12]  12                         | 1012                                <<<\n"
                  "json  $[13]  13                         | 1013                                <<<\n"
                  "json  $[14]  14                         | 1014                                <<<\n"
                  "json  $[15]  15                         | 1015                                <<<\n"
                  "json  $[16]  16                         | 1016                                <<<\n"
                  "json  $[17]  17                         | 1017                                <<<\n"
                  "json  $[18]  18                         | 1018                                <<<\n"
                  "json  $[19]  19                         | 1019                                <<<\n"
                  "json  ... and 17 more                   |\n"
                  "json  ... and 23 more that are the same |\n");
    seam_check_eq(
        t, nearest(t, set, rule_request_text(t, "POST /", "A: b", "")),
        "\n"
        "rule                                                                  | request\n"
        "json  [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,... | body is empty, not JSON             <<<\n");
    buf_fini(&want);
    buf_fini(&got);
}

SEAM_TEST(nearest_of_json_at_and_of_a_function)
{
    struct rule_set *set = rule_test_set(t);

    ADD(t, set, .method = "PUT",
        .json_at = { "/a = {'b': [1]}", "/x", "!/a/b/0", "!/c", "/a/b" },
        .matches = (bool (*)(const seam_http_exchange *, void *))1, OK);
    seam_check_eq(
        t, nearest(t, set, rule_request_text(t, "POST /", "A: b", "{\"a\":{\"b\":[2]}}")),
        "\n"
        "rule                                | request\n"
        "method   PUT                        | POST                                <<<\n"
        "json     /a = {\"b\":[1]}             | /a = {\"b\":[2]}                      <<<\n"
        "json     /x                         | (absent)                            <<<\n"
        "json     !/a/b/0                    | /a/b/0 = 2                          <<<\n"
        "json     !/c                        | (absent)                            ok\n"
        "json     /a/b                       | /a/b = [2]                          ok\n"
        "matches  (function)                 | (not asked)\n");
}

/* clang-format on */

/* ---- which one ------------------------------------------------------------------------------- */

static int nearest_line(struct rule_set *set, struct rule_request *request)
{
    struct buf table = BUF_INIT(1 << 20);
    seam_site site = { NULL, 0 };
    bool found = rule_nearest(set, &request->call, &site, &table);

    buf_fini(&table);
    return found ? site.line : -1;
}

static void add_rule(seam_t *t, struct rule_set *set, int line, seam_http_rule rule)
{
    rule.site = (seam_site){ "a_test.c", line };
    if (!rule.never)
        rule.reply[0].status = 200;
    rule_test_add(t, set, &rule);
}

SEAM_TEST(nearest_is_the_one_with_most_held)
{
    struct rule_set *set = rule_test_set(t);

    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "GET /")), -1);
    add_rule(t, set, 9, (seam_http_rule){ .never = true, .path = "/v1/users" });
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "GET /")), -1);
    add_rule(t, set, 1, (seam_http_rule){ .method = "GET", .path = "/v1/users" });
    add_rule(t, set, 2, (seam_http_rule){ .method = "POST", .path = "/v1/users" });
    add_rule(t, set, 3,
             (seam_http_rule){ .method = "GET", .path = "/v1/orders", .query = { "a=1" } });
    add_rule(t, set, 4,
             (seam_http_rule){ .method = "GET", .path = "/v1/orders", .query = { "b=1" } });
    add_rule(
        t, set, 5,
        (seam_http_rule){ .method = "PUT", .path = "/j", .json = "{'a': 1, 'b': 2, 'c': 3}" });
    add_rule(
        t, set, 6,
        (seam_http_rule){ .method = "PUT", .path = "/j", .json = "{'a': 1, 'b': 5, 'c': 4}" });
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "GET /v1/user")), 1);
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "POST /v1/user")), 2);
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "PUT /v1/users")), 1);
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "GET /v1/orders?b=1&a=2")), 4);
    seam_check_eq(t, nearest_line(set, rule_request_plain(t, "GET /v1/orders?b=2")), 3);
    seam_check_eq(t,
                  nearest_line(set, rule_request_text(t, "PUT /j", "A: b",
                                                      "{\"a\":1,\"b\":5,\"c\":3.5}")),
                  6);
}
