/* pg/shown.c - statements as reports show them; see shown.h. */

#include "pg/shown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pg/secret.h"

enum { TEXTS = 1024, BYTES = 4 << 20, SHOWN_MAX = 64 << 10, SECRETS_MAX = 1 << 20 };

/* Without line breaks, in which the report would be hard to read. */
static void add_line(struct buf *to, const char *sql)
{
    bool blank = false;

    for (; *sql; sql++) {
        if (isspace((unsigned char)*sql)) {
            blank = to->size > 0;
            continue;
        }
        if (blank)
            buf_add_char(to, ' ');
        blank = false;
        buf_add_char(to, *sql);
    }
}

static struct pg_shown work_out(struct arena *arena, const char *sql)
{
    struct buf masked = BUF_INIT(SHOWN_MAX), line = BUF_INIT(SHOWN_MAX);
    struct buf secrets = BUF_INIT(SECRETS_MAX);
    struct pg_shown shown;

    pg_secret_mask(&masked, sql);
    add_line(&line, buf_text(&masked));
    pg_secret_parameters(&secrets, sql);
    shown.text = arena_copy(arena, buf_text(&line), line.size);
    shown.size = line.size;
    shown.secrets = arena_copy(arena, buf_text(&secrets), secrets.size);
    shown.secret_count = secrets.size / sizeof *shown.secrets;
    buf_fini(&masked);
    buf_fini(&line);
    buf_fini(&secrets);
    return shown;
}

static struct pg_shown *add(struct pg_shown_texts *texts, const char *sql)
{
    size_t size = strlen(sql);
    struct pg_shown *shown;
    uint32_t *place;

    if (texts->count == TEXTS || texts->bytes + size > BYTES)
        pg_shown_fini(texts);
    if (!texts->at)
        texts->at = calloc(TEXTS, sizeof *texts->at);
    place = texts->at ? map_at(&texts->texts, arena_copy(&texts->arena, sql, size)) : NULL;
    if (!place)
        arena_give_up(TEXTS * sizeof *texts->at);
    shown = &texts->at[texts->count++];
    *shown = work_out(&texts->arena, sql);
    *place = (uint32_t)texts->count;
    texts->bytes += size;
    return shown;
}

const struct pg_shown *pg_shown_of(struct pg_shown_texts *texts, const char *sql)
{
    const uint32_t *place = map_find(&texts->texts, sql);

    return place && *place > 0 ? &texts->at[*place - 1] : add(texts, sql);
}

bool pg_shown_hides(const struct pg_shown *shown, int n)
{
    for (size_t i = 0; i < shown->secret_count; i++)
        if (shown->secrets[i] == n)
            return true;
    return false;
}

void pg_shown_fini(struct pg_shown_texts *texts)
{
    map_fini(&texts->texts);
    free(texts->at);
    arena_fini(&texts->arena);
    *texts = (struct pg_shown_texts){ 0 };
}
