/* http/mock_serve.c - a request comes to a mock: who answers it, when, and what is said about it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_name.h"
#include "base/deadline.h"
#include "http/cassette.h"
#include "http/handler.h"
#include "http/mock.h"
#include "http/mock_pass.h"
#include "http/origin.h"
#include "test/mask.h"
#include "test/t.h"

#include "base/hostile.h"

enum { TABLE_MAX = 64 << 10, NS_PER_MS = 1000000 };

static struct seam_http_mock *mock_of(struct http_service *service)
{
    return ((struct mock_service *)service)->mock;
}

/* ---- the life of a call */

static void list_call(struct mock_call *call)
{
    struct seam_http_mock *mock = call->mock;

    call->link = mock->last_call;
    *mock->last_call = call;
    mock->last_call = &call->next;
}

static void unlist_call(struct mock_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    else
        call->mock->last_call = call->link;
}

static void free_call(struct mock_call *call)
{
    loop_timer_cancel(&call->timer);
    unlist_call(call);
    journal_entry_release(call->entry);
    buf_fini(&call->wire);
    arena_fini(&call->arena);
    free(call);
    loop_wake_waiters(); /* the mock may be waiting for this one to go */
}

void mock_enter(struct mock_call *call)
{
    call->busy++;
}

void mock_leave(struct mock_call *call)
{
    if (--call->busy == 0 && !call->x)
        free_call(call);
}

static void timer_fired(struct loop_timer *timer)
{
    struct mock_call *call =
        (struct mock_call *)((char *)timer - offsetof(struct mock_call, timer));

    mock_enter(call);
    if (call->x)
        call->then(call);
    mock_leave(call);
}

void mock_after(struct mock_call *call, int ms, void (*then)(struct mock_call *call))
{
    call->then = then;
    call->timer.fire = timer_fired;
    loop_timer_set(&call->timer, now_ns() + (uint64_t)ms * NS_PER_MS);
}

/* The host that the program asks for, as rules compare it. */
static const char *asked_host(struct mock_call *call)
{
    const char *text = http_value(&call->entry->request.fields, "Host");
    const char *host;
    size_t size;

    if (!text)
        return call->mock->host;
    size = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
    if (size > strlen(text) || http_host_parse(&call->arena, text, size, &host, NULL) < 0)
        return call->mock->host;
    return host;
}

/* "https://api.pay.test"; for all names that end so the one that was asked for. */
static const char *origin_of(const struct seam_http_mock *mock,
                             const struct http_message *request, struct arena *arena)
{
    const char *host = http_value(&request->fields, "Host");

    if (*mock->host != '.' || !host)
        return mock->origin;
    return arena_printf(arena, "%s://%s", mock->scheme, host);
}

static struct mock_call *new_call(struct seam_http_mock *mock, struct http_exchange *x)
{
    struct mock_call *call = calloc(1, sizeof *call);

    if (!call)
        arena_give_up(sizeof *call);
    call->mock = mock;
    call->x = x;
    call->begin_ns = x->begin_ns;
    call->wire = BUF_INIT(http1_usual_limits.body * 2);
    call->entry =
        journal_add(&mock->journal, origin_of(mock, x->request, &call->arena), x->request);
    call->call = (struct http_call){ .message = &call->entry->request,
                                     .scheme = mock->scheme,
                                     .host = asked_host(call),
                                     .port = mock->port,
                                     .arena = &call->arena };
    list_call(call);
    x->user = call;
    return call;
}

/* ---- what is said */

static void report(struct mock_call *call)
{
    const seam_http_call *said = &call->entry->call;
    char status[HTTP_STATUS_TEXT];

    t_exchange(call->mock->t,
               &(struct t_exchange){
                   .seam = "http",
                   .method = said->method,
                   .what = said->url,
                   .answer = said->status > 0 ? http_status_text(status, said->status) : NULL,
                   .begin_ns = call->begin_ns,
                   .elapsed_ns = now_ns() - call->begin_ns,
                   .body = call->message.body,
                   .body_size = call->in_our_words ? 0 : call->message.body_size,
                   .note = call->note });
}

void mock_no_connection(struct seam_http_mock *mock, const char *host, int port,
                        const char *answer)
{
    char what[300];

    snprintf(what, sizeof what, "connect %s:%d", host, port);
    t_exchange(mock->t,
               &(struct t_exchange){
                   .seam = "http", .what = what, .answer = answer, .begin_ns = now_ns() });
}

void mock_ended(struct http_service *service, struct http_exchange *x)
{
    struct mock_call *call = x->user;

    (void)service;
    if (!call)
        return;
    mock_enter(call);
    call->x = NULL;
    x->user = NULL;
    loop_timer_cancel(&call->timer);
    if (call->entry->call.status == 0 && !call->note) {
        call->entry->call.status = x->status;
        if (!x->answered)
            call->note = "the program closed the connection";
    }
    call->entry->ended = true;
    report(call);
    mock_leave(call);
}

