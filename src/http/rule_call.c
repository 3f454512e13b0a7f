/* http/rule_call.c - the parts of a request, worked out when a rule first asks; see rule_call.h. */

#include "http/rule_call.h"

#include <string.h>
#include <strings.h>

#include "http/match_coding.h"

struct asked {
    struct asked *next;
    const struct rule *rule;
    bool yes;
};

struct http_call_parts {
    struct http_target target;
    const char *path;
    const struct match_pairs *query, *headers, *cookies, *form, *parts;
    const char *body;
    size_t body_size;
    const struct json_node *json;
    const char *json_fault; /* with `json` NULL: it has been tried */
    const char *basic;
    bool basic_done;
    struct asked *asked;
};

static struct http_call_parts *parts_of(struct http_call *call)
{
    if (!call->parts) {
        call->parts = arena_zero(call->arena, sizeof *call->parts);
        call->parts->target = http_target_split(call->message->target);
    }
    return call->parts;
}

static const struct match_pairs *keep(struct http_call *call, struct match_pairs pairs)
{
    return arena_copy(call->arena, &pairs, sizeof pairs);
}

/* ---- the head ---------------------------------------------------------------------------- */

struct http_target call_target(struct http_call *call)
{
    return parts_of(call)->target;
}

const char *call_path(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->path)
        parts->path = http_percent_decode(call->arena, parts->target.path,
                                          parts->target.path_size, false, NULL);
    return parts->path;
}

const struct match_pairs *call_query(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->query) {
        const char *query = parts->target.query ? parts->target.query : "";

        parts->query = keep(call, match_urlencoded(call->arena, query, strcspn(query, "#")));
    }
    return parts->query;
}

const struct match_pairs *call_headers(struct http_call *call)
{
    const struct http_fields *fields = &call->message->fields;
    struct http_call_parts *parts = parts_of(call);

    if (!parts->headers) {
        struct match_pair *pairs = arena_zero(call->arena, fields->count * sizeof *pairs);

        for (size_t i = 0; i < fields->count; i++)
            pairs[i] = (struct match_pair){ .name = fields->at[i].name,
                                            .value = fields->at[i].value,
                                            .size = strlen(fields->at[i].value) };
        parts->headers = keep(call, (struct match_pairs){ pairs, fields->count, NULL });
    }
    return parts->headers;
}

/* All Cookie fields as one: HTTP/2 clients may split them. */
static const char *join_cookies(struct http_call *call)
{
    const struct http_fields *fields = &call->message->fields;
    const char *joined = "";

    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->at[i].name, "Cookie") == 0)
            joined = *joined ? arena_printf(call->arena, "%s; %s", joined, fields->at[i].value)
                             : fields->at[i].value;
    return joined;
}

const struct match_pairs *call_cookies(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->cookies)
        parts->cookies = keep(call, match_cookies(call->arena, join_cookies(call)));
    return parts->cookies;
}

static const char *read_basic(struct http_call *call)
{
    const char *value = http_value(&call->message->fields, "Authorization");
    size_t size;

    if (!value || strncasecmp(value, "Basic ", 6) != 0)
        return NULL;
    value += 6 + strspn(value + 6, " ");
    return coding_unbase64(call->arena, value, strlen(value), &size);
}

const char *call_basic(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->basic_done)
        parts->basic = read_basic(call);
    parts->basic_done = true;
    return parts->basic;
}

/* ---- the body ---------------------------------------------------------------------------- */

const char *call_body(struct http_call *call, size_t *ret_size)
{
    const struct http_message *message = call->message;
    struct http_call_parts *parts = parts_of(call);

    if (!parts->body) {
        const char *coding = http_value(&message->fields, "Content-Encoding");
        char *plain;

        parts->body = message->body ? message->body : "";
        parts->body_size = message->body_size;
        if (coding && (strcasecmp(coding, "gzip") == 0 || strcasecmp(coding, "x-gzip") == 0) &&
            coding_gunzip(call->arena, parts->body, parts->body_size, &plain, &parts->body_size,
                          NULL) == 0)
            parts->body = plain;
    }
    *ret_size = parts->body_size;
    return parts->body;
}

const struct json_node *call_json(struct http_call *call, const char **ret_fault)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->json && !parts->json_fault) {
        const char *body;
        size_t size;
        struct err err;

        body = call_body(call, &size);
        if (json_node_parse(call->arena, "body", body, size, false, &parts->json, &err) < 0)
            parts->json_fault = arena_dup(call->arena, err.text);
    }
    if (ret_fault)
        *ret_fault = parts->json_fault;
    return parts->json;
}

static const char *content_type(const struct http_call *call)
{
    const char *type = http_value(&call->message->fields, "Content-Type");

    return type ? type : "";
}

/* There are none, because the body is of another type. */
static struct match_pairs of_another_type(const struct http_call *call)
{
    const char *type = content_type(call);

    return (struct match_pairs){ .fault = *type ? arena_printf(call->arena,
                                                               "Content-Type is %s", type)
                                                : "there is no Content-Type" };
}

const struct match_pairs *call_parts(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->parts) {
        size_t size;
        const char *body = call_body(call, &size);
        const char *type = content_type(call);

        parts->parts = keep(call, match_is_type(type, "multipart/")
                                      ? match_multipart(call->arena, type, body, size)
                                      : of_another_type(call));
    }
    return parts->parts;
}

/* What is no file. */
static struct match_pairs fields_of(struct arena *arena, const struct match_pairs *parts)
{
    struct match_pair *fields = arena_zero(arena, parts->count * sizeof *fields);
    struct match_pairs ret = { .at = fields, .fault = parts->fault };

    for (size_t i = 0; i < parts->count; i++)
        if (!parts->at[i].filename)
            fields[ret.count++] = parts->at[i];
    return ret;
}

static struct match_pairs read_form(struct http_call *call)
{
    const char *type = content_type(call);
    const char *body;
    size_t size;

    if (match_is_type(type, "multipart/form-data"))
        return fields_of(call->arena, call_parts(call));
    if (!match_is_type(type, "application/x-www-form-urlencoded"))
        return of_another_type(call);
    body = call_body(call, &size);
    return match_urlencoded(call->arena, body, size);
}

const struct match_pairs *call_form(struct http_call *call)
{
    struct http_call_parts *parts = parts_of(call);

    if (!parts->form)
        parts->form = keep(call, read_form(call));
    return parts->form;
}

/* ---- what the user's code said -------------------------------------------------------------- */

enum call_verdict call_verdict(const struct http_call *call, const struct rule *rule)
{
    const struct asked *at = call->parts ? call->parts->asked : NULL;

    while (at && at->rule != rule)
        at = at->next;
    return !at ? CALL_UNASKED : at->yes ? CALL_YES : CALL_NO;
}

void call_set_verdict(struct http_call *call, const struct rule *rule, bool yes)
{
    struct http_call_parts *parts = parts_of(call);
    struct asked *asked = arena_zero(call->arena, sizeof *asked);

    *asked = (struct asked){ parts->asked, rule, yes };
    parts->asked = asked;
}
