/* wire/pg_notify.c - LISTEN, UNLISTEN and NOTIFY; they take effect when their transaction commits. */

#include <stdlib.h>
#include <string.h>

#include "wire/pg_engine.h"

/* ---- channels */

static char *copy(const char *text)
{
    char *made = strdup(text);

    if (!made)
        arena_give_up(strlen(text));
    return made;
}

static struct pg_channel *find(struct pg_server *server, const char *name)
{
    struct pg_channel *channel = server->channels;

    while (channel && strcmp(channel->name, name) != 0)
        channel = channel->next;
    return channel;
}

static bool listens(struct pg_server *server, const char *name)
{
    struct pg_channel *channel = find(server, name);

    return channel && !channel->is_new;
}

static void listen_to(struct pg_server *server, const char *name)
{
    struct pg_channel *channel = find(server, name);

    if (!channel) {
        channel = calloc(1, sizeof *channel);
        if (!channel)
            arena_give_up(sizeof *channel);
        *channel = (struct pg_channel){ server->channels, copy(name), true, false };
        server->channels = channel;
    }
    channel->is_left = false;
}

/* name NULL: to all. */
static void leave(struct pg_server *server, const char *name)
{
    for (struct pg_channel *channel = server->channels; channel; channel = channel->next)
        if (!name || strcmp(channel->name, name) == 0)
            channel->is_left = true;
}

void notify_unlisten_all(struct pg_server *server)
{
    leave(server, NULL);
}

void notify_listen(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;

    if (strcmp(is->command, "LISTEN") == 0)
        listen_to(server, is->name ? is->name : "");
    else
        leave(server, is->name);
    execute_complete(server, tag ? tag : is->command);
}

static void end_channels(struct pg_server *server, bool committed)
{
    struct pg_channel **at = &server->channels, *channel;

    while ((channel = *at) != NULL) {
        if (committed ? channel->is_left : channel->is_new) {
            *at = channel->next;
            free(channel->name);
            free(channel);
            continue;
        }
        channel->is_new = channel->is_left = false;
        at = &channel->next;
    }
}

/* ---- notifications */

static void add(struct pg_server *server, int pid, const char *channel, const char *payload,
                bool is_new)
{
    struct pg_notification *notification = calloc(1, sizeof *notification);

    if (!notification)
        arena_give_up(sizeof *notification);
    *notification = (struct pg_notification){ NULL, pid, is_new, copy(channel), copy(payload) };
    *server->last_notification = notification;
    server->last_notification = &notification->next;
}

/* Out of the list. */
static void drop(struct pg_server *server, struct pg_notification **at)
{
    struct pg_notification *notification = *at;

    *at = notification->next;
    if (!*at)
        server->last_notification = at;
    free(notification->channel);
    free(notification->payload);
    free(notification);
}

/* The same one twice in a transaction is one. */
static bool is_there(struct pg_server *server, const char *channel, const char *payload)
{
    const struct pg_notification *at = server->notifications;

    while (at && !(at->is_new && strcmp(at->channel, channel) == 0 &&
                   strcmp(at->payload, payload) == 0))
        at = at->next;
    return at != NULL;
}

void notify_run(struct pg_server *server, const char *tag)
{
    const struct pg_sql *is = &server->running->runs->is;
    const char *channel = is->name ? is->name : "", *payload = is->value ? is->value : "";

    if (!is_there(server, channel, payload))
        add(server, server->options.pid, channel, payload, true);
    execute_complete(server, tag ? tag : is->command);
}

void notify_end(struct pg_server *server, bool committed)
{
    struct pg_notification **at = &server->notifications;

    end_channels(server, committed);
    while (*at) {
        struct pg_notification *notification = *at;

        if (notification->is_new && !committed) {
            drop(server, at);
            continue;
        }
        if (notification->is_new && server->notified)
            server->notified(server->notified_arg, notification->channel,
                             notification->payload);
        notification->is_new = false;
        at = &notification->next;
    }
}

void notify_flush(struct pg_server *server)
{
    if (server->block == PG_BLOCK || server->block == PG_FAILED)
        return;
    while (server->notifications) {
        const struct pg_notification *notification = server->notifications;

        if (listens(server, notification->channel)) {
            size_t begun = pg_begin(&server->out, 'A');

            pg_put_int32(&server->out, notification->pid);
            pg_put_text(&server->out, notification->channel);
            pg_put_text(&server->out, notification->payload);
            engine_end(server, begun);
        }
        drop(server, &server->notifications);
    }
}

void notify_free(struct pg_server *server)
{
    while (server->notifications)
        drop(server, &server->notifications);
    leave(server, NULL);
    end_channels(server, true);
}

/* Between statements it goes out at once. */
void pg_server_notify(struct pg_server *server, int pid, const char *channel,
                      const char *payload)
{
    add(server, pid, channel, payload ? payload : "", false);
    if (server->phase != PG_SERVING || server->asking || server->query || server->sync_due ||
        server->held > 0 || server->block != PG_NO_BLOCK)
        return;
    notify_flush(server);
    engine_flush(server);
}

void pg_server_watch_notify(struct pg_server *server,
                            void (*fn)(void *arg, const char *channel, const char *payload),
                            void *arg)
{
    server->notified = fn;
    server->notified_arg = arg;
}
