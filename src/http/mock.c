/* http/mock.c - the functions of seam/http_mock.h, and the life of a mock. */

#include "http/mock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "http/cassette.h"
#include "http/mock_pass.h"
#include "double/deny.h"
#include "http/origin.h"
#include "link/link.h"
#include "test/t.h"

#include "base/hostile.h"

enum { STOP_MS = 5000 };

/* ---- the end */

struct unused {
    struct seam_http_mock *mock;
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

static bool is_idle(void *arg)
{
    struct seam_http_mock *mock = arg;

    for (struct mock_call *call = mock->calls; call; call = call->next)
        if (call->busy > 0)
            return false;
    return !mock->choosing;
}

static void name_busy(struct seam_http_mock *mock)
{
    for (struct mock_call *call = mock->calls; call; call = call->next)
        if (call->busy > 0)
            seam_error_at(mock->t, mock->site,
                          "%s has not been answered %d s after the "
                          "test's end: what its rule calls does not return",
                          mock_call_name(call), STOP_MS / 1000);
}

/* Code of a rule's that runs is waited for: it uses memory that goes with the test. */
static void wait_until_idle(struct seam_http_mock *mock)
{
    if (loop_wait(is_idle, mock, deadline_after_ms(STOP_MS)))
        return;
    name_busy(mock);
    loop_wait(is_idle, mock, 0);
}

static void disconnect(struct seam_http_mock *mock)
{
    loop_lock();
    mock->stopped = true;
    for (int flaw = 0; flaw < MOCK_FLAWS; flaw++)
        mock->services[flaw].base.stopping = true;
    loop_wake_waiters();
    running_remove(&mock->running);
    if (mock->listens)
        listener_stop(&mock->listener);
    for (struct mock_call *call = mock->calls; call; call = call->next)
        loop_timer_cancel(&call->timer);
    loop_unlock();
    mock_pass_stop(mock);
    loop_lock();
    wait_until_idle(mock);
    mock_disconnect(mock);
    loop_unlock();
}

static void release(struct seam_http_mock *mock)
{
    struct mock_rules *retired;

    rule_set_free(mock->rules);
    mock->rules = NULL;
    while ((retired = mock->retired)) {
        mock->retired = retired->next;
        rule_set_free(retired->set);
        free(retired);
    }
    for (int flaw = 0; flaw < MOCK_FLAWS; flaw++)
        tls_server_free(mock->services[flaw].base.tls);
    journal_clear(&mock->journal);
}

/* Copes with a mock that is half built. */
static void stop(void *arg)
{
    struct seam_http_mock *mock = arg;
    struct unused unused = { mock, seam_failed(mock->t) };
    struct err err;

    if (mock->origin && link_check_again(&err) < 0)
        seam_error_at(mock->t, mock->site, "%s", err.text);
    mock_route_remove(mock);
    if (mock->denies)
        net_deny_end(mock->t);
    disconnect(mock);
    if (mock->rules)
        rule_unused(mock->rules, say_unused, &unused);
    if (mock->told.untold > 0)
        seam_log_at(mock->t, mock->site, "%u more calls to '%s' were not expected",
                    mock->told.untold, mock->origin);
    cassette_close(mock);
    loop_lock();
    release(mock);
    loop_unlock();
}

/* ---- the beginning */

static struct seam_http_mock *new_mock(seam_t *t, seam_site at, bool http2)
{
    struct seam_http_mock *mock = arena_zero(t_arena(t), sizeof *mock);

