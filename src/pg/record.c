/* pg/record.c - the beginning and the end of a recording; see record.h and seam/pg_mock.h. */

#include "pg/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "pg/session.h"
#include "test/t.h"

#include "base/hostile.h"

enum { WORDS_MAX = 64 << 10, UNUSED_SHOWN = 20 };

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
        (as_notes ? seam_log_at : seam_error_at)(
            t, recording->site, "line %d of '%s' was never replayed: %s", tape->line,
            recording->file, *tape->normal ? tape->normal : "the end of a pipeline");
    }
    if (count > UNUSED_SHOWN)
        seam_log_at(t, recording->site, "... and %d more", count - UNUSED_SHOWN);
}

static bool nobody_logs_in(void *arg)
{
    return ((const struct pg_recording *)arg)->logging_in == 0;
}

static void release(struct pg_recording *recording)
{
    for (size_t i = 0; i < recording->count; i++) {
        buf_fini(&recording->tapes[i]->rows);
        buf_fini(&recording->tapes[i]->copied);
    }
    record_redaction_free(&recording->redaction);
    free(recording->tapes);
    arena_fini(&recording->arena);
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
    loop_lock();
    mock->recording = NULL;
    release(recording);
    loop_unlock();
}

/* ---- the beginning */

static int mode_of(const struct pg_recording *recording, int asked)
{
    if (t_wants_update())
        return SEAM_PG_RECORD;
    if (asked == SEAM_PG_ONCE)
        return access(recording->path, F_OK) == 0 ? SEAM_PG_REPLAY : SEAM_PG_RECORD;
    return asked;
}

static int take_address(struct pg_recording *recording, const char *conninfo, struct err *err)
{
    struct err why;

    if (!conninfo)
        return err_set(err, -EINVAL,
                       "there is no conninfo of the server that is to be recorded");
    if (record_address_parse(&recording->arena, conninfo, &recording->address, &why) < 0)
        return err_set(err, -EINVAL, "conninfo: %s", why.text);
    return 0;
}

static int open_recording(struct pg_recording *recording, const char *conninfo,
                          const seam_pg_record_options *options, struct err *err)
{
    int r =
        record_redaction_parse(&recording->arena, options->redact, &recording->redaction, err);

    if (r < 0)
        return r;
    if (options->mode < SEAM_PG_REPLAY || options->mode > SEAM_PG_VERIFY)
        return err_set(err, -EINVAL, ".mode %d is none of enum seam_pg_record_mode",
                       options->mode);
    recording->mode = mode_of(recording, options->mode);
    if (recording->mode != SEAM_PG_REPLAY)
        r = take_address(recording, conninfo, err);
    if (r == 0 && recording->mode != SEAM_PG_RECORD)
        r = record_read(recording, err);
    return r;
}

seam_pg_mock *seam_pg_mock_record_at(seam_t *t, const char *conninfo, const char *file,
                                     const seam_pg_record_options *options)
{
    const seam_pg_mock_options own = { .origin = options->origin, .site = options->site };
    struct seam_pg_mock *mock = seam_pg_mock_start_at(t, &own);
    struct pg_recording *recording = arena_zero(t_arena(t), sizeof *recording);
    struct err err;
    int r;

    recording->mock = mock;
    recording->site = options->site;
    recording->file = arena_dup(t_arena(t), file);
    recording->path = t_source_path(t, options->site, file);
    recording->partial = options->partial;
    loop_lock();
    r = open_recording(recording, conninfo, options, &err);
    if (r == 0) {
        mock->recording = recording;
        mock->options.version = recording->server;
    } else {
        release(recording);
    }
    loop_unlock();
    if (r == -ENOENT)
        seam_fatal_at(t, options->site, "%s\ntry: seam test -update -run '^%s$'", err.text,
                      seam_name(t));
    if (r < 0)
        seam_fatal_at(t, options->site, "%s", err.text);
    return mock;
}
