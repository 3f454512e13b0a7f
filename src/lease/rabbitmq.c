/* lease/rabbitmq.c - a virtual host of a broker for a test; see seam/rabbitmq.h. */

#include "lease/rabbitmq.h"

#include <string.h>

#include "test/t.h"

/* ---- asking ----------------------------------------------------------------------------- */

int rabbitmq_try(seam_rabbitmq *mq, seam_site at, struct buf *frame, struct message *ret)
{
    int r;

    message_end(frame, 0);
    r = lease_ask(mq->lease, at, frame, ret);
    buf_fini(frame);
    return r;
}

void rabbitmq_ask(seam_rabbitmq *mq, seam_site at, struct buf *frame, struct message *ret,
                  const char *what, const char *of)
{
    if (rabbitmq_try(mq, at, frame, ret) < 0)
        seam_fatal_at(mq->t, at, "rabbitmq: cannot %s '%s': %s", what, of,
                      lease_text(mq->lease, ret, "error"));
}

/* ---- starting --------------------------------------------------------------------------- */

static void check_plugins(seam_t *t, const seam_rabbitmq_options *options)
{
    const char *plugins = options->plugins ? options->plugins : "";
    size_t size = strspn(plugins, "abcdefghijklmnopqrstuvwxyz0123456789_ ");

    if (plugins[size])
        seam_fatal_at(
            t, options->site,
            "'%s' in .plugins: names of plugins, with blanks between them, are wanted",
            plugins);
}

static void write_request(seam_t *t, const seam_rabbitmq_options *options, struct buf *frame)
{
    lease_request(frame, "rabbitmq.start");
    message_add_text(frame, "test", seam_name(t));
    if (options->private_server)
        message_add_int(frame, "private", 1);
    if (options->tls)
        message_add_int(frame, "tls", 1);
    message_add_text(frame, "plugins", options->plugins);
    message_add_text(frame, "image", options->image);
    lease_add_tier(t, options->site, "rabbitmq", frame);
    if (options->definitions)
        message_add_text(frame, "definitions",
                         t_source_path(t, options->site, options->definitions));
    message_end(frame, 0);
}

static void take_answer(seam_rabbitmq *mq, const struct message *answer)
{
    mq->url = lease_text(mq->lease, answer, "url");
    mq->management_url = lease_text(mq->lease, answer, "management_url");
    mq->host = lease_text(mq->lease, answer, "host");
    mq->vhost = lease_text(mq->lease, answer, "vhost");
    mq->user = lease_text(mq->lease, answer, "user");
    mq->password = lease_text(mq->lease, answer, "password");
    mq->version = lease_text(mq->lease, answer, "version");
    mq->ca_file = lease_text(mq->lease, answer, "ca_file");
    mq->port = (int)message_int(answer, "port", 0);
}

seam_rabbitmq *seam_rabbitmq_start_at(seam_t *t, const seam_rabbitmq_options *options)
{
    seam_rabbitmq *mq = arena_zero(t_arena(t), sizeof *mq);
    struct message answer;
    struct buf frame;

    check_plugins(t, options);
    mq->t = t;
    write_request(t, options, &frame);
    mq->lease = lease_start(t, options->site, "rabbitmq", &frame, &answer);
    buf_fini(&frame);
    take_answer(mq, &answer);
    lease_show_log(mq->lease);
    return mq;
}

int rabbitmq_lease_try(seam_t *t, seam_site site, seam_rabbitmq **ret, const char **ret_why)
{
    const seam_rabbitmq_options options = { .site = site };
    seam_rabbitmq *mq = arena_zero(t_arena(t), sizeof *mq);
    struct message answer;
    struct buf frame;
    int r;

    mq->t = t;
    write_request(t, &options, &frame);
    r = lease_try(t, site, "rabbitmq", &frame, &mq->lease, &answer, ret_why);
    buf_fini(&frame);
    if (r < 0)
        return r;
    take_answer(mq, &answer);
    *ret = mq;
    return 0;
}

const char *seam_rabbitmq_url(const seam_rabbitmq *mq)
{
    return mq->url;
}

