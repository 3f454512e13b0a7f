/* service/modules/rabbitmq_table.h - AMQP's field tables and JSON, one made of the other. */
#ifndef SERVICE_MODULES_RABBITMQ_TABLE_H
#define SERVICE_MODULES_RABBITMQ_TABLE_H

#include <amqp.h>

#include "base/buf.h"
#include "base/err.h"

enum { RABBITMQ_TABLE_MAX = 64 };

/* A table that grows up to a limit; what is in it lives as long as the pool. */
struct rabbitmq_table {
    amqp_pool_t *pool;
    amqp_table_entry_t entries[RABBITMQ_TABLE_MAX];
    int count;
};

amqp_bytes_t rabbitmq_bytes(const char *text); /* NULL: none */

int rabbitmq_table_text(struct rabbitmq_table *table, const char *name, const char *value);
int rabbitmq_table_number(struct rabbitmq_table *table, const char *name, int64_t value);

/* Add the members of a JSON object. */
int rabbitmq_table_json(struct rabbitmq_table *table, const char *json, struct err *err);

amqp_table_t rabbitmq_table_end(struct rabbitmq_table *table);

/* A value as a test sees it: numbers in decimal, tables and lists as JSON. */
void rabbitmq_value_text(const amqp_field_value_t *value, struct buf *ret);

#endif
