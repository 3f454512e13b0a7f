/*
 * amqp.c - any bytes as an AMQP client's. The first byte says what the others are:
 *
 *   l lines of amqp_frame_parse behind the log-in   w frames behind the log-in   any other: from the start
 *
 * The answers are whole frames and do not depend on how the bytes are cut; what is asked can be shown, and its
 * properties and tables read again.
 */

#include "wire/amqp_server.h"

#include "fuzz.h"

enum { OUT_MAX = 1 << 24, ASKS_MAX = 10000 };

static const char *const log_in[] = {
    "x 41 4d 51 50 00 00 09 01",
    "0 connection.start-ok mechanism=PLAIN response=\\x00a\\x00b "
    "client-properties={capabilities:F={authentication_failure_close:t=1}}",
    "0 connection.tune-ok channel-max=10 frame-max=8192",
    "0 connection.open virtual-host=/",
    "1 channel.open",
};

static void channel_gone(void *arg, int channel, void *memory)
{
    (void)channel;
    (void)memory;
    ++*(int *)arg;
}

static void look_at(struct amqp_server *server, const struct amqp_ask *ask, int number)
{
    struct arena arena = { 0 };
    struct amqp_properties again;
    struct buf words = BUF_INIT(OUT_MAX);

    amqp_method_show(&ask->method, &words);
    if (ask->method.spec->has_content) {
        MUST(ask->body_size == ask->content.body_size || ask->body_size == 0);
        MUST(amqp_properties_read(&arena, ask->content.raw, ask->content.raw_size, &again) ==
             0);
        MUST(again.set == ask->content.properties.set);
        amqp_server_content(server, ask->channel, ask->content.raw, ask->content.raw_size,
                            ask->body, ask->body_size);
    }
    *ask->memory = server;
    if (number % 7 == 3)
        amqp_server_refuse(server, ask, "NOT_FOUND - it is not there");
    buf_fini(&words);
    arena_fini(&arena);
}

static void run(struct amqp_server *server, int *number, struct buf *all)
{
    struct amqp_ask *ask;

    while (amqp_server_next(server, &ask) == AMQP_SERVER_ASK && *number < ASKS_MAX)
        look_at(server, ask, (*number)++);
    buf_add(all, buf_text(amqp_server_out(server)), amqp_server_out(server)->size);
    buf_clear(amqp_server_out(server));
}

static void check_answers(const struct buf *all)
{
    struct arena arena = { 0 };
    struct buf words = BUF_INIT(OUT_MAX);
    struct amqp_frame frame;
    size_t at = 0;
    int size;

    while (all->size - at >= 8 && memcmp(all->data + at, "AMQP", 4) == 0)
        at += 8;
    for (; at < all->size; at += (size_t)size) {
        size = amqp_frame_read(all->data + at, all->size - at, 0, &frame);
        MUST(size > 0 || all->failed);
        if (size <= 0)
            break;
        amqp_frame_show(&frame, &arena, &words);
        buf_clear(&words);
    }
    buf_fini(&words);
    arena_fini(&arena);
}

static void talk(const struct buf *bytes, size_t piece, struct buf *all)
{
    int gone = 0, number = 0;
    const struct amqp_server_options options = { .vhost = "/",
                                                 .heartbeat_s = 60,
                                                 .frame_max = 131072,
                                                 .channel_max = 2047,
                                                 .channel_gone = channel_gone,
                                                 .arg = &gone };
    struct amqp_server *server;

    MUST(amqp_server_new(&server, &options) == 0);
    for (size_t at = 0; at < bytes->size; at += piece) {
        size_t size = bytes->size - at < piece ? bytes->size - at : piece;

        amqp_server_feed(server, bytes->data + at, size);
        run(server, &number, all);
    }
    check_answers(all);
    amqp_server_free(server);
}

static void add_line(struct buf *bytes, const char *line)
{
    struct arena arena = { 0 };
    struct err err;

    amqp_frame_parse(line, &arena, bytes, &err);
    arena_fini(&arena);
}

static void add_lines(struct buf *bytes, const char *text, size_t size)
{
    struct arena arena = { 0 };
    char *line = arena_copy(&arena, text, size), *end;

    for (; line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        if (end)
            *end = '\0';
        add_line(bytes, line);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes = BUF_INIT(OUT_MAX), whole = BUF_INIT(OUT_MAX), cut = BUF_INIT(OUT_MAX);
    const char *rest = (const char *)data + 1;

    if (size < 1)
        return 0;
    for (size_t i = 0; strchr("lw", data[0]) && data[0] && i < sizeof log_in / sizeof *log_in;
         i++)
        add_line(&bytes, log_in[i]);
    if (data[0] == 'l')
        add_lines(&bytes, rest, size - 1);
    else
        buf_add(&bytes, rest, size - 1);
    if (bytes.size > 0) {
        talk(&bytes, bytes.size, &whole);
        talk(&bytes, 3, &cut);
        MUST(whole.failed || cut.failed ||
             (whole.size == cut.size &&
              memcmp(buf_text(&whole), buf_text(&cut), cut.size) == 0));
    }
    buf_fini(&bytes);
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
