/* payment/post.c - a request on libcurl; see post.h. */

#include "payment/post.h"

#include <stdio.h>
#include <string.h>

/* What went wrong, for people. libcurl's own words follow. */
static const struct {
    CURLcode code;
    const char *words;
} failures[] = {
    { CURLE_COULDNT_RESOLVE_HOST, "the payment provider's name is unknown" },
    { CURLE_COULDNT_CONNECT, "cannot connect to the payment provider" },
    { CURLE_PEER_FAILED_VERIFICATION, "the payment provider's certificate is not trusted" },
    { CURLE_OPERATION_TIMEDOUT, "the payment provider did not answer in time" },
    { CURLE_GOT_NOTHING, "the payment provider hung up without an answer" },
    { CURLE_PARTIAL_FILE, "the payment provider's answer was cut off" },
    { CURLE_RECV_ERROR, "the payment provider's answer was cut off" },
    { CURLE_WRITE_ERROR, "the payment provider's answer is too long" },
};

static int failed(CURLcode code, const char *detail, struct failure *failure)
{
    const char *words = "cannot ask the payment provider";

    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].code == code)
            words = failures[i].words;
    snprintf(failure->text, sizeof failure->text, "%s: %s", words,
             *detail ? detail : curl_easy_strerror(code));
    return -1;
}

/* Less than `size` tells libcurl to give up with CURLE_WRITE_ERROR. */
static size_t collect(char *data, size_t one, size_t size, void *arg)
{
    struct answer *answer = arg;

    (void)one; /* always 1 */
    if (size > ANSWER_MAX - answer->size)
        return 0;
    memcpy(answer->body + answer->size, data, size);
    answer->size += size;
    answer->body[answer->size] = '\0';
    return size;
}

static struct curl_slist *make_fields(const struct post *post)
{
    struct curl_slist *first, *fields;
    char key[256];

    snprintf(key, sizeof key, "Idempotency-Key: %s", post->idempotency_key);
    first = curl_slist_append(NULL, key);
    fields = first ? curl_slist_append(first, "Content-Type: application/json") : NULL;
    if (!fields)
        curl_slist_free_all(first);
    return fields;
}

static void prepare(CURL *curl, const struct post *post, const struct curl_slist *fields,
                    struct answer *answer, char *words)
{
    curl_easy_reset(curl); /* the connections stay */
    curl_easy_setopt(curl, CURLOPT_URL, post->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->json);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, post->token);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* we have threads */
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
}

static void read_head(CURL *curl, struct answer *answer)
{
    curl_off_t retry_after = 0;
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after); /* also from a date */
    answer->status = (int)status;
    answer->retry_after_s = retry_after > 0 ? retry_after : 0;
}

int post_send(CURL *curl, const struct post *post, struct answer *ret_answer,
              struct failure *failure)
{
    char words[CURL_ERROR_SIZE] = "";
    struct curl_slist *fields = make_fields(post);
    CURLcode code;

    if (!fields)
        return failed(CURLE_OUT_OF_MEMORY, words, failure);
    ret_answer->size = 0;
    ret_answer->body[0] = '\0';
    prepare(curl, post, fields, ret_answer, words);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        read_head(curl, ret_answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL); /* `words` ends with this function */
    curl_slist_free_all(fields);
    return code == CURLE_OK ? 0 : failed(code, words, failure);
}
