/* http/forward.c - requests to the real origin, by libcurl on a thread of its own; see forward.h. */

#include "http/forward.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "link/link.h"
#include "net/loop.h"
#include "test/library.h"
#include "test/t.h"

#include "base/hostile.h"

enum { FIELDS_MAX = 1000, BODY_MAX = 256 << 20, POLL_MS = 60000, CONNECT_S = 30 };

/* ---- libcurl, by the names of curl.h without curl_ */

struct curl_library {
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    const char *(*easy_strerror)(CURLcode code);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_perform)(CURLM *multi, int *ret_running);
    CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd *more, unsigned count, int ms,
                            int *ret_ready);
    CURLMcode (*multi_wakeup)(CURLM *multi);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *ret_left);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

#define SYMBOL(name) "curl_" #name, offsetof(struct curl_library, name)

static const struct library_symbol symbols[] = {
    { SYMBOL(easy_init) },        { SYMBOL(easy_cleanup) },        { SYMBOL(easy_setopt) },
    { SYMBOL(easy_strerror) },    { SYMBOL(multi_init) },          { SYMBOL(multi_cleanup) },
    { SYMBOL(multi_add_handle) }, { SYMBOL(multi_remove_handle) }, { SYMBOL(multi_perform) },
    { SYMBOL(multi_poll) },       { SYMBOL(multi_wakeup) },        { SYMBOL(multi_info_read) },
    { SYMBOL(slist_append) },     { SYMBOL(slist_free_all) },
};

static struct curl_library curl; /* guarded by the loop's lock until it is loaded */

static int load(struct err *err)
{
    if (curl.slist_free_all)
        return 0;
    return library_load("libcurl.so.4", "libcurl4", symbols, sizeof symbols / sizeof *symbols,
                        &curl, err);
}

/* ---- jobs */

struct job {
    struct job *next;
    struct forward_request request;
    struct arena arena;
    CURL *easy;
    struct curl_slist *fields; /* sent */
    struct curl_slist *resolve;
    struct curl_slist *connect_to;
    struct http_message answer;
    struct http_field got[FIELDS_MAX];
    size_t got_count;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};

struct forward {
    CURLM *multi;
    pthread_t thread;
    bool stop; /* with the list guarded by the loop's lock */
    struct job *jobs; /* not begun */
    struct job *running; /* the thread's own */
};

