/* http/rule_trial_test.c - requests and sets of rules for tests; see rule_test.h. */

#include "http/rule_test.h"

#include <stdlib.h>

static void free_request(void *arg)
{
    struct rule_request *request = arg;

    arena_fini(&request->arena);
    free(request);
}

static void free_set(void *arg)
{
    rule_set_free(arg);
}

static void take_field(struct rule_request *request, const char *line)
{
    struct http_field *field = &request->fields[request->message.fields.count++];
    const char *colon = strchr(line, ':');

    field->name = arena_copy(&request->arena, line, (size_t)(colon - line));
    field->value = arena_dup(&request->arena, colon + 1 + strspn(colon + 1, " "));
}

struct rule_request *rule_request_new(seam_t *t, const char *line, const char *const fields[],
                                      const char *body, size_t size)
{
    struct rule_request *request = calloc(1, sizeof *request);
    const char *blank = strchr(line, ' ');

    seam_require(t, request != NULL);
    seam_cleanup(t, free_request, request);
    request->message.method = arena_copy(&request->arena, line, (size_t)(blank - line));
    request->message.target = arena_dup(&request->arena, blank + 1);
    request->message.body = arena_copy(&request->arena, body, size);
    request->message.body_size = size;
    request->message.fields.at = request->fields;
    for (size_t i = 0; fields && fields[i]; i++)
        take_field(request, fields[i]);
    request->call = (struct http_call){ .message = &request->message,
                                        .scheme = "https",
                                        .host = "api.pay.test",
                                        .port = 443,
                                        .arena = &request->arena };
    return request;
}

struct rule_request *rule_request_plain(seam_t *t, const char *line)
{
    return rule_request_new(t, line, NULL, "", 0);
}

struct rule_request *rule_request_text(seam_t *t, const char *line, const char *field,
                                       const char *body)
{
    const char *fields[] = { field, NULL };

    return rule_request_new(t, line, fields, body, strlen(body));
}

struct rule_set *rule_test_set(seam_t *t)
{
    struct rule_set *set = rule_set_new();

    seam_cleanup(t, free_set, set);
    return set;
}

void rule_test_add(seam_t *t, struct rule_set *set, const seam_http_rule *rule)
{
    struct err err;

    if (rule_add(set, rule, ".", &err) < 0)
        seam_fatal_at(t, rule->site, "%s", err.text);
}

int rule_test_answer(struct rule_set *set, struct rule_request *request)
{
    struct rule_choice choice = rule_choose(set, &request->call);

    if (choice.forbidden)
        return -1;
    return choice.reply ? choice.reply->status ? choice.reply->status : 200 : 501;
}