    mock->t = t;
    mock->site = at;
    mock->http2 = http2;
    mock->last_call = &mock->calls;
    for (int flaw = 0; flaw < MOCK_FLAWS; flaw++)
        mock->services[flaw] =
            (struct mock_service){ .base = { .http2 = http2,
                                             .limits = &http1_usual_limits,
                                             .request = mock_request,
                                             .ended = mock_ended,
                                             .malformed = mock_malformed,
                                             .closed = mock_closed,
                                             .leave_unread = mock_leave_unread },
                                   .mock = mock };
    seam_cleanup(t, stop, mock);
    return mock;
}

static const char *shown_origin(const struct seam_http_mock *mock)
{
    bool is_ipv6 = strchr(mock->host, ':');
    const char *host =
        is_ipv6 ? arena_printf(t_arena(mock->t), "[%s]", mock->host) : mock->host;

    if (mock->port == (mock->is_tls ? 443 : 80))
        return arena_printf(t_arena(mock->t), "%s://%s", mock->scheme, host);
    return arena_printf(t_arena(mock->t), "%s://%s:%d", mock->scheme, host, mock->port);
}

/* The name under which the program knows it. */
static int take_origin(struct seam_http_mock *mock, const char *origin, struct err *err)
{
    int r = http_origin_parse(t_arena(mock->t), origin, &mock->scheme, &mock->host, &mock->port,
                              err);

    if (r < 0)
        return r;
    mock->is_tls = strcmp(mock->scheme, "https") == 0;
    return net_check_hooks(err);
}

/* A name of its own. */
static int take_port(struct seam_http_mock *mock, struct err *err)
{
    int r;

    mock->has_own_url = true;
    mock->scheme = "http";
    mock->host = "127.0.0.1";
    loop_lock();
    r = mock_listen(mock, err);
    loop_unlock();
    mock->port = mock->listener.port;
    return r;
}

/* The authority's PEM text is kept as long as the process. */
static int take_certificate(struct seam_http_mock *mock, const char **ret_authority,
                            struct err *err)
{
    int r = mock_tls(mock, TLS_SOUND, err);

    if (r == 0)
        *ret_authority = tls_authority_pem(err);
    return r < 0 ? r : *ret_authority ? 0 : -EIO;
}

/* Without hooks a mock that has a URL of its own still works: by its listener. */
static int take_route(struct seam_http_mock *mock, struct err *err)
{
    link_private_fd = t_private_fd;
    if (mock->has_own_url && net_check_hooks(NULL) < 0)
        return 0;
    return mock_route_add(mock, err);
}

/* What link/ does is done without the loop's lock: it calls us with its own lock held. */
static int begin(struct seam_http_mock *mock, const char *origin, struct err *err)
{
    const char *authority = NULL;
    int r = origin ? take_origin(mock, origin, err) : take_port(mock, err);

    if (r < 0)
        return r;
    mock->origin = shown_origin(mock);
    mock->running = (struct running){ NULL, mock->host, mock->port, mock->site };
    loop_lock();
    r = running_add(&mock->running, err);
    if (r == 0 && mock->is_tls)
        r = take_certificate(mock, &authority, err);
    loop_unlock();
    if (r == 0 && authority)
        r = link_trust(authority, err);
    return r < 0 ? r : take_route(mock, err);
}

seam_http_mock *mock_start(seam_t *t, seam_site at, const char *origin, bool http2)
{
    struct seam_http_mock *mock = new_mock(t, at, http2);
    struct err err;
    int r;

    mock->rules = rule_set_new();
    r = begin(mock, origin, &err);
    if (r < 0 && origin)
        seam_fatal_at(t, at, "cannot mock '%s': %s", origin, err.text);
    if (r < 0)
        seam_fatal_at(t, at, "cannot start a mock: %s", err.text);
    mock->denies = true;
    net_deny_begin(t, at);
    return mock;
}

seam_http_mock *seam_http_mock_start_at(seam_t *t, const char *origin,
                                        const seam_http_mock_options *options)
{
    struct seam_http_mock *mock = mock_start(t, options->site, origin, options->http2);

    mock->lenient = options->lenient;
    return mock;
}

const char *seam_http_mock_url(const seam_http_mock *mock, const char *path)
{
    return arena_printf(t_arena(mock->t), "%s%s", mock->origin, path);
}

/* ---- rules */

static bool is_free(void *arg)
{
    const struct seam_http_mock *mock = arg;

    return !mock->choosing;
}

/* Lock the rules: not while a .matches looks at them. */
static void lock_rules(struct seam_http_mock *mock)
{
    loop_lock();
    loop_wait(is_free, mock, 0);
}

static const seam_http_reply *reply_at(const seam_http_rule *rule, int n)
{
    static const seam_http_reply end;
    const seam_http_reply *reply = rule->replies ? &rule->replies[n] : &rule->reply[n];

    if (!rule->replies && n >= SEAM_HTTP_MAX)
        return NULL;
    return memcmp(reply, &end, sizeof end) == 0 ? NULL : reply;
}

static enum tls_flaw flaw_of(int fault)
{
    switch (fault) {
    case SEAM_HTTP_TLS_EXPIRED:
        return TLS_EXPIRED;
    case SEAM_HTTP_TLS_WRONG_NAME:
        return TLS_WRONG_NAME;
    case SEAM_HTTP_TLS_UNKNOWN_CA:
        return TLS_UNKNOWN_CA;
    default:
        return TLS_SOUND;
    }
}

/* Certificates with a flaw are made now, where a failure has a line. */
static int prepare_flaws(struct seam_http_mock *mock, const seam_http_rule *rule,
                         struct err *err)
{
    const seam_http_reply *reply;
    int r = 0;

