/*
 * pg.c - any bytes as a PostgreSQL client's, and as a server's. The first byte says what the others are:
 *
 *   s lines of pg_script_test.h   r messages behind start-up   t the same with TLS offered
 *   a, c from the start, with SCRAM-SHA-256 or a password in clear   b a server's messages
 *   any other: from the start
 *
 * A session's answers are whole messages, do not depend on how the bytes are cut, and what it holds back is part
 * of them.
 */

#include "pg/real_session.h"
#include "wire/pg_owner_test.h"
#include "wire/pg_script_test.h"

#include "fuzz.h"

enum { OUT_MAX = 1 << 20, ASKS_MAX = 100000 };

/* ---- a hash that is none */

static int mix(const void *key, size_t key_size, const void *data, size_t size,
               unsigned char ret[PG_HASH_SIZE])
{
    const unsigned char *k = key, *d = data;

    memset(ret, 7, PG_HASH_SIZE);
    for (size_t i = 0; i < key_size; i++)
        ret[i % PG_HASH_SIZE] ^= (unsigned char)(k[i] * 3 + 1);
    for (size_t i = 0; i < size; i++)
        ret[i % PG_HASH_SIZE] = (unsigned char)(ret[i % PG_HASH_SIZE] * 5 + d[i]);
    return 0;
}

static int sha256(const void *data, size_t size, unsigned char ret[PG_HASH_SIZE])
{
    return mix(NULL, 0, data, size, ret);
}

static int pbkdf2(const char *password, const void *salt, size_t salt_size, int rounds,
                  unsigned char ret[PG_HASH_SIZE])
{
    (void)rounds;
    return mix(password, strlen(password), salt, salt_size, ret);
}

static const struct pg_hash hash = { sha256, mix, pbkdf2 };

/* ---- a session */

struct talk {
    struct pg_server *server;
    struct buf out; /* all that was sent */
    bool is_over;
};

static void check_state(struct talk *talk)
{
    char state = pg_server_state(talk->server);

    MUST(state == 'I' || state == 'T' || state == 'E');
    MUST(pg_server_ready(talk->server) <= pg_server_out(talk->server)->size);
}

/* A statement that waits is cancelled at once; others hear what a mock may say at any time. */
static void answer(struct pg_server *server, const struct pg_ask *ask)
{
    static const struct pg_error notice = { .sqlstate = "00000", .message = "fuzz" };

    if (ask->kind == PG_ASK_SYNC)
        pg_server_notify(server, 4, "a", "fuzz");
    if (ask->kind == PG_ASK_EXECUTE && ask->max_rows == 2)
        pg_server_notice(server, &notice);
    if (!owner_answer(server, ask))
        owner_result(server, ask, owner_find(ask->statement->sql));
}

static void serve(struct talk *talk)
{
    struct pg_server *server = talk->server;
    struct buf *out = pg_server_out(server);
    enum pg_server_step step;
    struct pg_ask *ask;
    size_t ready;
    int asks = 0;

    while ((step = pg_server_next(server, &ask)) == PG_SERVER_ASK || step == PG_SERVER_TLS) {
        MUST(asks++ < ASKS_MAX);
        if (step == PG_SERVER_ASK)
            answer(server, ask);
        check_state(talk);
    }
    check_state(talk);
    talk->is_over = step == PG_SERVER_END;
    ready = pg_server_ready(server);
    buf_add(&talk->out, buf_text(out), ready);
    buf_drop(out, ready);
}

static void run(const struct pg_server_options *options, const struct buf *bytes, size_t step,
                struct buf *ret)
{
    struct talk talk = { .out = BUF_INIT(OUT_MAX) };

    MUST(pg_server_new(&talk.server, options) == 0);
    for (size_t at = 0; at < bytes->size && !talk.is_over; at += step) {
        size_t left = bytes->size - at;

        MUST(pg_server_feed(talk.server, bytes->data + at, left < step ? left : step) == 0);
        serve(&talk);
    }
    pg_server_free(talk.server);
    *ret = talk.out;
}

