/* pg/journal.c - the statements that a mock got; see journal.h. */

#include "pg/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pg_entry_release(struct pg_entry *entry)
{
    if (!entry || --entry->holds > 0)
        return;
    free(entry->long_tag);
    free(entry);
}

/* ---- adding */

static char *put(char *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    to[size] = '\0';
    return to + size + 1;
}

struct part {
    const char *text; /* NULL: SQL's NULL */
    size_t size;
};

/* The statement and its arguments, as text that lives in the call's arena. */
static struct part *parts_of(const struct pg_call *call, size_t count, size_t *ret_size)
{
    struct part *parts = arena_zero(call->arena, (count + 1) * sizeof *parts);

    parts[0].text = call->sql ? call->sql : "";
    parts[0].size = *ret_size = strlen(parts[0].text);
    for (size_t i = 1; i <= count; i++) {
        parts[i].text = pg_argument_text(&call->arguments[i - 1], call->arena, &parts[i].size);
        *ret_size += parts[i].text ? parts[i].size : 0;
    }
    return parts;
}

static struct pg_entry *new_entry(const struct pg_call *call)
{
    size_t count = call->arguments ? call->argument_count : 0, size;
    struct part *parts = parts_of(call, count, &size);
    struct pg_entry *entry =
        malloc(sizeof *entry + (count + 1) * sizeof *entry->call.args + size + count + 1);
    const char **texts = (const char **)(entry + 1);
    char *at = (char *)(texts + count + 1);

    if (!entry)
        arena_give_up(size);
    *entry = (struct pg_entry){ .holds = 2, .size = size }; /* the journal's and the caller's */
    entry->call.sql = at;
    entry->call.args = texts;
    entry->call.arg_count = count;
    at = put(at, parts[0].text, parts[0].size);
    texts[count] = NULL;
    for (size_t i = 0; i < count; i++) {
        texts[i] = parts[i + 1].text ? at : NULL;
        if (texts[i])
            at = put(at, parts[i + 1].text, parts[i + 1].size);
    }
    return entry;
}

static void drop_oldest(struct pg_journal *journal)
{
    struct pg_entry *oldest = journal->ring[journal->first++ % PG_JOURNAL_CALLS];

    journal->size -= oldest->size;
    pg_entry_release(oldest);
}

struct pg_entry *pg_journal_add(struct pg_journal *journal, int session,
                                const struct pg_call *call)
{
    struct pg_entry *entry = new_entry(call);

    entry->call.session = session;
    while (journal->first < journal->count &&
           (journal->count - journal->first == PG_JOURNAL_CALLS ||
            journal->size + entry->size > PG_JOURNAL_BYTES))
        drop_oldest(journal);
    journal->ring[journal->count++ % PG_JOURNAL_CALLS] = entry;
    journal->size += entry->size;
    return entry;
}

static const char *keep_tag(struct pg_entry *entry, const char *tag)
{
    size_t size = tag ? strlen(tag) : 0;

    if (!tag)
        return NULL;
    free(entry->long_tag);
    entry->long_tag = size < PG_ENTRY_TAG ? NULL : strdup(tag);
    if (size >= PG_ENTRY_TAG && !entry->long_tag)
        arena_give_up(size);
    return entry->long_tag ? entry->long_tag : memcpy(entry->tag, tag, size + 1);
}

void pg_entry_answer(struct pg_entry *entry, const char *tag, const char *sqlstate)
{
    entry->call.tag = keep_tag(entry, tag);
    entry->call.sqlstate = NULL;
    if (sqlstate) {
        snprintf(entry->sqlstate, sizeof entry->sqlstate, "%s", sqlstate);
        entry->call.sqlstate = entry->sqlstate;
    }
    entry->ended = true;
}

void pg_journal_clear(struct pg_journal *journal)
{
    while (journal->first < journal->count)
        drop_oldest(journal);
    journal->first = journal->count = 0;
}

/* ---- handing out */

static const seam_pg_call *hand_out(const struct pg_entry *entry, struct arena *into)
{
    seam_pg_call *call = arena_zero(into, sizeof *call);
    const char **texts = arena_zero(into, (entry->call.arg_count + 1) * sizeof *texts);

    *call = entry->call;
    call->sql = arena_dup(into, call->sql);
    for (size_t i = 0; i < call->arg_count; i++)
        texts[i] = arena_dup(into, call->args[i]);
    call->args = texts;
    call->tag = arena_dup(into, call->tag);
    call->sqlstate = arena_dup(into, call->sqlstate);
    call->rule.file = arena_dup(into, call->rule.file);
    return call;
}

const seam_pg_call *pg_journal_call(struct pg_journal *journal, size_t n, struct arena *into)
{
    struct pg_entry *entry;

    if (n < journal->first || n >= journal->count)
        return NULL;
    entry = journal->ring[n % PG_JOURNAL_CALLS];
    if (!entry->ended)
        return hand_out(entry, into);
    if (!entry->handed)
        entry->handed = hand_out(entry, into);
    return entry->handed;
}
