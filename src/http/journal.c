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

/* ---- adding; an entry is one piece of memory, fields first */

static size_t fields_size(const struct http_fields *fields)
{
    size_t size = fields->count * sizeof(struct http_field);

    for (size_t i = 0; i < fields->count; i++)
        size += strlen(fields->at[i].name) + strlen(fields->at[i].value) + 2;
    return size;
}

/* The next free place behind the entry: of structs, and behind those of texts. */
struct place {
    struct http_field *fields;
    char *text;
};

static char *copy_bytes(struct place *place, const void *data, size_t size)
{
    char *at = place->text;

    if (size > 0)
        memcpy(at, data, size);
    at[size] = '\0';
    place->text += size + 1;
    return at;
}

static char *copy_text(struct place *place, const char *text)
{
    return copy_bytes(place, text, strlen(text));
}

static struct http_fields copy_fields(struct place *place, const struct http_fields *fields)
{
    struct http_field *at = place->fields;

    place->fields += fields->count;
    for (size_t i = 0; i < fields->count; i++) {
        at[i].name = copy_text(place, fields->at[i].name);
        at[i].value = copy_text(place, fields->at[i].value);
    }
    return (struct http_fields){ at, fields->count };
}

/* "*", or of CONNECT: what stands behind the origin, in parentheses. */
static const char *url_of(struct place *place, const char *origin, const char *target)
{
    bool is_path = *target == '/';
    char *url = place->text;

    if (!is_path && strstr(target, "://"))
        return copy_text(place, target);
    place->text = stpcpy(url, origin);
    if (!is_path)
        place->text = stpcpy(place->text, " (");
    place->text = stpcpy(place->text, target);
    if (!is_path)
        place->text = stpcpy(place->text, ")");
    place->text++;
    return url;
}

static struct journal_entry *copy_request(const char *origin,
                                          const struct http_message *request)
{
    size_t target = strlen(request->target);
    size_t size = fields_size(&request->fields) + fields_size(&request->trailers) +
                  strlen(request->method) + 2 * target + strlen(origin) + request->body_size +
                  sizeof " ()" + 3;
    struct journal_entry *entry = malloc(sizeof *entry + size);
    struct place place;

    if (!entry)
        arena_give_up(sizeof *entry + size);
    *entry = (struct journal_entry){ .size = size, .request = *request };
    place.fields = (struct http_field *)(void *)(entry + 1);
    place.text = (char *)(place.fields + request->fields.count + request->trailers.count);
    entry->request.method = copy_text(&place, request->method);
    entry->request.target = copy_bytes(&place, request->target, target);
    entry->request.fields = copy_fields(&place, &request->fields);
    entry->request.trailers = copy_fields(&place, &request->trailers);
    entry->request.body = copy_bytes(&place, request->body, request->body_size);
    entry->call.url = url_of(&place, origin, entry->request.target);
    return entry;
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
    struct journal_entry *entry = copy_request(origin, request);

    entry->holds = 1;
    entry->call.method = entry->request.method;
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
