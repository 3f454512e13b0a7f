/* pg/mock.c - the functions of seam/pg_mock.h, and the life of a mock. */

#include "pg/mock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "double/deny.h"
#include "link/link.h"
#include "pg/origin.h"
#include "pg/record.h"
#include "pg/session.h"
#include "pg/transcript.h"
#include "test/t.h"

#include "base/hostile.h"

enum { STOP_MS = 5000 };

/* ---- the end */

struct unused {
    struct seam_pg_mock *mock;
    bool as_notes;
};

static void say_unused(void *arg, seam_site site, const char *text)
{
    struct unused *unused = arg;

    if (unused->as_notes)
        seam_log_at(unused->mock->t, site, "%s", text);
    else
        seam_error_at(unused->mock->t, site, "%s", text);
}

static bool is_free(void *arg)
{
    const struct seam_pg_mock *mock = arg;

    return !mock->choosing;
}

/* Code of a rule's that runs is waited for: it uses memory that goes with the test. */
static void wait_until_free(struct seam_pg_mock *mock)
{
    if (loop_wait(is_free, mock, deadline_after_ms(STOP_MS)))
        return;
    seam_error_at(mock->t, mock->site,
                  "a function of a rule has not returned %d s after the test's end",
                  STOP_MS / 1000);
    loop_wait(is_free, mock, 0);
}

static void disconnect(struct seam_pg_mock *mock)
{
    loop_lock();
    mock->stopped = true;
    loop_wake_waiters();
    running_remove(&mock->running);
    if (mock->listens)
        listener_stop(&mock->listener);
    wait_until_free(mock);
    while (mock->sessions)
        stream_drop(&mock->sessions->stream, !mock->sessions->ask);
    loop_unlock();
}

static void release(struct seam_pg_mock *mock)
{
    struct pg_retired *retired;

    pg_rule_set_free(mock->rules);
    mock->rules = NULL;
    while ((retired = mock->retired)) {
        mock->retired = retired->next;
        pg_rule_set_free(retired->set);
        free(retired);
    }
    tls_server_free(mock->tls);
    pg_journal_clear(&mock->journal);
    pg_shown_fini(&mock->shown);
    buf_fini(&mock->words);
    buf_fini(&mock->body);
    if (mock->transcript)
        pg_transcript_fini(mock->transcript);
    mock->transcript = NULL;
}

static void say_end(struct seam_pg_mock *mock)
{
    struct unused unused = { mock, seam_failed(mock->t) };

    pg_rule_unused(mock->rules, say_unused, &unused);
    if (mock->told.untold > 0)
        seam_log_at(mock->t, mock->site, "%u more statement%s to '%s' %s not expected",
                    mock->told.untold, mock->told.untold == 1 ? "" : "s", mock->name,
                    mock->told.untold == 1 ? "was" : "were");
}

/* Copes with a mock that is half built. */
static void stop(void *arg)
{
    struct seam_pg_mock *mock = arg;
    struct err err;

    if (!mock->has_own_address && mock->name && link_check_again(&err) < 0)
        seam_error_at(mock->t, mock->site, "%s", err.text);
    pg_mock_route_remove(mock);
    if (mock->denies)
        net_deny_end(mock->t);
    disconnect(mock);
    say_end(mock);
    if (mock->recording)
        pg_record_end(mock);
    else if (mock->transcript)
        pg_verify(mock);
    if (mock->denies)
        pg_fact_end(mock);
    loop_lock();
    release(mock);
    loop_unlock();
}

/* ---- the beginning */

static void copy_options(struct seam_pg_mock *mock, const seam_pg_mock_options *options)
{
    struct arena *arena = t_arena(mock->t);
    seam_pg_mock_options *own = &mock->options;

    *own = *options;
    own->origin = arena_dup(arena, options->origin);
    own->migrations =
        options->migrations ? t_source_path(mock->t, mock->site, options->migrations) : NULL;
    own->seed = options->seed ? t_source_path(mock->t, mock->site, options->seed) : NULL;
    own->version = arena_dup(arena, options->version);
    own->user = arena_dup(arena, options->user);
    own->password = arena_dup(arena, options->password);
    own->database = arena_dup(arena, options->database);
}

static struct seam_pg_mock *new_mock(seam_t *t, const seam_pg_mock_options *options)
{
    struct seam_pg_mock *mock = arena_zero(t_arena(t), sizeof *mock);

