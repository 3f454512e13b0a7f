/* service/modules/rabbitmq_box.c - a RabbitMQ in a container; see rabbitmq_server.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "seam/service.h"
#include "service/modules/rabbitmq_server.h"

enum {
    START_MAX_MS = 180000,
    AMQP = 5672,
    AMQPS = 5671,
    MANAGEMENT = 15672,
    SETTINGS_MAX = 8192
};

#define FOLDER "/etc/rabbitmq"
#define CERTIFICATE FOLDER "/seam-cert.pem"
#define KEY FOLDER "/seam-key.pem"

/* In a container of its own everybody may read the key. */
static int add_tls(struct rabbitmq_server *server, struct box_wish *wish, struct buf *settings,
                   struct err *err)
{
    struct authority *authority = &server->authority;
    struct engine *engine;
    const char *remedy;
    int r = daemon_open(server->keeper, &engine, &remedy, err);

    if (r == 0)
        r = authority_get(server->keeper, engine_host(engine), authority, err);
    if (r < 0)
        return r;
    box_add_file(wish, CERTIFICATE, authority->certificate, strlen(authority->certificate));
    box_add_file(wish, KEY, authority->key, strlen(authority->key));
    wish->ports[2] = AMQPS;
    buf_printf(settings,
               "listeners.ssl.1 = %d\n"
               "ssl_options.cacertfile = " CERTIFICATE "\n"
               "ssl_options.certfile = " CERTIFICATE "\n"
               "ssl_options.keyfile = " KEY "\n"
               "ssl_options.verify = verify_none\n"
               "ssl_options.fail_if_no_peer_cert = false\n",
               AMQPS);
    return 0;
}

static int look_at(struct rabbitmq_server *server, struct err *err)
{
    struct service *box = &server->box->service;
    int r;

    snprintf(server->host, sizeof server->host, "%s", server->box->host);
    snprintf(server->service.name, sizeof server->service.name, "%s", box->name);
    snprintf(server->service.log, sizeof server->service.log, "%s", box->log);
    server->port = box_port(server->box, 0);
    server->management_port = box_port(server->box, 1);
    server->tls_port = box_port(server->box, 2);
    r = rabbitmq_server_greet(server, err);
    memcpy(box->version, server->service.version, sizeof box->version);
    return r;
}

int rabbitmq_box_start(struct rabbitmq_server *server, const struct rabbitmq_wish *asked,
                       const char **ret_remedy, struct err *err)
{
    static const char *const env[] = { "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none",
                                       NULL };
    const char *image = asked->choice.image;
    struct box_wish wish = { .kind = "rabbitmq",
                             .image = image ? image : "rabbitmq:3-management",
                             .may_pull = asked->may_pull,
                             .choice = asked->choice,
                             .env = env,
                             .ports = { AMQP, MANAGEMENT },
                             .keeps_ports = asked->is_private,
                             .probe = SEAM_PROBE_AMQP,
                             .timeout_ms = START_MAX_MS };
    struct buf settings = BUF_INIT(SETTINGS_MAX), plugins = BUF_INIT(SETTINGS_MAX);
    struct engine *engine;
    int r = box_open(server->keeper, &wish, &engine, ret_remedy, err);

    if (r == 0 && rabbitmq_secret(server->password) < 0)
        r = err_set(err, -EIO, "cannot get random bytes");
    rabbitmq_settings(server, &settings);
    rabbitmq_plugins(server, &plugins);
    if (r == 0 && asked->tls)
        r = add_tls(server, &wish, &settings, err);
    box_add_file(&wish, FOLDER "/conf.d/20-seam.conf", settings.data, settings.size);
    box_add_file(&wish, FOLDER "/enabled_plugins", plugins.data, plugins.size);
    if (r == 0)
        r = box_start(server->keeper, &wish, &server->box, ret_remedy, err);
    buf_fini(&settings);
    buf_fini(&plugins);
    return r == 0 ? look_at(server, err) : r;
}
