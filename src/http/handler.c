/* http/handler.c - what a handler of the user's sees of a request, and what it answers; see seam/http.h. */

#include "http/handler.h"

#include <stdarg.h>
#include <string.h>

#include "base/deadline.h"
#include "http/origin.h"
#include "test/t.h"

enum { FIELDS_MAX = 1000, BODY_MAX = 64 << 20 };

struct seam_http_exchange {
    seam_t *t;
    struct http_exchange *x; /* NULL: no connection */
    const struct http_message *request;
    const char *version;
    const char *peer;
    struct arena *arena;
    seam_http_handler *fn;
    void *arg;
    int status; /* 0: none was set */
    struct buf fields; /* of struct http_field */
    struct buf trailers;
    struct buf body; /* what was written but not sent */
    bool begun; /* the head has been sent */
    bool closes;
    bool resets;
};

static void init(struct seam_http_exchange *x, seam_t *t, const struct http_message *request,
                 struct arena *arena)
{
    const size_t fields = FIELDS_MAX * sizeof(struct http_field);

    *x = (struct seam_http_exchange){ .t = t,
                                      .request = request,
                                      .version = "HTTP/1.1",
                                      .arena = arena,
                                      .fields = BUF_INIT(fields),
                                      .trailers = BUF_INIT(fields),
                                      .body = BUF_INIT(BODY_MAX) };
}

static void fini(struct seam_http_exchange *x)
{
    buf_fini(&x->fields);
    buf_fini(&x->trailers);
    buf_fini(&x->body);
}

/* ---- the request */

seam_t *seam_http_test(const seam_http_exchange *x)
{
    return x->t;
}

const char *seam_http_method(const seam_http_exchange *x)
{
    return x->request->method;
}

const char *seam_http_path(const seam_http_exchange *x)
{
    struct http_target target = http_target_split(x->request->target);

    return http_percent_decode(x->arena, target.path, target.path_size, false, NULL);
}

const char *seam_http_target(const seam_http_exchange *x)
{
    return x->request->target;
}

const char *seam_http_query(const seam_http_exchange *x, const char *name)
{
    const char *at = http_target_split(x->request->target).query;

    while (at && *at) {
        size_t size = strcspn(at, "&#");
        const char *equals = memchr(at, '=', size);
        size_t name_size = equals ? (size_t)(equals - at) : size;
        const char *value = equals ? equals + 1 : at + size;

        if (strcmp(http_percent_decode(x->arena, at, name_size, true, NULL), name) == 0)
            return http_percent_decode(x->arena, value, (size_t)(at + size - value), true,
                                       NULL);
        at += size;
        at += *at == '&';
        if (*at == '#')
            break;
    }
    return NULL;
}

const char *seam_http_field(const seam_http_exchange *x, const char *name)
{
    return http_value(&x->request->fields, name);
}

const char *seam_http_body(const seam_http_exchange *x, size_t *ret_size)
{
    if (ret_size)
        *ret_size = x->request->body_size;
    return x->request->body;
}

const char *seam_http_peer(const seam_http_exchange *x)
{
    return x->peer;
}

const char *seam_http_version(const seam_http_exchange *x)
{
    return x->version;
}

/* ---- the answer */

static struct http_fields fields_of(const struct buf *fields)
{
    return (struct http_fields){ (const struct http_field *)(const void *)fields->data,
                                 fields->size / sizeof(struct http_field) };
}

/* Whether the head may still change; it is the test's mistake when it may not. */
static bool is_head_open(seam_http_exchange *x, const char *function)
{
    if (x->begun)
        seam_error_at(
            x->t, (seam_site){ 0 },
            "%s: the status and fields of the answer to %s %s have been sent; call it "
            "before seam_http_flush",
            function, x->request->method, x->request->target);
    return !x->begun;
}

void seam_http_set_status(seam_http_exchange *x, int status)
{
    if (!is_head_open(x, "seam_http_set_status"))
        return;
    if (status < 200 || status > 999)
        seam_error_at(x->t, (seam_site){ 0 },
                      "seam_http_set_status: %d is no status of an answer: 200 to 999", status);
    else
        x->status = status;
}

