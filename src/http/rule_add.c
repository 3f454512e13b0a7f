/* http/rule_add.c - a rule of the user's checked, copied and put into a set; see rule.h. */

#include <errno.h>
#include <string.h>

#include "double/choice.h"
#include "http/reply.h"
#include "http/rule_set.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { CONDITIONS_MAX = 8 * SEAM_HTTP_MAX };

/* What is being added. */
struct adding {
    struct rule_set *set;
    struct arena *arena;
    const seam_http_rule *from;
    const char *folder;
    struct rule *rule;
    struct condition conditions[CONDITIONS_MAX];
    size_t count;
    struct err *err;
};

static int refuse(const struct adding *adding, const char *words)
{
    return err_set(adding->err, -EINVAL, "%s", words);
}

/* ---- patterns ---------------------------------------------------------------------------- */

static int compile(const struct adding *adding, const char *label, const char *text,
                   const char *pattern, bool whole, const struct match_pattern **ret)
{
    struct match_pattern *compiled;
    struct err why;
    int r = match_pattern_new(&compiled, pattern, whole, &why);

    if (r == -EINVAL)
        return err_set(adding->err, r, "%s '%s': %s", label, text, why.text);
    if (r < 0)
        return err_set(adding->err, r, "%s", why.text);
    r = buf_add(&adding->set->patterns, &compiled, sizeof compiled);
    if (r < 0) {
        match_pattern_free(compiled);
        return err_set(adding->err, r, "too many patterns");
    }
    *ret = compiled;
    return 0;
}

static int add_condition(struct adding *adding, const char *label, struct condition *condition)
{
    const char *pattern = condition_pattern(condition);
    int r = pattern
                ? compile(adding, label, condition->text, pattern, false, &condition->pattern)
                : 0;

    if (r == 0)
        adding->conditions[adding->count++] = *condition;
    return r;
}

/* ---- method, host and path ----------------------------------------------------------------- */

static bool has_escape(const char *path)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    for (const char *at = strchr(path, '%'); at; at = strchr(at + 1, '%'))
        if (at[1] && strchr(digits, at[1]) && at[2] && strchr(digits, at[2]))
            return true;
    return false;
}

static int take_literal(struct adding *adding, const char *path)
{
    if (path[0] != '/' && strcmp(path, "*") != 0)
        return err_set(adding->err, -EINVAL, "path '%s' does not begin with '/'\ntry: '/%s'",
                       path, path);
    if (strchr(path, '?'))
        return err_set(adding->err, -EINVAL, "path '%s' has a query\ntry: .query = { \"%s\" }",
                       path, strchr(path, '?') + 1);
    if (has_escape(path))
        return err_set(adding->err, -EINVAL,
                       "path '%s' is percent-encoded\ntry: the decoded one, '%s'", path,
                       http_percent_decode(adding->arena, path, strlen(path), false, NULL));
    adding->rule->kind = RULE_LITERAL;
    adding->rule->path = arena_dup(adding->arena, path);
    return 0;
}

static int take_template(struct adding *adding, const char *text)
{
    adding->rule->kind = RULE_TEMPLATE;
    adding->rule->path = arena_dup(adding->arena, text);
    return path_template_parse(adding->arena, text, &adding->rule->path_template, adding->err);
}

static int take_path(struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    const struct choice choices[] = {
        { ".path", from->path },
        { ".path_template", from->path_template },
        { ".path_pattern", from->path_pattern },
    };
    int r = choice_at_most_one(choices, COUNT(choices), adding->err);

    if (r < 0)
        return r;
    if (from->path)
        return take_literal(adding, from->path);
    if (from->path_template)
        return take_template(adding, from->path_template);
    if (!from->path_pattern)
        return 0;
    adding->rule->kind = RULE_PATTERN;
    adding->rule->path = arena_dup(adding->arena, from->path_pattern);
    return compile(adding, "path_pattern", from->path_pattern, from->path_pattern, true,
                   &adding->rule->path_pattern);
}

static int take_method(struct adding *adding)
{
    const char *method = adding->from->method;

    if (!method)
        return 0;
    if (!http_is_token(method, strlen(method)))
        return err_set(adding->err, -EINVAL, "method '%s' is none", method);
    adding->rule->method = arena_dup(adding->arena, method);
    return 0;
}

