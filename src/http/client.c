/*
 * http/client.c - the test's own requests; see seam/http.h. The only file that knows libcurl.
 *
 * A client is a libcurl handle with the connections that it keeps. Those that run no request lie in a pool of
 * the process: a test that asks one thing after another has one client, parallel subtests one each. They go
 * when the test itself ends, whichever subtest was the first to ask.
 */

#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/deadline.h"
#include "base/io.h"
#include "http/client_request.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "seam/http.h"
#include "test/t.h"

#include "base/hostile.h"

enum {
    BODY_MAX = 256 << 20,
    BODY_KEPT = 1 << 16, /* room for the next body */
    DESTINATIONS_MAX = 256, /* that a CURLM has seen */
    FIELDS_MAX = 1 << 20, /* bytes of struct seam_http_field */
    BUNDLE_MAX = 16 << 20
};

struct client {
    struct client *next; /* in the pool */
    CURLM *multi;
    long connections; /* that it has made */
    CURL *easy;
    int authority; /* a file with it, -1: none yet */
    struct buf body; /* of the answer that is coming */
    struct buf fields; /* likewise: of struct seam_http_field */
    char words[CURL_ERROR_SIZE]; /* libcurl's, of what went wrong */
};

/* One request on its way. */
struct transfer {
    seam_t *t;
    const struct client_request *request;
    struct client *client;
    struct arena *arena; /* of the (sub)test */
    uint64_t deadline_ns; /* of the request; 0: none */
    const char *stopped; /* why we ended it ourselves; NULL */
};

/* ---- the pool */

static struct {
    pthread_mutex_t lock; /* guards all of this */
    struct client *idle;
    pid_t
        pid; /* whose they are: a child that the test forks may not speak on its parent's connections */
    bool ends; /* pool_end will be called */
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void client_free(struct client *client)
{
    curl_easy_cleanup(client->easy);
    if (client->multi)
        curl_multi_cleanup(client->multi);
    if (client->authority >= 0)
        t_private_close(client->authority);
    buf_fini(&client->body);
    buf_fini(&client->fields);
    free(client);
}

static void pool_end(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&pool.lock);
    while (pool.idle) {
        struct client *client = pool.idle;

        pool.idle = client->next;
        client_free(client);
    }
    pool.ends = false;
    pthread_mutex_unlock(&pool.lock);
}

static struct client *client_new(void)
{
    struct client *client;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->authority = -1;
    client->body = BUF_INIT(BODY_MAX);
    client->fields = BUF_INIT(FIELDS_MAX);
    client->easy = curl_easy_init();
    client->multi = curl_multi_init();
    if (client->easy && client->multi)
        return client;
    client_free(client);
    return NULL;
}

static struct client *client_take(void)
{
    struct client *client;
    bool begins;

    pthread_mutex_lock(&pool.lock);
    if (pool.pid != getpid()) {
        pool.pid = getpid();
        pool.idle = NULL;
        pool.ends = false;
    }
    begins = !pool.ends;
    pool.ends = true;
    client = pool.idle;
    if (client)
        pool.idle = client->next;
    else
        client = client_new();
    pthread_mutex_unlock(&pool.lock);
    if (begins)
        seam_cleanup(t_root(), pool_end, NULL);
    return client;
}

static void client_put_back(struct client *client)
{
    buf_clear(&client->fields);
    if (client->body.room > BODY_KEPT)
        buf_fini(&client->body);
    else
        buf_clear(&client->body);
    client->body = (struct buf){ client->body.data, 0, client->body.room, BODY_MAX, false };
    pthread_mutex_lock(&pool.lock);
    client->next = pool.idle;
    pool.idle = client;
    pthread_mutex_unlock(&pool.lock);
}

/* ---- what libcurl calls */

