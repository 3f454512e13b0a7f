/* service/engine_call.c - one call of the engine's API, by libcurl. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "service/engine_state.h"
#include "base/hostile.h"

enum { LOOK_MS = 100 };

/* A call that is under way. */
struct transfer {
    const struct engine_call *call;
    CURL *easy;
    struct curl_slist *fields;
    char *text; /* the body, of .json */
    struct buf body; /* what came, where no sink takes it */
    bool stopped; /* by the sink */
    curl_off_t moved; /* bytes, both ways */
    char words[CURL_ERROR_SIZE];
};

/* ---- connections */

struct engine_line *engine_line_new(void)
{
    struct engine_line *line = calloc(1, sizeof *line);

    if (!line)
        return NULL;
    line->multi = curl_multi_init();
    line->easy = curl_easy_init();
    if (!line->multi || !line->easy) {
        engine_line_free(line);
        return NULL;
    }
    return line;
}

void engine_line_free(struct engine_line *line)
{
    if (!line)
        return;
    curl_easy_cleanup(line->easy);
    curl_multi_cleanup(line->multi);
    free(line);
}

struct engine_line *engine_line_get(struct engine *engine)
{
    struct engine_line *line;

    pthread_mutex_lock(&engine->lock);
    line = engine->idle;
    if (line)
        engine->idle = line->next;
    pthread_mutex_unlock(&engine->lock);
    return line ? line : engine_line_new();
}

void engine_line_put(struct engine *engine, struct engine_line *line)
{
    curl_easy_reset(line->easy);
    pthread_mutex_lock(&engine->lock);
    line->next = engine->idle;
    engine->idle = line;
    pthread_mutex_unlock(&engine->lock);
}

static void aim_tls(const struct engine_place *place, CURL *easy)
{
    static const struct {
        CURLoption option;
        const char *file;
    } files[] = { { CURLOPT_CAINFO, "ca.pem" },
                  { CURLOPT_SSLCERT, "cert.pem" },
                  { CURLOPT_SSLKEY, "key.pem" } };
    char path[ENGINE_PATH_MAX + 16];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", place->certificates, files[i].file);
        curl_easy_setopt(easy, files[i].option, path);
    }
    if (place->unchecked) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void engine_line_aim(const struct engine *engine, CURL *easy)
{
    const struct engine_place *place = &engine->place;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    if (*place->socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, place->socket);
    if (*place->certificates)
        aim_tls(place, easy);
}

/* ---- the request */

static int add_field(struct transfer *transfer, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 3;
    char *field = malloc(size);
    struct curl_slist *longer = NULL;

    if (field) {
        snprintf(field, size, "%s: %s", name, value);
        longer = curl_slist_append(transfer->fields, field);
        free(field);
    }
    if (!longer)
        return -ENOMEM;
    transfer->fields = longer;
    return 0;
}

static int write_body(struct transfer *transfer)
{
    const struct engine_call *call = transfer->call;
    const void *body = call->body ? call->body : "";
    size_t size = call->body ? call->body_size : 0;
    const char *type = call->type ? call->type : "application/x-tar";

    if (call->json) {
        transfer->text = json_dumps(call->json, JSON_COMPACT);
        if (!transfer->text)
            return -ENOMEM;
        body = transfer->text;
        size = strlen(transfer->text);
        type = "application/json";
    }
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, body);
    return add_field(transfer, "Content-Type", type);
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;
    const struct engine_call *call = transfer->call;
    long status = 0;

    (void)one;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!call->sink || status >= 400)
        return buf_add(&transfer->body, data, size) < 0 ? 0 : size;
    transfer->stopped = !call->sink(call->arg, data, size);
    return transfer->stopped ? 0 : size;
}

static int write_request(struct engine *engine, struct transfer *transfer)
{
    const struct engine_call *call = transfer->call;
    CURL *easy = transfer->easy;
    struct buf url = BUF_INIT(ENGINE_URL_MAX);
    int r = 0;

    engine_line_aim(engine, easy);
    buf_printf(&url, "%s%s%s%s", engine->place.base, *engine->api ? "/v" : "", engine->api,
               call->path);
    if (url.failed || curl_easy_setopt(easy, CURLOPT_URL, url.data) != CURLE_OK)
        r = -ENAMETOOLONG;
    if (r == 0 && strcmp(call->method, "GET") != 0 && strcmp(call->method, "HEAD") != 0)
        r = write_body(transfer);
    if (r == 0 && call->auth)
        r = add_field(transfer,
                      strncmp(call->path, "/build", 6) == 0 ? "X-Registry-Config"
                                                            : "X-Registry-Auth",
                      call->auth);
    if (r == 0)
        r = add_field(transfer, "Expect", "");
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(easy, CURLOPT_NOBODY, strcmp(call->method, "HEAD") == 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    buf_fini(&url);
    return r;
}

/* ---- on the way */

static bool has_moved(struct transfer *transfer)
{
    curl_off_t down = 0, up = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    if (down + up == transfer->moved)
        return false;
    transfer->moved = down + up;
    return true;
}

static int wait_ms(const struct engine_call *call, uint64_t deadline_ns)
{
    int left = deadline_poll_ms(deadline_ns);

    if (call->cancel && (left < 0 || left > LOOK_MS))
        return LOOK_MS;
    return left < 0 ? 60000 : left;
}

static CURLcode result_of(CURLM *multi)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left)))
        if (message->msg == CURLMSG_DONE)
            return message->data.result;
    return CURLE_RECV_ERROR;
}

