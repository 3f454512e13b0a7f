/* service/engine_exec.c - run a command in a container: its streams and its status. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <openssl/ssl.h>

#include "base/deadline.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { WHAT_MAX = 600, HEAD_MAX = 1 << 16, CHUNK = 1 << 16 };

/* An exec that runs: its connection, which is the command's three streams, not HTTP any more. */
struct session {
    struct engine *engine;
    const struct engine_exec *exec;
    const char *what;
    struct engine_line *line;
    curl_socket_t socket;
    size_t sent; /* of the input */
    bool finished; /* the input's end is told */
    bool open; /* the answer's head has come */
    struct buf head;
    struct engine_frames frames;
    struct buf *out, *err;
    bool full;
    uint64_t deadline_ns;
};

static bool keep(void *arg, int stream, const char *data, size_t size)
{
    struct session *session = arg;

    session->full = buf_add(stream == 2 ? session->err : session->out, data, size) < 0;
    return !session->full;
}

/* ---- create */

static json_t *list(const char *const *words)
{
    json_t *all = json_array();

    for (size_t i = 0; all && words && words[i]; i++)
        json_array_append_new(all, json_string(words[i]));
    return all;
}

static json_t *describe(const struct engine_exec *exec)
{
    json_t *body = json_pack("{s:o, s:b, s:b, s:b}", "Cmd", list(exec->argv), "AttachStdin",
                             exec->input != NULL, "AttachStdout", 1, "AttachStderr", 1);

    if (body && exec->env)
        json_object_set_new(body, "Env", list(exec->env));
    if (body && exec->user)
        json_object_set_new(body, "User", json_string(exec->user));
    if (body && exec->workdir)
        json_object_set_new(body, "WorkingDir", json_string(exec->workdir));
    return body;
}

static int create(struct engine *engine, const char *id, const struct engine_exec *exec,
                  const char *what, char ret_id[65], struct err *err)
{
    char path[256];
    json_t *body = describe(exec), *answer = NULL;
    int r;

    if (!body)
        return err_set(err, -EINVAL, "%s: its words are not UTF-8", what);
    snprintf(path, sizeof path, "/containers/%s/exec", id);
    r = engine_do(engine, &(struct engine_call){ .method = "POST", .path = path, .json = body },
                  what, &answer, NULL, err);
    if (r == 0)
        r = engine_take_id(answer, "Id", what, ret_id, err);
    json_decref(body);
    json_decref(answer);
    return r;
}

/* ---- the connection */

static int lost(const struct session *session, const char *words, struct err *err)
{
    return err_set(err, -ENOTCONN,
                   "%s: the connection to the Docker daemon at '%s' is lost (%s)",
                   session->what, session->engine->place.where, words);
}

static int dial(struct session *session, struct err *err)
{
    CURL *easy;
    CURLcode code;

    session->line = engine_line_new();
    if (!session->line)
        return err_system(err, -ENOMEM, "%s", session->what);
    easy = session->line->easy;
    engine_line_aim(session->engine, easy);
    curl_easy_setopt(easy, CURLOPT_URL, session->engine->place.base);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    code = curl_easy_perform(easy);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &session->socket);
    return code == CURLE_OK ? 0 : lost(session, curl_easy_strerror(code), err);
}

/* Wait until bytes may go or come. */
static int await(struct session *session, short events, struct err *err)
{
    struct pollfd ready = { .fd = session->socket, .events = events };
    int n = poll(&ready, 1, deadline_poll_ms(session->deadline_ns));

    if (n == 0)
        return err_set(err, -ETIMEDOUT, "%s: it has not ended within %d ms; it is left running",
                       session->what, session->exec->timeout_ms);
    return n < 0 && errno != EINTR ? err_system(err, -errno, "%s", session->what) : 0;
}

