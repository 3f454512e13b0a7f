/* http/cassette_redact.c - what a recording never holds; see cassette.h. */

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "http/cassette.h"
#include "http/origin.h"

static const char redacted[] = "REDACTED";

/* Secrets that are redacted unasked. */
static const char *const secret_headers[] = { "Authorization", "Cookie", "Proxy-Authorization",
                                              "Set-Cookie", "X-Api-Key" };

enum { JSON_MAX = 256 << 20 };

/* ---- parsing */

static const char **add_name(const char **names, const char *name)
{
    while (*names)
        names++;
    *names = name;
    return names;
}

static int parse_one(struct arena *arena, const char *text, struct cassette_redaction *to,
                     struct err *err)
{
    size_t kind = strcspn(text, " ");
    const char *name = text + kind + strspn(text + kind, " ");

    if (!*name)
        kind = 0;
    if (kind == strlen("header") && memcmp(text, "header", kind) == 0)
        return add_name(to->headers, arena_dup(arena, name)), 0;
    if (kind == strlen("query") && memcmp(text, "query", kind) == 0)
        return add_name(to->queries, arena_dup(arena, name)), 0;
    if (kind == strlen("json") && memcmp(text, "json", kind) == 0)
        return json_pointer_parse(arena, name, strlen(name), &to->pointers[to->pointer_count++],
                                  err);
    return err_set(err, -EINVAL,
                   ".redact '%s': write \"header Name\", \"query name\" or \"json /pointer\"",
                   text);
}

int cassette_redaction_parse(struct arena *arena, const char *const *texts,
                             struct cassette_redaction *ret, struct err *err)
{
    int r = 0;

    *ret = (struct cassette_redaction){ .pointer_count = 0 };
    for (int i = 0; r == 0 && i < CASSETTE_REDACTED && texts[i]; i++)
        r = parse_one(arena, texts[i], ret, err);
    return r;
}

/* ---- applying */

static bool has_name(const char *const *names, const char *name, size_t size)
{
    for (; *names; names++)
        if (strlen(*names) == size && strncasecmp(*names, name, size) == 0)
            return true;
    return false;
}

static bool is_secret(const struct cassette_redaction *redaction, const char *name)
{
    for (size_t i = 0; i < sizeof secret_headers / sizeof *secret_headers; i++)
        if (strcasecmp(secret_headers[i], name) == 0)
            return true;
    return has_name(redaction->headers, name, strlen(name));
}

const char *cassette_redact_target(const struct cassette_redaction *redaction,
                                   struct arena *arena, const char *target)
{
    struct buf to = BUF_INIT(strlen(target) * (sizeof redacted + 1) + 1);
    const char *at = strchr(target, '?');
    const char *result;

    if (!at || !redaction->queries[0])
        return target;
    buf_add(&to, target, (size_t)(at - target) + 1);
    for (at++; *at;) {
        size_t size = strcspn(at, "&"), name_size = strcspn(at, "=&"), decoded_size;
        const char *name = http_percent_decode(arena, at, name_size, true, &decoded_size);

        if (has_name(redaction->queries, name, decoded_size)) {
            buf_add(&to, at, name_size);
            buf_printf(&to, "=%s", redacted);
        } else {
            buf_add(&to, at, size);
        }
        at += size;
        if (*at)
            buf_add_char(&to, *at++);
    }
    result = arena_dup(arena, buf_text(&to));
    buf_fini(&to);
    return result;
}

struct http_fields cassette_redact_fields(const struct cassette_redaction *redaction,
                                          struct arena *arena, const struct http_fields *fields)
{
    struct http_field *at = arena_zero(arena, (fields->count + 1) * sizeof *at);

    for (size_t i = 0; i < fields->count; i++) {
        bool secret = is_secret(redaction, fields->at[i].name);

        at[i].name = arena_dup(arena, fields->at[i].name);
        at[i].value = secret ? redacted : arena_dup(arena, fields->at[i].value);
    }
    return (struct http_fields){ at, fields->count };
}

/* The nodes were made for us alone, in our arena. */
static bool redact_nodes(const struct cassette_redaction *redaction,
                         const struct json_node *root)
{
    bool any = false;

    for (size_t i = 0; i < redaction->pointer_count; i++) {
        struct json_node *found =
            (struct json_node *)json_pointer_find(&redaction->pointers[i], root);

        if (!found)
            continue;
        *found = (struct json_node){ .kind = NODE_STRING,
                                     .count = sizeof redacted - 1,
                                     .text = redacted };
        any = true;
    }
    return any;
}

const char *cassette_redact_body(const struct cassette_redaction *redaction,
                                 struct arena *arena, const char *body, size_t size,
                                 size_t *ret_size)
{
    struct buf to = BUF_INIT(JSON_MAX);
    const struct json_node *root;
    struct arena scratch = { 0 };

    *ret_size = size;
    if (redaction->pointer_count > 0 && size > 0 &&
        json_node_parse(&scratch, "body", body, size, false, &root, NULL) == 0 &&
        redact_nodes(redaction, root)) {
        json_node_write(&to, root, 0);
        body = to.data;
        *ret_size = to.size;
    }
    body = arena_copy(arena, size ? body : "", *ret_size);
    arena_fini(&scratch);
    buf_fini(&to);
    return body;
}