/* 0 when the transfer has ended by itself, with libcurl's result. */
static int carry(struct engine_line *line, struct transfer *transfer, CURLcode *ret)
{
    const struct engine_call *call = transfer->call;
    int silence_ms = call->timeout_ms ? call->timeout_ms : ENGINE_SILENCE_MS;
    uint64_t deadline_ns = deadline_after_ms(silence_ms);
    int running = 1;

    for (;;) {
        if (curl_multi_perform(line->multi, &running) != CURLM_OK)
            return -EIO;
        if (!running)
            break;
        if (has_moved(transfer))
            deadline_ns = deadline_after_ms(silence_ms);
        if (call->cancel && __atomic_load_n(call->cancel, __ATOMIC_RELAXED))
            return -ECANCELED;
        if (deadline_poll_ms(deadline_ns) == 0)
            return -ETIMEDOUT;
        curl_multi_poll(line->multi, NULL, 0, wait_ms(call, deadline_ns), NULL);
    }
    *ret = result_of(line->multi);
    return 0;
}

static int perform(struct engine_line *line, struct transfer *transfer, CURLcode *ret)
{
    int r;

    if (curl_multi_add_handle(line->multi, line->easy) != CURLM_OK)
        return -ENOMEM;
    r = carry(line, transfer, ret);
    curl_multi_remove_handle(line->multi, line->easy);
    return r;
}

/* ---- the answer */

/* libcurl's words name a host, which a unix socket has not. */
static const char *words_of(const struct engine *engine, const struct transfer *transfer,
                            CURLcode code)
{
    long number = 0;

    if (code == CURLE_COULDNT_CONNECT && engine->place.socket[0])
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (number != 0)
        return strerror((int)number);
    return *transfer->words ? transfer->words : curl_easy_strerror(code);
}

static int lost(const struct engine *engine, const struct transfer *transfer, CURLcode code,
                const char *what, struct err *err)
{
    const char *words = words_of(engine, transfer, code);
    const char *where = engine->place.where;

    if (code == CURLE_WRITE_ERROR)
        return err_set(err, -ENOBUFS, "%s: the Docker daemon's answer has more than %d MB",
                       what, ENGINE_BODY_MAX >> 20);
    if (code == CURLE_OUT_OF_MEMORY)
        return err_system(err, -ENOMEM, "%s", what);
    return err_set(err, -ENOTCONN,
                   "%s: the Docker daemon at '%s' does not answer (%s); try: "
                   "systemctl status docker",
                   what, where, words);
}

static int ended(struct engine *engine, const struct transfer *transfer, int r, CURLcode code,
                 const char *what, struct err *err)
{
    const struct engine_call *call = transfer->call;
    int silence_ms = call->timeout_ms ? call->timeout_ms : ENGINE_SILENCE_MS;

    if (r == -ETIMEDOUT)
        return err_set(err, r, "%s: nothing came from the Docker daemon for %d ms", what,
                       silence_ms);
    if (r == -ECANCELED)
        return err_set(err, r, "%s: cancelled", what);
    if (r < 0)
        return err_system(err, r, "%s", what);
    if (code == CURLE_OK || transfer->stopped)
        return 0;
    return lost(engine, transfer, code, what, err);
}

static int take_answer(const struct transfer *transfer, long status, const char *what,
                       json_t **ret_json, struct err *err)
{
    json_error_t error;

    if (status >= 400)
        return engine_refused((int)status, buf_text(&transfer->body), what, err);
    if (!ret_json)
        return 0;
    *ret_json = NULL;
    if (transfer->body.size == 0)
        return 0;
    *ret_json = json_loadb(transfer->body.data, transfer->body.size, JSON_DECODE_ANY, &error);
    return *ret_json ? 0
                     : err_set(err, -EPROTO, "%s: the Docker daemon's answer is no JSON: %s",
                               what, error.text);
}

int engine_do(struct engine *engine, const struct engine_call *call, const char *what,
              json_t **ret_json, int *ret_status, struct err *err)
{
    struct engine_line *line = engine_line_get(engine);
    struct transfer transfer = { .call = call, .body = BUF_INIT(ENGINE_BODY_MAX) };
    CURLcode code = CURLE_OK;
    long status = 0;
    int r;

    if (!line)
        return err_system(err, -ENOMEM, "%s", what);
    transfer.easy = line->easy;
    r = write_request(engine, &transfer);
    if (r == 0)
        r = perform(line, &transfer, &code);
    curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
    r = ended(engine, &transfer, r, code, what, err);
    if (r == 0)
        r = take_answer(&transfer, status, what, ret_json, err);
    if (ret_status)
        *ret_status = (int)status;
    engine_line_put(engine, line);
    curl_slist_free_all(transfer.fields);
    free(transfer.text);
    buf_fini(&transfer.body);
    return r;
}
