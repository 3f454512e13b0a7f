/* service/modules/rabbitmq_story.c - what queues and bindings a virtual host has, for messages; see rabbitmq_lease.h.
 */

#include <stdlib.h>
#include <string.h>

#include "service/modules/rabbitmq_lease.h"

enum { SHOWN = 30, PATH_ROOM = 256 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* The counts are asked for of each queue: those of the management are some seconds old. */
static void add_queue(struct rabbitmq_lease *mine, const char *name, struct buf *ret)
{
    const amqp_queue_declare_ok_t *queue;
    struct err err;

    if (rabbitmq_lease_open(mine, &mine->link, &err) < 0)
        return;
    queue = amqp_queue_declare(mine->link.state, RABBITMQ_CHANNEL, amqp_cstring_bytes(name), 1,
                               0, 0, 0, amqp_empty_table);
    if (rabbitmq_link_result(&mine->link, amqp_get_rpc_reply(mine->link.state), &err) < 0)
        buf_printf(ret, "    '%s'  (%s)\n", name, err.text);
    else
        buf_printf(ret, "    '%s'  %u ready, %u consumer%s\n", name, queue->message_count,
                   queue->consumer_count, queue->consumer_count == 1 ? "" : "s");
}

/* That of each queue to the default exchange goes without saying. */
static bool is_said(const json_t *binding)
{
    return *text_of(binding, "source") != '\0';
}

static json_t *ask(struct rabbitmq_lease *mine, const char *what, struct buf *ret)
{
    struct buf path = BUF_INIT(PATH_ROOM);
    json_t *list = NULL;
    struct err err;

    buf_printf(&path, "%s/%s", what, mine->name);
    if (rabbitmq_http_call(mine->http, "GET", buf_text(&path), NULL, &list, &err) < 0)
        buf_printf(ret, "    (%s)\n", err.text);
    buf_fini(&path);
    return list;
}

static void add_queues(struct rabbitmq_lease *mine, struct buf *ret)
{
    json_t *list = ask(mine, "queues", ret), *queue;
    size_t i;

    buf_add_text(ret, json_array_size(list) > 0 ? "queues:\n" : "there is no queue\n");
    json_array_foreach(list, i, queue)
    {
        if (i == SHOWN) {
            buf_printf(ret, "    ... and %zu more\n", json_array_size(list) - SHOWN);
            break;
        }
        add_queue(mine, text_of(queue, "name"), ret);
    }
    json_decref(list);
}

static void add_bindings(struct rabbitmq_lease *mine, struct buf *ret)
{
    json_t *list = ask(mine, "bindings", ret), *binding;
    size_t i, shown = 0;

    json_array_foreach(list, i, binding)
    {
        if (!is_said(binding))
            continue;
        if (shown++ == 0)
            buf_add_text(ret, "bindings:\n");
        if (shown <= SHOWN)
            buf_printf(ret, "    '%s' -> '%s'  key '%s'\n", text_of(binding, "source"),
                       text_of(binding, "destination"), text_of(binding, "routing_key"));
    }
    if (shown > SHOWN)
        buf_printf(ret, "    ... and %zu more\n", shown - SHOWN);
    if (shown == 0)
        buf_add_text(ret, "no queue is bound to an exchange\n");
    json_decref(list);
}

void rabbitmq_story(struct rabbitmq_lease *mine, struct buf *ret)
{
    add_queues(mine, ret);
    add_bindings(mine, ret);
    if (ret->size > 0)
        ret->data[--ret->size] = '\0';
}
