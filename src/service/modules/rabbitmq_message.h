/* service/modules/rabbitmq_message.h - messages of a broker as fields of our requests and answers. */
#ifndef SERVICE_MODULES_RABBITMQ_MESSAGE_H
#define SERVICE_MODULES_RABBITMQ_MESSAGE_H

#include <amqp.h>
#include <stdbool.h>

#include "base/message.h"
#include "service/modules/rabbitmq_table.h"

/* The properties that a request names. What is in them lives until _fini. */
struct rabbitmq_properties {
    amqp_basic_properties_t amqp;
    amqp_pool_t pool;
    struct rabbitmq_table headers;
};
int rabbitmq_properties_read(const struct message *request, struct rabbitmq_properties *ret);
void rabbitmq_properties_fini(struct rabbitmq_properties *properties);

/* Add a message that came, {exchange, key, body, ...}. */
void rabbitmq_message_add(amqp_bytes_t exchange, amqp_bytes_t key, bool redelivered,
                          uint64_t tag, const amqp_message_t *message, struct buf *reply);

#endif