/* Sockets of ours stay out of the way of the test's own, and out of the processes that it forks. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)arg;
    (void)purpose;
    fd = fd < 0 ? -1 : t_private_fd(fd);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    (void)arg;
    t_private_close(fd);
    return 0;
}

static size_t trimmed(const char **text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", (*text)[size - 1]))
        size--;
    while (size > 0 && strchr(" \t", **text)) {
        ++*text;
        size--;
    }
    return size;
}

/* A status line, a field, or the blank line behind them. */
static size_t take_line(char *line, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;
    struct buf *fields = &transfer->client->fields;
    const char *colon = memchr(line, ':', size);
    struct seam_http_field field;

    (void)one;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_clear(fields); /* what came was an informational answer's */
    } else if (colon) {
        const char *value = colon + 1;
        size_t value_size = trimmed(&value, size - (size_t)(value - line));

        field.name = arena_copy(transfer->arena, line, (size_t)(colon - line));
        field.value = arena_copy(transfer->arena, value, value_size);
        if (buf_add(fields, &field, sizeof field) < 0) {
            transfer->stopped = "the answer has too many fields";
            return 0;
        }
    }
    return size;
}

static size_t take_body(char *data, size_t one, size_t size, void *arg)
{
    struct transfer *transfer = arg;

    (void)one;
    if (buf_add(&transfer->client->body, data, size) == 0)
        return size;
    transfer->stopped = "the body of the answer has more than 256 MB";
    return 0;
}

/* ---- telling libcurl what is wanted */

/* The authority as text, which lives as long as the process. */
static const char *authority_pem(struct transfer *transfer)
{
    const char *pem;
    struct err err;

    loop_lock();
    pem = tls_authority_pem(&err);
    loop_unlock();
    if (!pem)
        transfer->stopped = arena_dup(transfer->arena, err.text);
    return pem;
}

static bool is_on_this_machine(const char *url)
{
    const char *host = strstr(url, "://");

    host = host ? host + strlen("://") : "";
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* A file without a name, -1 when there can be none. */
static int file_of(const char *pem)
{
    int fd = memfd_create("seam-authority", MFD_CLOEXEC);

    if (fd >= 0 && io_write_all(fd, pem, strlen(pem)) == 0)
        fd = t_private_fd(fd);
    return fd;
}

/* Servers on this machine are signed by nobody else. What libcurl reads from a file it keeps for the next
 * connection, as long as it has no folder to look into besides. */
static CURLcode trust_authority_alone(struct client *client, const char *pem)
{
    char path[64];

    if (client->authority < 0)
        client->authority = file_of(pem);
    snprintf(path, sizeof path, "/proc/self/fd/%d", client->authority);
    curl_easy_setopt(client->easy, CURLOPT_CAPATH, NULL);
    return curl_easy_setopt(client->easy, CURLOPT_CAINFO, path);
}

/* Where libcurl has the system's authorities as a folder, it looks up the one that it needs; where it has a
 * file alone, all are read. */
static CURLcode trust_system_too(struct client *client, const char *pem)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    struct buf both = BUF_INIT(BUNDLE_MAX);
    CURLcode r = CURLE_OUT_OF_MEMORY;

    if (!info->capath && info->cainfo)
        io_read_file(info->cainfo, &both);
    if (buf_add_text(&both, pem) == 0)
        r = curl_easy_setopt(client->easy, CURLOPT_CAINFO_BLOB,
                             &((struct curl_blob){ both.data, both.size, CURL_BLOB_COPY }));
    buf_fini(&both);
    return r;
}

static CURLcode trust(struct transfer *transfer)
{
    const char *pem = authority_pem(transfer);

    if (!pem)
        return CURLE_FAILED_INIT;
    return is_on_this_machine(transfer->request->url)
               ? trust_authority_alone(transfer->client, pem)
               : trust_system_too(transfer->client, pem);
}

