/* pg/journal.c - the statements that a mock got; see journal.h. */

#include "pg/journal.h"

#include <stdlib.h>
#include <string.h>

void pg_entry_release(struct pg_entry *entry)
{
    if (!entry || --entry->holds > 0)
        return;
    arena_fini(&entry->arena);
    free(entry);
}

/* ---- adding */

static void copy_arguments(struct pg_entry *entry, const struct pg_call *call)
{
    const char **texts = arena_zero(&entry->arena, (call->argument_count + 1) * sizeof *texts);
    size_t size;

    for (size_t i = 0; i < call->argument_count && call->arguments; i++) {
        texts[i] = pg_argument_text(&call->arguments[i], &entry->arena, &size);
        entry->size += texts[i] ? size : 0;
    }
    entry->call.args = texts;
    entry->call.arg_count = call->arguments ? call->argument_count : 0;
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
    struct pg_entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        arena_give_up(sizeof *entry);
    entry->holds = 2; /* the journal's and the caller's */
    entry->call.session = session;
    entry->call.sql = arena_dup(&entry->arena, call->sql ? call->sql : "");
    entry->size = strlen(entry->call.sql);
    copy_arguments(entry, call);
    while (journal->first < journal->count &&
           (journal->count - journal->first == PG_JOURNAL_CALLS ||
            journal->size + entry->size > PG_JOURNAL_BYTES))
        drop_oldest(journal);
    journal->ring[journal->count++ % PG_JOURNAL_CALLS] = entry;
    journal->size += entry->size;
    return entry;
}

void pg_entry_answer(struct pg_entry *entry, const char *tag, const char *sqlstate)
{
    entry->call.tag = arena_dup(&entry->arena, tag);
    entry->call.sqlstate = arena_dup(&entry->arena, sqlstate);
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
