/* http/journal.c - the calls that a mock got; see journal.h. */

#include "http/journal.h"

#include <stdlib.h>
#include <string.h>

#include "http/origin.h"

#include "base/hostile.h"

struct journal_entry *journal_entry_hold(struct journal_entry *entry)
{
    entry->holds++;
    return entry;
}

void journal_entry_release(struct journal_entry *entry)
{
    if (!entry || --entry->holds > 0)
        return;
    arena_fini(&entry->arena);
    free(entry);
}

/* ---- adding */

static struct http_fields copy_fields(struct journal_entry *entry,
                                      const struct http_fields *fields)
{
    struct http_field *at = arena_zero(&entry->arena, (fields->count + 1) * sizeof *at);

    for (size_t i = 0; i < fields->count; i++) {
        at[i].name = arena_dup(&entry->arena, fields->at[i].name);
        at[i].value = arena_dup(&entry->arena, fields->at[i].value);
        entry->size += strlen(at[i].name) + strlen(at[i].value);
    }
    return (struct http_fields){ at, fields->count };
}

static void copy_request(struct journal_entry *entry, const struct http_message *request)
{
    struct arena *arena = &entry->arena;

    entry->request = *request;
    entry->request.method = arena_dup(arena, request->method);
    entry->request.target = arena_dup(arena, request->target);
    entry->request.fields = copy_fields(entry, &request->fields);
    entry->request.trailers = copy_fields(entry, &request->trailers);
    entry->request.body =
        arena_copy(arena, request->body_size ? request->body : "", request->body_size);
    entry->size += request->body_size;
}

static const char *url_of(struct journal_entry *entry, const char *origin, const char *target)
{
    size_t size = strlen(origin);
    char *url;

    if (*target == '/') { /* nearly always: without printf */
        url = arena_zero(&entry->arena, size + strlen(target) + 1);
        memcpy(url, origin, size);
        memcpy(url + size, target, strlen(target));
        return url;
    }
    if (strstr(target, "://"))
        return target;
    return arena_printf(&entry->arena, "%s (%s)", origin, target); /* "*", or of CONNECT */
}

static void drop_oldest(struct journal *journal)
{
    struct journal_entry *oldest = journal->ring[journal->first++ % JOURNAL_CALLS];

    journal->size -= oldest->size;
    journal_entry_release(oldest);
}

struct journal_entry *journal_add(struct journal *journal, const char *origin,
                                  const struct http_message *request)
{
    struct journal_entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        arena_give_up(sizeof *entry);
    entry->holds = 1;
    copy_request(entry, request);
    entry->call.method = entry->request.method;
    entry->call.url = url_of(entry, origin, entry->request.target);
    entry->call.body = entry->request.body;
    entry->call.size = entry->request.body_size;
    while (journal->first < journal->count &&
           (journal->count - journal->first == JOURNAL_CALLS ||
            journal->size + entry->size > JOURNAL_BYTES))
        drop_oldest(journal);
    journal->ring[journal->count++ % JOURNAL_CALLS] = journal_entry_hold(entry);
    journal->size += entry->size;
    return entry;
}

void journal_clear(struct journal *journal)
{
    while (journal->first < journal->count)
        drop_oldest(journal);
    journal->first = journal->count = 0;
}

/* ---- handing out */

static const struct seam_http_field *hand_fields(const struct http_fields *fields,
                                                 struct arena *into)
{
    struct seam_http_field *at = arena_zero(into, (fields->count + 1) * sizeof *at);

    for (size_t i = 0; i < fields->count; i++) {
        at[i].name = arena_dup(into, fields->at[i].name);
        at[i].value = arena_dup(into, fields->at[i].value);
    }
    return at;
}

static const char *path_of(const struct journal_entry *entry, struct arena *into)
{
    struct http_target target = http_target_split(entry->request.target);

    return http_percent_decode(into, target.path, target.path_size, false, NULL);
}

static const seam_http_call *hand_out(const struct journal_entry *entry, struct arena *into)
{
    seam_http_call *call = arena_zero(into, sizeof *call);

    *call = entry->call;
    call->method = arena_dup(into, call->method);
    call->url = arena_dup(into, call->url);
    call->path = path_of(entry, into);
    call->body = arena_copy(into, call->body, call->size);
    call->fields = hand_fields(&entry->request.fields, into);
    call->rule.file = arena_dup(into, call->rule.file);
    return call;
}

const seam_http_call *journal_call(struct journal *journal, size_t n, struct arena *into)
{
    struct journal_entry *entry;

    if (n < journal->first || n >= journal->count)
        return NULL;
    entry = journal->ring[n % JOURNAL_CALLS];
    if (!entry->ended)
        return hand_out(entry, into);
    if (!entry->handed)
        entry->handed = hand_out(entry, into);
    return entry->handed;
}

const seam_http_call *journal_entry_call(struct journal_entry *entry)
{
    if (!entry->call.fields) {
        entry->call.fields = hand_fields(&entry->request.fields, &entry->arena);
        entry->call.path = path_of(entry, &entry->arena);
    }
    return &entry->call;
}