static int take_host(struct adding *adding)
{
    const char *host = adding->from->host;

    if (!host)
        return 0;
    if (host[0] == '.')
        return err_set(adding->err, -EINVAL, "host '%s' means many names; a rule has one",
                       host);
    return http_host_parse(adding->arena, host, strlen(host), &adding->rule->host, adding->err);
}

/* ---- named values ------------------------------------------------------------------------ */

static int take_headers(struct adding *adding)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < SEAM_HTTP_MAX && adding->from->header[i]; i++) {
        struct condition condition;

        r = condition_parse_header(adding->arena, adding->from->header[i], &condition,
                                   adding->err);
        if (r == 0)
            r = add_condition(adding, "header", &condition);
    }
    return r;
}

static int take_pairs(struct adding *adding, enum condition_part part, const char *label,
                      const char *const texts[SEAM_HTTP_MAX])
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < SEAM_HTTP_MAX && texts[i]; i++) {
        struct condition condition;

        r = condition_parse_pair(adding->arena, part, label, texts[i], &condition, adding->err);
        if (r == 0)
            r = add_condition(adding, label, &condition);
    }
    return r;
}

static int take_basic(struct adding *adding)
{
    const char *basic = adding->from->basic_auth;
    struct condition condition = { .part = CONDITION_BASIC,
                                   .value = arena_dup(adding->arena, basic) };

    if (!basic)
        return 0;
    if (!strchr(basic, ':'))
        return refuse(adding, "basic_auth has no ':' between user and password");
    return add_condition(adding, "basic_auth", &condition);
}

static int take_named(struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    struct condition no_other = { .part = CONDITION_NO_OTHER_QUERY, .text = "" };
    int r;

    if ((r = take_pairs(adding, CONDITION_QUERY, "query", from->query)) < 0 ||
        (r = from->no_other_query ? add_condition(adding, "query", &no_other) : 0) < 0 ||
        (r = take_headers(adding)) < 0 ||
        (r = take_pairs(adding, CONDITION_COOKIE, "cookie", from->cookie)) < 0 ||
        (r = take_basic(adding)) < 0 ||
        (r = take_pairs(adding, CONDITION_FORM, "form", from->form)) < 0)
        return r;
    return take_pairs(adding, CONDITION_MULTIPART, "part", from->part);
}

/* ---- the body ---------------------------------------------------------------------------- */

static int take_bytes(struct adding *adding, enum condition_part part, const char *label,
                      const char *text, size_t size)
{
    struct condition condition = { .part = part, .size = size };

    if (!text)
        return 0;
    condition.text = condition.value = arena_copy(adding->arena, text, size);
    return add_condition(adding, label, &condition);
}

static int take_ignored(struct adding *adding, struct json_want *to)
{
    const char *const *texts = adding->from->json_ignore;
    struct json_pointer *pointers = arena_zero(adding->arena, SEAM_HTTP_MAX * sizeof *pointers);
    int r = 0;

    to->ignore = pointers;
    for (size_t i = 0; r == 0 && i < SEAM_HTTP_MAX && texts[i]; i++)
        r = json_pointer_parse(adding->arena, texts[i], strlen(texts[i]),
                               &pointers[to->ignore_count++], adding->err);
    return r;
}

static int take_json(struct adding *adding, const char *label, const char *text,
                     enum json_mode mode)
{
    struct condition condition = { .part = CONDITION_JSON, .json.mode = mode };
    int r;

    if (!text)
        return 0;
    condition.text = arena_dup(adding->arena, text);
    r = json_node_parse(adding->arena, label, text, strlen(text), true, &condition.json.root,
                        adding->err);
    if (r == 0)
        r = take_ignored(adding, &condition.json);
    return r < 0 ? r : add_condition(adding, label, &condition);
}

static int take_json_at(struct adding *adding)
{
    const char *const *texts = adding->from->json_at;
    int r = 0;

    for (size_t i = 0; r == 0 && i < SEAM_HTTP_MAX && texts[i]; i++) {
        struct condition condition;

        r = condition_parse_json_at(adding->arena, texts[i], &condition, adding->err);
        if (r == 0)
            r = add_condition(adding, "json_at", &condition);
    }
    return r;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) : 0;
}

