/* service/wait_http.c - whether a GET is answered as it should; see wait.h. */

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "service/wait.h"

enum { ANSWER_MAX = 1 << 20 };

static size_t collect(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count); /* of a longer one the head is enough */
    return size * count;
}

/* Whether one of the lines is "Name: value"; blanks around the value and the case of the name are nothing. */
static bool has_header(const char *headers, const char *wanted)
{
    size_t name = strcspn(wanted, ":");
    const char *value = wanted + name + (wanted[name] == ':');
    size_t length;

    value += strspn(value, " \t");
    length = strlen(value);
    for (const char *line = headers; *line; line += strspn(line, "\r\n")) {
        const char *end = line + strcspn(line, "\r\n"), *at = line + name + 1;

        if (strncasecmp(line, wanted, name) == 0 && line[name] == ':') {
            at += strspn(at, " \t");
            if ((size_t)(end - at) >= length && strncmp(at, value, length) == 0 &&
                strspn(at + length, " \t") == (size_t)(end - at) - length)
                return true;
        }
        line = end;
    }
    return false;
}

bool wait_judge_http(struct wait_condition *condition, int status, const char *headers,
                     const char *body, size_t size)
{
    char *last = condition->last;

    if (status != condition->status)
        snprintf(last, sizeof condition->last, "answered with %d", status);
    else if (condition->header && !has_header(headers, condition->header))
        snprintf(last, sizeof condition->last, "answered without '%.100s'", condition->header);
    else if (condition->body && !memmem(body, size, condition->body, strlen(condition->body)))
        snprintf(last, sizeof condition->last, "the body lacks it: '%.*s'",
                 (int)(size < 100 ? size : 100), body);
    else
        return true;
    return false;
}

static void set_options(CURL *curl, const char *url, int timeout_ms, struct buf *headers,
                        struct buf *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ms > 0 ? timeout_ms : 1));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, headers);
}

bool wait_ask_http(struct wait_condition *condition, const char *host, int port, int timeout_ms)
{
    struct buf url = BUF_INIT(4096), headers = BUF_INIT(ANSWER_MAX),
               body = BUF_INIT(ANSWER_MAX);
    CURL *curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;
    bool ok = false;

    buf_printf(&url, "http%s://%s:%d%s%s", condition->tls ? "s" : "", host, port,
               condition->text[0] == '/' ? "" : "/", condition->text);
    if (curl) {
        set_options(curl, buf_text(&url), timeout_ms, &headers, &body);
        code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    if (code != CURLE_OK)
        snprintf(condition->last, sizeof condition->last, "%s", curl_easy_strerror(code));
    else
        ok = wait_judge_http(condition, (int)status, buf_text(&headers), buf_text(&body),
                             body.size);
    curl_easy_cleanup(curl);
    buf_fini(&url);
    buf_fini(&headers);
    buf_fini(&body);
    return ok;
}
