/*
 * wire/amqp.h - AMQP 0-9-1 as bytes: frames, methods, properties of contents, field tables.
 *
 *   frame: type (1)  channel (2)  size (4)  payload  0xce
 *   payload of a method: class (2)  method (2)  arguments, as amqp_method_spec has them
 *   payload of a content's header: class (2)  weight (2)  size of the body (8)  flags (2)  properties
 *
 * Ownership: what is read belongs to the arena that was given, or borrows from the bytes where it says so.
 * Threads: any; nothing is shared.
 */
#ifndef WIRE_AMQP_H
#define WIRE_AMQP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
    AMQP_FRAME_METHOD = 1,
    AMQP_FRAME_HEADER = 2,
    AMQP_FRAME_BODY = 3,
    AMQP_FRAME_HEARTBEAT = 8,
    AMQP_FRAME_END = 0xce,
    AMQP_FRAME_OVERHEAD = 8,
    AMQP_FRAME_MIN = 4096,
    AMQP_TABLE_DEPTH = 32,
    AMQP_SHORT_MAX = 255,
    AMQP_ARGUMENTS_MAX = 10
};

enum amqp_reply {
    AMQP_SUCCESS = 200,
    AMQP_NO_ROUTE = 312,
    AMQP_CONNECTION_FORCED = 320,
    AMQP_ACCESS_REFUSED = 403,
    AMQP_NOT_FOUND = 404,
    AMQP_RESOURCE_LOCKED = 405,
    AMQP_PRECONDITION_FAILED = 406,
    AMQP_FRAME_ERROR = 501,
    AMQP_SYNTAX_ERROR = 502,
    AMQP_COMMAND_INVALID = 503,
    AMQP_CHANNEL_ERROR = 504,
    AMQP_UNEXPECTED_FRAME = 505,
    AMQP_NOT_ALLOWED = 530,
    AMQP_NOT_IMPLEMENTED = 540,
    AMQP_INTERNAL_ERROR = 541
};

const char *amqp_reply_name(int code); /* "NOT_FOUND" */

/* ---- amqp_frame.c: frames and plain values */

struct amqp_frame {
    int type, channel;
    const char *payload; /* borrows from what it was read from */
    size_t size;
};

/* The first frame of these bytes: how many it takes; 0: more are needed; -EPROTO: its end is not where its size
 * says (the frame is there, with its payload); -EMSGSIZE: it is longer than frame_max (0: any), which is known as
 * soon as its head is (without payload). */
int amqp_frame_read(const char *data, size_t size, size_t frame_max, struct amqp_frame *ret);

/* Begin a frame in `to`; returns where, for amqp_frame_end. */
size_t amqp_frame_begin(struct buf *to, int type, int channel);
void amqp_frame_end(struct buf *to, size_t at);

void amqp_add_octet(struct buf *to, unsigned value);
void amqp_add_short(struct buf *to, unsigned value);
void amqp_add_long(struct buf *to, uint32_t value);
void amqp_add_longlong(struct buf *to, uint64_t value);
void amqp_add_short_text(struct buf *to, const char *text); /* cut at 255 bytes; NULL: "" */
void amqp_add_long_bytes(struct buf *to, const void *data, size_t size);

/* Reads from the front; past the end all is zero and `failed` is set. */
struct amqp_cursor {
    const char *at, *end;
    bool failed;
};

struct amqp_cursor amqp_cursor(const void *data, size_t size);
uint64_t amqp_take(struct amqp_cursor *cursor, int bytes); /* big-endian */
const char *amqp_take_bytes(struct amqp_cursor *cursor, size_t size); /* NULL when it failed */

/* ---- amqp_method.c */

/* Arguments: o octet, s short, l long, L longlong, b bit, S short text, X long text, t table. */
struct amqp_method_spec {
    uint32_t id; /* class << 16 | method */
    const char *name; /* "queue.declare" */
    const char *types;
    const char *names; /* of the arguments, with a blank between */
    bool has_content;
};

#define AMQP_ID(class_id, method_id) ((uint32_t)(class_id) << 16 | (uint32_t)(method_id))