/* The same for all requests. Nothing of the user's surroundings takes part: no proxy, no .netrc. */
static void set_manners(struct transfer *transfer)
{
    CURL *easy = transfer->client->easy;

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT,
                     0L); /* all of it is looked at each time */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->client->words);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static long version_of(const struct client_request *request)
{
    if (!request->http2)
        return CURL_HTTP_VERSION_1_1;
    return strncasecmp(request->url, "https:", 6) == 0 ? CURL_HTTP_VERSION_2TLS
                                                       : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static struct curl_slist *add_line(struct arena *arena, struct curl_slist *to, const char *line)
{
    struct curl_slist *node = arena_zero(arena, sizeof *node);

    *node = (struct curl_slist){ (char *)line, to };
    return node;
}

/* libcurl's list, in memory of the test; it does not change it. A line without value takes away what libcurl
 * would add: a guess at the type of the body, and the second that it waits before it sends a long one. */
static struct curl_slist *field_list(struct transfer *transfer)
{
    const struct client_request *request = transfer->request;
    struct arena *arena = transfer->arena;
    struct curl_slist *list = NULL;

    if (!http_value(&request->fields, "Expect"))
        list = add_line(arena, list, "Expect:");
    if (request->body && !http_value(&request->fields, "Content-Type"))
        list = add_line(arena, list, "Content-Type:");
    for (size_t i = request->fields.count; i-- > 0;) {
        const struct http_field *field = &request->fields.at[i];

        list = add_line(arena, list,
                        *field->value ? arena_printf(arena, "%s: %s", field->name, field->value)
                                      : arena_printf(arena, "%s;", field->name));
    }
    return list;
}

static void set_method(CURL *easy, const struct client_request *request)
{
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Only what can fail for another reason than a lack of memory is looked at. */
static CURLcode set_up(struct transfer *transfer)
{
    const struct client_request *request = transfer->request;
    CURL *easy = transfer->client->easy;

    curl_easy_reset(easy);
    transfer->client->words[0] = '\0';
    set_manners(transfer);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version_of(request));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, field_list(transfer));
    set_method(easy, request);
    if (request->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
    if (request->client_certificate) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, request->client_certificate);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, request->client_certificate);
    }
    return strncasecmp(request->url, "https:", 6) == 0 ? trust(transfer) : CURLE_OK;
}

/* ---- running it */

/* Milliseconds that it may still take; 0, and why, when there are none. */
static int left_ms(struct transfer *transfer)
{
    int test_ms = seam_context_remaining_ms(seam_context_of(transfer->t));
    int own_ms = deadline_poll_ms(transfer->deadline_ns);

    if (test_ms == 0)
        transfer->stopped = "the test ended before the whole answer had come";
    else if (own_ms == 0)
        transfer->stopped = arena_printf(transfer->arena, "no whole answer within %d ms",
                                         transfer->request->timeout_ms);
    if (test_ms < 0)
        return own_ms < 0 ? INT_MAX : own_ms;
    return own_ms >= 0 && own_ms < test_ms ? own_ms : test_ms;
}

static CURLcode result_of(CURLM *multi)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);

    return message ? message->data.result : CURLE_FAILED_INIT;
}

/* Whether a server of this process will answer: then this thread does that server's work meanwhile. Not when
 * the request may be given up: a handler that runs in this thread cannot be. */
static bool is_for_own_server(const struct client_request *request)
{
    bool own = false;
    int port;

    if (!request->unix_socket && request->timeout_ms == 0 &&
        sscanf(request->url, "%*[a-z]://127.%*[0-9.]:%d", &port) == 1) {
        loop_lock();
        own = listener_of_port(port) != NULL;
        loop_unlock();
    }
    return own;
}

/* libcurl 7.88 keeps an entry for each destination whose connections it has dropped, and looks at all of them
 * for each transfer: after some hundred servers a new handle is faster. */
static void forget_destinations(struct client *client)
{
    long connections = 0;
    CURLM *fresh;

    curl_easy_getinfo(client->easy, CURLINFO_NUM_CONNECTS, &connections);
    client->connections += connections;
    if (client->connections < DESTINATIONS_MAX || !(fresh = curl_multi_init()))
        return;
    curl_multi_cleanup(client->multi);
    client->multi = fresh;
    client->connections = 0;
}

