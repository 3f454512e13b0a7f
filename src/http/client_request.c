/* http/client_request.c - what a test asks for, checked and completed; see client_request.h. */

#include "http/client_request.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "json/node.h"
#include "test/t.h"

static const char *text_of(seam_t *t, const char *text, size_t size)
{
    return arena_copy(t_arena(t), text, size);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "Name: value", taken apart. */
static struct http_field field_of(seam_t *t, seam_site at, const char *line)
{
    const char *colon = strchr(line, ':');
    const char *value = colon ? colon + 1 : "";
    size_t size;

    if (!colon || !http_is_token(line, (size_t)(colon - line)))
        seam_fatal_at(t, at, ".header '%s' is none: write \"Name: value\"", line);
    if (strpbrk(line, "\r\n"))
        seam_fatal_at(t, at, ".header '%s' has a line break: write one field in each", line);
    while (is_blank(*value))
        value++;
    size = strlen(value);
    while (size > 0 && is_blank(value[size - 1]))
        size--;
    return (struct http_field){ text_of(t, line, (size_t)(colon - line)),
                                text_of(t, value, size) };
}

static struct http_fields fields_of(seam_t *t, const seam_http_request *request)
{
    struct http_field *fields = arena_zero(t_arena(t), (SEAM_HTTP_MAX + 1) * sizeof *fields);
    struct http_fields all = { .at = fields };

    while (all.count < SEAM_HTTP_MAX && request->header[all.count]) {
        fields[all.count] = field_of(t, request->site, request->header[all.count]);
        all.count++;
    }
    if (request->json && !http_value(&all, "Content-Type"))
        fields[all.count++] = (struct http_field){ "Content-Type", "application/json" };
    return all;
}

static const char *json_of(seam_t *t, const seam_http_request *request)
{
    size_t size = strlen(request->json);
    const struct json_node *node;
    struct err err;

    if (json_node_parse(t_arena(t), ".json", request->json, size, true, &node, &err) < 0)
        seam_fatal_at(t, request->site, "%s", err.text);
    return json_text_strict(t_arena(t), request->json, size);
}

/* Servers want to be told that a request with one of these has an empty body. */
static bool wants_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static void set_body(seam_t *t, const seam_http_request *request, struct client_request *ret)
{
    if (request->json && request->body)
        seam_fatal_at(t, request->site, "both .json and .body: a request has one body");
    if (request->size > 0 && !request->body)
        seam_fatal_at(t, request->site, ".size without .body");
    if (request->json) {
        ret->body = json_of(t, request);
        ret->size = strlen(ret->body);
    } else if (request->body) {
        ret->body = request->body;
        ret->size = request->size > 0 ? request->size : strlen(request->body);
    } else if (wants_body(ret->method)) {
        ret->body = "";
    }
}

static const char *path_of(seam_t *t, seam_site at, const char *path)
{
    return path ? t_source_path(t, at, path) : NULL;
}

void client_request_make(seam_t *t, const seam_http_request *request,
                         struct client_request *ret)
{
    seam_site at = request->site;
    bool has_body = request->json || request->body;

    if (!request->url || !*request->url)
        seam_fatal_at(t, at, ".url is missing");
    *ret = (struct client_request){
        .method = request->method ? request->method
                  : has_body      ? "POST"
                                  : "GET",
        .url = request->url,
        .unix_socket = path_of(t, at, request->unix_socket),
        .client_certificate = path_of(t, at, request->client_certificate),
        .timeout_ms = request->timeout_ms,
        .http2 = request->http2,
        .may_fail = request->may_fail,
        .site = at,
    };
    if (!http_is_token(ret->method, strlen(ret->method)))
        seam_fatal_at(t, at, ".method '%s' is no word", ret->method);
    ret->fields = fields_of(t, request);
    set_body(t, request, ret);
}

/* ---- what came */

const char *seam_http_header(const seam_http_response *response, const char *name)
{
    for (const struct seam_http_field *field = response->fields; field->name; field++)
        if (strcasecmp(field->name, name) == 0)
            return field->value;
    return NULL;
}