enum amqp_method_id {
    AMQP_CONNECTION_START = AMQP_ID(10, 10),
    AMQP_CONNECTION_START_OK = AMQP_ID(10, 11),
    AMQP_CONNECTION_SECURE = AMQP_ID(10, 20),
    AMQP_CONNECTION_SECURE_OK = AMQP_ID(10, 21),
    AMQP_CONNECTION_TUNE = AMQP_ID(10, 30),
    AMQP_CONNECTION_TUNE_OK = AMQP_ID(10, 31),
    AMQP_CONNECTION_OPEN = AMQP_ID(10, 40),
    AMQP_CONNECTION_OPEN_OK = AMQP_ID(10, 41),
    AMQP_CONNECTION_CLOSE = AMQP_ID(10, 50),
    AMQP_CONNECTION_CLOSE_OK = AMQP_ID(10, 51),
    AMQP_CONNECTION_BLOCKED = AMQP_ID(10, 60),
    AMQP_CONNECTION_UNBLOCKED = AMQP_ID(10, 61),
    AMQP_CONNECTION_UPDATE_SECRET = AMQP_ID(10, 70),
    AMQP_CONNECTION_UPDATE_SECRET_OK = AMQP_ID(10, 71),
    AMQP_CHANNEL_OPEN = AMQP_ID(20, 10),
    AMQP_CHANNEL_OPEN_OK = AMQP_ID(20, 11),
    AMQP_CHANNEL_FLOW = AMQP_ID(20, 20),
    AMQP_CHANNEL_FLOW_OK = AMQP_ID(20, 21),
    AMQP_CHANNEL_CLOSE = AMQP_ID(20, 40),
    AMQP_CHANNEL_CLOSE_OK = AMQP_ID(20, 41),
    AMQP_ACCESS_REQUEST = AMQP_ID(30, 10),
    AMQP_ACCESS_REQUEST_OK = AMQP_ID(30, 11),
    AMQP_EXCHANGE_DECLARE = AMQP_ID(40, 10),
    AMQP_EXCHANGE_DECLARE_OK = AMQP_ID(40, 11),
    AMQP_EXCHANGE_DELETE = AMQP_ID(40, 20),
    AMQP_EXCHANGE_DELETE_OK = AMQP_ID(40, 21),
    AMQP_EXCHANGE_BIND = AMQP_ID(40, 30),
    AMQP_EXCHANGE_BIND_OK = AMQP_ID(40, 31),
    AMQP_EXCHANGE_UNBIND = AMQP_ID(40, 40),
    AMQP_EXCHANGE_UNBIND_OK = AMQP_ID(40, 51),
    AMQP_QUEUE_DECLARE = AMQP_ID(50, 10),
    AMQP_QUEUE_DECLARE_OK = AMQP_ID(50, 11),
    AMQP_QUEUE_BIND = AMQP_ID(50, 20),
    AMQP_QUEUE_BIND_OK = AMQP_ID(50, 21),
    AMQP_QUEUE_PURGE = AMQP_ID(50, 30),
    AMQP_QUEUE_PURGE_OK = AMQP_ID(50, 31),
    AMQP_QUEUE_DELETE = AMQP_ID(50, 40),
    AMQP_QUEUE_DELETE_OK = AMQP_ID(50, 41),
    AMQP_QUEUE_UNBIND = AMQP_ID(50, 50),
    AMQP_QUEUE_UNBIND_OK = AMQP_ID(50, 51),
    AMQP_BASIC_QOS = AMQP_ID(60, 10),
    AMQP_BASIC_QOS_OK = AMQP_ID(60, 11),
    AMQP_BASIC_CONSUME = AMQP_ID(60, 20),
    AMQP_BASIC_CONSUME_OK = AMQP_ID(60, 21),
    AMQP_BASIC_CANCEL = AMQP_ID(60, 30),
    AMQP_BASIC_CANCEL_OK = AMQP_ID(60, 31),
    AMQP_BASIC_PUBLISH = AMQP_ID(60, 40),
    AMQP_BASIC_RETURN = AMQP_ID(60, 50),
    AMQP_BASIC_DELIVER = AMQP_ID(60, 60),
    AMQP_BASIC_GET = AMQP_ID(60, 70),
    AMQP_BASIC_GET_OK = AMQP_ID(60, 71),
    AMQP_BASIC_GET_EMPTY = AMQP_ID(60, 72),
    AMQP_BASIC_ACK = AMQP_ID(60, 80),
    AMQP_BASIC_REJECT = AMQP_ID(60, 90),
    AMQP_BASIC_RECOVER_ASYNC = AMQP_ID(60, 100),
    AMQP_BASIC_RECOVER = AMQP_ID(60, 110),
    AMQP_BASIC_RECOVER_OK = AMQP_ID(60, 111),
    AMQP_BASIC_NACK = AMQP_ID(60, 120),
    AMQP_CONFIRM_SELECT = AMQP_ID(85, 10),
    AMQP_CONFIRM_SELECT_OK = AMQP_ID(85, 11),
    AMQP_TX_SELECT = AMQP_ID(90, 10),
    AMQP_TX_SELECT_OK = AMQP_ID(90, 11),
    AMQP_TX_COMMIT = AMQP_ID(90, 20),
    AMQP_TX_COMMIT_OK = AMQP_ID(90, 21),
    AMQP_TX_ROLLBACK = AMQP_ID(90, 30),
    AMQP_TX_ROLLBACK_OK = AMQP_ID(90, 31)
};

const struct amqp_method_spec *amqp_spec(uint32_t id); /* NULL: there is none */
const struct amqp_method_spec *amqp_spec_named(const char *name);

struct amqp_value {
    uint64_t number; /* of o s l L b */
    const char *data; /* of S X t; S and X with a NUL behind it */
    size_t size;
};

