/* amqp/verify.c - the transcript of an AMQP double is played to a real RabbitMQ; see verify.h. */

#include "amqp/verify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "events/tally.h"
#include "lease/rabbitmq.h"
#include "link/link.h"
#include "test/t.h"

enum { ANSWER_MS = 5000, BYTES_MAX = 256 << 20, WORDS_MAX = 1 << 20, NAME_SIZE = 30 };

/* A connection to the real one. */
struct real {
    struct real *next;
    int session;
    int fd; /* -1: it has ended */
    struct buf in;
};

/* A name that the double made up, and the real one's, of the same length. */
struct made_up {
    struct made_up *next;
    const char *ours, *theirs;
};

struct player {
    struct seam_amqp_mock *mock;
    seam_rabbitmq *mq;
    struct arena arena;
    struct real *reals;
    struct made_up *names;
    const char *said; /* last, as text */
    size_t confirmed;
    bool over; /* the first difference says all: what follows rests on it */
};

/* ---- what is said ------------------------------------------------------------------------ */

/* Names that were made up are known by others at the other end. */
static void translate(const struct player *player, char *data, size_t size)
{
    for (const struct made_up *name = player->names; name; name = name->next)
        for (char *at = data;
             (at = memmem(at, size - (size_t)(at - data), name->ours, strlen(name->ours)));)
            memcpy(at, name->theirs, strlen(name->theirs));
}

static const char *text_of(struct player *player, const void *data, size_t size)
{
    struct amqp_frame frame;
    struct buf words = BUF_INIT(WORDS_MAX);
    const char *text = "";

    if (amqp_frame_read(data, size, 0, &frame) > 0) {
        amqp_frame_show(&frame, &player->arena, &words);
        text = arena_dup(&player->arena, buf_text(&words));
    }
    buf_fini(&words);
    return text;
}

/* Whether the next that this session heard has these words. */
static bool hears(struct player *player, const struct amqp_turn *turn, const char *words)
{
    int session = turn->session;

    while ((turn = turn->next))
        if (turn->session == session)
            return turn->what == AMQP_TURN_END ||
                   strstr(text_of(player, turn->data, turn->size), words);
    return false;
}

/* Its user and virtual host are others there; who was refused here has to be refused there. */
static void rewrite_method(struct player *player, const struct amqp_turn *turn,
                           struct amqp_method *method)
{
    const seam_rabbitmq *mq = player->mq;
    const char *password =
        hears(player, turn, "ACCESS_REFUSED") ? "wrong" : seam_rabbitmq_password(mq);
    const char *user = seam_rabbitmq_user(mq);
    struct buf response = BUF_INIT(WORDS_MAX);

    if (method->spec->id == AMQP_CONNECTION_START_OK) {
        buf_add_char(&response, '\0');
        buf_add_text(&response, user);
        buf_add_char(&response, '\0');
        buf_add_text(&response, password);
        method->values[1] = (struct amqp_value){ 0, "PLAIN", 5 };
        method->values[2] =
            (struct amqp_value){ 0, arena_copy(&player->arena, response.data, response.size),
                                 response.size };
    } else if (method->spec->id == AMQP_CONNECTION_OPEN &&
               !hears(player, turn, "NOT_ALLOWED")) {
        method->values[0].data = seam_rabbitmq_vhost(mq);
    }
    buf_fini(&response);
}

static bool rewrite_content(struct player *player, struct amqp_content *content)
{
    struct amqp_value *user = &content->properties.at[AMQP_USER_ID];

    if (!(content->properties.set & 1u << AMQP_USER_ID))
        return false;
    user->data = seam_rabbitmq_user(player->mq);
    user->size = strlen(user->data);
    return true;
}

