/* pg/record_login.c - connect to the real server and log in, for a session that is recorded; see record.h. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "link/link.h"
#include "net/tls_hash.h"
#include "pg/record.h"
#include "test/t.h"

enum {
    LOGIN_MS = 10000,
    READ_SIZE = 16 << 10,
    OUT_MAX = 1 << 20,
    WELCOME_MAX = 1 << 20,
    MD5_SALT = 4
};

/* ---- the connection */

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    int r;

    do
        r = poll(&wanted, 1, deadline_poll_ms(deadline_ns));
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* Returns the descriptor, or -errno. */
static int connect_one(int family, const struct sockaddr *to, socklen_t size,
                       uint64_t deadline_ns)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, error = 0;
    socklen_t length = sizeof error;
    int r;

    if (fd < 0)
        return -errno;
    r = connect(fd, to, size) < 0 ? -errno : 0;
    if (r == -EINPROGRESS || r == -EAGAIN) {
        r = wait_for(fd, POLLOUT, deadline_ns);
        if (r == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0)
            r = -error;
    }
    if (r < 0) {
        close(fd);
        return r;
    }
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int connect_unix(const struct record_address *address, uint64_t deadline_ns)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int n = snprintf(to.sun_path, sizeof to.sun_path, "%s/.s.PGSQL.%d", address->host,
                     address->port);

    if (n < 0 || (size_t)n >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    return connect_one(AF_UNIX, (const struct sockaddr *)&to, sizeof to, deadline_ns);
}

static int connect_host(const struct record_address *address, uint64_t deadline_ns)
{
    struct addrinfo wanted = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char port[16];
    int r = -EHOSTUNREACH;

    snprintf(port, sizeof port, "%d", address->port);
    if (getaddrinfo(address->host, port, &wanted, &found) != 0)
        return -EHOSTUNREACH;
    for (const struct addrinfo *at = found; at && r < 0; at = at->ai_next)
        r = connect_one(at->ai_family, at->ai_addr, at->ai_addrlen, deadline_ns);
    freeaddrinfo(found);
    return r;
}

/* What this connects to is nobody's business but ours: the double's own address may be the same. */
static int reach(const struct record_address *address, uint64_t deadline_ns, struct err *err)
{
    int fd;

    link_pass_begin();
    fd = *address->host == '/' ? connect_unix(address, deadline_ns)
                               : connect_host(address, deadline_ns);
    link_pass_end();
    if (fd < 0)
        return err_system(err, fd, "cannot reach the real server at '%s' port %d",
                          address->host, address->port);
    return t_private_fd(fd);
}

static int send_all(int fd, const struct buf *out, uint64_t deadline_ns)
{
    size_t sent = 0;
    int r = out->failed ? -EMSGSIZE : 0;

    while (r == 0 && sent < out->size) {
        ssize_t n = send(fd, out->data + sent, out->size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN)
            r = wait_for(fd, POLLOUT, deadline_ns);
        else if (errno != EINTR)
            r = -errno;
    }
    return r;
}

/* ---- logging in */

struct talk {
    struct record_login *login;
    int fd;
    uint64_t deadline_ns;
    struct pg_reader in;
    struct arena arena;
    struct record_scram scram;
};

static int say(struct talk *talk, struct buf *out)
{
    int r = send_all(talk->fd, out, talk->deadline_ns);

    buf_fini(out);
    return r < 0 ? err_system(&talk->login->err, r, "cannot speak to the real server") : 0;
}

static void put_pairs(struct buf *out, const char *const *pairs)
{
    for (; pairs && pairs[0]; pairs += 2) {
        if (strcmp(pairs[0], "user") == 0 || strcmp(pairs[0], "database") == 0)
            continue;
        pg_put_text(out, pairs[0]);
        pg_put_text(out, pairs[1]);
    }
}

