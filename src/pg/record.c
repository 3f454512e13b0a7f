/* pg/record.c - the beginning and the end of a recording; see record.h and seam/pg_mock.h. */

#include "pg/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "lease/postgres.h"
#include "pg/session.h"
#include "test/t.h"

#include "base/hostile.h"

enum { WORDS_MAX = 64 << 10, UNUSED_SHOWN = 20, NAME_MAX_SIZE = 100 };

struct record_tape *record_add(struct pg_recording *recording)
{
    struct record_tape *tape = arena_zero(&recording->arena, sizeof *tape);

    if (recording->count == recording->room) {
        size_t room = recording->room ? 2 * recording->room : 16;
        struct record_tape **more = realloc(recording->tapes, room * sizeof *more);

        if (!more)
            arena_give_up(room * sizeof *more);
        recording->tapes = more;
        recording->room = room;
    }
    return recording->tapes[recording->count++] = tape;
}

void record_fail(struct pg_recording *recording, const char *format, ...)
{
    va_list args;

    if (recording->failure)
        return;
    va_start(args, format);
    recording->failure = arena_vprintf(&recording->arena, format, args);
    va_end(args);
}

const char *record_name(const struct record_tape *tape, struct arena *arena)
{
    char *name = arena_copy(arena, tape->sql, strnlen(tape->sql, NAME_MAX_SIZE)), *to = name;

    if (!*name)
        return tape->event == RECORD_SYNCED ? "the end of a pipeline"
                                            : "the end of the session";
    for (const char *at = name; *at; at++)
        if (!isspace((unsigned char)*at) || (to > name && to[-1] != ' '))
            *to++ = isspace((unsigned char)*at) ? ' ' : *at;
    *to = '\0';
    return tape->sql[strnlen(tape->sql, NAME_MAX_SIZE)] ? arena_printf(arena, "%s...", name)
                                                        : name;
}

/* ---- the end */

static void save(struct pg_recording *recording)
{
    seam_t *t = recording->mock->t;
    struct err err;
    size_t count;

    if (recording->failure)
        seam_error_at(t, recording->site, "'%s' was not written: %s", recording->file,
                      recording->failure);
    else if (seam_failed(t))
        seam_log_at(t, recording->site, "'%s' was not written, since the test failed",
                    recording->file);
    else if (record_write(recording, &count, &err) < 0)
        seam_error_at(t, recording->site, "%s", err.text);
    else
        seam_log_at(t, recording->site, "wrote '%s' (%zu statements)", recording->file, count);
}

static void say_unused(const struct pg_recording *recording)
{
    seam_t *t = recording->mock->t;
    bool as_notes = seam_failed(t);
    int count = 0;

    for (size_t i = 0; i < recording->count; i++) {
        const struct record_tape *tape = recording->tapes[i];

        if (tape->used || tape->event == RECORD_DESCRIBED || count++ >= UNUSED_SHOWN)
            continue;
        (as_notes ? seam_log_at
                  : seam_error_at)(t, recording->site, "line %d of '%s' was never replayed: %s",
                                   tape->line, recording->file, record_name(tape, t_arena(t)));
    }
    if (count > UNUSED_SHOWN)
        seam_log_at(t, recording->site, "... and %d more", count - UNUSED_SHOWN);
}

static bool nobody_logs_in(void *arg)
{
    return ((const struct pg_recording *)arg)->logging_in == 0;
}

void record_free_tapes(struct pg_recording *recording)
{
    for (size_t i = 0; i < recording->count; i++) {
        buf_fini(&recording->tapes[i]->rows);
        buf_fini(&recording->tapes[i]->copied);
    }
    free(recording->tapes);
    arena_fini(&recording->arena);
}

static void release(struct pg_recording *recording)
{
    record_free_tapes(recording);
    record_redaction_free(&recording->redaction);
}

void pg_record_end(struct seam_pg_mock *mock)
{
    struct pg_recording *recording = mock->recording;

    if (!recording)
        return;
    loop_lock();
    loop_wait(nobody_logs_in, recording, 0);
    loop_unlock();
    if (recording->mode == SEAM_PG_RECORD)
        save(recording);
    else if (!recording->partial)
        say_unused(recording);
    if (recording->mode == SEAM_PG_VERIFY)
        record_verify(recording);
    loop_lock();
    mock->recording = NULL;
    release(recording);
    loop_unlock();
}

/* ---- the beginning */

