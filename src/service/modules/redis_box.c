/* service/modules/redis_box.c - a Redis or Valkey server in a container; see redis_server.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "seam/service.h"
#include "service/authority.h"
#include "service/modules/redis_server.h"

enum { START_MAX_MS = 60000, ARGUMENTS = 64, CONFIG_MAX = 1 << 20 };

#define CONFIG "/srv/seam.conf"
#define CERTIFICATE "/srv/seam-cert.pem"
#define KEY "/srv/seam-key.pem"

static void add(const char **cmd, size_t *count, const char *name, const char *value)
{
    if (*count + 2 < ARGUMENTS) {
        cmd[(*count)++] = name;
        cmd[(*count)++] = value;
    }
}

/* In a container of its own everybody may read the key. */
static int add_tls(struct redis_server *server, struct box_wish *wish, const char **cmd,
                   size_t *count, struct err *err)
{
    struct authority authority;
    struct engine *engine;
    const char *remedy;
    int r = daemon_open(server->keeper, &engine, &remedy, err);

    if (r == 0)
        r = authority_get(server->keeper, engine_host(engine), &authority, err);
    if (r < 0)
        return r;
    server->ca_file = authority.file;
    box_add_file(wish, CERTIFICATE, authority.certificate, strlen(authority.certificate));
    box_add_file(wish, KEY, authority.key, strlen(authority.key));
    wish->ports[1] = REDIS_TLS_PORT;
    add(cmd, count, "--tls-port", "6380");
    add(cmd, count, "--tls-cert-file", CERTIFICATE);
    add(cmd, count, "--tls-key-file", KEY);
    add(cmd, count, "--tls-ca-cert-file", CERTIFICATE);
    add(cmd, count, "--tls-auth-clients", "no");
    return 0;
}

/* The image's entry point takes options, or a file of them, as those of its program. */
static int make_command(struct redis_server *server, const struct redis_wish *asked,
                        struct box_wish *wish, const char **cmd, struct buf *config,
                        struct err *err)
{
    size_t count = 0;
    int r = asked->config ? io_read_file(asked->config, config) : 0;

    if (r < 0)
        return err_set(err, -EINVAL, "cannot read '%s': %s", asked->config, strerror(-r));
    if (asked->config) {
        cmd[count++] = CONFIG;
        box_add_file(wish, CONFIG, config->data, config->size);
    }
    add(cmd, &count, "--databases", "256");
    add(cmd, &count, "--save", "");
    add(cmd, &count, "--appendonly", "no");
    add(cmd, &count, "--protected-mode", "no");
    if (server->password[0])
        add(cmd, &count, "--requirepass", server->password);
    if (asked->tls)
        r = add_tls(server, wish, cmd, &count, err);
    for (char *const *at = server->args; *at && count + 1 < ARGUMENTS; at++)
        cmd[count++] = *at;
    return r;
}

static int look_at(struct redis_server *server, struct err *err)
{
    struct service *box = &server->box->service;
    struct redis_client *client = NULL;
    int r;

    snprintf(server->host, sizeof server->host, "%s", server->box->host);
    snprintf(server->service.name, sizeof server->service.name, "%s", box->name);
    snprintf(server->service.log, sizeof server->service.log, "%s", box->log);
    server->port = box_port(server->box, 0);
    server->tls_port = box_port(server->box, 1);
    r = redis_server_open(server, &client, err);
    if (r == 0) {
        redis_server_note_version(server, client);
        memcpy(box->version, server->service.version, sizeof box->version);
    }
    redis_close(client);
    return r;
}

int redis_box_start(struct redis_server *server, const struct redis_wish *asked,
                    const char **ret_remedy, struct err *err)
{
    const char *cmd[ARGUMENTS + 1] = { NULL };
    struct box_wish wish = { .kind = "redis",
                             .image = asked->choice.image ? asked->choice.image : "redis:7",
                             .may_pull = asked->may_pull,
                             .choice = asked->choice,
                             .cmd = cmd,
                             .ports = { REDIS_PORT },
                             .keeps_ports = asked->is_private,
                             .probe = SEAM_PROBE_REDIS,
                             .timeout_ms = START_MAX_MS };
    struct buf config = BUF_INIT(CONFIG_MAX);
    struct engine *engine;
    int r = box_open(server->keeper, &wish, &engine, ret_remedy, err);

    if (r == 0)
        r = make_command(server, asked, &wish, cmd, &config, err);
    if (r == 0)
        r = box_start(server->keeper, &wish, &server->box, ret_remedy, err);
    buf_fini(&config);
    return r == 0 ? look_at(server, err) : r;
}
