/* wire/pg_frame.c - PostgreSQL's messages: cutting a stream into them, their bodies, writing them; see pg.h. */

#include "wire/pg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    LENGTH = 4, /* the size of a length, which counts itself */
    SERVER_MESSAGE_MAX = 0x3ffffffe, /* of the server, for what carries data */
    SMALL_MESSAGE_MAX = 10000 /* of the server, for what carries no data */
};

/* ---- names */

struct message_name {
    char type;
    bool small; /* of a client's: the server takes no more than SMALL_MESSAGE_MAX of it */
    const char *name;
};

static const struct message_name client_messages[] = {
    { 'B', false, "Bind" },         { 'C', true, "Close" },
    { 'D', true, "Describe" },      { 'E', true, "Execute" },
    { 'F', false, "FunctionCall" }, { 'H', true, "Flush" },
    { 'P', false, "Parse" },        { 'Q', false, "Query" },
    { 'S', true, "Sync" },          { 'X', true, "Terminate" },
    { 'c', true, "CopyDone" },      { 'd', false, "CopyData" },
    { 'f', true, "CopyFail" },      { 'p', false, "PasswordMessage" },
};

static const struct message_name server_messages[] = {
    { '1', false, "ParseComplete" },
    { '2', false, "BindComplete" },
    { '3', false, "CloseComplete" },
    { 'A', false, "NotificationResponse" },
    { 'C', false, "CommandComplete" },
    { 'D', false, "DataRow" },
    { 'E', false, "ErrorResponse" },
    { 'G', false, "CopyInResponse" },
    { 'H', false, "CopyOutResponse" },
    { 'I', false, "EmptyQueryResponse" },
    { 'K', false, "BackendKeyData" },
    { 'N', false, "NoticeResponse" },
    { 'R', false, "Authentication" },
    { 'S', false, "ParameterStatus" },
    { 'T', false, "RowDescription" },
    { 'V', false, "FunctionCallResponse" },
    { 'W', false, "CopyBothResponse" },
    { 'Z', false, "ReadyForQuery" },
    { 'c', false, "CopyDone" },
    { 'd', false, "CopyData" },
    { 'n', false, "NoData" },
    { 's', false, "PortalSuspended" },
    { 't', false, "ParameterDescription" },
    { 'v', false, "NegotiateProtocolVersion" },
};

static const struct message_name *find_message(char type, bool backend)
{
    const struct message_name *at = backend ? server_messages : client_messages;
    const struct message_name *end =
        backend ? server_messages + sizeof server_messages / sizeof *at
                : client_messages + sizeof client_messages / sizeof *at;

    while (at < end && at->type != type)
        at++;
    return at < end ? at : NULL;
}

const char *pg_message_name(char type, bool backend)
{
    const struct message_name *message = find_message(type, backend);

    return message ? message->name : NULL;
}

/* ---- reading */

void pg_reader_init(struct pg_reader *reader, bool backend)
{
    *reader = (struct pg_reader){ .in = BUF_INIT(2 * (size_t)PG_MESSAGE_MAX),
                                  .backend = backend,
                                  .started = backend };
}

void pg_reader_fini(struct pg_reader *reader)
{
    buf_fini(&reader->in);
    reader->at = 0;
}

int pg_feed(struct pg_reader *reader, const void *data, size_t size)
{
    if (reader->at == reader->in.size) {
        buf_clear(&reader->in);
        reader->at = 0;
    } else if (reader->at > reader->in.size / 2) {
        buf_drop(&reader->in, reader->at);
        reader->at = 0;
    }
    return buf_add(&reader->in, data, size) < 0 ? -ENOMEM : 0;
}

