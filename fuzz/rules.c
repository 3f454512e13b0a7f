/*
 * rules.c - any bytes as a request against a set of rules that has every kind of condition: choosing ends, a
 * rule that was chosen holds, one that was not is explained in a table of whole lines, and a reply is made.
 *
 *   input = target LF (field LF)* LF body
 */

#include "http/rule.h"

#include "fuzz.h"

enum { FIELDS_MAX = 16 };

#define OK .any_times = true, .reply = { { .status = 200 } }

static bool say_yes(const seam_http_exchange *x, void *arg)
{
    (void)x;
    return arg == NULL;
}

static const seam_http_rule rules[] = {
    { .path = "/literal",
      .query = { "a=1", "b", "!c", "d ~ ^x+$" },
      .no_other_query = true,
      OK },
    { .path_template = "/t/{id}/{n}",
      .any_times = true,
      .reply = { { .text = "{method} {path} {path.id} {path.n} {query.a} {header.A} {body} "
                           "{json./a/0}" } } },
    { .path_pattern = "/p/(a|b)*", .header = { "A: 1", "B:", "!C", "D ~ y" }, OK },
    { .cookie = { "a=1", "b", "!c", "d ~ z" }, .basic_auth = "user:password", OK },
    { .form = { "a=1", "b", "!c", "d ~ z" }, OK },
    { .part = { "a=1", "b; filename=f; type=text/plain", "!c", "d ~ z" }, OK },
    { .body = "exact", OK },
    { .body_contains = "part", .body_pattern = "a.b", OK },
    { .json = "{'a': [1, 2.5, 'x', null, {'b': true}]}", .json_ignore = { "/a/1", "/z" }, OK },
    { .json_subset = "{'s': {'t': 1}}", OK },
    { .json_unordered = "{'u': [1, [2, 3], {'v': 4}]}", .json_ignore = { "/u/0" }, OK },
    { .json_at = { "/a/0 = 1", "!/b", "/c" }, OK },
    { .method = "PUT",
      .state = "",
      .next_state = "2",
      .any_times = true,
      .reply = { { .json = "{'a': 1}", .gzip = true } } },
    { .method = "PUT",
      .state = "2",
      .order = "o",
      .reply = { { .body = "b", .trailer = "T: 1" } } },
    { .method = "PUT", .state = "2", .order = "o", .matches = say_yes, OK },
    { .path = "/never", .never = true },
    { .host = "other.test", .times = 2, .reply = { { .fault = SEAM_HTTP_REFUSE } } },
};

static struct rule_set *make_set(void)
{
    struct rule_set *set = rule_set_new();
    struct err err = { "" };

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rule_add(set, &rules[i], ".", &err) < 0) {
            fprintf(stderr, "rule %zu: %s\n", i, err.text);
            abort();
        }
    return set;
}

/* Cut the next line off; NULL at the empty one and at the end. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');

    *at = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return *line ? line : NULL;
}

static size_t take_fields(char **at, struct http_field fields[FIELDS_MAX])
{
    size_t count = 0;
    char *line;

    while (count < FIELDS_MAX && (line = next_line(at))) {
        char *colon = strchr(line, ':');

        if (colon)
            *colon = '\0';
        fields[count++] = (struct http_field){ line, colon ? colon + 1 : "" };
    }
    return count;
}

/* A table is of whole lines, without blanks at their ends. */
static void check_table(const struct buf *table)
{
    const char *line = buf_text(table);

    MUST(!table->failed);
    for (const char *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        MUST(end != NULL && end > line && end[-1] != ' ');
    }
}

static void ask(struct rule_set *set, struct http_call *call)
{
    struct buf table = BUF_INIT(8 << 20);
    struct rule_choice choice;
    struct http_message message;
    seam_site site;
    struct err err;

    rule_needs_user(set, call);
    choice = rule_choose(set, call);
    MUST(!choice.reply || choice.rule);
    MUST(!choice.forbidden || !choice.reply);
    MUST(rule_nearest(set, call, &site, &table));
    check_table(&table);
    if (choice.reply &&
        rule_reply_message(choice.reply, call, choice.rule, &message, &err) == 0)
        MUST(message.body && message.body[message.body_size] == '\0' && message.status == 200);
    buf_fini(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rule_set *set;
    struct http_field fields[FIELDS_MAX];
    struct arena arena = { 0 };
    struct http_message message = { .minor = 1 };
    struct http_call call = {
        .message = &message, .scheme = "https", .host = "api.test", .port = 443, .arena = &arena
    };
    char *text, *at, *line;

    if (size < 2 || size > 8192)
        return 0;
    set = make_set();
    text = at = arena_copy(&arena, data + 1, size - 1);
    message.method = data[0] & 1 ? "PUT" : "POST";
    line = next_line(&at);
    message.target = line ? line : "/";
    message.fields = (struct http_fields){ fields, take_fields(&at, fields) };
    message.body = at;
    message.body_size = size - 1 - (size_t)(at - text);
    ask(set, &call);
    rule_set_free(set);
    arena_fini(&arena);
    return 0;
}
