/* http/cassette.c - answer from recorded exchanges, or record them; see cassette.h. */

#include "http/cassette.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/mock_pass.h"
#include "http/origin.h"
#include "test/mask.h"
#include "test/t.h"

#include "base/hostile.h"

enum { WORDS_MAX = 64 << 10 };

struct tape *cassette_add(struct cassette *cassette)
{
    struct tape *tape = arena_zero(&cassette->arena, sizeof *tape);

    if (cassette->count == cassette->room) {
        size_t room = cassette->room ? 2 * cassette->room : 16;
        struct tape **more = realloc(cassette->tapes, room * sizeof *more);

        if (!more)
            arena_give_up(room * sizeof *more);
        cassette->tapes = more;
        cassette->room = room;
    }
    return cassette->tapes[cassette->count++] = tape;
}

/* ---- replaying */

static bool is_same_call(const struct cassette *cassette, struct arena *arena,
                         const struct tape *tape, const struct http_message *request)
{
    return strcmp(tape->method, request->method) == 0 &&
           strcmp(tape->target,
                  cassette_redact_target(&cassette->redaction, arena, request->target)) == 0 &&
           cassette_same_body(cassette, arena, tape, request);
}

static struct tape *find_unused(struct cassette *cassette, struct mock_call *call)
{
    for (size_t i = 0; i < cassette->count; i++) {
        struct tape *tape = cassette->tapes[i];

        if (!tape->used && is_same_call(cassette, &call->arena, tape, &call->entry->request))
            return tape;
    }
    return NULL;
}

static bool is_near(struct mock_call *call, const struct tape *tape)
{
    const struct http_message *request = &call->entry->request;
    struct http_target asked = http_target_split(request->target);
    struct http_target recorded = http_target_split(tape->target);

    return strcmp(tape->method, request->method) == 0 &&
           asked.path_size == recorded.path_size &&
           memcmp(asked.path, recorded.path, asked.path_size) == 0;
}

/* Why no line answers: it has been used, or it is a little different. */
static void explain(struct cassette *cassette, struct mock_call *call, struct buf *to)
{
    const struct http_message *request = &call->entry->request;

    for (size_t i = 0; i < cassette->count; i++) {
        const struct tape *tape = cassette->tapes[i];

        if (!is_near(call, tape))
            continue;
        if (is_same_call(cassette, &call->arena, tape, request)) {
            buf_printf(to, "line %d has been replayed already\n", tape->line);
            continue;
        }
        buf_printf(to, "line %d | request\n", tape->line);
        cassette_show_difference(cassette, &call->arena, tape, request, to);
        return;
    }
}

static void refuse(struct cassette *cassette, struct mock_call *call)
{
    struct buf words = BUF_INIT(WORDS_MAX);

    buf_printf(&words, "no exchange of '%s' answers it\n", cassette->file);
    explain(cassette, call, &words);
    buf_printf(&words, "try: seam test -update -run '^%s$'", seam_name(cassette->mock->t));
    call->note = "not recorded";
    mock_fail(call, cassette->site, 501, arena_dup(&call->arena, buf_text(&words)));
    buf_fini(&words);
}

static void replay(struct mock_call *call, const struct tape *tape)
{
    call->note = "recorded";
    call->message = tape->answer;
    mock_answer(call);
}

/* ---- verifying */

static void verified(struct mock_call *call, const struct http_message *answer,
                     const char *error)
{
    struct cassette *cassette = call->mock->cassette;
    struct buf words = BUF_INIT(WORDS_MAX);

    if (!answer)
        buf_printf(&words, "no answer: %s\n", error);
    else
        cassette_compare(cassette, &call->arena, call->tape, answer, &words);
    if (words.size > 0)
        seam_error_at(cassette->mock->t, cassette->site,
                      "%s: the real origin answers otherwise than line %d of '%s'\n"
                      "recorded | now\n%s",
                      mock_call_name(call), call->tape->line, cassette->file, buf_text(&words));
    buf_fini(&words);
    replay(call, call->tape);
}

/* ---- recording */

static void take_request(struct cassette *cassette, struct tape *tape,
                         const struct http_message *request)
{
    const struct cassette_redaction *redaction = &cassette->redaction;
    struct arena *arena = &cassette->arena;

    tape->method = arena_dup(arena, request->method);
    tape->target = arena_dup(arena, cassette_redact_target(redaction, arena, request->target));
    tape->body = cassette_redact_body(redaction, arena, request->body, request->body_size,
                                      &tape->body_size);
}

static void take_answer(struct cassette *cassette, struct tape *tape,
                        const struct http_message *answer)
{
    const struct cassette_redaction *redaction = &cassette->redaction;

    tape->answer.status = answer->status;
    tape->answer.fields = cassette_redact_fields(redaction, &cassette->arena, &answer->fields);
    tape->answer.body = cassette_redact_body(redaction, &cassette->arena, answer->body,
                                             answer->body_size, &tape->answer.body_size);
}

