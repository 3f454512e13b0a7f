/* pg/verify_report.c - the words of a verdict; see verify.h. */

#include <string.h>

#include "base/base_name.h"
#include "pg/verify.h"
#include "test/quote.h"
#include "test/t.h"

enum { SQL_SHOWN = 300 };

const char *verify_place(struct arena *arena, seam_site site)
{
    return arena_printf(arena, "%s:%d", base_name(site.file), site.line);
}

/* Behind the first line come what the server adds, below its words. */
const char *verify_error_words(struct arena *arena, const struct pg_error *error)
{
    const char *words =
        arena_printf(arena, "%s %s %s", error->severity ? error->severity : "ERROR",
                     error->sqlstate ? error->sqlstate : "", error->message);

    if (error->detail)
        words = arena_printf(arena, "%s\n%s", words, error->detail);
    if (error->hint)
        words = arena_printf(arena, "%s\n%s", words, error->hint);
    return words;
}

const char *verify_outcome_words(struct pg_verifier *verifier, const struct pg_outcome *outcome)
{
    struct arena *arena = &verifier->arena;

    switch (outcome->end) {
    case 'E':
        return verify_error_words(arena, &outcome->error);
    case 'C':
        return outcome->tag;
    case 'I':
        return "an empty statement";
    case 's':
        return "a part of the rows";
    case 'G':
        return "COPY waits for data";
    default:
        return "it parses";
    }
}

const char *verify_columns_words(struct pg_verifier *verifier, const struct pg_frame *columns)
{
    struct buf words = BUF_INIT(16 << 10);
    struct pg_column *at;
    size_t count = pg_row_description(columns, &verifier->arena, &at);
    const char *text;

    for (size_t i = 0; i < count; i++)
        buf_printf(&words, "%s%s %s", i > 0 ? ", " : "", at[i].name,
                   verify_type_name(verifier, at[i].type, at[i].modifier));
    text = count > 0 ? arena_dup(&verifier->arena, buf_text(&words)) : "no columns";
    buf_fini(&words);
    return text;
}

/* ---- the table */

/* Further lines stand below the first one's beginning. */
static void add_row(struct buf *to, const char *kind, const char *text)
{
    bool first = true;

    while (text) {
        size_t size = strcspn(text, "\n");

        buf_printf(to, "\n%-9s  ", first ? kind : "");
        quote_add_head(to, text, size, SQL_SHOWN, 0);
        text = text[size] ? text + size + 1 : NULL;
        first = false;
    }
}

const char *verify_sql_words(struct arena *arena, const char *sql)
{
    char *shown = arena_dup(arena, sql), *to = shown;

    for (const char *at = sql; *at; at++) {
        bool blank = strchr(" \t\r\n", *at);

        if (blank && (to == shown || to[-1] == ' '))
            continue;
        *to++ = blank ? ' ' : *at;
    }
    while (to > shown && to[-1] == ' ')
        to--;
    *to = '\0';
    return shown;
}

static void add_table(struct pg_verifier *verifier, struct buf *to,
                      const struct verify_case *of)
{
    add_row(to, "statement", verify_sql_words(&verifier->arena, of->sql));
    if (of->arguments)
        add_row(to, "arguments", of->arguments);
    add_row(to, "claim", of->claim_words);
    add_row(to, "truth", of->truth_words);
    if (of->why)
        buf_printf(to, "\n%s", of->why);
}

/* ---- saying */

/* Whether these words were not said yet. */
static bool is_new(struct pg_verifier *verifier, const char *words)
{
    uint32_t *at = map_at(&verifier->said, arena_dup(&verifier->arena, words));

    if (!at)
        arena_give_up(sizeof *at);
    return (*at)++ == 0;
}

static void say_contradicted(struct pg_verifier *verifier, struct verify_case *of, seam_site at)
{
    struct verify_session *session = of->session;
    struct buf words = BUF_INIT(64 << 10);
    const char *place = verify_place(&verifier->arena, session->contradicted_at);

    buf_printf(&words, "the double claims what PostgreSQL %s does not do",
               verifier->server_version);
    if (session->contradicted)
        buf_printf(&words, "; perhaps as a result of what is said of %s", place);
    add_table(verifier, &words, of);
    if (is_new(verifier, arena_printf(&verifier->arena, "%s:%d %s", at.file, at.line,
                                      buf_text(&words)))) {
        if (session->contradicted)
            seam_log_at(verifier->t, at, "%s", buf_text(&words));
        else
            seam_error_at(verifier->t, at, "%s", buf_text(&words));
    }
    buf_fini(&words);
    if (!session->contradicted)
        session->contradicted_at = at;
    session->contradicted = true;
}

static void say_undecided(struct pg_verifier *verifier, const struct verify_case *of,
                          seam_site at)
{
    const char *words = arena_printf(
        &verifier->arena,
        "undecided: it rests on the table '%s', which neither .seed, .given nor an earlier "
        "statement wrote; add .given",
        of->table);

    if (is_new(verifier, arena_printf(&verifier->arena, "%s:%d %s", at.file, at.line, words)))
        seam_log_at(verifier->t, at, "%s", words);
}

void verify_conclude(struct pg_verifier *verifier, struct verify_case *of)
{
    seam_site at = of->claim ? of->claim->site : verifier->site;
    bool counts = of->claim && of->claim->rule;
    bool was_contradicted = of->session->contradicted;
    enum pg_verdict verdict = verify_compare(verifier, of);

    verify_fact(verifier, of);
    if (verdict == PG_CONTRADICTED) {
        say_contradicted(verifier, of, at);
        verifier->counts.contradicted += !was_contradicted;
        verifier->counts.undecided += was_contradicted && counts;
    } else if (verdict == PG_UNDECIDED) {
        say_undecided(verifier, of, at);
        verifier->counts.undecided += counts;
    } else
        verifier->counts.confirmed += counts;
    if (of->real.end == 'C' && !of->parsed_only) {
        if (verdict == PG_UNDECIDED)
            verify_unsure(verifier, of->sql);
        else
            verify_wrote(verifier, of);
    } else if (verdict == PG_UNDECIDED)
        verify_unsure(verifier, of->sql);
}