static bool is_value(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

static void add_field(seam_http_exchange *x, const char *function, struct buf *fields,
                      const char *name, const char *value)
{
    struct http_field field = { arena_dup(x->arena, name), arena_dup(x->arena, value) };

    if (!http_is_token(name, strlen(name)) || !is_value(value))
        seam_error_at(x->t, (seam_site){ 0 },
                      "%s: '%s: %s' is no field: a name is one word, a value one line",
                      function, name, value);
    else if (buf_add(fields, &field, sizeof field) < 0)
        seam_error_at(x->t, (seam_site){ 0 }, "%s: an answer has at most %d fields", function,
                      FIELDS_MAX);
}

void seam_http_add_field(seam_http_exchange *x, const char *name, const char *value)
{
    if (is_head_open(x, "seam_http_add_field"))
        add_field(x, "seam_http_add_field", &x->fields, name, value);
}

void seam_http_add_trailer(seam_http_exchange *x, const char *name, const char *value)
{
    add_field(x, "seam_http_add_trailer", &x->trailers, name, value);
}

static void check_body(seam_http_exchange *x)
{
    if (x->body.failed)
        seam_error_at(x->t, (seam_site){ 0 },
                      "the body of an answer has at most %d MB; send it in parts by "
                      "seam_http_flush",
                      BODY_MAX >> 20);
    x->body.failed = false;
}

void seam_http_write(seam_http_exchange *x, const void *data, size_t size)
{
    buf_add(&x->body, data, size);
    check_body(x);
}

void seam_http_printf(seam_http_exchange *x, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(&x->body, format, args);
    va_end(args);
    check_body(x);
}

void seam_http_respond(seam_http_exchange *x, int status, const char *type, const char *text)
{
    seam_http_set_status(x, status);
    if (type)
        seam_http_add_field(x, "Content-Type", type);
    if (text)
        seam_http_write(x, text, strlen(text));
}

static struct http_message head_of(const seam_http_exchange *x)
{
    return (struct http_message){ .status = x->status ? x->status : 200,
                                  .minor = 1,
                                  .fields = fields_of(&x->fields) };
}

/* Give out the head, with a body of a length that is not known but where a field says it. Lock held. */
static void begin(seam_http_exchange *x)
{
    struct http_message head = head_of(x);
    bool sized = http_value(&head.fields, "Content-Length");

    if (!x->begun)
        http_exchange_begin(x->x, &head, sized ? HTTP1_SIZED : HTTP1_CHUNKED);
    x->begun = true;
}

void seam_http_flush(seam_http_exchange *x)
{
    if (!x->x)
        return;
    loop_lock();
    begin(x);
    http_exchange_body(x->x, x->body.data, x->body.size);
    loop_unlock();
    buf_clear(&x->body);
}

void seam_http_inform(seam_http_exchange *x, int status, const char *field)
{
    const char *colon = field ? strchr(field, ':') : NULL;
    struct buf fields = BUF_INIT(sizeof(struct http_field));
    struct http_fields list;

    if (status < 102 || status > 199)
        seam_error_at(
            x->t, (seam_site){ 0 },
            "seam_http_inform: %d is no status of an answer before the answer: 102 to "
            "199",
            status);
    else if (field && !colon)
        seam_error_at(x->t, (seam_site){ 0 }, "seam_http_inform: '%s' is not 'Name: value'",
                      field);
    else if (is_head_open(x, "seam_http_inform") && x->x) {
        if (field)
            add_field(x, "seam_http_inform", &fields,
                      arena_copy(x->arena, field, (size_t)(colon - field)),
                      colon + 1 + strspn(colon + 1, " \t"));
        list = fields_of(&fields);
        loop_lock();
        http_exchange_inform(x->x, status, &list);
        loop_unlock();
    }
    buf_fini(&fields);
}

static bool stops(void *arg)
{
    const seam_http_exchange *x = arg;

    return x->x && x->x->service->stopping;
}

void seam_http_wait(seam_http_exchange *x, int ms)
{
    uint64_t until_ns = deadline_after_ms(t_wait_ms(x->t, ms));

    if (!until_ns)
        return;
    loop_lock();
    loop_wait(stops, x, until_ns);
    loop_unlock();
}

void seam_http_close(seam_http_exchange *x)
{
    x->closes = true;
}

void seam_http_reset(seam_http_exchange *x)
{
    x->resets = true;
    if (!x->x)
        return;
    loop_lock();
    http_exchange_abort(x->x, true);
    loop_unlock();
}

/* ---- running */

static void call(seam_t *t, void *arg)
{
    seam_http_exchange *x = arg;

    (void)t;
    x->fn(x, x->arg);
}

static bool run(seam_http_exchange *x)
{
    static const char words[] = "a failure ended the handler; see the test's report\n";

    if (t_call(x->t, call, x))
        return true;
    buf_clear(&x->fields);
    buf_clear(&x->trailers);
    buf_clear(&x->body);
    if (x->begun) {
        x->closes = true; /* the client shall see that something is missing */
    } else {
        x->status = 500;
        buf_add(&x->body, words, sizeof words - 1);
    }
    return false;
}

static bool says_nothing(const seam_http_exchange *x)
{
    return !x->begun && !x->status && x->fields.size == 0 && x->body.size == 0;
}

/* Lock held. */
static void send_parts(seam_http_exchange *x)
{
    struct http_fields trailers = fields_of(&x->trailers);

    begin(x);
    http_exchange_body(x->x, x->body.data, x->body.size);
    http_exchange_end(x->x, &trailers);
}

static void send_whole(seam_http_exchange *x)
{
    struct http_message message = head_of(x);

    message.body = buf_text(&x->body);
    message.body_size = x->body.size;
    http_exchange_reply(x->x, &message);
}

static void run_outside(void *arg)
{
    seam_http_exchange *x = arg;

    if (!run(x) && x->begun)
        x->resets = true;
}

void http_handler_run(struct http_exchange *exchange, seam_t *t, seam_http_handler *fn,
                      void *arg)
{
    struct seam_http_exchange x;
    struct arena arena = { 0 };

    init(&x, t, exchange->request, &arena);
    x.x = exchange;
    x.version = exchange->version;
    x.peer = http_connection_peer(exchange->connection);
    x.fn = fn;
    x.arg = arg;
    http_exchange_hold(exchange);
    loop_outside(run_outside, &x);
    if (x.closes)
        http_exchange_close_after(exchange);
    if (x.resets || (x.closes && says_nothing(&x)))
        http_exchange_abort(exchange, x.resets);
    else if (x.begun || x.trailers.size > 0)
        send_parts(&x);
    else
        send_whole(&x);
    fini(&x);
    arena_fini(&arena);
    http_exchange_release(exchange);
}

int http_handler_status(const seam_http_exchange *x)
{
    return x->status ? x->status : 200;
}

/* ---- without a connection */

static struct http_fields keep(struct arena *arena, const struct buf *fields)
{
    struct http_fields list = fields_of(fields);

    list.at = arena_copy(arena, fields->data, fields->size);
    return list;
}

bool http_handler_call(seam_t *t, const struct http_message *request, const char *peer,
                       seam_http_handler *fn, void *arg, struct arena *arena,
                       struct http_answer *ret)
{
    struct seam_http_exchange x;
    bool returned;

    init(&x, t, request, arena);
    x.peer = peer;
    x.fn = fn;
    x.arg = arg;
    returned = run(&x);
    *ret = (struct http_answer){ .status = x.status ? x.status : 200,
                                 .fields = keep(arena, &x.fields),
                                 .trailers = keep(arena, &x.trailers),
                                 .body = arena_copy(arena, x.body.data, x.body.size),
                                 .body_size = x.body.size,
                                 .closed = x.closes,
                                 .reset = x.resets };
    if (x.resets || (x.closes && says_nothing(&x)))
        ret->status = 0;
    fini(&x);
    return returned;
}

seam_http_exchange *http_handler_view(struct http_exchange *exchange, seam_t *t,
                                      struct arena *arena)
{
    struct seam_http_exchange *x = arena_zero(arena, sizeof *x);

    init(x, t, exchange->request, arena);
    x->version = exchange->version;
    x->peer = http_connection_peer(exchange->connection);
    return x;
}