    mock->t = t;
    mock->site = options->site;
    mock->rules = pg_rule_set_new();
    copy_options(mock, options);
    seam_cleanup(t, stop, mock);
    return mock;
}

/* A name of its own. */
static int take_port(struct seam_pg_mock *mock, struct pg_origin *origin, struct err *err)
{
    int r;

    mock->has_own_address = true;
    loop_lock();
    r = pg_mock_listen(mock, err);
    loop_unlock();
    *origin = (struct pg_origin){ .host = "127.0.0.1", .port = mock->listener.port };
    return r;
}

static void take_address(struct seam_pg_mock *mock, struct pg_origin *origin)
{
    struct arena *arena = t_arena(mock->t);
    const seam_pg_mock_options *options = &mock->options;

    origin->user = options->user ? options->user : origin->user ? origin->user : "seam";
    if (options->password)
        origin->password = options->password;
    if (options->database || !origin->database)
        origin->database = options->database ? options->database : "seam";
    mock->host = origin->host;
    mock->port = origin->port;
    mock->user = origin->user;
    mock->database = origin->database;
    mock->conninfo = pg_origin_conninfo(arena, origin);
    mock->url = pg_origin_url(arena, origin);
    origin->password = NULL;
    mock->name = pg_origin_url(arena, origin);
}

/* The authority's PEM text is kept as long as the process. */
static int take_certificate(struct seam_pg_mock *mock, const char **ret_authority,
                            struct err *err)
{
    const char *names[] = { mock->host, NULL };
    struct tls_options options = { .names = names, .any_name = true };
    int r = tls_server_new(&mock->tls, &options, err);

    if (r == 0)
        *ret_authority = tls_authority_pem(err);
    return r < 0 ? r : *ret_authority ? 0 : -EIO;
}

/* Without hooks a mock that has an address of its own still works: by its listener. */
static int take_route(struct seam_pg_mock *mock, struct err *err)
{
    link_private_fd = t_private_fd;
    if (mock->has_own_address && net_check_hooks(NULL) < 0)
        return 0;
    return pg_mock_route_add(mock, err);
}

static int check_options(const seam_pg_mock_options *options, struct err *err)
{
    if (options->auth != SEAM_PG_TRUST && !options->password)
        return err_set(err, -EINVAL, "an .auth that asks for a password needs .password");
    if (options->auth == SEAM_PG_TRUST && options->password)
        return err_set(err, -EINVAL,
                       ".password without .auth: nobody asks for it\n"
                       "try: .auth = SEAM_PG_SCRAM");
    return 0;
}

/* What link/ does is done without the loop's lock: it calls us with its own lock held. */
static int begin(struct seam_pg_mock *mock, struct err *err)
{
    const char *authority = NULL, *text = mock->options.origin;
    struct pg_origin origin;
    int r = check_options(&mock->options, err);

    if (r == 0)
        r = text ? pg_origin_parse(t_arena(mock->t), text, &origin, err)
                 : take_port(mock, &origin, err);
    if (r == 0 && text)
        r = net_check_hooks(err);
    if (r < 0)
        return r;
    take_address(mock, &origin);
    mock->running = (struct running){ NULL, mock->host, mock->port, mock->site };
    loop_lock();
    r = running_add(&mock->running, err);
    if (r == 0 && mock->options.tls)
        r = take_certificate(mock, &authority, err);
    loop_unlock();
    if (r == 0 && authority)
        r = link_trust(authority, err);
    return r < 0 ? r : take_route(mock, err);
}

static void keep_transcript(struct seam_pg_mock *mock)
{
    if (!pg_verify_is_wanted(mock))
        return;
    mock->transcript = arena_zero(t_arena(mock->t), sizeof *mock->transcript);
    pg_transcript_init(mock->transcript);
}

seam_pg_mock *seam_pg_mock_start_at(seam_t *t, const seam_pg_mock_options *options)
{
    struct seam_pg_mock *mock = new_mock(t, options);
    struct err err;
    int r = begin(mock, &err);

    if (r < 0 && options->origin)
        seam_fatal_at(t, options->site, "cannot mock '%s': %s",
                      mock->name ? mock->name : options->origin, err.text);
    if (r < 0)
        seam_fatal_at(t, options->site, "cannot start a mock: %s", err.text);
    keep_transcript(mock);
    pg_fact_begin(mock);
    mock->denies = true;
    net_deny_begin(t, options->site);
    return mock;
}

