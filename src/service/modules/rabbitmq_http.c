/* service/modules/rabbitmq_http.c - the management API of a broker; see rabbitmq_http.h. */

#include "service/modules/rabbitmq_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"

enum { ANSWER_MAX = 16 << 20, CALL_MAX_MS = 30000, SHOWN = 300 };

struct rabbitmq_http {
    const struct rabbitmq_server *server;
    CURL *easy;
    struct curl_slist *fields;
};

struct rabbitmq_http *rabbitmq_http_new(const struct rabbitmq_server *server)
{
    struct rabbitmq_http *http = calloc(1, sizeof *http);

    if (!http)
        return NULL;
    http->server = server;
    http->easy = curl_easy_init();
    http->fields = curl_slist_append(NULL, "Content-Type: application/json");
    if (!http->easy || !http->fields) {
        rabbitmq_http_free(http);
        return NULL;
    }
    return http;
}

void rabbitmq_http_free(struct rabbitmq_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->fields);
    free(http);
}

static size_t take(char *data, size_t one, size_t count, void *arg)
{
    return buf_add(arg, data, one * count) == 0 ? one * count : 0;
}

static void prepare(struct rabbitmq_http *http, const char *method, const char *body,
                    struct buf *answer)
{
    CURL *easy = http->easy;

    curl_easy_reset(easy); /* connections stay */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CALL_MAX_MS);
    curl_easy_setopt(easy, CURLOPT_USERNAME, RABBITMQ_ADMIN);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, http->server->password);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->fields);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    if (body)
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
}

static int judge(struct rabbitmq_http *http, CURLcode code, const char *path,
                 const struct buf *answer, struct err *err)
{
    long status = 0;

    if (code != CURLE_OK)
        return err_set(err, -ENOTCONN, "cannot ask the broker's management API: %s",
                       curl_easy_strerror(code));
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return 0;
    return err_set(err, status == 404 ? -ENOENT : -EREMOTEIO,
                   "the broker's management API answers '%s' with %ld: %.*s", path, status,
                   SHOWN, buf_text(answer));
}

int rabbitmq_http_call(struct rabbitmq_http *http, const char *method, const char *path,
                       const char *body, json_t **ret_json, struct err *err)
{
    struct buf answer = BUF_INIT(ANSWER_MAX), url = BUF_INIT(4096);
    int r = 0;

    prepare(http, method, body, &answer);
    buf_printf(&url, "http://%s:%d/api/%s", http->server->host, http->server->management_port,
               path);
    if (url.failed || curl_easy_setopt(http->easy, CURLOPT_URL, buf_text(&url)) != CURLE_OK)
        r = err_set(err, -ENOMEM, "out of memory");
    if (r == 0)
        r = judge(http, curl_easy_perform(http->easy), path, &answer, err);
    if (r == 0 && ret_json)
        *ret_json = json_loadb(buf_text(&answer), answer.size, 0, NULL);
    buf_fini(&answer);
    buf_fini(&url);
    return r;
}
