/* link/trust.c - an authority that clients of this process trust; see trust.h. */

#include "link/trust.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link/connect.h"
#include "link/destination.h"
#include "link/hooks.h"
#include "link/link.h"
#include "link/real.h"

#define HOOK __attribute__((visibility("default")))

static _Atomic(const char *) authority;

int link_trust(const char *authority_pem, struct err *err)
{
    const char *now = atomic_load(&authority);
    char *copy;

    if (now && strcmp(now, authority_pem) == 0)
        return 0;
    copy = strdup(authority_pem);
    if (!copy)
        return err_set(err, -ENOMEM, "out of memory");
    atomic_store(&authority, copy); /* an earlier one may be in use: it stays */
    return 0;
}

const char *link_authority(void)
{
    return atomic_load(&authority);
}

/* ---- the system's bundle */

/* Where distributions have it; the environment has its own names for another place. */
static bool is_bundle(const char *path)
{
    static const char *const usual[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/ssl/cert.pem",
        "/usr/lib/ssl/cert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    };

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(path, usual[i]) == 0)
            return true;
    return false;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = link_real()->write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool copy_file(int to, const char *path)
{
    int from = link_real()->openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    char part[16384];
    bool whole = true;
    ssize_t n = 0;

    while (from >= 0 && whole && (n = read(from, part, sizeof part)) > 0)
        whole = write_all(to, part, (size_t)n);
    if (from >= 0)
        link_real()->close(from);
    return whole && n >= 0;
}

static bool stands_for(const char *path)
{
    return link_authority() && path && !link_passes() && is_bundle(path);
}

int link_open_bundle(const char *path)
{
    const char *pem = link_authority();
    int fd;

    if (!stands_for(path))
        return -1;
    fd = memfd_create("seam-authority", MFD_CLOEXEC);
    if (fd >= 0 && write_all(fd, pem, strlen(pem)) &&
        (!link_allows_others() || copy_file(fd, path)) && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    if (fd >= 0)
        link_real()->close(fd);
    return -1;
}

/* ---- OpenSSL, by the library that calls: nothing of ours is linked with it */

struct openssl {
    void *(*get0_store)(void *context);
    int (*add_cert)(void *store, void *certificate);
    void *(*bio_new_mem_buf)(const void *data, int size);
    void *(*read_x509)(void *bio, void *ret, void *callback, void *user);
    int (*bio_free)(void *bio);
    int (*check_purpose)(void *certificate, int id, int ca);
    int (*set_mark)(void);
    int (*pop_to_mark)(void);
    int (*verify)(void *context);
};

/* The program itself has no name by which it could be opened. */
static void *library_of(const void *caller)
{
    Dl_info where;
    void *library =
        dladdr(caller, &where) ? dlopen(where.dli_fname, RTLD_NOW | RTLD_NOLOAD) : NULL;

    return library ? library : dlopen(NULL, RTLD_NOW);
}

/* The functions as the calling library finds them: there may be two OpenSSLs in a process. */
static bool find_openssl(void *library, struct openssl *ret)
{
    const struct {
        const char *name;
        void **to;
    } wanted[] = {
        { "X509_STORE_CTX_get0_store", (void **)&ret->get0_store },
        { "X509_STORE_add_cert", (void **)&ret->add_cert },
        { "BIO_new_mem_buf", (void **)&ret->bio_new_mem_buf },
        { "PEM_read_bio_X509", (void **)&ret->read_x509 },
        { "BIO_free", (void **)&ret->bio_free },
        { "X509_check_purpose", (void **)&ret->check_purpose },
        { "ERR_set_mark", (void **)&ret->set_mark },
        { "ERR_pop_to_mark", (void **)&ret->pop_to_mark },
        { "X509_verify_cert", (void **)&ret->verify },
    };

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!library || !(*wanted[i].to = dlsym(library, wanted[i].name)))
            return false;
    return true;
}

/* The authority as that OpenSSL has it: parsing takes a fifth of a new connection's time, so the last one is
 * kept, with the OpenSSL and the text that it is of. */
static void *parsed_authority(const struct openssl *ssl)
{
    static struct {
        const char *pem;
        void *(*reader)(void *, void *, void *, void *);
        void *certificate;
    } kept; /* guarded by the lock */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const char *pem = link_authority();
    void *bio, *certificate;

    pthread_mutex_lock(&lock);
    if (!kept.certificate || kept.pem != pem || kept.reader != ssl->read_x509) {
        bio = ssl->bio_new_mem_buf(pem, -1);
        certificate = bio ? ssl->read_x509(bio, NULL, NULL, NULL) : NULL;
        if (bio)
            ssl->bio_free(bio);
        if (certificate) { /* one before stays with the OpenSSL that it was of */
            /* Purpose -1 checks nothing: it decodes the extensions now, which else the first of several threads
             * would do, by OpenSSL's own atomics; ThreadSanitizer does not see those. */
            ssl->check_purpose(certificate, -1, 0);
            kept.pem = pem;
            kept.reader = ssl->read_x509;
            kept.certificate = certificate;
        }
    }
    certificate = kept.reader == ssl->read_x509 ? kept.certificate : NULL;
    pthread_mutex_unlock(&lock);
    return certificate;
}

/* The store takes a reference of its own, and none when it has the certificate already. */
static bool add_authority(const struct openssl *ssl, void *store)
{
    void *certificate;
    bool added;

    ssl->set_mark();
    certificate = parsed_authority(ssl);
    added = certificate && ssl->add_cert(store, certificate) == 1;
    ssl->pop_to_mark();
    return added;
}

HOOK int X509_verify_cert(void *context);
HOOK int X509_verify_cert(void *context)
{
    void *library = library_of(__builtin_return_address(0));
    struct openssl ssl = { 0 };
    bool found = find_openssl(library, &ssl);
    int result = -1;

    if (!ssl.verify || ssl.verify == X509_verify_cert)
        *(void **)&ssl.verify = dlsym(RTLD_NEXT, "X509_verify_cert");
    if (found && link_authority())
        add_authority(&ssl, ssl.get0_store(context));
    if (ssl.verify)
        result = ssl.verify(context);
    if (library)
        dlclose(library);
    return result;
}

/* What a client reads from the system's bundle, it has parsed already: to do it again for each new handle takes a
 * seventh of the time of a connection. */
HOOK int X509_STORE_load_file(void *store, const char *path);
HOOK int X509_STORE_load_file(void *store, const char *path)
{
    void *library = library_of(__builtin_return_address(0));
    struct openssl ssl = { 0 };
    int (*real)(void *, const char *) = NULL;
    int result = 0;

    if (library)
        *(void **)&real = dlsym(library, "X509_STORE_load_file");
    if (!real || real == X509_STORE_load_file)
        *(void **)&real = dlsym(RTLD_NEXT, "X509_STORE_load_file");
    if (stands_for(path) && !link_allows_others() && find_openssl(library, &ssl) &&
        add_authority(&ssl, store))
        result = 1;
    else if (real)
        result = real(store, path);
    if (library)
        dlclose(library);
    return result;
}

/* ---- GnuTLS: the file of authorities of the session's credentials */

struct gnutls_datum {
    const void *data;
    unsigned size;
};

enum { GNUTLS_CRD_CERTIFICATE = 1, GNUTLS_X509_FMT_PEM = 1 };

HOOK int gnutls_handshake(void *session);
HOOK int gnutls_handshake(void *session)
{
    int (*real)(void *) = NULL;
    int (*get)(void *, int, void **) = NULL;
    int (*trust)(void *, const struct gnutls_datum *, int) = NULL;
    const char *pem = link_authority();
    void *credentials = NULL;
    void *library = library_of(__builtin_return_address(0));
    void *from = library ? library : RTLD_NEXT;

    *(void **)&get = dlsym(from, "gnutls_credentials_get");
    *(void **)&trust = dlsym(from, "gnutls_certificate_set_x509_trust_mem");
    *(void **)&real = dlsym(RTLD_NEXT, "gnutls_handshake");
    if (!real || real == gnutls_handshake)
        *(void **)&real = dlsym(from, "gnutls_handshake");
    if (pem && get && trust && get(session, GNUTLS_CRD_CERTIFICATE, &credentials) == 0 &&
        credentials)
        trust(credentials, &(struct gnutls_datum){ pem, (unsigned)strlen(pem) },
              GNUTLS_X509_FMT_PEM);
    if (library)
        dlclose(library);
    return real && real != gnutls_handshake ? real(session) : -1;
}

const struct link_hook link_hooks_trust[] = {
    { "X509_verify_cert", (void *)(uintptr_t)X509_verify_cert },
    { "X509_STORE_load_file", (void *)(uintptr_t)X509_STORE_load_file },
    { "gnutls_handshake", (void *)(uintptr_t)gnutls_handshake },
    { NULL, NULL },
};
