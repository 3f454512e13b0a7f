/*
 * seam/message.h - a message of a broker, as tests see it: of the real one (seam/rabbitmq.h), of the one in memory
 * (seam/broker.h), and of the double at the wire (seam/amqp_mock.h).
 *
 * Ownership: a message and all it points to belong to the (sub)test that got it.
 */
#ifndef SEAM_MESSAGE_H
#define SEAM_MESSAGE_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

/* A header's value as text: numbers in decimal, booleans as "true" and "false", times in seconds since 1970,
 * tables and lists as JSON. */
typedef struct seam_message_header {
    const char *name;
    const char *value;
} seam_message_header;

/* Texts that the sender did not set are NULL (AMQP 0-9-1, 1.8.3: properties of class basic). */
typedef struct seam_message {
    const char *exchange; /* "": the default one */
    const char *routing_key;
    const char *body; /* a NUL follows it */
    size_t      size; /* of the body */
    bool        redelivered;
    bool        persistent; /* delivery mode 2 */
    const char *content_type;
    const char *content_encoding;
    int         priority; /* -1: not set */
    const char *correlation_id;
    const char *reply_to;
    const char *expiration; /* milliseconds, in decimal */
    const char *message_id;
    int64_t     timestamp; /* seconds since 1970; 0: not set */
    const char *type;
    const char *user_id;
    const char *app_id;
    const seam_message_header *headers;
    size_t      header_count;
    int64_t     at_ms; /* when it was published or got, since the test's start, by the test's clock */
    uint64_t    delivery_tag; /* 0: it was not delivered on a channel */
} seam_message;

/* The value of a header; NULL: it has none of that name. Names are compared byte by byte. */
const char *seam_message_header_value(const seam_message *message, const char *name);

/* What a message has to be. Zero fields are not asked for. */
typedef struct seam_message_match {
    const char *exchange     SEAM_0;
    const char *routing_key  SEAM_0; /* as it stands */
    const char *key_pattern  SEAM_0; /* as a topic exchange reads it: "order.*", "#" */
    const char *text         SEAM_0; /* the whole body */
    const char *contains     SEAM_0; /* this text in the body */
    const char *pattern      SEAM_0; /* PCRE2, somewhere in the body */
    const char *json         SEAM_0; /* the body is JSON with at least these members; ' may stand for " */
    const char *json_equal   SEAM_0; /* the body is JSON with just this value */
    seam_message_header headers[8] SEAM_0; /* each is there, with this value; a NULL value: any */
    const char *content_type SEAM_0;
    const char *message_id   SEAM_0;
    bool      (*fn)(const seam_message *message, void *arg) SEAM_0;
    void       *arg          SEAM_0;
} seam_message_match;

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