/* What belongs to one connection and not to the message (RFC 9110, 7.6.1). */
static bool is_of_connection(const char *name)
{
    static const char *const names[] = { "Connection",        "Keep-Alive",
                                         "Proxy-Connection",  "TE",
                                         "Transfer-Encoding", "Trailer",
                                         "Upgrade",           "Expect" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void append(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl.slist_append(*list, text);

    if (!longer)
        arena_give_up(strlen(text));
    *list = longer;
}

/* The program's own fields, and none that libcurl would add. */
static void add_fields(struct job *job)
{
    static const char *const unasked[] = { "Accept", "Content-Type", "Expect", "User-Agent" };
    const struct http_fields *fields = &job->request.message->fields;

    for (size_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->at[i];

        if (is_of_connection(field->name) || strcasecmp(field->name, "Content-Length") == 0)
            continue;
        append(&job->fields, arena_printf(&job->arena, *field->value ? "%s: %s" : "%s;",
                                          field->name, field->value));
    }
    for (size_t i = 0; i < sizeof unasked / sizeof *unasked; i++)
        if (!http_value(fields, unasked[i]) || is_of_connection(unasked[i]))
            append(&job->fields, arena_printf(&job->arena, "%s:", unasked[i]));
    curl.easy_setopt(job->easy, CURLOPT_HTTPHEADER, job->fields);
}

static const char *bracketed(struct job *job, const char *host)
{
    return strchr(host, ':') ? arena_printf(&job->arena, "[%s]", host) : host;
}

/* The name is looked up here: libcurl would ask on a thread of its own, where the hooks answer. */
static void look_up(struct job *job, const char *host, int port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct buf entry = BUF_INIT(4096);
    struct addrinfo *found = NULL;
    char text[INET6_ADDRSTRLEN + 20];

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    buf_printf(&entry, "%s:%d", bracketed(job, host), port);
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0)
            buf_printf(&entry, "%c%s", at == found ? ':' : ',', bracketed(job, text));
    if (!entry.failed)
        append(&job->resolve, buf_text(&entry));
    curl.easy_setopt(job->easy, CURLOPT_RESOLVE, job->resolve);
    buf_fini(&entry);
    freeaddrinfo(found);
}

static void direct(struct job *job)
{
    const struct forward_request *request = &job->request;

    if (!request->to_host) {
        look_up(job, request->host, request->port);
        return;
    }
    look_up(job, request->to_host, request->to_port);
    append(&job->connect_to, arena_printf(&job->arena, "::%s:%d",
                                          bracketed(job, request->to_host), request->to_port));
    curl.easy_setopt(job->easy, CURLOPT_CONNECT_TO, job->connect_to);
}

/* ---- the answer, as it comes */

/* The status line of each answer begins anew: before the last one there may be some of 1xx. */
static void take_status(struct job *job, const char *line)
{
    const char *blank = strchr(line, ' ');

    job->got_count = 0;
    job->answer = (struct http_message){ .minor = 1, .keep_alive = true };
    job->answer.status = blank ? atoi(blank + 1) : 0;
    blank = blank ? strchr(blank + 1, ' ') : NULL;
    job->answer.reason = blank ? blank + 1 : http_reason(job->answer.status);
}

static void take_field(struct job *job, char *line)
{
    char *colon = strchr(line, ':');

    if (!colon || job->got_count == FIELDS_MAX || job->body.size > 0)
        return;
    *colon++ = '\0';
    if (is_of_connection(line) || (strcasecmp(line, "Content-Length") == 0 &&
                                   strcmp(job->request.message->method, "HEAD") != 0))
        return;
    job->got[job->got_count++] = (struct http_field){ line, colon + strspn(colon, " \t") };
}

static size_t on_header(char *data, size_t one, size_t size, void *arg)
{
    struct job *job = arg;
    char *line = arena_copy(&job->arena, data, size);

    (void)one;
    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "HTTP/", 5) == 0)
        take_status(job, line);
    else
        take_field(job, line);
    return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct job *job = arg;

    (void)one;
    return buf_add(&job->body, data, size) < 0 ? 0 : size;
}

static void set_up(struct job *job)
{
    const struct forward_request *request = &job->request;
    const struct http_message *message = request->message;
    CURL *easy = job->easy;

    curl.easy_setopt(easy, CURLOPT_PRIVATE, job);
    curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, job->error);
    curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl.easy_setopt(easy, CURLOPT_PROXY, "");
    curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.easy_setopt(easy, CURLOPT_URL,
                     arena_printf(&job->arena, "%s://%s:%d/", request->scheme,
                                  bracketed(job, request->host), request->port));
    curl.easy_setopt(easy, CURLOPT_REQUEST_TARGET, message->target);
    if (message->body_size > 0) {
        curl.easy_setopt(easy, CURLOPT_POSTFIELDS, message->body);
        curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->body_size);
    }
    if (strcmp(message->method, "HEAD") == 0)
        curl.easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, message->method);
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, job);
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, job);
    add_fields(job);
    direct(job);
}

/* ---- the thread */

static void free_job(struct job *job)
{
    if (job->easy)
        curl.easy_cleanup(job->easy);
    curl.slist_free_all(job->fields);
    curl.slist_free_all(job->resolve);
    curl.slist_free_all(job->connect_to);
    buf_fini(&job->body);
    arena_fini(&job->arena);
    free(job);
}

static void finish(struct job *job, const char *error)
{
    job->answer.fields = (struct http_fields){ job->got, job->got_count };
    job->answer.body = buf_text(&job->body);
    job->answer.body_size = job->body.size;
    if (!error && job->answer.status == 0)
        error = "no status came";
    loop_lock();
    job->request.done(job->request.arg, error ? NULL : &job->answer, error);
    loop_unlock();
    free_job(job);
}