static int send_all(struct session *session, const char *data, size_t size, struct err *err)
{
    for (size_t at = 0; at < size;) {
        size_t part = 0;
        CURLcode code = curl_easy_send(session->line->easy, data + at, size - at, &part);
        int r = 0;

        at += part;
        if (code == CURLE_AGAIN)
            r = await(session, POLLOUT, err);
        else if (code != CURLE_OK)
            r = lost(session, curl_easy_strerror(code), err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int ask(struct session *session, const char *exec, struct err *err)
{
    static const char body[] = "{\"Detach\":false,\"Tty\":false}";
    char head[512];

    snprintf(head, sizeof head,
             "POST /v%s/exec/%s/start HTTP/1.1\r\nHost: docker\r\n"
             "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             session->engine->api, exec, sizeof body - 1, body);
    return send_all(session, head, strlen(head), err);
}

/* The head is whole: 101 or 200 begins the streams. */
static int judge(struct session *session, size_t size, struct err *err)
{
    int status = 0;

    sscanf(session->head.data, "HTTP/1.%*d %d", &status);
    if (status != 101 && status != 200)
        return engine_refused(status, session->head.data + size, session->what, err);
    session->open = true;
    return 0;
}

static int stopped(const struct session *session, struct err *err)
{
    if (session->full)
        return err_set(err, -ENOBUFS, "%s: it has written more than %zu MB", session->what,
                       session->out->cap >> 20);
    return err_set(err, -EPROTO, "%s: the Docker daemon's frames are broken", session->what);
}

/* Bytes have come. */
static int take(struct session *session, const char *data, size_t size, struct err *err)
{
    const char *end;
    size_t begin;
    int r;

    if (session->open)
        return engine_frames_feed(&session->frames, data, size) ? 0 : stopped(session, err);
    if (buf_add(&session->head, data, size) < 0)
        return err_set(err, -EPROTO, "%s: the Docker daemon's answer is no HTTP",
                       session->what);
    end = memmem(session->head.data, session->head.size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    begin = (size_t)(end - session->head.data) + 4;
    r = judge(session, begin, err);
    if (r == 0 && !engine_frames_feed(&session->frames, session->head.data + begin,
                                      session->head.size - begin))
        r = stopped(session, err);
    return r;
}

/* The command's input ends, its output does not: half of the connection is closed. */
static void finish_input(struct session *session)
{
    struct curl_tlssessioninfo *tls = NULL;

    session->finished = true;
    curl_easy_getinfo(session->line->easy, CURLINFO_TLS_SSL_PTR, &tls);
    if (tls && tls->internals && tls->backend == CURLSSLBACKEND_OPENSSL)
        SSL_shutdown(tls->internals);
    else
        shutdown(session->socket, SHUT_WR);
}

/* Send as much as goes now, so that a command that writes while it reads is not blocked by us. */
static void feed(struct session *session)
{
    size_t left = session->exec->input_size - session->sent, part = 0;
    CURLcode code = CURLE_OK;

    if (left > 0)
        code = curl_easy_send(session->line->easy, session->exec->input + session->sent, left,
                              &part);
    session->sent += part;
    if (code != CURLE_OK && code != CURLE_AGAIN) {
        session->sent = session->exec->input_size; /* it does not read; its output tells more */
        session->finished = true;
    } else if (session->sent == session->exec->input_size) {
        finish_input(session);
    }
}

static bool has_input(const struct session *session)
{
    return session->open && session->exec->input && !session->finished;
}

/* Both ways, until the daemon closes. */
static int converse(struct session *session, struct err *err)
{
    char *room = malloc(CHUNK);
    int r = room ? 0 : err_system(err, -ENOMEM, "%s", session->what);

    while (r == 0) {
        size_t size = 0;
        CURLcode code;

        if (has_input(session))
            feed(session);
        code = curl_easy_recv(session->line->easy, room, CHUNK, &size);
        if (code == CURLE_AGAIN)
            r = await(session, has_input(session) ? POLLIN | POLLOUT : POLLIN, err);
        else if (code != CURLE_OK || size == 0)
            break;
        else
            r = take(session, room, size, err);
    }
    free(room);
    if (r == 0 && !session->open)
        r = lost(session, "it was closed", err);
    return r;
}

/* ---- the status */

static int status_of(struct engine *engine, const char *exec, const char *what, int *ret,
                     bool *ret_running, struct err *err)
{
    char path[128];
    json_t *answer = NULL;
    int r;

    snprintf(path, sizeof path, "/exec/%s/json", exec);
    r = engine_do(engine, &(struct engine_call){ .method = "GET", .path = path }, what, &answer,
                  NULL, err);
    if (r == 0) {
        *ret_running = json_is_true(json_object_get(answer, "Running"));
        *ret = (int)json_integer_value(json_object_get(answer, "ExitCode"));
    }
    json_decref(answer);
    return r;
}

/* Its streams have ended, so it ends: within moments, or it has closed them itself. */
static int await_status(struct session *session, const char *exec, int *ret, struct err *err)
{
    bool running = true;
    int pause_ms = 1, r = 0;

    while (r == 0) {
        r = status_of(session->engine, exec, session->what, ret, &running, err);
        if (r < 0 || !running)
            return r;
        if (deadline_poll_ms(session->deadline_ns) == 0)
            return err_set(err, -ETIMEDOUT,
                           "%s: it has not ended within %d ms; it is left running",
                           session->what, session->exec->timeout_ms);
        poll(NULL, 0, pause_ms); /* the engine has no call that waits for it */
        pause_ms = pause_ms < 50 ? 2 * pause_ms : 100;
    }
    return r;
}

int engine_exec(struct engine *engine, const char *id, const struct engine_exec *exec,
                int *ret_status, struct buf *ret_out, struct buf *ret_err, struct err *err)
{
    char what[WHAT_MAX], exec_id[65];
    struct session session = { .engine = engine,
                               .exec = exec,
                               .what = what,
                               .head = BUF_INIT(HEAD_MAX),
                               .out = ret_out,
                               .err = ret_err,
                               .deadline_ns = deadline_after_ms(exec->timeout_ms) };
    int r;

    snprintf(what, sizeof what, "cannot run '%.400s' in container '%.12s'", exec->argv[0], id);
    session.frames = (struct engine_frames){ .sink = keep, .arg = &session };
    r = create(engine, id, exec, what, exec_id, err);
    if (r == 0)
        r = dial(&session, err);
    if (r == 0)
        r = ask(&session, exec_id, err);
    if (r == 0)
        r = converse(&session, err);
    engine_line_free(session.line);
    buf_fini(&session.head);
    return r < 0 ? r : await_status(&session, exec_id, ret_status, err);
}