const char *seam_pg_mock_conninfo(const seam_pg_mock *mock)
{
    return mock->conninfo;
}

const char *seam_pg_mock_url(const seam_pg_mock *mock)
{
    return mock->url;
}

/* ---- rules */

/* Lock the rules: not while code of a rule's looks at them. */
static void lock_rules(struct seam_pg_mock *mock)
{
    loop_lock();
    loop_wait(is_free, mock, 0);
}

void seam_pg_expect_at(seam_pg_mock *mock, const seam_pg_rule *rule)
{
    const char *folder = rule->csv_file ? t_source_path(mock->t, rule->site, ".") : NULL;
    struct err err;
    int r;

    if (mock->recording)
        seam_fatal_at(mock->t, rule->site,
                      "this mock answers from '%s', and has no rules\ntry: a mock of its own",
                      mock->recording->file);
    lock_rules(mock);
    r = pg_rule_add(mock->rules, rule, folder, &err);
    loop_unlock();
    if (r < 0)
        seam_fatal_at(mock->t, rule->site, "%s", err.text);
}

void seam_pg_unordered(seam_pg_mock *mock)
{
    struct arena arena = { 0 };
    seam_site site = mock->site;
    const char *words;

    lock_rules(mock);
    pg_rule_set_unordered(mock->rules);
    words = arena_dup(t_arena(mock->t), pg_rule_set_ambiguity(mock->rules, &arena, &site));
    loop_unlock();
    arena_fini(&arena);
    if (words)
        seam_fatal_at(mock->t, site, "%s", words);
}

/* Portals, asks that are open and transcripts point to rules. */
static void retire_rules(struct seam_pg_mock *mock)
{
    struct pg_retired *retired = calloc(1, sizeof *retired);

    if (!retired)
        arena_give_up(sizeof *retired);
    *retired = (struct pg_retired){ mock->retired, mock->rules };
    mock->retired = retired;
    mock->rules = pg_rule_set_new();
}

void seam_pg_mock_reset(seam_pg_mock *mock)
{
    lock_rules(mock);
    if (mock->sessions || mock->transcript)
        retire_rules(mock);
    else
        pg_rule_set_clear(mock->rules);
    pg_journal_clear(&mock->journal);
    mock->told = (struct told){ .count = 0 };
    loop_unlock();
}

/* ---- sessions and statements */

/* Any of them may die of what is done to another. */
static void for_each_session(seam_pg_mock *mock,
                             void (*fn)(struct pg_session *session, const char *const *words),
                             const char *const *words)
{
    struct pg_session **all;
    size_t count = 0;

    loop_lock();
    for (struct pg_session *at = mock->sessions; at; at = at->next)
        count++;
    all = calloc(count + 1, sizeof(struct pg_session *));
    if (!all)
        arena_give_up(count * sizeof *all);
    count = 0;
    for (struct pg_session *at = mock->sessions; at; at = at->next) {
        stream_enter(&at->stream);
        all[count++] = at;
    }
    for (size_t i = 0; i < count; i++) {
        fn(all[i], words);
        stream_leave(&all[i]->stream);
    }
    free(all);
    loop_unlock();
}

static void notify_one(struct pg_session *session, const char *const *words)
{
    pg_session_notify(session, 0, words[0], words[1]);
}

void seam_pg_notify(seam_pg_mock *mock, const char *channel, const char *payload)
{
    const char *const words[] = { channel, payload ? payload : "" };

    for_each_session(mock, notify_one, words);
}

static void kill_one(struct pg_session *session, const char *const *words)
{
    (void)words;
    pg_session_kill(session);
}

void seam_pg_kill(seam_pg_mock *mock)
{
    for_each_session(mock, kill_one, NULL);
}

int seam_pg_mock_count(const seam_pg_mock *mock)
{
    size_t count;

    loop_lock();
    count = mock->journal.count;
    loop_unlock();
    return (int)count;
}

const seam_pg_call *seam_pg_mock_call(const seam_pg_mock *mock, int n)
{
    struct seam_pg_mock *same = (struct seam_pg_mock *)mock; /* it notes what it hands out */
    const seam_pg_call *call;

    loop_lock();
    call = n < 0 ? NULL : pg_journal_call(&same->journal, (size_t)n, t_arena(mock->t));
    loop_unlock();
    return call;
}