static int check_body(const struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    const struct choice choices[] = {
        { ".json", from->json },
        { ".json_subset", from->json_subset },
        { ".json_unordered", from->json_unordered },
        { ".body", from->body },
    };

    if (from->size > 0 && !from->body)
        return refuse(adding, "size is that of .body, which there is none of");
    if (from->json_ignore[0] && !from->json && !from->json_subset && !from->json_unordered)
        return refuse(adding,
                      "json_ignore goes with .json, .json_subset or .json_unordered alone");
    return choice_at_most_one(choices, COUNT(choices), adding->err);
}

static int take_body(struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    size_t size = from->size ? from->size : size_of(from->body);
    int r = check_body(adding);

    if (r < 0 || (r = take_bytes(adding, CONDITION_BODY, "body", from->body, size)) < 0 ||
        (r = take_bytes(adding, CONDITION_BODY_CONTAINS, "body_contains", from->body_contains,
                        size_of(from->body_contains))) < 0 ||
        (r = take_bytes(adding, CONDITION_BODY_PATTERN, "body_pattern", from->body_pattern,
                        size_of(from->body_pattern))) < 0 ||
        (r = take_json(adding, "json", from->json, JSON_MODE_EQUAL)) < 0 ||
        (r = take_json(adding, "json_subset", from->json_subset, JSON_MODE_SUBSET)) < 0 ||
        (r = take_json(adding, "json_unordered", from->json_unordered, JSON_MODE_UNORDERED)) <
            0)
        return r;
    return take_json_at(adding);
}

/* ---- replies ----------------------------------------------------------------------------- */

/* Where the replies are, and how many there are. */
static int find_replies(const struct adding *adding, const seam_http_reply **ret, size_t *count)
{
    const seam_http_rule *from = adding->from;
    const seam_http_reply *replies = from->replies ? from->replies : from->reply;
    size_t most = from->replies ? RULES_MAX : SEAM_HTTP_MAX;
    size_t n = 0;

    if (from->replies && !reply_is_end(&from->reply[0]))
        return refuse(adding, "a rule has .reply or .replies, not both");
    while (n < most && !reply_is_end(&replies[n]))
        n++;
    for (size_t i = n; replies == from->reply && i < SEAM_HTTP_MAX; i++)
        if (!reply_is_end(&replies[i]))
            return err_set(adding->err, -EINVAL,
                           "reply %zu is all zero and ends the list before reply %zu\n"
                           "try: .status = 200 in reply %zu",
                           n + 1, i + 1, n + 1);
    *ret = replies;
    *count = n;
    return 0;
}

static int check_replies(const struct adding *adding, size_t count)
{
    const seam_http_rule *from = adding->from;

    if (from->never && count > 0)
        return refuse(adding, "a rule that is .never used has no reply");
    if (!from->never && count == 0)
        return refuse(adding, "no reply\ntry: .reply = { { .status = 200 } }");
    if (from->times > 0 && (size_t)from->times < count)
        return err_set(adding->err, -EINVAL,
                       "times is %d, but there are %zu replies: not all could be used",
                       from->times, count);
    return 0;
}

/* Faults of the connection come before there is a request to look at. */
static int check_connection(const struct adding *adding, size_t number,
                            const seam_http_reply *reply)
{
    const struct rule *rule = adding->rule;

    if (!rule_is_connection_fault(reply->fault) ||
        (rule->kind == RULE_ANY_PATH && !rule->method && !rule->matches && adding->count == 0))
        return 0;
    return err_set(adding->err, -EINVAL,
                   "reply %zu: its fault happens when the program connects, before there is a "
                   "request: the rule has no condition but .host",
                   number);
}

/* What follows such an answer is no HTTP. */
static int check_tunnel(const struct adding *adding, size_t number,
                        const seam_http_reply *reply)
{
    const char *method = adding->rule->method;

    if (!method || strcmp(method, "CONNECT") != 0 || (reply->status >= 300 && !reply->fn) ||
        reply->fault)
        return 0;
    return err_set(
        adding->err, -EINVAL,
        "reply %zu: a mock is no proxy: what it answers CONNECT with has a .status of "
        "300 or more",
        number);
}