    for (int n = 0; r == 0 && (reply = reply_at(rule, n)); n++) {
        enum tls_flaw flaw = flaw_of(reply->fault);

        if (flaw == TLS_SOUND)
            continue;
        if (!mock->is_tls)
            return err_set(err, -EINVAL, "a reply has a fault of TLS, but '%s' has no TLS",
                           mock->origin);
        r = mock_tls(mock, flaw, err);
    }
    return r;
}

void seam_http_mock_add(seam_http_mock *mock, const seam_http_rule *rule)
{
    const char *folder = t_source_path(mock->t, rule->site, ".");
    struct err err;
    int r;

    lock_rules(mock);
    r = prepare_flaws(mock, rule, &err);
    if (r == 0)
        r = rule_add(mock->rules, rule, folder, &err);
    loop_unlock();
    if (r < 0)
        seam_fatal_at(mock->t, rule->site, "%s", err.text);
}

/* Calls that are being answered need their rules until then. */
static void retire_rules(struct seam_http_mock *mock)
{
    struct mock_rules *retired = calloc(1, sizeof *retired);

    if (!retired)
        arena_give_up(sizeof *retired);
    *retired = (struct mock_rules){ mock->retired, mock->rules };
    mock->retired = retired;
    mock->rules = rule_set_new();
}

void seam_http_mock_reset(seam_http_mock *mock)
{
    lock_rules(mock);
    if (mock->calls)
        retire_rules(mock);
    else
        rule_set_clear(mock->rules);
    journal_clear(&mock->journal);
    mock->told = (struct told){ .count = 0 };
    loop_unlock();
}

/* ---- calls */

int seam_http_mock_count(const seam_http_mock *mock)
{
    size_t count;

    loop_lock();
    count = mock->journal.count;
    loop_unlock();
    return (int)count;
}

const seam_http_call *seam_http_mock_call(const seam_http_mock *mock, int n)
{
    struct seam_http_mock *same =
        (struct seam_http_mock *)mock; /* it notes what it hands out */
    const seam_http_call *call;

    loop_lock();
    call = n < 0 ? NULL : journal_call(&same->journal, (size_t)n, t_arena(mock->t));
    loop_unlock();
    return call;
}

void seam_http_mock_observe(seam_http_mock *mock,
                            void (*fn)(const seam_http_call *call, void *arg), void *arg)
{
    loop_lock();
    mock->observer = fn;
    mock->observer_arg = arg;
    loop_unlock();
}
