/* net/tls_error.c - OpenSSL's queue of errors; see tls_error.h. */

#include "net/tls_error.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostile.h"

enum { QUEUE_MAX = 16 }; /* ERR_NUM_ERRORS of OpenSSL */

struct tls_error {
    unsigned long code;
    int line;
    char *file;
    char *function;
    char *data; /* NULL: none */
};

int tls_error_set(struct err *err, int code, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    return err_set(err, code, "%s: %s", what, reason ? reason : "no reason given");
}

static char *dup_or_null(const char *text)
{
    return text && *text ? strdup(text) : NULL;
}

/* Marks are no substitute: SSL_read and its like empty the whole queue, marks and all, when they begin. */
void tls_errors_take(struct tls_errors *ret)
{
    const char *file, *function, *data;
    unsigned long code;
    int line, flags;

    *ret = (struct tls_errors){ 0 };
    if (ERR_peek_error() == 0)
        return;
    ret->at = calloc(QUEUE_MAX, sizeof *ret->at);
    if (!ret->at)
        return;
    while (ret->count < QUEUE_MAX &&
           (code = ERR_get_error_all(&file, &line, &function, &data, &flags)) != 0)
        ret->at[ret->count++] = (struct tls_error){
            .code = code,
            .line = line,
            .file = dup_or_null(file),
            .function = dup_or_null(function),
            .data = flags & ERR_TXT_STRING ? dup_or_null(data) : NULL,
        };
}

static void put_back(const struct tls_error *error)
{
    ERR_new();
    ERR_set_debug(error->file, error->line, error->function);
    if (error->data)
        ERR_set_error(ERR_GET_LIB(error->code), ERR_GET_REASON(error->code), "%s", error->data);
    else
        ERR_set_error(ERR_GET_LIB(error->code), ERR_GET_REASON(error->code), NULL);
}

void tls_errors_put_back(struct tls_errors *errors)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    for (size_t i = 0; i < errors->count; i++) {
        put_back(&errors->at[i]);
        free(errors->at[i].file);
        free(errors->at[i].function);
        free(errors->at[i].data);
    }
    free(errors->at);
    *errors = (struct tls_errors){ 0 };
}
