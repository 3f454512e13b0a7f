/* http/record.c - run a handler without a server or a socket; see seam_http_record. */

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "http/client_request.h"
#include "http/handler.h"
#include "http/origin.h"
#include "seam/http.h"
#include "test/t.h"

#define PEER "192.0.2.1:1234" /* an address for examples (RFC 5737) */
#define HOST "example.com" /* of a URL that names none */

enum { ADDED = 2 }; /* fields that every client sends */

/* ---- the request, as a server would have read it */

static const char *authority_of(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");

    if (*url == '/' || !host)
        return HOST;
    host += strlen("://");
    return arena_copy(arena, host, strcspn(host, "/?#"));
}

static const char *target_of(seam_t *t, const struct client_request *request)
{
    const char *url = request->url;
    struct http_target target = http_target_split(url);

    if (*url != '/' && strncasecmp(url, "http://", 7) != 0 &&
        strncasecmp(url, "https://", 8) != 0)
        seam_fatal_at(t, request->site,
                      ".url '%s' is none: write \"/path\" or \"http://host/path\"", url);
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            seam_fatal_at(t, request->site, ".url '%s' has a blank: write %%20", url);
    if (!target.query)
        return arena_copy(t_arena(t), target.path, target.path_size);
    return arena_printf(t_arena(t), "%.*s?%.*s", (int)target.path_size, target.path,
                        (int)strcspn(target.query, "#"), target.query);
}

static void add_field(struct http_field *fields, struct http_fields *to, const char *name,
                      const char *value)
{
    if (!http_value(to, name))
        fields[to->count++] = (struct http_field){ name, value };
}

static struct http_fields fields_of(struct arena *arena, const struct client_request *request)
{
    size_t count = request->fields.count;
    struct http_field *fields = arena_zero(arena, (count + ADDED) * sizeof *fields);
    struct http_fields all = { fields, count };

    if (count > 0)
        memcpy(fields, request->fields.at, count * sizeof *fields);
    add_field(fields, &all, "Host", authority_of(arena, request->url));
    if (request->body)
        add_field(fields, &all, "Content-Length", arena_printf(arena, "%zu", request->size));
    return all;
}

static struct http_message message_of(seam_t *t, const struct client_request *request)
{
    struct arena *arena = t_arena(t);

    return (struct http_message){
        .method = request->method,
        .target = target_of(t, request),
        .minor = 1,
        .fields = fields_of(arena, request),
        .body = arena_copy(arena, request->body ? request->body : "", request->size),
        .body_size = request->size,
        .keep_alive = true,
    };
}

/* ---- the answer */

static const struct seam_http_field *all_fields(struct arena *arena,
                                                const struct http_answer *answer)
{
    const struct http_fields *parts[] = { &answer->fields, &answer->trailers };
    struct seam_http_field *all =
        arena_zero(arena, (answer->fields.count + answer->trailers.count + 1) * sizeof *all);
    size_t count = 0;

    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < parts[part]->count; i++)
            all[count++] =
                (struct seam_http_field){ parts[part]->at[i].name, parts[part]->at[i].value };
    return all;
}

static const char *error_of(const struct http_answer *answer)
{
    if (answer->reset)
        return "the handler reset the connection";
    return answer->status == 0 ? "the handler closed the connection without an answer" : NULL;
}

const seam_http_response *seam_http_record_at(seam_t *t, seam_http_handler *handler, void *arg,
                                              const seam_http_request *request)
{
    struct arena *arena = t_arena(t);
    seam_http_response *response = arena_zero(arena, sizeof *response);
    struct client_request whole;
    struct http_message message;
    struct http_answer answer;

    client_request_make(t, request, &whole);
    message = message_of(t, &whole);
    http_handler_call(t, &message, PEER, handler, arg, arena, &answer);
    *response = (seam_http_response){
        .status = answer.status,
        .body = answer.body,
        .size = answer.body_size,
        .error = error_of(&answer),
        .fields = all_fields(arena, &answer),
        .version = "HTTP/1.1",
    };
    if (response->error && !whole.may_fail)
        seam_fatal_at(t, whole.site, "%s %s: %s", whole.method, whole.url, response->error);
    return response;
}
