/*
 * service/probe.h - ask a server in its protocol whether it answers: PostgreSQL, Redis, AMQP, Kafka, MySQL, MQTT.
 *
 * Threads: any.
 */
#ifndef SERVICE_PROBE_H
#define SERVICE_PROBE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* "PostgreSQL"; NULL: there is no such probe. Of enum seam_probe. */
const char *probe_name(int probe);

/* Connect to an IPv4 or IPv6 address. Returns a descriptor that does not block, or -errno. */
int probe_connect(const char *host, int port, int timeout_ms, struct err *err);

/* Ask a server once whether it answers as such a one does: 0, -EAGAIN with words, -EPROTO with what came. */
int probe_ask(int probe, const char *host, int port, int timeout_ms, struct err *err);

/* What is sent, and what is thought of the bytes that have come: 0, -EINPROGRESS: more must come, or as above. */
void probe_question(int probe, struct buf *ret);
int probe_judge(int probe, const void *data, size_t size, struct err *err);

#endif