/* The frame as the real one is to get it. */
static void add_said(struct player *player, const struct amqp_turn *turn, struct buf *to)
{
    struct amqp_frame frame;
    struct amqp_method method;
    struct amqp_content content;
    size_t begin = to->size;
    uint32_t id;

    if (amqp_frame_read(turn->data, turn->size, 0, &frame) <= 0) {
        buf_add(to, turn->data, turn->size);
    } else if (frame.type == AMQP_FRAME_METHOD &&
               amqp_method_read(&player->arena, frame.payload, frame.size, &method, &id) == 0) {
        rewrite_method(player, turn, &method);
        begin = amqp_frame_begin(to, frame.type, frame.channel);
        amqp_method_write(to, &method);
        amqp_frame_end(to, begin);
    } else if (frame.type == AMQP_FRAME_HEADER &&
               amqp_content_read(&player->arena, frame.payload, frame.size, &content) == 0 &&
               rewrite_content(player, &content)) {
        begin = amqp_frame_begin(to, frame.type, frame.channel);
        amqp_add_short(to, (unsigned)content.class_id);
        amqp_add_short(to, 0);
        amqp_add_longlong(to, content.body_size);
        amqp_properties_write(to, &content.properties);
        amqp_frame_end(to, begin);
    } else {
        buf_add(to, turn->data, turn->size);
    }
    if (to->data)
        translate(player, to->data + begin, to->size - begin);
}

/* ---- connections ------------------------------------------------------------------------- */

static int connect_real(const seam_rabbitmq *mq)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)seam_rabbitmq_port(mq)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, seam_rabbitmq_host(mq), &address.sin_addr);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct real *real_of(struct player *player, int session)
{
    struct real *real = player->reals;

    while (real && real->session != session)
        real = real->next;
    if (real)
        return real;
    real = arena_zero(&player->arena, sizeof *real);
    *real =
        (struct real){ player->reals, session, connect_real(player->mq), BUF_INIT(BYTES_MAX) };
    player->reals = real;
    return real;
}

static void say(struct player *player, const struct amqp_turn *turn)
{
    struct real *real = real_of(player, turn->session);
    struct buf bytes = BUF_INIT(BYTES_MAX);

    add_said(player, turn, &bytes);
    player->said = text_of(player, turn->data, turn->size);
    for (size_t at = 0; real->fd >= 0 && at < bytes.size;) {
        ssize_t sent = send(real->fd, bytes.data + at, bytes.size - at, MSG_NOSIGNAL);

        if (sent <= 0)
            break;
        at += (size_t)sent;
    }
    buf_fini(&bytes);
}