static CURLcode run(struct transfer *transfer)
{
    CURLM *multi = transfer->client->multi;
    struct curl_waitfd end = { .fd = seam_context_fd(seam_context_of(transfer->t)),
                               .events = CURL_WAIT_POLLIN };
    bool drives = is_for_own_server(transfer->request) && loop_drive_begin();
    CURLcode r = CURLE_OPERATION_TIMEDOUT;
    int running = 1, ms;

    curl_multi_add_handle(multi, transfer->client->easy);
    while (running && (ms = left_ms(transfer)) != 0) {
        machine_depth++;
        curl_multi_perform(multi, &running);
        machine_depth--;
        if (!running)
            r = result_of(multi);
        else if (drives && !(drives = loop_drive()))
            loop_drive_end(false);
        else if (!drives) {
            machine_depth++;
            curl_multi_poll(multi, &end, end.fd >= 0, ms, NULL);
            machine_depth--;
        }
    }
    if (drives)
        loop_drive_end(true);
    curl_multi_remove_handle(multi, transfer->client->easy);
    return r;
}

/* ---- the answer */

/* What went wrong, in libcurl's words but where they are poor or change from run to run. */
static const char *words_of(struct transfer *transfer, CURLcode r)
{
    const char *path = transfer->request->unix_socket;
    long number = 0;

    if (transfer->stopped)
        return transfer->stopped;
    curl_easy_getinfo(transfer->client->easy, CURLINFO_OS_ERRNO, &number);
    if (r == CURLE_COULDNT_CONNECT && number != 0)
        return path ? arena_printf(transfer->arena, "could not connect to '%s': %s", path,
                                   strerror((int)number))
                    : arena_printf(transfer->arena, "could not connect: %s",
                                   strerror((int)number));
    return arena_dup(transfer->arena, transfer->client->words[0] ? transfer->client->words
                                                                 : curl_easy_strerror(r));
}

static const char *version_words(CURL *easy)
{
    long version = 0;

    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0   ? "HTTP/2"
           : version == CURL_HTTP_VERSION_1_0 ? "HTTP/1.0"
                                              : "HTTP/1.1";
}

static seam_http_response *response_of(struct transfer *transfer, CURLcode r)
{
    seam_http_response *response = arena_zero(transfer->arena, sizeof *response);
    struct client *client = transfer->client;
    size_t size = client->fields.size;
    struct seam_http_field *fields = arena_zero(transfer->arena, size + sizeof *fields);
    long status = 0;

    if (size > 0)
        memcpy(fields, client->fields.data, size);
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    *response = (seam_http_response){
        .status = (int)status,
        .body = arena_copy(transfer->arena, buf_text(&client->body), client->body.size),
        .size = client->body.size,
        .error = r == CURLE_OK ? NULL : words_of(transfer, r),
        .fields = fields,
        .version = version_words(client->easy),
    };
    return response;
}

static const seam_http_response *ask(seam_t *t, const struct client_request *request)
{
    struct transfer transfer = { .t = t,
                                 .request = request,
                                 .client = client_take(),
                                 .arena = t_arena(t),
                                 .deadline_ns = deadline_after_ms(request->timeout_ms) };
    const seam_http_response *response;
    CURLcode r;

    if (!transfer.client)
        seam_fatal_at(t, request->site, "%s %s: libcurl cannot be set up", request->method,
                      request->url);
    r = set_up(&transfer);
    if (r == CURLE_OK)
        r = run(&transfer);
    response = response_of(&transfer, r);
    forget_destinations(transfer.client);
    client_put_back(transfer.client);
    if (response->error && !request->may_fail)
        seam_fatal_at(t, request->site, "%s %s: %s", request->method, request->url,
                      response->error);
    return response;
}

const seam_http_response *seam_http_do_at(seam_t *t, const seam_http_request *request)
{
    struct client_request whole;

    client_request_make(t, request, &whole);
    return ask(t, &whole);
}

const seam_http_response *seam_http_get_at(seam_t *t, seam_site at, const char *url)
{
    return seam_http_do_at(t, &(seam_http_request){ .url = url, .site = at });
}