static uint32_t get32(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum pg_step wrong(struct pg_reader *reader, const char *text)
{
    reader->silent = true;
    snprintf(reader->error, sizeof reader->error, "%s", text);
    return PG_WRONG;
}

/* The server looks at the type as soon as it is there, without waiting for the length. */
static enum pg_step check_type(struct pg_reader *reader, char type)
{
    if (find_message(type, reader->backend))
        return PG_FRAME;
    snprintf(reader->error, sizeof reader->error, "invalid %s message type %d",
             reader->backend ? "backend" : "frontend", (unsigned char)type);
    return PG_WRONG;
}

static size_t greatest(const struct pg_reader *reader, char type)
{
    if (!reader->started)
        return PG_STARTUP_MAX;
    return find_message(type, reader->backend)->small ? SMALL_MESSAGE_MAX : PG_MESSAGE_MAX;
}

/* What only this reader finds too long it does not hide. */
static enum pg_step wrong_length(struct pg_reader *reader, char type, uint32_t length)
{
    wrong(reader, "invalid message length");
    if (length < LENGTH || length > SERVER_MESSAGE_MAX ||
        find_message(type, reader->backend)->small)
        return PG_WRONG;
    reader->silent = false;
    snprintf(reader->error, sizeof reader->error,
             "message of %u bytes, at most %d are taken here", length, PG_MESSAGE_MAX);
    return PG_WRONG;
}

enum pg_step pg_next(struct pg_reader *reader, struct pg_frame *ret)
{
    const char *at = buf_text(&reader->in) + reader->at;
    size_t have = reader->in.size - reader->at, head = LENGTH + (reader->started ? 1 : 0);
    uint32_t length;

    if (reader->error[0])
        return PG_WRONG;
    if (reader->started && have > 0 && check_type(reader, *at) == PG_WRONG)
        return PG_WRONG;
    if (have < head)
        return PG_MORE;
    length = get32(at + head - LENGTH);
    if (!reader->started && (length < 2 * LENGTH || length > PG_STARTUP_MAX + LENGTH))
        return wrong(reader, "invalid length of startup packet");
    if (length < LENGTH || length - LENGTH > greatest(reader, *at))
        return wrong_length(reader, *at, length);
    if (have - head < length - LENGTH)
        return PG_MORE;
    *ret = (struct pg_frame){ reader->started ? *at : 0, at + head, length - LENGTH };
    reader->at += head + length - LENGTH;
    return PG_FRAME;
}

/* ---- a body */

struct pg_body pg_body(const struct pg_frame *frame)
{
    return (struct pg_body){ .at = frame->body, .end = frame->body + frame->size };
}

static bool fail(struct pg_body *body, const char *why)
{
    if (!body->failed)
        body->why = why;
    body->failed = true;
    body->at = body->end;
    return false;
}

static bool have(struct pg_body *body, size_t size)
{
    return (!body->failed && (size_t)(body->end - body->at) >= size) ||
           fail(body, "insufficient data left in message");
}

int pg_get_byte(struct pg_body *body)
{
    if (!body->failed && body->at == body->end)
        fail(body, "no data left in message");
    return body->failed ? 0 : (unsigned char)*body->at++;
}

int pg_get_int16(struct pg_body *body)
{
    const unsigned char *p = (const unsigned char *)body->at;

    if (!have(body, 2))
        return 0;
    body->at += 2;
    return (int16_t)(p[0] << 8 | p[1]);
}

int32_t pg_get_int32(struct pg_body *body)
{
    if (!have(body, 4))
        return 0;
    body->at += 4;
    return (int32_t)get32(body->at - 4);
}

const char *pg_get_text(struct pg_body *body)
{
    const char *text = body->at;
    const char *end = body->failed ? NULL : memchr(text, '\0', (size_t)(body->end - text));

    if (!end) {
        fail(body, "invalid string in message");
        return "";
    }
    body->at = end + 1;
    return text;
}

const char *pg_get_bytes(struct pg_body *body, size_t size)
{
    if (!have(body, size))
        return NULL;
    body->at += size;
    return body->at - size;
}

bool pg_body_is_over(const struct pg_body *body)
{
    return !body->failed && body->at == body->end;
}

/* ---- writing */

/* A few bytes: an answer has dozens of such pieces, and there is room for most of them. */
static inline void put(struct buf *to, const void *data, size_t size)
{
    if (to->room <= to->size + size || to->cap < to->size + size) {
        buf_add(to, data, size);
        return;
    }
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = '\0';
}

size_t pg_begin(struct buf *to, char type)
{
    size_t begun = to->size;
    char head[1 + LENGTH] = { type };

    if (type)
        put(to, head, 1 + LENGTH);
    else
        put(to, head + 1, LENGTH);
    return begun;
}

void pg_put_byte(struct buf *to, int v)
{
    put(to, &(char){ (char)v }, 1);
}

void pg_put_int16(struct buf *to, int v)
{
    char bytes[2] = { (char)((unsigned)v >> 8), (char)v };

    put(to, bytes, sizeof bytes);
}

static void put32(char *at, uint32_t v)
{
    at[0] = (char)(v >> 24);
    at[1] = (char)(v >> 16);
    at[2] = (char)(v >> 8);
    at[3] = (char)v;
}

void pg_put_int32(struct buf *to, int32_t v)
{
    char bytes[4];

    put32(bytes, (uint32_t)v);
    put(to, bytes, sizeof bytes);
}

void pg_put_text(struct buf *to, const char *text)
{
    put(to, text, strlen(text) + 1);
}

/* A start-up packet begins with a length below PG_STARTUP_MAX, so with a zero byte; no type is zero. */
void pg_end(struct buf *to, size_t begun)
{
    size_t type;

    if (to->failed || to->size < begun + LENGTH)
        return;
    type = to->data[begun] ? 1 : 0;
    put32(to->data + begun + type, (uint32_t)(to->size - begun - type));
}