struct amqp_method {
    const struct amqp_method_spec *spec;
    struct amqp_value values[AMQP_ARGUMENTS_MAX]; /* in the order of the spec */
};

/* -ENOSYS: there is no such method (its number is in *ret_id); -EPROTO: its arguments are not as they should be. */
int amqp_method_read(struct arena *arena, const void *payload, size_t size,
                     struct amqp_method *ret, uint32_t *ret_id);

/* Add a whole frame. The arguments as the spec has them: o s l b an int, L a uint64_t, S a text, X a size_t and
 * bytes, t a const struct buf * (NULL: empty) without the size in front. */
void amqp_add_method(struct buf *to, int channel, enum amqp_method_id id, ...);

/* The payload alone, of values. */
void amqp_method_write(struct buf *to, const struct amqp_method *method);

/* ---- amqp_table.c: a table is the bytes of its fields, checked when it is read */

struct amqp_field {
    const char *name; /* borrows; not ended by a NUL */
    size_t name_size;
    char type; /* S I t b B s u i l T d f D F A x V */
    const char *data; /* the value as it is sent; of S, x, F and A without the size in front */
    size_t size;
};

int amqp_table_check(const void *data, size_t size, int depth); /* 0 or -EPROTO */

/* One after another. False at the end. */
bool amqp_table_next(struct amqp_cursor *cursor, struct amqp_field *ret);
bool amqp_array_next(struct amqp_cursor *cursor, struct amqp_field *ret); /* without names */
bool amqp_table_find(const void *data, size_t size, const char *name, struct amqp_field *ret);

/* The number of a field of a whole-number type, or of a bool. False: it is of another type. */
bool amqp_field_number(const struct amqp_field *field, int64_t *ret);
const char *amqp_type_name(char type); /* RabbitMQ's: "longstr", "signedint" */
char amqp_type_of_name(const char *name);
char amqp_type_class(char type); /* one for all whole numbers, one for all bytes */

/* As text that says type and value: {name:S=text,...}; and the value alone as messages show it: numbers in decimal,
 * tables and lists as JSON. */
void amqp_table_show(const void *data, size_t size, struct buf *to);
void amqp_field_text(const struct amqp_field *field, struct buf *to);

void amqp_add_field_text(struct buf *to, const char *name, const char *text); /* S */
void amqp_add_field_number(struct buf *to, const char *name, char type, int64_t number);
void amqp_add_field_bool(struct buf *to, const char *name, bool value);
void amqp_add_field_bytes(struct buf *to, const char *name, char type, const void *data,
                          size_t size); /* S, F or A */
void amqp_add_field(struct buf *to, const struct amqp_field *field);

/* ---- amqp_content.c */

enum amqp_property {
    AMQP_CONTENT_TYPE,
    AMQP_CONTENT_ENCODING,
    AMQP_HEADERS,
    AMQP_DELIVERY_MODE,
    AMQP_PRIORITY,
    AMQP_CORRELATION_ID,
    AMQP_REPLY_TO,
    AMQP_EXPIRATION,
    AMQP_MESSAGE_ID,
    AMQP_TIMESTAMP,
    AMQP_TYPE,
    AMQP_USER_ID,
    AMQP_APP_ID,
    AMQP_CLUSTER_ID,
    AMQP_PROPERTIES
};

struct amqp_properties {
    unsigned set; /* 1 << enum amqp_property */
    struct amqp_value at[AMQP_PROPERTIES];
};

const char *amqp_property_name(enum amqp_property property);

struct amqp_content {
    int class_id;
    uint64_t body_size;
    struct amqp_properties properties;
    const char *raw; /* the flags and properties as they came */
    size_t raw_size;
};

int amqp_content_read(struct arena *arena, const void *payload, size_t size,
                      struct amqp_content *ret); /* -EPROTO */

/* A header and bodies of no more than frame_max (0: any), as frames; the properties as amqp_properties_write has
 * them, or as they came. */
void amqp_add_content(struct buf *to, int channel, const void *properties,
                      size_t properties_size, const void *body, size_t size, size_t frame_max);
void amqp_properties_write(struct buf *to, const struct amqp_properties *properties);
int amqp_properties_read(struct arena *arena, const void *data, size_t size,
                         struct amqp_properties *ret);

/* ---- amqp_text.c: frames as lines of text, for reports and comparisons, and back, for tests */

/* "1 queue.declare queue=q durable=1", without what is zero or empty; "1 header size=5 delivery-mode=2",
 * "1 body hello". */
void amqp_method_show(const struct amqp_method *method, struct buf *to);
void amqp_frame_show(const struct amqp_frame *frame, struct arena *arena, struct buf *to);

/* A frame from such a line; "x 01 02" are bytes as they are. -EINVAL with words. */
int amqp_frame_parse(const char *line, struct arena *arena, struct buf *to, struct err *err);

#endif