static void begin(struct forward *forward, struct job *job)
{
    job->easy = curl.easy_init();
    if (job->easy)
        set_up(job);
    if (!job->easy || curl.multi_add_handle(forward->multi, job->easy) != CURLM_OK) {
        finish(job, "libcurl cannot begin a transfer");
        return;
    }
    job->next = forward->running;
    forward->running = job;
}

static struct job *take_running(struct forward *forward, const CURL *easy)
{
    struct job **at = &forward->running, *job;

    while (*at && (*at)->easy != easy)
        at = &(*at)->next;
    job = *at;
    if (job)
        *at = job->next;
    return job;
}

static void finish_done(struct forward *forward)
{
    CURLMsg *message;
    int left;

    while ((message = curl.multi_info_read(forward->multi, &left))) {
        CURLcode code = message->data.result; /* goes with the handle */
        struct job *job = take_running(forward, message->easy_handle);
        const char *error = NULL;

        if (!job)
            continue;
        curl.multi_remove_handle(forward->multi, job->easy);
        if (code != CURLE_OK)
            error = *job->error ? job->error : curl.easy_strerror(code);
        finish(job, error);
    }
}

/* All that came in since the last look. Returns false at the end. */
static bool take_jobs(struct forward *forward, struct job **ret)
{
    bool go_on;

    loop_lock();
    *ret = forward->jobs;
    forward->jobs = NULL;
    go_on = !forward->stop;
    loop_unlock();
    return go_on;
}

static void begin_all(struct forward *forward, struct job *jobs)
{
    while (jobs) {
        struct job *job = jobs;

        jobs = job->next;
        begin(forward, job);
    }
}

static void give_up(struct forward *forward, struct job *jobs)
{
    static const char why[] = "the test has ended";
    struct job *job;

    while ((job = jobs)) {
        jobs = job->next;
        finish(job, why);
    }
    while ((job = forward->running)) {
        forward->running = job->next;
        curl.multi_remove_handle(forward->multi, job->easy);
        finish(job, why);
    }
}

static void *run(void *arg)
{
    struct forward *forward = arg;
    struct job *jobs;
    int running;

    t_private_thread_begins();
    link_pass_begin();
    while (take_jobs(forward, &jobs)) {
        begin_all(forward, jobs);
        curl.multi_perform(forward->multi, &running);
        finish_done(forward);
        curl.multi_poll(forward->multi, NULL, 0, POLL_MS, NULL);
    }
    give_up(forward, jobs);
    t_private_thread_ends();
    return NULL;
}

/* ---- */

/* Signals are for the threads of the test. */
static int start_thread(struct forward *forward)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    t_private_thread_planned(true);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = -pthread_create(&forward->thread, NULL, run, forward);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0)
        t_private_thread_planned(false);
    return r;
}

int forward_new(struct forward **ret, struct err *err)
{
    struct forward *forward;
    int r = load(err);

    if (r < 0)
        return r;
    forward = calloc(1, sizeof *forward);
    if (!forward)
        return -ENOMEM;
    forward->multi = curl.multi_init();
    r = forward->multi ? start_thread(forward) : -ENOMEM;
    if (r < 0) {
        if (forward->multi)
            curl.multi_cleanup(forward->multi);
        free(forward);
        return err_system(err, r, "cannot start a thread for the real origin");
    }
    *ret = forward;
    return 0;
}

void forward_put(struct forward *forward, const struct forward_request *request)
{
    struct job **last = &forward->jobs, *job = calloc(1, sizeof *job);

    if (!job)
        arena_give_up(sizeof *job);
    job->request = *request;
    job->body = BUF_INIT(BODY_MAX);
    while (*last)
        last = &(*last)->next;
    *last = job;
    curl.multi_wakeup(forward->multi);
}

void forward_stop(struct forward *forward)
{
    if (!forward)
        return;
    loop_lock();
    forward->stop = true;
    curl.multi_wakeup(forward->multi);
    loop_unlock();
    pthread_join(forward->thread, NULL);
    curl.multi_cleanup(forward->multi);
    free(forward);
}
