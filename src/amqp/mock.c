/* amqp/mock.c - the functions of seam/amqp_mock.h, and the life of a mock. */

#include "amqp/mock.h"

#include <errno.h>
#include <string.h>

#include "amqp/verify.h"
#include "double/deny.h"
#include "link/link.h"
#include "test/t.h"

enum { HEARTBEAT_S = 60, FRAME_MAX = 131072, CHANNEL_MAX = 2047, WORDS_MAX = 1 << 20 };

/* ---- the end ----------------------------------------------------------------------------- */

static void disconnect(struct seam_amqp_mock *mock)
{
    loop_lock();
    running_remove(&mock->running);
    if (mock->listens)
        listener_stop(&mock->listener);
    while (mock->sessions)
        stream_drop(&mock->sessions->stream, true);
    if (mock->door.arg)
        amqp_door_close(mock);
    tls_server_free(mock->tls);
    mock->tls = NULL;
    loop_unlock();
}

/* Copes with a mock that is half built. */
static void stop(void *arg)
{
    struct seam_amqp_mock *mock = arg;
    struct err err;

    if (!mock->has_own_address && mock->name && link_check_again(&err) < 0)
        seam_error_at(mock->t, mock->site, "%s", err.text);
    amqp_mock_route_remove(mock);
    if (mock->denies)
        net_deny_end(mock->t);
    disconnect(mock);
    if (mock->transcript)
        amqp_verify(mock);
    buf_fini(&mock->words);
}

/* ---- the beginning ----------------------------------------------------------------------- */

static void copy_options(struct seam_amqp_mock *mock, const seam_amqp_mock_options *options)
{
    struct arena *arena = t_arena(mock->t);
    seam_amqp_mock_options *own = &mock->options;

    *own = *options;
    own->origin = arena_dup(arena, options->origin);
    own->user = arena_dup(arena, options->user);
    own->password = arena_dup(arena, options->password);
    own->heartbeat_s = options->heartbeat_s ? options->heartbeat_s : HEARTBEAT_S;
    own->frame_max = options->frame_max ? options->frame_max : FRAME_MAX;
    own->channel_max = options->channel_max ? options->channel_max : CHANNEL_MAX;
}

static int check_options(const seam_amqp_mock_options *options, struct err *err)
{
    if (options->heartbeat_s < 0 || options->heartbeat_s > UINT16_MAX)
        return err_set(err, -EINVAL, ".heartbeat_s is not between 0 and 65535");
    if (options->frame_max && options->frame_max < AMQP_FRAME_MIN)
        return err_set(err, -EINVAL, ".frame_max is below 4096");
    if (options->channel_max < 0 || options->channel_max > UINT16_MAX)
        return err_set(err, -EINVAL, ".channel_max is not between 0 and 65535");
    return 0;
}

static struct seam_amqp_mock *new_mock(seam_t *t, const seam_amqp_mock_options *options)
{
    const seam_broker_options broker = { .strict = options->strict, .site = options->site };
    struct seam_amqp_mock *mock = arena_zero(t_arena(t), sizeof *mock);

    mock->t = t;
    mock->site = options->site;
    mock->words = BUF_INIT(WORDS_MAX);
    copy_options(mock, options);
    mock->broker = broker_start(t, &broker);
    seam_cleanup(t, stop, mock);
    return mock;
}

/* An address of its own, whose URL has a user that any server knows. */
static int take_port(struct seam_amqp_mock *mock, struct err *err)
{
    int r;

    mock->has_own_address = true;
    loop_lock();
    r = amqp_mock_listen(mock, err);
    loop_unlock();
    mock->origin =
        (struct amqp_origin){ .host = "127.0.0.1", .vhost = "/", .port = mock->listener.port };
    return r;
}

static void take_names(struct seam_amqp_mock *mock)
{
    struct amqp_origin *origin = &mock->origin;
    struct amqp_origin named = *origin;
    seam_amqp_mock_options *own = &mock->options;

    own->user = own->user ? own->user : origin->user;
    own->password = own->password ? own->password : origin->password;
    named.user = named.password = NULL;
    mock->name = amqp_origin_url(t_arena(mock->t), &named);
    named.user = own->user ? own->user : "guest";
    named.password = own->password ? own->password : "guest";
    mock->url = amqp_origin_url(t_arena(mock->t), &named);
    broker_name_host(mock->broker->core, origin->vhost);
}

/* The authority's PEM text is kept as long as the process. */
static int take_certificate(struct seam_amqp_mock *mock, const char **ret_authority,
                            struct err *err)
{
    const char *names[] = { mock->origin.host, NULL };
    struct tls_options options = { .names = names, .any_name = true };
    int r = tls_server_new(&mock->tls, &options, err);