void mock_malformed(struct http_service *service, struct http_connection *connection,
                    const struct http1_error *error)
{
    struct seam_http_mock *mock = mock_of(service);

    if (error->status > 0)
        seam_error_at(mock->t, mock->site,
                      "'%s' got what is no HTTP request and answered %d: %s", mock->origin,
                      error->status, error->text);
    else if (error->reset)
        seam_error_at(mock->t, mock->site, "'%s' got what is no HTTP/2: %s", mock->origin,
                      error->text);
    else if (service == &mock->services[TLS_SOUND].base)
        seam_log_at(mock->t, mock->site, "'%s': the program (%s) ended the TLS handshake: %s",
                    mock->origin, http_connection_peer(connection), error->text);
}

/* ---- answering */

static void call_observer(seam_t *t, void *arg)
{
    struct mock_call *call = arg;

    (void)t;
    call->mock->observer(journal_entry_call(call->entry), call->mock->observer_arg);
}

static void observe_outside(void *arg)
{
    struct mock_call *call = arg;

    t_call(call->mock->t, call_observer, call);
}

/* Before the answer is sent: whoever has it finds done what the observer does. */
static void observe(struct mock_call *call)
{
    if (call->mock->observer)
        loop_outside(observe_outside, call);
}

void mock_answer(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;
    bool is_whole = !reply || reply->fault == SEAM_HTTP_NO_FAULT;

    call->entry->call.status = is_whole ? call->message.status : 0;
    observe(call);
    if (!call->x)
        return;
    if (rule_connection_fault(call->mock->rules, call->call.host, false))
        http_exchange_close_after(
            call->x); /* so that the program connects again, and meets it */
    if (reply)
        answer_send(call);
    else
        http_exchange_reply(call->x, &call->message);
}

/* An answer of ours in plain text. */
static void answer_words(struct mock_call *call, int status, const char *words)
{
    static const struct http_field plain[] = { { "Content-Type", "text/plain" } };

    call->in_our_words = true;
    call->choice = (struct rule_choice){ .rule = NULL };
    call->message = (struct http_message){ .status = status,
                                           .reason = http_reason(status),
                                           .minor = 1,
                                           .fields = { plain, 1 },
                                           .body = words,
                                           .body_size = strlen(words),
                                           .keep_alive = true };
    mock_answer(call);
}

const char *mock_call_name(struct mock_call *call)
{
    const seam_http_call *said = &call->entry->call;
    struct buf name = BUF_INIT(TABLE_MAX);
    const char *copy;

    buf_printf(&name, "%s ", said->method);
    mask_url(&name, said->url);
    copy = name.failed ? said->method : arena_dup(&call->arena, buf_text(&name));
    buf_fini(&name);
    return copy;
}

void mock_fail(struct mock_call *call, seam_site at, int status, const char *words)
{
    const char *name = mock_call_name(call);

    seam_error_at(call->mock->t, at, "%s: %s", name, words);
    answer_words(call, status, arena_printf(&call->arena, "seam: %s: %s\n", name, words));
}

struct http_field mock_field(struct mock_call *call, const char *text)
{
    size_t size = strcspn(text, ":");
    const char *value = text[size] ? text + size + 1 : "";

    value += strspn(value, " \t");
    return (struct http_field){ arena_copy(&call->arena, text, size), value };
}

/* ---- a request that nothing answers */

/* What was not expected, and beside it the rule that was meant. */
static seam_site describe_unexpected(struct mock_call *call, struct buf *words)
{
    const struct rule *forbidding = call->choice.forbidden ? call->choice.rule : NULL;
    struct buf table = BUF_INIT(TABLE_MAX);
    seam_site nearest;

    buf_printf(words, "%s ", mock_call_name(call));
    if (forbidding)
        buf_add_text(words, "came, but this rule is .never");
    else if (rule_nearest(call->mock->rules, &call->call, &nearest, &table))
        buf_printf(words, "was not expected; the nearest rule is at %s:%d\n%s",
                   base_name(nearest.file), nearest.line, buf_text(&table));
    else
        buf_add_text(words, "was not expected; the mock has no rules");
    buf_fini(&table);
    return forbidding ? rule_site(forbidding) : call->mock->site;
}

static void say_unexpected(struct mock_call *call)
{
    struct seam_http_mock *mock = call->mock;
    struct buf words = BUF_INIT(2 * TABLE_MAX);
    seam_site site = describe_unexpected(call, &words);

    if (told_is_news(&mock->told, buf_text(&words), words.size))
        seam_error_at(mock->t, site, "%s", buf_text(&words));
    buf_fini(&words);
}

void mock_unexpected(struct mock_call *call)
{
    call->note = "no rule";
    if (!call->mock->lenient || call->choice.forbidden)
        say_unexpected(call);
    answer_words(call, 501,
                 arena_printf(&call->arena,
                              "seam: %s: no rule of this mock matches; see the report of the "
                              "test\n",
                              mock_call_name(call)));
}