static void recorded(struct mock_call *call, const struct http_message *answer,
                     const char *error)
{
    struct cassette *cassette = call->mock->cassette;

    if (!answer) {
        mock_fail(call, cassette->site, 502,
                  arena_printf(&call->arena, "the real origin gave no answer: %s", error));
        return;
    }
    take_answer(cassette, call->tape, answer);
    call->note = "from the real origin";
    mock_pass_copy(call, answer);
    mock_answer(call);
}

/* ---- */

static void ask(struct mock_call *call, mock_pass_fn *done)
{
    struct err err;

    if (mock_pass_ask(call, done, &err) < 0)
        mock_fail(call, call->mock->cassette->site, 502, err.text);
}

void cassette_answer(struct mock_call *call)
{
    struct cassette *cassette = call->mock->cassette;
    struct tape *tape;

    if (cassette->mode == SEAM_HTTP_RECORD) {
        call->tape = cassette_add(cassette);
        take_request(cassette, call->tape, &call->entry->request);
        ask(call, recorded);
        return;
    }
    tape = find_unused(cassette, call);
    if (!tape) {
        refuse(cassette, call);
        return;
    }
    tape->used = true;
    call->tape = tape;
    if (cassette->mode == SEAM_HTTP_VERIFY)
        ask(call, verified);
    else
        replay(call, tape);
}

/* ---- the end */

static void save(struct cassette *cassette)
{
    seam_t *t = cassette->mock->t;
    struct err err;
    size_t count;

    if (seam_failed(t))
        seam_log_at(t, cassette->site, "'%s' was not written, since the test failed",
                    cassette->file);
    else if (cassette_write(cassette, &count, &err) < 0)
        seam_error_at(t, cassette->site, "%s", err.text);
    else
        seam_log_at(t, cassette->site, "wrote '%s' (%zu exchanges)", cassette->file, count);
}

static void say_unused(const struct cassette *cassette)
{
    seam_t *t = cassette->mock->t;
    bool as_notes = seam_failed(t);

    for (size_t i = 0; i < cassette->count; i++) {
        const struct tape *tape = cassette->tapes[i];
        struct buf target = BUF_INIT(WORDS_MAX);

        if (tape->used)
            continue;
        mask_url(&target, tape->target);
        (as_notes ? seam_log_at : seam_error_at)(
            t, cassette->site, "line %d of '%s' was never replayed: %s %s", tape->line,
            cassette->file, tape->method, buf_text(&target));
        buf_fini(&target);
    }
}

void cassette_close(struct seam_http_mock *mock)
{
    struct cassette *cassette = mock->cassette;

    if (!cassette)
        return;
    if (cassette->mode == SEAM_HTTP_RECORD)
        save(cassette);
    else if (cassette->all_used)
        say_unused(cassette);
    free(cassette->tapes);
    arena_fini(&cassette->arena);
    mock->cassette = NULL;
}

/* ---- the beginning */

static int mode_of(const struct cassette *cassette, int asked)
{
    if (asked != SEAM_HTTP_RECORD && t_wants_update())
        return SEAM_HTTP_RECORD;
    if (asked == SEAM_HTTP_ONCE)
        return access(cassette->path, F_OK) == 0 ? SEAM_HTTP_REPLAY : SEAM_HTTP_RECORD;
    return asked;
}

static int open_tapes(struct cassette *cassette, const seam_http_record_options *options,
                      struct err *err)
{
    struct seam_http_mock *mock = cassette->mock;
    int r =
        cassette_redaction_parse(t_arena(mock->t), options->redact, &cassette->redaction, err);

    if (r < 0)
        return r;
    if (options->mode < SEAM_HTTP_REPLAY || options->mode > SEAM_HTTP_VERIFY)
        return err_set(err, -EINVAL, ".mode %d is none of enum seam_http_record_mode",
                       options->mode);
    cassette->mode = mode_of(cassette, options->mode);
    if (cassette->mode != SEAM_HTTP_RECORD)
        r = cassette_read(cassette, err);
    if (r == 0 && cassette->mode != SEAM_HTTP_REPLAY)
        r = mock_pass_open(mock, options->address, err);
    return r;
}

seam_http_mock *seam_http_mock_record_at(seam_t *t, const char *origin, const char *file,
                                         const seam_http_record_options *options)
{
    struct seam_http_mock *mock = mock_start(t, options->site, origin, false);
    struct cassette *cassette = arena_zero(t_arena(t), sizeof *cassette);
    struct err err;
    int r;

    cassette->mock = mock;
    cassette->site = options->site;
    cassette->file = arena_dup(t_arena(t), file);
    cassette->path = t_source_path(t, options->site, file);
    cassette->all_used = options->all_used;
    loop_lock();
    r = open_tapes(cassette, options, &err);
    if (r == 0)
        mock->cassette = cassette;
    loop_unlock();
    if (r == -ENOENT)
        seam_fatal_at(t, options->site, "%s\ntry: seam test -update -run '^%s$'", err.text,
                      seam_name(t));
    if (r < 0)
        seam_fatal_at(t, options->site, "%s", err.text);
    return mock;
}