static int say_start(struct talk *talk)
{
    const struct record_address *address = talk->login->address;
    struct buf out = BUF_INIT(OUT_MAX);
    size_t begun = pg_begin(&out, 0);

    pg_put_int32(&out, PG_PROTOCOL);
    pg_put_text(&out, "user");
    pg_put_text(&out, address->user);
    pg_put_text(&out, "database");
    pg_put_text(&out, address->database);
    put_pairs(&out, talk->login->pairs);
    pg_put_byte(&out, 0);
    pg_end(&out, begun);
    return say(talk, &out);
}

static int say_secret(struct talk *talk, const char *data, size_t size, bool with_end)
{
    struct buf out = BUF_INIT(OUT_MAX);
    size_t begun = pg_begin(&out, 'p');

    buf_add(&out, data, size);
    if (with_end)
        pg_put_byte(&out, 0);
    pg_end(&out, begun);
    return say(talk, &out);
}

static bool offers_scram(struct pg_body *body)
{
    const char *name;

    while (*(name = pg_get_text(body)) && !body->failed)
        if (strcmp(name, "SCRAM-SHA-256") == 0)
            return true;
    return false;
}

static int begin_scram(struct talk *talk, const char *password, struct pg_body *body)
{
    struct buf text = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
    size_t begun;
    int r;

    if (!offers_scram(body))
        return err_set(&talk->login->err, -ENOTSUP,
                       "the server asks for a way to log in that is not spoken here");
    r = record_scram_first(&talk->scram, &talk->arena, password, &text, &talk->login->err);
    begun = pg_begin(&out, 'p');
    pg_put_text(&out, "SCRAM-SHA-256");
    pg_put_int32(&out, (int32_t)text.size);
    buf_add(&out, text.data, text.size);
    pg_end(&out, begun);
    buf_fini(&text);
    if (r < 0) {
        buf_fini(&out);
        return r;
    }
    return say(talk, &out);
}

static int go_on_scram(struct talk *talk, struct pg_body *body)
{
    struct buf text = BUF_INIT(OUT_MAX);
    int r = record_scram_last(&talk->scram, &talk->arena, body->at,
                              (size_t)(body->end - body->at), &text, &talk->login->err);

    if (r == 0)
        r = say_secret(talk, text.data, text.size, false);
    buf_fini(&text);
    return r;
}

/* "md5" and the hash of the hash of password and name, and of the salt. */
static int say_md5(struct talk *talk, const char *password, const char *salt)
{
    const char *user = talk->login->address->user;
    char text[TLS_MD5_TEXT + MD5_SALT] = "", answer[3 + TLS_MD5_TEXT];
    const char *both = arena_printf(&talk->arena, "%s%s", password, user);

    if (!salt || tls_md5(both, strlen(both), text) < 0)
        return err_set(&talk->login->err, -ENOTSUP, "cannot work out an md5 password");
    memcpy(text + TLS_MD5_TEXT - 1, salt, MD5_SALT);
    memcpy(answer, "md5", 3);
    if (tls_md5(text, TLS_MD5_TEXT - 1 + MD5_SALT, answer + 3) < 0)
        return err_set(&talk->login->err, -ENOTSUP, "cannot work out an md5 password");
    return say_secret(talk, answer, sizeof answer - 1, true);
}

static int authenticate(struct talk *talk, const struct pg_frame *frame)
{
    enum { OK = 0, CLEARTEXT = 3, MD5 = 5, SASL = 10, SASL_CONTINUE = 11, SASL_FINAL = 12 };
    const char *password = talk->login->address->password;
    struct err *err = &talk->login->err;
    struct pg_body body = pg_body(frame);
    int how = pg_get_int32(&body);

    if (how == OK)
        return 0;
    if (!password)
        return err_set(
            err, -EACCES,
            "the real server asks for a password\ntry: password=... in the conninfo");
    switch (how) {
    case CLEARTEXT:
        return say_secret(talk, password, strlen(password), true);
    case SASL:
        return begin_scram(talk, password, &body);
    case SASL_CONTINUE:
        return go_on_scram(talk, &body);
    case SASL_FINAL:
        return record_scram_check(&talk->scram, body.at, (size_t)(body.end - body.at), err);
    case MD5:
        return say_md5(talk, password, pg_get_bytes(&body, MD5_SALT));
    default:
        return err_set(err, -ENOTSUP,
                       "the real server asks for a way to log in that is not spoken here (%d)",
                       how);
    }
}

