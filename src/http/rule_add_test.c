/* http/rule_add_test.c - rules that cannot be, and the sentence for each. */

#include "http/rule_test.h"

#include <errno.h>
#include <stdio.h>

static void handler(seam_http_exchange *x, void *arg)
{
    (void)x;
    (void)arg;
}

struct row {
    seam_http_rule rule;
    const char *words;
};

static void check_rows(seam_t *t, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rule_set *set = rule_set_new();
        struct err err = { "" };
        int r = rule_add(set, &rows[i].rule, "/no/folder", &err);

        seam_check_lt(t, r, 0);
        seam_check_eq(t, err.text, rows[i].words);
        seam_check_eq(t, rule_test_answer(set, rule_request_plain(t, "GET /")), 501);
        rule_set_free(set);
    }
}

#define CHECK(t, rows) check_rows((t), (rows), sizeof(rows) / sizeof *(rows))

SEAM_TEST(rule_that_cannot_be_says_why)
{
    static const struct row rows[] = {
        { { .path = "v1", OK }, "path 'v1' does not begin with '/'\ntry: '/v1'" },
        { { .path = "/v1?a=b", OK }, "path '/v1?a=b' has a query\ntry: .query = { \"a=b\" }" },
        { { .path = "/a%20b", OK },
          "path '/a%20b' is percent-encoded\ntry: the decoded one, '/a b'" },
        { { .path = "/a", .path_pattern = "/.*", OK },
          "a rule has .path or .path_pattern, not both" },
        { { .path = "/a", .path_template = "/{b}", OK },
          "a rule has .path or .path_template, not both" },
        { { .path_template = "a/{b}", OK },
          "path_template 'a/{b}' does not begin with '/'\ntry: '/a/{b}'" },
        { { .path_template = "/a/x{b}", OK },
          "segment 'x{b}' of path_template is not a name in braces and no more\n"
          "try: .path_pattern" },
        { { .path_template = "/a/{}", OK },
          "segment '{}' of path_template is not a name in braces and no more\n"
          "try: .path_pattern" },
        { { .path_template = "/{a}/{a}", OK }, "path_template '/{a}/{a}' has {a} twice" },
        { { .path_pattern = "/a[", OK },
          "path_pattern '/a[': missing terminating ] for character class at offset 3" },
        { { .method = "GET /", OK }, "method 'GET /' is none" },
        { { .method = "", OK }, "method '' is none" },
        { { .host = "a b", OK }, "'a b' is no host" },
        { { .host = ".pay.test", OK }, "host '.pay.test' means many names; a rule has one" },
        { { .header = { "Accept" }, OK },
          "header 'Accept' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'" },
        { { .header = { "Accept text" }, OK },
          "header 'Accept text' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'" },
        { { .header = { "!Accept: x" }, OK },
          "header '!Accept: x' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'" },
        { { .header = { "Accept ~ " }, OK },
          "header 'Accept ~ ' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'" },
        { { .header = { ": x" }, OK },
          "header ': x' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'" },
        { { .header = { "Accept ~ (" }, OK },
          "header 'Accept ~ (': missing closing parenthesis at offset 1" },
        { { .query = { "=x" }, OK }, "query '=x' has no name" },
        { { .query = { "!" }, OK }, "query '!' has no name" },
        { { .query = { "a ~ *" }, OK },
          "query 'a ~ *': quantifier does not follow a repeatable item at offset 0" },
        { { .cookie = { "" }, OK }, "cookie '' has no name" },
        { { .form = { "=" }, OK }, "form '=' has no name" },
        { { .part = { "f; name=x" }, OK },
          "part 'f; name=x' is none of 'name=value', 'name', '!name', 'name ~ pattern', "
          "'name; filename=x; type=y'" },
        { { .part = { "; filename=x" }, OK }, "part '; filename=x' has no name" },
        { { .basic_auth = "ada", OK }, "basic_auth has no ':' between user and password" },
    };

    CHECK(t, rows);
}

SEAM_TEST(rule_of_a_body_or_number_that_cannot_be_says_why)
{
    static const seam_http_reply one[] = { { .status = 200 }, { 0 } };
    static const struct row rows[] = {
        { { .json = "{}", .body = "{}", OK }, "a rule has .json or .body, not both" },
        { { .json = "{}", .json_subset = "{}", OK },
          "a rule has .json or .json_subset, not both" },
        { { .json = "{'a': }", OK },
          "json is not JSON: line 1, column 7: unexpected token near '}'\n"
          "    {'a': }\n"
          "          ^" },
        { { .json_subset = "", OK }, "json_subset is empty, not JSON" },
        { { .json_ignore = { "/a" }, OK },
          "json_ignore goes with .json, .json_subset or .json_unordered alone" },
        { { .json = "{}", .json_ignore = { "a" }, OK },
          "JSON pointer 'a' does not begin with '/'" },
        { { .json_at = { "a = 1" }, OK }, "JSON pointer 'a' does not begin with '/'" },
        { { .json_at = { "!/a = 1" }, OK },
          "json_at '!/a = 1' is none of '/pointer = json', '/pointer', '!/pointer'" },
        { { .json_at = { "/a =" }, OK }, "json_at is empty, not JSON" },
        { { .size = 3, OK }, "size is that of .body, which there is none of" },
        { { .body_pattern = "(", OK },
          "body_pattern '(': missing closing parenthesis at offset 1" },
        { { .path = "/" }, "no reply\ntry: .reply = { { .status = 200 } }" },
        { { .never = true, OK }, "a rule that is .never used has no reply" },
        { { .never = true, .optional = true }, "a rule has .never or .optional, not both" },
        { { .never = true, .times = 1 }, "a rule has .times or .never, not both" },
        { { .times = 2, .any_times = true, OK }, "a rule has .times or .any_times, not both" },
        { { .times = -1, OK }, "times is -1" },
        { { .times = 1, .reply = { { .status = 200 }, { .status = 201 } } },
          "times is 1, but there are 2 replies: not all could be used" },
        { { .replies = one, OK }, "a rule has .reply or .replies, not both" },
        { { .reply = { { .status = 0 }, { .status = 200 } } },
          "reply 1 is all zero and ends the list before reply 2\n"
          "try: .status = 200 in reply 1" },
    };

    CHECK(t, rows);
}