    if (r == 0)
        *ret_authority = tls_authority_pem(err);
    return r < 0 ? r : *ret_authority ? 0 : -EIO;
}

/* Without hooks a mock that has an address of its own still works: by its listener. */
static int take_route(struct seam_amqp_mock *mock, struct err *err)
{
    link_private_fd = t_private_fd;
    if (mock->has_own_address && net_check_hooks(NULL) < 0)
        return 0;
    return amqp_mock_route_add(mock, err);
}

/* What link/ does is done without the loop's lock: it calls us with its own lock held. */
static int begin(struct seam_amqp_mock *mock, const seam_amqp_mock_options *options,
                 struct err *err)
{
    const char *authority = NULL;
    int r = check_options(options, err);

    if (r == 0)
        r = options->origin
                ? amqp_origin_parse(t_arena(mock->t), options->origin, &mock->origin, err)
                : take_port(mock, err);
    if (r == 0 && options->origin)
        r = net_check_hooks(err);
    if (r < 0)
        return r;
    take_names(mock);
    mock->running = (struct running){ NULL, mock->origin.host, mock->origin.port, mock->site };
    loop_lock();
    r = running_add(&mock->running, err);
    if (r == 0 && mock->origin.tls)
        r = take_certificate(mock, &authority, err);
    if (r == 0)
        amqp_door_open(mock);
    loop_unlock();
    if (r == 0 && authority)
        r = link_trust(authority, err);
    return r < 0 ? r : take_route(mock, err);
}

seam_amqp_mock *seam_amqp_mock_start_at(seam_t *t, const seam_amqp_mock_options *options)
{
    struct seam_amqp_mock *mock = new_mock(t, options);
    struct err err;
    int r = begin(mock, options, &err);

    if (r < 0 && options->origin)
        seam_fatal_at(t, options->site, "cannot mock '%s': %s",
                      mock->name ? mock->name : options->origin, err.text);
    if (r < 0)
        seam_fatal_at(t, options->site, "cannot start a mock: %s", err.text);
    amqp_verify_begin(mock);
    mock->denies = true;
    net_deny_begin(t, options->site);
    return mock;
}

/* ---- */

seam_broker *seam_amqp_mock_broker(seam_amqp_mock *mock)
{
    return mock->broker;
}

const char *seam_amqp_mock_url(const seam_amqp_mock *mock)
{
    return mock->url;
}

int seam_amqp_mock_port(const seam_amqp_mock *mock)
{
    return mock->origin.port;
}

size_t seam_amqp_mock_connections(const seam_amqp_mock *mock)
{
    size_t count = 0;

    loop_lock();
    for (const struct amqp_session *at = mock->sessions; at; at = at->next)
        count += amqp_server_is_open(at->server);
    loop_unlock();
    return count;
}

/* ---- failures ---------------------------------------------------------------------------- */

static void close_one(struct amqp_session *session)
{
    amqp_server_close(session->server, "CONNECTION_FORCED - Closed via management plugin");
    amqp_session_run(session);
    amqp_session_send(session);
}

static void reset_one(struct amqp_session *session)
{
    stream_close(&session->stream, true);
}

static void stall_one(struct amqp_session *session)
{
    session->stalled = true;
    stream_set_crowded(&session->stream, true);
}

static void unblock_one(struct amqp_session *session)
{
    if (!session->blocked)
        return;
    session->blocked = false;
    if (amqp_server_can(session->server, "connection.blocked"))
        amqp_add_method(amqp_server_out(session->server), 0, AMQP_CONNECTION_UNBLOCKED);
    amqp_session_run(session);
}

void seam_amqp_mock_fail_at(seam_amqp_mock *mock, seam_site at, enum seam_amqp_failure what)
{
    static void (*const each[])(struct amqp_session * session) = {
        [SEAM_AMQP_CLOSE] = close_one,
        [SEAM_AMQP_RESET] = reset_one,
        [SEAM_AMQP_UNBLOCK] = unblock_one,
        [SEAM_AMQP_STALL] = stall_one,
    };

    if ((unsigned)what > SEAM_AMQP_STALL)
        seam_fatal_at(mock->t, at, "seam_amqp_mock_fail: there is no failure %d", (int)what);
    loop_lock();
    amqp_transcribe_stop(mock);
    if (what == SEAM_AMQP_REFUSE || what == SEAM_AMQP_ACCEPT)
        mock->refuses = what == SEAM_AMQP_REFUSE;
    if (what == SEAM_AMQP_BLOCK || what == SEAM_AMQP_UNBLOCK)
        mock->blocks = what == SEAM_AMQP_BLOCK;
    if ((size_t)what < sizeof each / sizeof *each && each[what])
        amqp_session_each(mock, each[what]);
    loop_unlock();
}
