/* http/answer.c - send an answer the way a reply asks for: informed, in pieces, with trailers, or broken. */

#include <string.h>

#include "http/mock.h"

/* ---- the parts of an answer */

static void inform(struct mock_call *call, const char *text)
{
    struct http_field field = mock_field(call, text);

    http_exchange_inform(call->x, 103, &(struct http_fields){ &field, 1 });
}

static bool has_body(const struct mock_call *call)
{
    return http_has_body(call->entry->request.method, call->message.status);
}

/* The head says how much comes, unless trailers make it chunks. */
static void begin(struct mock_call *call)
{
    const struct http_message *message = &call->message;
    struct http_message head = *message;
    struct http_field *fields;

    head.body_size = 0; /* it comes in pieces */
    if (message->trailers.count > 0) {
        http_exchange_begin(call->x, &head, HTTP1_CHUNKED);
        return;
    }
    fields = arena_zero(&call->arena, (message->fields.count + 1) * sizeof *fields);
    memcpy(fields, message->fields.at, message->fields.count * sizeof *fields);
    fields[message->fields.count] =
        (struct http_field){ "Content-Length",
                             arena_printf(&call->arena, "%zu", message->body_size) };
    head.fields = (struct http_fields){ fields, message->fields.count + 1 };
    http_exchange_begin(call->x, &head, HTTP1_SIZED);
}

static void end(struct mock_call *call)
{
    if (call->x)
        http_exchange_end(call->x,
                          call->message.trailers.count > 0 ? &call->message.trailers : NULL);
}

static void send_with_trailers(struct mock_call *call)
{
    begin(call);
    if (call->x && has_body(call))
        http_exchange_body(call->x, call->message.body, call->message.body_size);
    end(call);
}

/* ---- faults */

static const char not_http[] = "\x16\x00lorem ipsum\x01\xfe\xff dolor sit amet\r\n\r\n";

static void break_off(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;

    if (call->x && reply->fault != SEAM_HTTP_STALL)
        http_exchange_abort(call->x, reply->fault == SEAM_HTTP_RESET);
}

/* The whole answer as bytes of HTTP/1.1. */
static void write_whole(struct mock_call *call)
{
    struct http_message *message = &call->message;
    bool in_chunks = call->message.trailers.count > 0;

    if (!has_body(call)) {
        http1_write(&call->wire, message, HTTP1_BODILESS);
    } else if (in_chunks) {
        http1_write(&call->wire, message, HTTP1_CHUNKED);
        http1_write_chunk(&call->wire, message->body, message->body_size);
        http1_write_last(&call->wire, &call->message.trailers);
    } else {
        http1_write(&call->wire, message, HTTP1_SIZED);
    }
}

/* A good chunk with the body, then one whose size is no number. */
static void write_bad_chunk(struct mock_call *call)
{
    http1_write(&call->wire, &call->message, HTTP1_CHUNKED);
    http1_write_chunk(&call->wire, call->message.body, call->message.body_size);
    buf_add_text(&call->wire, "no number\r\n");
}

static void note_fault(struct mock_call *call, int fault)
{
    static const char *const words[SEAM_HTTP_FAULTS] = {
        [SEAM_HTTP_RESET] = "reset", [SEAM_HTTP_CLOSE] = "closed", [SEAM_HTTP_STALL] = "stalled"
    };

    if (fault == SEAM_HTTP_BAD_CHUNK)
        call->note = "a bad chunk";
    else if (fault == SEAM_HTTP_GARBAGE)
        call->note = "garbage";
    else
        call->note =
            arena_printf(&call->arena, "%s after %zu bytes", words[fault], call->wire.size);
}

static void write_broken(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;
    size_t most = (size_t)reply->fault_after;

    if (reply->fault == SEAM_HTTP_GARBAGE) {
        buf_add(&call->wire, not_http, sizeof not_http - 1);
    } else if (reply->fault == SEAM_HTTP_BAD_CHUNK) {
        write_bad_chunk(call);
    } else {
        write_whole(call);
        if (call->wire.size > most)
            call->wire.size = most;
    }
    note_fault(call, reply->fault);
}

/* Over HTTP/2 the bytes that count are those of the body: there is no such head. */
static void break_http2(struct mock_call *call)
{
    size_t size = (size_t)call->choice.reply->fault_after;

    if (size > call->message.body_size)
        size = call->message.body_size;
    note_fault(call, call->choice.reply->fault);
    if (size > 0)
        begin(call);
    if (call->x && size > 0)
        http_exchange_body(call->x, call->message.body, size);
    break_off(call);
}

/* ---- drip */

static bool is_raw(const struct mock_call *call)
{
    return call->choice.reply->fault != SEAM_HTTP_NO_FAULT;
}

static void send_piece(struct mock_call *call, size_t size)
{
    const char *data = call->left;

    call->left += size;
    call->left_size -= size;
    if (is_raw(call))
        http_exchange_raw(call->x, data, size);
    else
        http_exchange_body(call->x, data, size);
}

static void drip(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;
    size_t size = reply->drip_bytes > 0 ? (size_t)reply->drip_bytes : 1;

    send_piece(call, size < call->left_size ? size : call->left_size);
    if (!call->x)
        return;
    if (call->left_size > 0)
        mock_after(call, reply->drip_ms, drip);
    else if (is_raw(call))
        break_off(call);
    else
        end(call);
}

static void begin_drip(struct mock_call *call)
{
    begin(call);
    if (!call->x)
        return;
    call->left = call->message.body;
    call->left_size = has_body(call) ? call->message.body_size : 0;
    if (call->left_size > 0)
        mock_after(call, call->choice.reply->drip_ms, drip);
    else
        end(call);
}

static void send_broken(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;

    if (strcmp(call->x->version, "HTTP/2") == 0) {
        break_http2(call);
        return;
    }
    write_broken(call);
    call->left = buf_text(&call->wire);
    call->left_size = call->wire.size;
    if (reply->drip_bytes > 0 && call->left_size > 0) {
        mock_after(call, reply->drip_ms, drip);
        return;
    }
    if (call->left_size > 0)
        send_piece(call, call->left_size);
    break_off(call);
}

/* ---- */

void answer_send(struct mock_call *call)
{
    const seam_http_reply *reply = call->choice.reply;

    if (reply->inform)
        inform(call, reply->inform);
    if (!call->x)
        return;
    if (reply->fault != SEAM_HTTP_NO_FAULT)
        send_broken(call);
    else if (reply->drip_bytes > 0 || reply->drip_ms > 0)
        begin_drip(call);
    else if (reply->trailer)
        send_with_trailers(call);
    else
        http_exchange_reply(call->x, &call->message);
}