const char *seam_rabbitmq_host(const seam_rabbitmq *mq)
{
    return mq->host;
}

int seam_rabbitmq_port(const seam_rabbitmq *mq)
{
    return mq->port;
}

const char *seam_rabbitmq_vhost(const seam_rabbitmq *mq)
{
    return mq->vhost;
}

const char *seam_rabbitmq_user(const seam_rabbitmq *mq)
{
    return mq->user;
}

const char *seam_rabbitmq_password(const seam_rabbitmq *mq)
{
    return mq->password;
}

const char *seam_rabbitmq_ca_file(const seam_rabbitmq *mq)
{
    if (!*mq->ca_file)
        seam_fatal_at(mq->t, mq->lease->site, "rabbitmq: it was started without .tls");
    return mq->ca_file;
}

const char *seam_rabbitmq_management_url(const seam_rabbitmq *mq)
{
    return mq->management_url;
}

const char *seam_rabbitmq_version(const seam_rabbitmq *mq)
{
    return mq->version;
}

/* ---- what is in it ---------------------------------------------------------------------- */

void seam_rabbitmq_exchange_at(seam_rabbitmq *mq, seam_site at, const char *name,
                               const char *type)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "exchange");
    message_add_text(&frame, "name", name);
    message_add_text(&frame, "type", type);
    rabbitmq_ask(mq, at, &frame, &answer, "declare the exchange", name);
}

void seam_rabbitmq_queue_at(seam_rabbitmq *mq, const char *name,
                            const seam_rabbitmq_queue_options *options)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "queue");
    message_add_text(&frame, "name", name);
    message_add_text(&frame, "x-dead-letter-exchange", options->dead_letter_exchange);
    message_add_text(&frame, "x-dead-letter-routing-key", options->dead_letter_key);
    if (options->message_ttl_ms != 0)
        message_add_int(&frame, "x-message-ttl", options->message_ttl_ms);
    if (options->max_length != 0)
        message_add_int(&frame, "x-max-length", options->max_length);
    message_add_int(&frame, "transient", options->transient);
    message_add_int(&frame, "auto_delete", options->auto_delete);
    message_add_text(&frame, "arguments", options->arguments_json);
    rabbitmq_ask(mq, options->site, &frame, &answer, "declare the queue", name);
}

void seam_rabbitmq_bind_at(seam_rabbitmq *mq, seam_site at, const char *queue,
                           const char *exchange, const char *key)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "bind");
    message_add_text(&frame, "queue", queue);
    message_add_text(&frame, "exchange", exchange);
    message_add_text(&frame, "key", key);
    rabbitmq_ask(mq, at, &frame, &answer, "bind the queue", queue);
}

/* ---- numbers ---------------------------------------------------------------------------- */

static size_t ask_number(seam_rabbitmq *mq, const char *verb, const char *queue,
                         const char *what, const char *field)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, verb);
    message_add_text(&frame, "queue", queue);
    rabbitmq_ask(mq, mq->lease->site, &frame, &answer, what, queue);
    return (size_t)message_int(&answer, field, 0);
}

size_t seam_rabbitmq_count(seam_rabbitmq *mq, const char *queue)
{
    return ask_number(mq, "count", queue, "count the messages of", "messages");
}

size_t seam_rabbitmq_consumers(seam_rabbitmq *mq, const char *queue)
{
    return ask_number(mq, "count", queue, "count the consumers of", "consumers");
}

size_t seam_rabbitmq_purge(seam_rabbitmq *mq, const char *queue)
{
    return ask_number(mq, "purge", queue, "purge", "messages");
}

/* ---- failures --------------------------------------------------------------------------- */

size_t seam_rabbitmq_close_connections_at(seam_rabbitmq *mq, seam_site at)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "close_connections");
    rabbitmq_ask(mq, at, &frame, &answer, "close the connections of", mq->user);
    return (size_t)message_int(&answer, "connections", 0);
}

void seam_rabbitmq_do_at(seam_rabbitmq *mq, seam_site at, const char *what)
{
    lease_do(mq->lease, at, what, what);
}