/* ---- what must hold */

/* A server's messages, taken apart as far as our own client does. Returns where the last whole one ends. */
static size_t read_messages(const char *data, size_t size)
{
    struct pg_messages messages;
    struct pg_reader reader;
    struct pg_frame frame;
    struct pg_error error;
    struct arena arena = { 0 };
    const char *row[3];
    size_t end;

    pg_reader_init(&reader, true);
    MUST(pg_feed(&reader, data, size) == 0);
    while (pg_next(&reader, &frame) == PG_FRAME) {
        MUST(pg_message_name(frame.type, true) != NULL);
        pg_read_error(&frame, &error);
    }
    end = reader.at;
    pg_reader_fini(&reader);
    pg_messages_cut(&messages, &arena, data, size);
    pg_messages_error(&messages, &error);
    pg_messages_row(&messages, &arena, 3, row);
    arena_fini(&arena);
    return end;
}

static void words_of(const char *data, size_t size)
{
    struct buf text = BUF_INIT(8 * OUT_MAX);

    reply_text(&text, data, size);
    buf_fini(&text);
}

/* Answers to requests for encryption, and to clients older than protocol 3.0, are no messages. */
static void answers_are_whole(const struct buf *out)
{
    const char *at = buf_text(out), *end = at + out->size;

    while (at < end && (*at == 'S' || *at == 'N') && (at + 1 == end || at[1]))
        at++;
    if (at + 1 < end && at[0] == 'E' && at[1] == 'F')
        return;
    MUST(read_messages(at, (size_t)(end - at)) == (size_t)(end - at));
    words_of(at, (size_t)(end - at));
}

static bool asks_for_encryption(const struct buf *bytes)
{
    return memmem(buf_text(bytes), bytes->size, "\x04\xd2\x16", 3) != NULL;
}

/* Where bytes are cut matters only to encryption: nothing may be behind the request for it. */
static void talk(const struct pg_server_options *options, const struct buf *bytes)
{
    struct buf whole, pieces;

    run(options, bytes, bytes->size + 1, &whole);
    run(options, bytes, 1, &pieces);
    answers_are_whole(&whole);
    if (!asks_for_encryption(bytes)) {
        MUST(whole.size == pieces.size);
        MUST(whole.size == 0 || memcmp(whole.data, pieces.data, whole.size) == 0);
    }
    buf_fini(&whole);
    buf_fini(&pieces);
}

/* ---- inputs */

static void add_start(struct buf *to)
{
    script_line(to, (char[]){ "0 3.0 user=postgres|database=d" });
}

/* Lines; a start-up packet is put in front of those that have none. */
static void add_script(struct buf *to, const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *at = text;

    if (*at != '0' && *at != 'y')
        add_start(to);
    while (*at) {
        char *line = script_cut(&at, '\n');

        if (*line)
            script_line(to, line);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pg_server_options options = { .version = "15.20",
                                         .user = "postgres",
                                         .password = "secret",
                                         .pid = 7,
                                         .key = 9,
                                         .random = "0123456789abcdefghijklmnopqrstuvwx",
                                         .hash = &hash };
    struct buf bytes = BUF_INIT(OUT_MAX);
    char kind = size > 0 ? (char)*data++ : 0;

    size -= size > 0;
    options.auth = kind == 'a'   ? PG_AUTH_SCRAM
                   : kind == 'c' ? PG_AUTH_CLEARTEXT
                                 : PG_AUTH_TRUST;
    options.tls = kind == 't';
    if (kind == 'b') {
        read_messages((const char *)data, size);
        words_of((const char *)data, size);
        return 0;
    }
    if (kind == 's')
        add_script(&bytes, data, size);
    else {
        if (kind == 'r' || kind == 't')
            add_start(&bytes);
        buf_add(&bytes, data, size);
    }
    if (bytes.size > 0)
        talk(&options, &bytes);
    buf_fini(&bytes);
    return 0;
}