static void keep(struct record_login *login, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);
    size_t begun;

    if (frame->type == 'K') {
        login->pid = pg_get_int32(&body);
        login->key = (uint32_t)pg_get_int32(&body);
    }
    begun = pg_begin(&login->welcome, frame->type);
    buf_add(&login->welcome, frame->body, frame->size);
    pg_end(&login->welcome, begun);
}

static int fail(struct record_login *login, const struct pg_frame *frame)
{
    struct pg_error error;

    keep(login, frame);
    if (pg_read_error(frame, &error) < 0)
        return err_set(&login->err, -EPROTO, "the real server refuses");
    return err_set(&login->err, -EACCES, "%s", error.message ? error.message : "");
}

/* 1: the server is ready. */
static int take(struct talk *talk, const struct pg_frame *frame)
{
    switch (frame->type) {
    case 'R':
        return authenticate(talk, frame);
    case 'E':
        return fail(talk->login, frame);
    default:
        keep(talk->login, frame);
        return frame->type == 'Z';
    }
}

static int read_some(struct talk *talk)
{
    char bytes[READ_SIZE];
    ssize_t n;
    int r = wait_for(talk->fd, POLLIN, talk->deadline_ns);

    if (r < 0)
        return err_system(&talk->login->err, r, "the real server gives no answer");
    n = recv(talk->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return err_set(&talk->login->err, -EPIPE, "the real server closed the connection");
    return n > 0 ? pg_feed(&talk->in, bytes, (size_t)n) : 0;
}

static int converse(struct talk *talk)
{
    struct pg_frame frame;
    int r = say_start(talk);

    while (r == 0) {
        enum pg_step step = pg_next(&talk->in, &frame);

        if (step == PG_WRONG)
            return err_set(&talk->login->err, -EPROTO, "that is no PostgreSQL server: %s",
                           talk->in.error);
        r = step == PG_FRAME ? take(talk, &frame) : read_some(talk);
    }
    return r;
}

int record_log_in(struct record_login *login)
{
    struct talk talk = { .login = login, .deadline_ns = deadline_after_ms(LOGIN_MS) };
    int r;

    login->welcome = BUF_INIT(WELCOME_MAX);
    talk.fd = reach(login->address, talk.deadline_ns, &login->err);
    if (talk.fd < 0)
        return talk.fd;
    pg_reader_init(&talk.in, true);
    r = converse(&talk);
    pg_reader_fini(&talk.in);
    arena_fini(&talk.arena);
    if (r < 0) {
        t_private_close(talk.fd);
        return r;
    }
    return talk.fd;
}

void record_cancel(const struct record_address *address, int pid, uint32_t key)
{
    uint64_t deadline_ns = deadline_after_ms(LOGIN_MS);
    int fd = reach(address, deadline_ns, NULL);
    struct buf out = BUF_INIT(64);
    size_t begun = pg_begin(&out, 0);
    char end;

    pg_put_int32(&out, PG_CANCEL_REQUEST);
    pg_put_int32(&out, pid);
    pg_put_int32(&out, (int32_t)key);
    pg_end(&out, begun);
    if (fd >= 0 && send_all(fd, &out, deadline_ns) == 0 &&
        wait_for(fd, POLLIN, deadline_ns) == 0 && recv(fd, &end, 1, MSG_DONTWAIT) < 0)
        end = 0;
    buf_fini(&out);
    if (fd >= 0)
        t_private_close(fd);
}
