/* service/authority.c - the certificate of a run's servers; see authority.h. */

#include "service/authority.h"

#include <errno.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "net/tls_certificate.h"

enum { PEM_MAX = 64 << 10 };

static struct {
    pthread_mutex_t lock; /* guards what follows until it is there, and net/tls_certificate.c */
    char file[CLEAN_PATH_MAX + 16];
    char *certificate, *key;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What was written into a memory of OpenSSL's, as a text of ours. */
static char *take_text(BIO *from)
{
    char *data, *text;
    long size = BIO_get_mem_data(from, &data);

    text = size > 0 ? strndup(data, (size_t)size) : NULL;
    BIO_free(from);
    return text;
}

static char *certificate_text(X509 *certificate)
{
    BIO *to = BIO_new(BIO_s_mem());

    if (!to)
        return NULL;
    PEM_write_bio_X509(to, certificate);
    return take_text(to);
}

static char *key_text(EVP_PKEY *key)
{
    BIO *to = BIO_new(BIO_s_mem());

    if (!to)
        return NULL;
    PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL);
    return take_text(to);
}

static int make(const struct keeper *keeper, const char *host, struct err *err)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "::1", NULL };
    const char *authority = tls_authority_pem(err);
    X509 *certificate = authority ? tls_certificate(names, host, TLS_SOUND, err) : NULL;
    int r;

    if (!certificate)
        return -EIO;
    snprintf(state.file, sizeof state.file, "%s/ca.pem", keeper->dirs.memory);
    r = io_write_file(state.file, authority, strlen(authority));
    if (r < 0)
        return err_system(err, r, "cannot write '%s'", state.file);
    state.key = key_text(tls_certificate_key());
    state.certificate = certificate_text(certificate);
    return state.key && state.certificate ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int authority_get(struct keeper *keeper, const char *host, struct authority *ret,
                  struct err *err)
{
    int r = 0;

    if (host && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0))
        host = NULL;
    pthread_mutex_lock(&state.lock);
    if (!state.certificate)
        r = make(keeper, host, err);
    pthread_mutex_unlock(&state.lock);
    *ret = (struct authority){ state.file, state.certificate, state.key };
    return r;
}