static int take_replies(struct adding *adding)
{
    const seam_http_reply *from = NULL;
    seam_http_reply *replies;
    size_t count = 0;
    int r = find_replies(adding, &from, &count);

    if (r < 0 || (r = check_replies(adding, count)) < 0)
        return r;
    replies = arena_zero(adding->arena, count * sizeof *replies);
    for (size_t i = 0; i < count; i++) {
        struct err why;

        r = reply_prepare(adding->arena, &from[i], adding->folder,
                          adding->rule->kind == RULE_TEMPLATE ? &adding->rule->path_template
                                                              : NULL,
                          &replies[i], &why);
        if (r < 0)
            return err_set(adding->err, r, "reply %zu: %s", i + 1, why.text);
        if ((r = check_connection(adding, i + 1, &from[i])) < 0 ||
            (r = check_tunnel(adding, i + 1, &from[i])) < 0)
            return r;
    }
    adding->rule->replies = replies;
    adding->rule->reply_count = count;
    return 0;
}

/* ---- how often, and when ------------------------------------------------------------------- */

static struct rule_group *find_group(struct rule_set *set, const char *word)
{
    struct rule_group *group = set->groups;

    while (group && strcmp(group->word, word) != 0)
        group = group->next;
    if (group)
        return group;
    group = arena_zero(&set->arena, sizeof *group);
    *group = (struct rule_group){ .next = set->groups,
                                  .word = arena_dup(&set->arena, word),
                                  .rules = BUF_INIT(RULE_ROOM) };
    set->groups = group;
    return group;
}

static int check_times(const struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    const struct choice choices[] = {
        { ".times", from->times > 0 },
        { ".any_times", from->any_times },
        { ".never", from->never },
    };

    if (from->times < 0)
        return err_set(adding->err, -EINVAL, "times is %d", from->times);
    if (from->never && from->optional)
        return refuse(adding, "a rule has .never or .optional, not both");
    return choice_at_most_one(choices, COUNT(choices), adding->err);
}

static int take_times(struct adding *adding)
{
    const seam_http_rule *from = adding->from;
    struct rule *rule = adding->rule;
    int r = check_times(adding);

    if (r < 0)
        return r;
    rule->times = (size_t)from->times;
    rule->any_times = from->any_times;
    rule->optional = from->optional;
    rule->never = from->never;
    rule->priority = from->priority;
    rule->state = arena_dup(adding->arena, from->state);
    rule->next_state = arena_dup(adding->arena, from->next_state);
    rule->matches = from->matches;
    rule->arg = from->arg;
    return 0;
}

/* ---- the whole rule ------------------------------------------------------------------------ */

static void finish(struct adding *adding)
{
    struct rule *rule = adding->rule;

    rule->name = arena_dup(adding->arena, adding->from->name);
    rule->site = adding->from->site;
    rule->site.file = arena_dup(adding->arena, rule->site.file);
    rule->conditions.at = arena_copy(adding->arena, adding->conditions,
                                     adding->count * sizeof *adding->conditions);
    rule->conditions.count = adding->count;
    rule->weight = adding->count + (rule->method != NULL) + (rule->host != NULL) +
                   (rule->matches != NULL) + (rule->state != NULL);
    if (adding->from->order)
        rule->group = find_group(adding->set, adding->from->order);
}

int rule_add(struct rule_set *set, const seam_http_rule *rule, const char *folder,
             struct err *err)
{
    struct adding adding = {
        .set = set, .arena = &set->arena, .from = rule, .folder = folder, .err = err
    };
    int r;

    adding.rule = arena_zero(adding.arena, sizeof *adding.rule);
    if ((r = take_method(&adding)) < 0 || (r = take_host(&adding)) < 0 ||
        (r = take_path(&adding)) < 0 || (r = take_named(&adding)) < 0 ||
        (r = take_body(&adding)) < 0 || (r = take_times(&adding)) < 0 ||
        (r = take_replies(&adding)) < 0)
        return r;
    finish(&adding);
    r = rule_insert(set, adding.rule);
    return r < 0 ? err_set(err, r, "too many rules, or out of memory") : 0;
}