/* The next frame of its, heartbeats left out: its size in real->in, or 0 when none comes in time. */
static int receive(struct real *real, uint64_t deadline_ns)
{
    struct amqp_frame frame;
    char bytes[65536];
    int size;

    for (;;) {
        ssize_t got;

        size = amqp_frame_read(real->in.data, real->in.size, 0, &frame);
        if (size > 0 && frame.type != AMQP_FRAME_HEARTBEAT)
            return size;
        if (size > 0) {
            buf_drop(&real->in, (size_t)size);
            continue;
        }
        if (real->fd < 0 || io_wait(real->fd, POLLIN, deadline_ns) < 0)
            return 0;
        got = recv(real->fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            return 0;
        buf_add(&real->in, bytes, (size_t)got);
    }
}

/* ---- comparing --------------------------------------------------------------------------- */

static char *replace(struct player *player, const char *text, const char *what, const char *by)
{
    struct buf out = BUF_INIT(WORDS_MAX);
    const char *at;
    char *copy;

    for (; (at = strstr(text, what)); text = at + strlen(what)) {
        buf_add(&out, text, (size_t)(at - text));
        buf_add_text(&out, by);
    }
    buf_add_text(&out, text);
    copy = arena_dup(&player->arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

/* Behind the mark comes what no two servers say alike. */
static char *blur(struct player *player, const char *text, const char *mark)
{
    struct buf out = BUF_INIT(WORDS_MAX);
    const char *at;
    char *copy;

    while ((at = strstr(text, mark))) {
        buf_add(&out, text, (size_t)(at - text) + strlen(mark));
        text = at + strlen(mark);
        text += strcspn(text, " ,}']");
    }
    buf_add_text(&out, text);
    copy = arena_dup(&player->arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

static const char *stable(struct player *player, const char *text)
{
    char *copy = blur(player, blur(player, text, "amq.gen-"), "amq.ctag-");

    copy = blur(player, copy, ":T=");
    if (strstr(copy, " connection.start ") || strstr(copy, " connection.tune "))
        copy[strcspn(copy, "=")] = '\0';
    return copy;
}

static const char *in_our_words(struct player *player, const char *text)
{
    const seam_rabbitmq *mq = player->mq;
    const char *theirs = arena_printf(&player->arena, "vhost '%s'", seam_rabbitmq_vhost(mq));
    const char *ours = arena_printf(&player->arena, "vhost '%s'", player->mock->origin.vhost);
    const char *login = player->mock->transcript->login;

    text = replace(player, text, theirs, ours);
    return replace(player, text, seam_rabbitmq_user(mq), login ? login : "guest");
}

static void remember_name(struct player *player, const char *ours, const char *theirs,
                          const char *prefix)
{
    const char *one = strstr(ours, prefix), *other = strstr(theirs, prefix);
    size_t size = one ? strcspn(one, " ") : 0;
    struct made_up *name;

    if (!one || !other || strcspn(other, " ") != size)
        return;
    name = arena_zero(&player->arena, sizeof *name);
    *name = (struct made_up){ player->names, arena_copy(&player->arena, one, size),
                              arena_copy(&player->arena, other, size) };
    player->names = name;
}

static void say_difference(struct player *player, const struct amqp_turn *turn,
                           const char *ours, const char *theirs)
{
    player->over = true;
    seam_error_at(player->mock->t, player->mock->site,
                  "'%s' is not what RabbitMQ %s is, on connection %d, to: %.300s\n"
                  "double:   %.500s\n"
                  "RabbitMQ: %.500s",
                  player->mock->name, seam_rabbitmq_version(player->mq), turn->session,
                  player->said, ours, theirs);
}

static void hear(struct player *player, const struct amqp_turn *turn)
{
    struct real *real = real_of(player, turn->session);
    int size = receive(real, deadline_after_ms(ANSWER_MS));
    const char *ours = text_of(player, turn->data, turn->size), *theirs;

    if (size == 0) {
        say_difference(player, turn, ours, "no answer");
        return;
    }
    theirs = in_our_words(player, text_of(player, real->in.data, (size_t)size));
    buf_drop(&real->in, (size_t)size);
    remember_name(player, ours, theirs, "amq.gen-");
    remember_name(player, ours, theirs, "amq.ctag-");
    if (strcmp(stable(player, ours), stable(player, theirs)) != 0)
        say_difference(player, turn, ours, theirs);
    else
        player->confirmed++;
}

/* What it says besides is a difference, too, if it is said at once. */
static void end(struct player *player, const struct amqp_turn *turn)
{
    struct real *real = real_of(player, turn->session);
    int size = receive(real, now_ns());

    if (size > 0)
        say_difference(player, turn, "nothing more",
                       text_of(player, real->in.data, (size_t)size));
    if (real->fd >= 0)
        close(real->fd);
    real->fd = -1;
}

/* ---- */

static void play(struct player *player)
{
    const struct amqp_turn *turn = player->mock->transcript->first;

    for (; turn && !player->over; turn = turn->next) {
        if (turn->what == AMQP_TURN_SAID)
            say(player, turn);
        else if (turn->what == AMQP_TURN_HEARD)
            hear(player, turn);
        else
            end(player, turn);
    }
    for (struct real *real = player->reals; real; real = real->next) {
        if (real->fd >= 0)
            close(real->fd);
        buf_fini(&real->in);
    }
}

static bool lease(struct player *player)
{
    seam_t *t = player->mock->t;
    seam_site site = player->mock->site;
    const char *why;
    int r = rabbitmq_lease_try(t, site, &player->mq, &why);

    if (r == -ENOENT && !t_no_skip())
        seam_log_at(t, site, "the double is not verified: %s", why);
    else if (r < 0)
        seam_error_at(t, site, "the double cannot be verified: %s", why);
    if (r == -ENOENT)
        t_tally(t, TALLY_UNVERIFIED, 1, why);
    return r == 0;
}

void amqp_verify(struct seam_amqp_mock *mock)
{
    struct amqp_transcript *transcript = mock->transcript;
    struct player player = { .mock = mock, .said = "" };

    if (transcript->first) {
        link_pass_begin();
        if (lease(&player))
            play(&player);
        link_pass_end();
        if (player.mq && !player.over)
            seam_log_at(mock->t, mock->site, "RabbitMQ %s confirms %zu answers of '%s'%s",
                        seam_rabbitmq_version(player.mq), player.confirmed, mock->name,
                        transcript->ended
                            ? "; from there on the test itself has changed the broker"
                            : "");
    }
    arena_fini(&player.arena);
    arena_fini(&transcript->arena);
    mock->transcript = NULL;
}