/* ---- a request that a rule answers */

/* A handler whose answer is observed before it is sent. */
static void observed_handler(seam_http_exchange *x, void *arg)
{
    struct mock_call *call = arg;

    call->choice.reply->fn(x, call->choice.reply->arg);
    loop_lock();
    call->entry->call.status = http_handler_status(x);
    loop_unlock();
    call->mock->observer(journal_entry_call(call->entry), call->mock->observer_arg);
}

static void run_handler(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;

    if (http_exchange_is_inline(call->x)) {
        http_exchange_defer(call->x);
        return;
    }
    if (call->mock->observer)
        http_handler_run(call->x, call->mock->t, observed_handler, call);
    else
        http_handler_run(call->x, call->mock->t, reply->fn, reply->arg);
}

static void execute(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;
    struct err err;

    call->chosen = true;
    call->entry->call.rule = rule_site(call->choice.rule);
    if (reply->fn)
        run_handler(call);
    else if (rule_reply_message(reply, &call->call, call->choice.rule, &call->message, &err) <
             0)
        mock_fail(call, call->entry->call.rule, 500, err.text);
    else
        mock_answer(call);
}

/* Uniform between both; from a generator of our own, so that the program's rand() stays what it is. */
static int delay_of(const seam_http_reply *reply)
{
    static uint64_t state;

    if (reply->delay_max_ms <= reply->delay_ms)
        return reply->delay_ms;
    if (state == 0)
        state = now_ns() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return reply->delay_ms +
           (int)(state % (uint64_t)(reply->delay_max_ms - reply->delay_ms + 1));
}

static void reply(struct mock_call *call)
{
    int ms = delay_of(call->choice.reply);

    if (ms > 0)
        mock_after(call, ms, execute);
    else
        execute(call);
}

/* ---- choosing */

static void choose(struct mock_call *call);

static void choose_now(seam_t *t, void *arg)
{
    struct mock_call *call = arg;

    (void)t;
    call->choice = rule_choose(call->mock->rules, &call->call);
}

/* What a .matches checks is the test's; a fatal in it leaves the call without a rule. */
static void choose_outside(void *arg)
{
    struct mock_call *call = arg;

    t_call(call->mock->t, choose_now, call);
}

/* A .matches runs on this thread, without the lock; meanwhile whoever else needs the rules waits. */
static void choose_with_user(struct mock_call *call)
{
    struct seam_http_mock *mock = call->mock;

    struct http_exchange *x = call->x;

    http_exchange_hold(x);
    call->call.exchange = http_handler_view(x, mock->t, &call->arena);
    mock->choosing = true;
    loop_outside(choose_outside, call);
    mock->choosing = false;
    http_exchange_release(x);
    loop_wake_waiters();
    for (struct mock_call *other = mock->calls; other; other = other->next)
        if (other->waits && other->x) {
            other->waits = false;
            mock_after(other, 0, choose);
        }
}

/* A tunnel leads to what is no business of this origin's. A rule that refuses one says so with its method. */
static bool wants_tunnel(const struct mock_call *call)
{
    return strcmp(call->entry->call.method, "CONNECT") == 0 &&
           !(call->choice.rule && rule_has_method(call->choice.rule));
}

static void chosen(struct mock_call *call)
{
    if (!call->x)
        return;
    if (wants_tunnel(call) && !call->mock->lenient)
        mock_fail(
            call, call->mock->site, 501,
            "a mock is no proxy: mock the origin that the program wants, and it needs none");
    else if (wants_tunnel(call))
        mock_unexpected(call);
    else if (call->choice.reply && !call->choice.forbidden)
        reply(call);
    else if (!call->choice.forbidden && call->mock->cassette)
        cassette_answer(call);
    else if (!call->choice.forbidden && call->mock->pass)
        mock_pass_on(call);
    else
        mock_unexpected(call);
}

static void choose(struct mock_call *call)
{
    struct seam_http_mock *mock = call->mock;
    bool needs_user;

    if (mock->choosing) {
        call->waits = true;
        return;
    }
    needs_user = rule_needs_user(mock->rules, &call->call);
    if ((needs_user || mock->observer) && http_exchange_is_inline(call->x)) {
        http_exchange_defer(call->x);
        return;
    }
    if (needs_user)
        choose_with_user(call);
    else
        choose_now(mock->t, call);
    chosen(call);
}

void mock_request(struct http_service *service, struct http_exchange *x)
{
    struct seam_http_mock *mock = mock_of(service);
    struct mock_call *call = x->user;

    if (!call && rule_connection_fault(mock->rules, mock->host, false)) {
        http_exchange_abort(x, true); /* the next thing to happen is that nobody is there */
        return;
    }
    if (!call)
        call = new_call(mock, x);
    mock_enter(call);
    if (call->chosen)
        execute(call);
    else
        choose(call);
    mock_leave(call);
}