static int mode_of(const struct pg_recording *recording, int asked)
{
    bool records = asked == SEAM_PG_RECORD || t_wants_update() ||
                   (asked == SEAM_PG_ONCE && access(recording->path, F_OK) < 0);

    if (records)
        return SEAM_PG_RECORD;
    return asked == SEAM_PG_VERIFY || t_wants_verify() ? SEAM_PG_VERIFY : SEAM_PG_REPLAY;
}

/* A database of the test's own, which only recording and verifying need. It has to outlive the mock, and so is
 * taken before it. */
static const char *lease(seam_t *t, struct pg_recording *recording,
                         const seam_pg_record_options *options)
{
    const seam_postgres_options wanted = { .migrations = options->migrations,
                                           .seed = options->seed,
                                           .site = options->site };
    seam_postgres *pg;
    const char *why;
    int r = postgres_try(t, &wanted, &pg, &why);

    if (r == -ENOENT && recording->mode != SEAM_PG_VERIFY)
        t_unavailable_at(t, options->site, "%s", why);
    if (r < 0 && r != -ENOENT)
        seam_fatal_at(t, options->site, "%s", why);
    if (r == 0)
        return seam_postgres_conninfo(pg);
    recording->unavailable = arena_copy(t_arena(t), why, strcspn(why, "\n"));
    return NULL;
}

/* Where the real server is. What says nothing of it can be verified by nobody. */
static int take_address(seam_t *t, struct pg_recording *recording, const char *conninfo,
                        struct err *err)
{
    struct err why;

    if (recording->unavailable)
        return 0;
    if (!conninfo && recording->mode == SEAM_PG_VERIFY) {
        recording->unavailable = "there is no conninfo of the real server";
        return 0;
    }
    if (!conninfo)
        return err_set(err, -EINVAL,
                       "there is no conninfo of the server that is to be recorded\n"
                       "try: .migrations, for a database of the test's own");
    if (record_address_parse(t_arena(t), conninfo, &recording->address, &why) < 0)
        return err_set(err, -EINVAL, "conninfo: %s", why.text);
    return 0;
}

static int check_options(const seam_pg_record_options *options, struct err *err)
{
    if (options->mode < SEAM_PG_REPLAY || options->mode > SEAM_PG_VERIFY)
        return err_set(err, -EINVAL, ".mode %d is none of enum seam_pg_record_mode",
                       options->mode);
    return 0;
}

static int open_recording(seam_t *t, struct pg_recording *recording, const char *conninfo,
                          const seam_pg_record_options *options, struct err *err)
{
    int r = check_options(options, err);

    if (r == 0)
        r = record_redaction_parse(t_arena(t), options->redact, &recording->redaction, err);
    if (r == 0 && recording->mode == SEAM_PG_RECORD)
        r = record_check_free(recording, err);
    else if (r == 0)
        r = record_read(recording, seam_name(t), err);
    if (r == 0 && recording->mode != SEAM_PG_REPLAY)
        r = take_address(t, recording, conninfo, err);
    return r;
}

static void use(struct seam_pg_mock *mock, struct pg_recording *recording)
{
    loop_lock();
    recording->mock = mock;
    mock->recording = recording;
    mock->options.version = recording->server;
    if (recording->mode != SEAM_PG_VERIFY && mock->transcript) {
        pg_transcript_fini(mock->transcript);
        mock->transcript = NULL;
    }
    loop_unlock();
}

seam_pg_mock *seam_pg_mock_record_at(seam_t *t, const char *conninfo, const char *file,
                                     const seam_pg_record_options *options)
{
    struct pg_recording *recording = arena_zero(t_arena(t), sizeof *recording);
    seam_pg_mock_options own = { .origin = options->origin, .site = options->site };
    struct err err;
    int r;

    recording->site = options->site;
    recording->file = arena_dup(t_arena(t), file);
    recording->path = t_source_path(t, options->site, file);
    recording->partial = options->partial;
    recording->mode = mode_of(recording, options->mode);
    own.verify = recording->mode == SEAM_PG_VERIFY;
    if (!conninfo && recording->mode != SEAM_PG_REPLAY &&
        (options->migrations || options->seed))
        conninfo = lease(t, recording, options);
    r = open_recording(t, recording, conninfo, options, &err);
    if (r == 0) {
        use(seam_pg_mock_start_at(t, &own), recording);
        return recording->mock;
    }
    release(recording);
    if (r == -ENOENT)
        seam_fatal_at(t, options->site, "%s\ntry: seam test -update -run '^%s$'", err.text,
                      seam_name(t));
    seam_fatal_at(t, options->site, "%s", err.text);
}
