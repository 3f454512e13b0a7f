/* http/reply_test.c - scripted replies as messages. */

#include "http/rule_test.h"

#include <stdio.h>

#include "http/match_coding.h"

/* The answer of a set to a request, as a text. */
static const char *answer(seam_t *t, struct rule_set *set, struct rule_request *request,
                          struct http_message *ret)
{
    struct rule_choice choice = rule_choose(set, &request->call);
    struct buf text = BUF_INIT(1 << 16);
    const char *copy;
    struct err err;

    seam_require(t, choice.reply != NULL);
    if (rule_reply_message(choice.reply, &request->call, choice.rule, ret, &err) < 0)
        seam_fatal(t, "%s", err.text);
    buf_printf(&text, "%d %s", ret->status, ret->reason);
    for (size_t i = 0; i < ret->fields.count; i++)
        buf_printf(&text, "\n%s: %s", ret->fields.at[i].name, ret->fields.at[i].value);
    buf_printf(&text, "\n\n%.*s", (int)ret->body_size, ret->body);
    for (size_t i = 0; i < ret->trailers.count; i++)
        buf_printf(&text, "\n%s: %s", ret->trailers.at[i].name, ret->trailers.at[i].value);
    copy = seam_format(t, "%s", buf_text(&text));
    buf_fini(&text);
    return copy;
}

SEAM_TEST(reply_is_made_into_a_message)
{
    static const struct {
        seam_http_reply reply;
        const char *text;
    } rows[] = {
        { { .status = 204 }, "204 No Content\n\n" },
        { { .body = "hi" }, "200 OK\n\nhi" },
        { { .body = "hi there", .size = 2, .header = { "Content-Type:  text/plain " } },
          "200 OK\nContent-Type: text/plain\n\nhi" },
        { { .json = "{'id': 'it\\'s', 'n': 12345678901234567890}" },
          "200 OK\nContent-Type: application/json\n\n"
          "{\"id\": \"it's\", \"n\": 12345678901234567890}" },
        { { .json = "{ \"a\":1.50 }", .header = { "content-type: application/problem+json" } },
          "200 OK\ncontent-type: application/problem+json\n\n{ \"a\":1.50 }" },
        { { .status = 299, .header = { "A: 1", "A: 2", "B:" } }, "299 \nA: 1\nA: 2\nB: \n\n" },
        { { .body = "x", .trailer = "Sum: 1" }, "200 OK\n\nx\nSum: 1" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rule_set *set = rule_test_set(t);
        struct http_message message;

        ADD(t, set, .reply = { rows[i].reply });
        seam_check_eq(t, answer(t, set, rule_request_plain(t, "GET /"), &message),
                      rows[i].text);
    }
}

SEAM_TEST(reply_text_is_filled_from_the_request)
{
    static const struct {
        const char *text, *body;
    } rows[] = {
        { "{method} {path}", "POST /users/a b/x/7" },
        { "{path.id}-{path.n}", "a b-7" },
        { "[{query.page}] [{query.none}]", "[2 3] []" },
        { "{header.x-tag}{header.None}", "blue" },
        { "{body}",
          "{\"a\":{\"b\":[1,\"two\\n\",{\"c\":null}]},\"big\":123456789012345678901}" },
        { "{json./a/b/0} {json./a/b/1}{json./a/b/2} {json./none} {json./big}",
          "1 two\n{\"c\":null}  123456789012345678901" },
        { "{json./a}", "{\"b\":[1,\"two\\n\",{\"c\":null}]}" },
        { "{{\"id\": \"{path.n}\"}", "{\"id\": \"7\"}" },
        { "{{{method}}", "{POST}" },
        { "plain } text", "plain } text" },
        { "", "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rule_set *set = rule_test_set(t);
        struct rule_request *request = rule_request_text(
            t, "POST /users/a%20b/x/7?page=2+3&page=4", "X-Tag: blue",
            "{\"a\":{\"b\":[1,\"two\\n\",{\"c\":null}]},\"big\":123456789012345678901}");
        struct http_message message;

        ADD(t, set, .path_template = "/users/{id}/x/{n}",
            .reply = { { .text = rows[i].text } });
        seam_check_eq(t, answer(t, set, request, &message),
                      seam_format(t, "200 OK\n\n%s", rows[i].body));
    }
}

SEAM_TEST(reply_text_may_be_json_of_a_body_that_is_none)
{
    struct rule_set *set = rule_test_set(t);
    struct http_message message;

    ADD(t, set, .reply = { { .text = "<{json./a}>" } });
    seam_check_eq(t, answer(t, set, rule_request_text(t, "PUT /", "A: b", "no json"), &message),
                  "200 OK\n\n<>");
}

SEAM_TEST(reply_is_compressed)
{
    struct rule_set *set = rule_test_set(t);
    struct http_message message;
    struct arena arena = { 0 };
    size_t size;
    char *plain;

    ADD(t, set, .any_times = true, .reply = { { .json = "{'a': 1}", .gzip = true } });
    answer(t, set, rule_request_plain(t, "GET /"), &message);
    seam_check_eq(t, http_value(&message.fields, "Content-Encoding"), "gzip");
    seam_check_eq(t, http_value(&message.fields, "Content-Type"), "application/json");
    seam_require_ok(
        t, coding_gunzip(&arena, message.body, message.body_size, &plain, &size, NULL));
    seam_check_eq(t, plain, "{\"a\": 1}");
    arena_fini(&arena);
}

SEAM_TEST(reply_file_is_read_when_it_is_added)
{
    const char *folder = seam_tempdir(t);
    struct rule_set *set = rule_test_set(t);
    struct http_message message;
    seam_http_rule rule = { .times = 2, .reply = { { .file = "a.bin" } } };
    struct err err;

    seam_write_file(t, seam_format(t, "%s/a.bin", folder), "a\0b", 3);
    seam_require_ok(t, rule_add(set, &rule, folder, &err));
    seam_write_file(t, seam_format(t, "%s/a.bin", folder), "changed", 7);
    answer(t, set, rule_request_plain(t, "GET /"), &message);
    seam_check_mem(t, message.body, message.body_size, "a\0b", 3);
    seam_check_eq(t, message.fields.count, 0);
}

/* What was passed in may be gone when the reply is used. */
SEAM_TEST(reply_and_rule_are_copied)
{
    struct rule_set *set = rule_test_set(t);
    char text[][8] = { "/a", "GET", "q=1", "A: 1", "body", "B: 2" };
    seam_http_reply replies[] = { { .body = text[4], .header = { text[5] } }, { 0 } };
    seam_http_rule rule = { .path = text[0],
                            .method = text[1],
                            .query = { text[2] },
                            .header = { text[3] },
                            .replies = replies };
    const char *fields[] = { "A: 1", NULL };
    struct http_message message;

    rule_test_add(t, set, &rule);
    memset(text, 'x', sizeof text);
    memset(&rule, 0xab, sizeof rule);
    memset(replies, 0xab, sizeof replies);
    seam_check_eq(t, answer(t, set, rule_request_new(t, "GET /a?q=1", fields, "", 0), &message),
                  "200 OK\nB: 2\n\nbody");
}
