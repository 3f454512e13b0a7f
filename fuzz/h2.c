/*
 * h2.c - any bytes as HTTP/2, behind a client's preface: the pieces in which they come make no difference
 * to the requests, what is given keeps its limits, and every stream that was told can be answered, or not,
 * in each of the ways there are.
 */

#include "wire/h2.h"

#include "fuzz.h"

static const struct http1_limits limits = { .line = 64, .head = 512, .fields = 6, .body = 128 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                              "\0\0\0\4\0\0\0\0\0";

enum { PREFACE = sizeof preface - 1, HELD = 2 * H2_STREAMS };

struct service {
    struct h2 *h2;
    struct h2_stream *held[HELD]; /* not answered whole, or not released */
    size_t count;
    unsigned turn;
};

static void let_go(struct service *service, struct h2_stream *stream)
{
    for (size_t i = 0; i < service->count; i++)
        if (service->held[i] == stream)
            service->held[i--] = service->held[--service->count];
    h2_release(stream);
}

/* Each of these may fail: the stream may have ended meanwhile. */
static void answer(struct service *service, struct h2_stream *stream, unsigned how)
{
    static const struct http_field field = { "A", "b" };
    static const struct http_fields fields = { &field, 1 }, none = { 0 };
    const struct http_message message = {
        .status = how % 2 ? 200 : 204, .fields = fields, .body = "hello", .body_size = 5
    };

    switch (how % 8) {
    case 0:
    case 1:
        h2_reply(stream, &message);
        let_go(service, stream);
        break;
    case 2:
        h2_inform(stream, 103, &none);
        h2_begin(stream, &message);
        break;
    case 3:
        h2_begin(stream, &message);
        h2_body(stream, preface, sizeof preface);
        h2_end(stream, &fields);
        let_go(service, stream);
        break;
    case 4:
        h2_reset(stream);
        break;
    case 5:
        let_go(service, stream);
        break;
    case 6:
        h2_begin(stream, &message);
        h2_body(stream, preface, sizeof preface);
        break;
    default:
        break; /* later */
    }
}

static void check(const struct http_message *request)
{
    MUST(request->method && *request->method && request->target && *request->target);
    MUST(strlen(request->target) <= limits.line);
    MUST(request->fields.count <= limits.fields + 1); /* and Host */
    MUST(request->trailers.count <= limits.fields);
    MUST(http_value(&request->fields, "host"));
    MUST(request->body_size <= limits.body && request->body[request->body_size] == '\0');
}

static void hear(struct service *service, enum h2_step step, struct h2_event *event)
{
    static const struct http_fields none = { 0 };

    if (step == H2_CONTINUE)
        h2_inform(event->stream, 100, &none);
    else if (step == H2_CUT)
        let_go(service, event->stream);
    else if (event->stream) {
        MUST(service->count < HELD);
        service->held[service->count++] = event->stream;
        if (step == H2_REQUEST)
            check(h2_request(event->stream));
        else
            MUST(event->error.status >= 400 && event->error.text[0]);
        answer(service, event->stream, service->turn++);
    } else
        MUST((event->error.reset || event->error.status >= 400 || h2_is_over(service->h2)) &&
             event->error.text[0]);
}

static void listen(struct service *service)
{
    struct h2_event event;
    enum h2_step step;

    while ((step = h2_next(service->h2, &event)) != H2_MORE)
        hear(service, step, &event);
}

static void speak(struct service *service)
{
    struct buf out = BUF_INIT(1 << 20);

    MUST(h2_output(service->h2, &out, 1 << 16) == 0);
    buf_fini(&out);
}

/* What was left open; then the end. */
static void finish(struct service *service)
{
    while (service->count > 0)
        answer(service, service->held[0], service->turn++ % 2 ? 5 : 3);
    h2_finish(service->h2);
    speak(service);
    listen(service);
    h2_free(service->h2);
}

static void serve(const uint8_t *data, size_t size, size_t step)
{
    struct service service = { 0 };

    MUST(h2_new(&service.h2, &limits) == 0);
    h2_feed(service.h2, preface, PREFACE);
    for (size_t at = 0; at < size; at += step) {
        h2_feed(service.h2, data + at, size - at < step ? size - at : step);
        listen(&service);
        speak(&service);
    }
    finish(&service);
}

/* Only what there is to hear when all has come; *ret gets a line for each. */
static void hear_all(const uint8_t *data, size_t size, size_t step, struct buf *ret)
{
    struct h2 *h2;
    struct h2_event event;
    enum h2_step told;

    MUST(h2_new(&h2, &limits) == 0);
    h2_feed(h2, preface, PREFACE);
    for (size_t at = 0; at < size; at += step)
        h2_feed(h2, data + at, size - at < step ? size - at : step);
    while ((told = h2_next(h2, &event)) != H2_MORE)
        buf_printf(ret, "%d %s %s\n", (int)told, event.error.text,
                   event.stream && told == H2_REQUEST ? h2_request(event.stream)->body : "");
    h2_free(h2);
}

/* The bytes up to a client's GOAWAY: whether nghttp2 reads on behind it depends on the pieces. */
static size_t before_goaway(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 9 <= size;) {
        if (data[at + 3] == 7)
            return at;
        at += 9 + ((size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2]);
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(1 << 20), pieces = BUF_INIT(1 << 20);
    const size_t plain = before_goaway(data, size);

    if (size > 4096)
        return 0;
    hear_all(data, plain, plain ? plain : 1, &whole);
    hear_all(data, plain, 1, &pieces);
    MUST(strcmp(buf_text(&whole), buf_text(&pieces)) == 0);
    buf_fini(&whole);
    buf_fini(&pieces);
    serve(data, size, size ? size : 1);
    serve(data, size, 16);
    return 0;
}