SEAM_TEST(rule_with_a_reply_that_cannot_be_says_why)
{
    static const struct row rows[] = {
        { { .reply = { { .status = 99 } } }, "reply 1: status 99 is none from 200 to 999" },
        { { .reply = { { .status = 200 }, { .status = 103 } } },
          "reply 2: status 103 is none from 200 to 999" },
        { { .reply = { { .json = "{}", .body = "{}" } } },
          "reply 1: .json and .body are both the body" },
        { { .reply = { { .text = "a", .fn = handler } } },
          "reply 1: .text and .fn are both the body" },
        { { .reply = { { .json = "{'a'}" } } },
          "reply 1: json is not JSON: line 1, column 5: ':' expected near '}'\n"
          "    {'a'}\n"
          "        ^" },
        { { .reply = { { .size = 4 } } },
          "reply 1: size is that of .body, which there is none of" },
        { { .reply = { { .header = { "A" } } } }, "reply 1: header 'A' is no 'Name: value'" },
        { { .reply = { { .header = { "A: b\r\nC: d" } } } },
          "reply 1: header 'A: b\r\nC: d' is no 'Name: value'" },
        { { .reply = { { .trailer = "A b: c" } } },
          "reply 1: trailer 'A b: c' is no 'Name: value'" },
        { { .reply = { { .inform = "x" } } }, "reply 1: inform 'x' is no 'Name: value'" },
        { { .reply = { { .gzip = true } } },
          "reply 1: gzip needs a .json, .body, .file or .text to compress" },
        { { .reply = { { .delay_ms = -1 } } }, "reply 1: delay_ms is -1" },
        { { .reply = { { .delay_ms = 5, .delay_max_ms = 5 } } },
          "reply 1: delay_max_ms is 5, no more than delay_ms, 5" },
        { { .reply = { { .drip_ms = 5 } } }, "reply 1: drip_ms is given without drip_bytes" },
        { { .reply = { { .fault = SEAM_HTTP_FAULTS } } },
          "reply 1: fault 12 is none of enum seam_http_fault" },
        { { .reply = { { .fault = SEAM_HTTP_GARBAGE, .fault_after = 1 } } },
          "reply 1: fault_after goes with SEAM_HTTP_RESET, _CLOSE or _STALL alone" },
        { { .reply = { { .fault = SEAM_HTTP_REFUSE, .status = 500 } } },
          "reply 1: its fault happens when the program connects: there is no answer that could "
          "have a status, header or body" },
        { { .path = "/a", .reply = { { .fault = SEAM_HTTP_TLS_EXPIRED } } },
          "reply 1: its fault happens when the program connects, before there is a request: "
          "the rule has no condition but .host" },
        { { .method = "CONNECT", .reply = { { .body = "up" } } },
          "reply 1: a mock is no proxy: what it answers CONNECT with has a .status of 300 or "
          "more" },
        { { .query = { "a" }, .reply = { { .fault = SEAM_HTTP_UNKNOWN_HOST } } },
          "reply 1: its fault happens when the program connects, before there is a request: "
          "the rule has no condition but .host" },
        { { .reply = { { .file = "a.json" } } },
          "reply 1: cannot read file '/no/folder/a.json': No such file or directory" },
        { { .reply = { { .text = "{foo}" } } },
          "reply 1: text has '{foo}', which is none of {method}, {path}, {path.id}, "
          "{query.name}, {header.Name}, {body} and {json./pointer}\ntry: '{{' for a brace" },
        { { .reply = { { .text = "{" } } },
          "reply 1: text has '{', which is none of {method}, {path}, {path.id}, {query.name}, "
          "{header.Name}, {body} and {json./pointer}\ntry: '{{' for a brace" },
        { { .reply = { { .text = "{method.x}" } } },
          "reply 1: text has '{method.x}', which is none of {method}, {path}, {path.id}, "
          "{query.name}, {header.Name}, {body} and {json./pointer}\ntry: '{{' for a brace" },
        { { .path = "/a", .reply = { { .text = "{path.id}" } } },
          "reply 1: text has '{path.id}', but the path_template no {id}" },
        { { .reply = { { .text = "{json.a}" } } },
          "reply 1: JSON pointer 'a' does not begin with '/'" },
    };

    CHECK(t, rows);
}
