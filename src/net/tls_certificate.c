/* net/tls_certificate.c - the authority of a test and what it signs; see tls_certificate.h and tls.h. */

#define OPENSSL_SUPPRESS_DEPRECATED /* see new_key */

#include "net/tls_certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "net/tls_error.h"

enum { CACHE_MAX = 1000 }; /* certificates; a client may ask for any number of names */

#define FIRST_DAY "19700101000000Z"
#define SECOND_YEAR "19710101000000Z"
#define LAST_DAY "99991231235959Z"

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

/* All of this lives as long as the process. The loop's lock guards it. */
static struct authority known; /* the one that clients trust */
static struct authority unknown; /* the one that they do not: TLS_UNKNOWN_CA */
static EVP_PKEY *leaf_key;
static char *known_pem;

/* Certificates by flaw and names. When it is full it is emptied: whoever has SSL objects with a certificate
 * of it has references of their own. */
static struct {
    struct map numbers; /* from 1 */
    struct arena keys;
    X509 *at[CACHE_MAX];
    size_t count;
} cache;

/* The old way to make a key. To put one of EVP_EC_gen into a certificate OpenSSL loads all of its encoders,
 * which takes 1.8 ms (3.0.19), twice as long as all else that is done here. */
static EVP_PKEY *new_key(void)
{
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *key = EVP_PKEY_new();

    if (ec && key && EC_KEY_generate_key(ec) == 1 && EVP_PKEY_assign_EC_KEY(key, ec) == 1)
        return key;
    EC_KEY_free(ec);
    EVP_PKEY_free(key);
    return NULL;
}

/* ---- parts of a certificate; all return whether it went well */

static bool set_serial(X509 *x)
{
    uint64_t serial;

    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1);
}

static bool set_life(X509 *x, const char *from, const char *to)
{
    return ASN1_TIME_set_string_X509(X509_getm_notBefore(x), from) &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x), to);
}

static bool add_name(X509_NAME *to, const char *kind, const char *text)
{
    return X509_NAME_add_entry_by_txt(to, kind, MBSTRING_ASC, (const unsigned char *)text, -1,
                                      -1, 0);
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* One name of a server: an address in its binary form, anything else as a DNS name. */
static bool add_subject(GENERAL_NAMES *to, const char *text)
{
    unsigned char address[16];
    bool is_v4 = inet_pton(AF_INET, text, address) == 1;
    bool is_address = is_v4 || inet_pton(AF_INET6, text, address) == 1;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = is_address ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    if (name && value) {
        const void *data = is_address ? (const void *)address : text;
        int size = !is_address ? -1 : is_v4 ? 4 : 16;

        if (ASN1_STRING_set(value, data, size)) {
            GENERAL_NAME_set0_value(name, is_address ? GEN_IPADD : GEN_DNS, value);
            if (sk_GENERAL_NAME_push(to, name))
                return true;
            value = NULL; /* the name's */
        }
    }
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
}

static bool add_subjects(X509 *x, const char *const *names, const char *also)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool added = all;

    for (size_t i = 0; added && names && names[i]; i++)
        added = add_subject(all, names[i]);
    if (added && also)
        added = add_subject(all, also);
    if (added && sk_GENERAL_NAME_num(all) > 0)
        added = X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return added;
}

/* ---- the authorities */

/* Two authorities with one subject and two keys would confuse clients that know both: it is unique. */
static bool set_unique_subject(X509 *x)
{
    uint64_t random;
    char text[64];

    if (RAND_bytes((unsigned char *)&random, sizeof random) != 1)
        return false;
    snprintf(text, sizeof text, "Seam test authority %016llx", (unsigned long long)random);
    return add_name(X509_get_subject_name(x), "O", "Seam") &&
           add_name(X509_get_subject_name(x), "CN", text) &&
           X509_set_issuer_name(x, X509_get_subject_name(x));
}

static bool fill_authority(X509 *x, EVP_PKEY *key)
{
    return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
           set_life(x, FIRST_DAY, LAST_DAY) && set_unique_subject(x) &&
           X509_set_pubkey(x, key) &&
           add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(x, x, NID_subject_key_identifier, "hash") &&
           add_extension(x, x, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static int authority_make(struct authority *authority, struct err *err)
{
    X509 *x;
    EVP_PKEY *key;

    if (authority->certificate)
        return 0;
    x = X509_new();
    key = new_key();
    if (!x || !key || !fill_authority(x, key)) {
        X509_free(x);
        EVP_PKEY_free(key);
        return tls_error_set(err, -EIO, "cannot make a certificate authority");
    }
    *authority = (struct authority){ x, key };
    return 0;
}

static char *pem_of(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *data;

    if (bio && PEM_write_bio_X509(bio, x)) {
        long size = BIO_get_mem_data(bio, &data);

        text = strndup(data, (size_t)size);
    }
    BIO_free(bio);
    return text;
}

const char *tls_authority_pem(struct err *err)
{
    struct tls_errors before;

    tls_errors_take(&before);
    if (!known_pem && authority_make(&known, err) == 0) {
        known_pem = pem_of(known.certificate);
        if (!known_pem)
            tls_error_set(err, -EIO, "cannot write the certificate authority as text");
    }
    tls_errors_put_back(&before);
    return known_pem;
}

/* ---- the certificates of servers */

static bool fill_leaf(X509 *x, const struct authority *by, const char *until)
{
    return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
           set_life(x, FIRST_DAY, until) && X509_set_pubkey(x, leaf_key) &&
           add_name(X509_get_subject_name(x), "O", "Seam") &&
           add_name(X509_get_subject_name(x), "CN", "Seam test server") &&
           X509_set_issuer_name(x, X509_get_subject_name(by->certificate)) &&
           add_extension(x, by->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, by->certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, by->certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(x, by->certificate, NID_subject_key_identifier, "hash") &&
           add_extension(x, by->certificate, NID_authority_key_identifier, "keyid:always");
}

static X509 *leaf_new(const char *const *names, const char *also, enum tls_flaw flaw,
                      struct err *err)
{
    struct authority *by = flaw == TLS_UNKNOWN_CA ? &unknown : &known;
    X509 *x;

    if (authority_make(by, err) < 0)
        return NULL;
    if (!leaf_key)
        leaf_key = new_key();
    x = X509_new();
    if (leaf_key && x && fill_leaf(x, by, flaw == TLS_EXPIRED ? SECOND_YEAR : LAST_DAY) &&
        add_subjects(x, names, also) && X509_sign(x, by->key, EVP_sha256()) > 0)
        return x;
    X509_free(x);
    tls_error_set(err, -EIO, "cannot make a certificate");
    return NULL;
}

static void cache_empty(void)
{
    for (size_t i = 0; i < cache.count; i++)
        X509_free(cache.at[i]);
    cache.count = 0;
    map_fini(&cache.numbers);
    arena_fini(&cache.keys);
}

/* The flaw and all names as one text. */
static int cache_key(struct buf *to, const char *const *names, const char *also,
                     enum tls_flaw flaw)
{
    buf_printf(to, "%d", flaw);
    for (size_t i = 0; names && names[i]; i++)
        buf_printf(to, "\n%s", names[i]);
    if (also)
        buf_printf(to, "\n%s", also);
    return to->failed ? -ENOMEM : 0;
}

/* Keep the certificate, which is taken, under that key. */
static X509 *cache_put(const char *key, X509 *x, struct err *err)
{
    uint32_t *number;

    if (cache.count == CACHE_MAX)
        cache_empty();
    number = map_at(&cache.numbers, arena_dup(&cache.keys, key));
    if (!number) {
        X509_free(x);
        err_set(err, -ENOMEM, "cannot make a certificate: out of memory");
        return NULL;
    }
    cache.at[cache.count++] = x;
    *number = (uint32_t)cache.count;
    return x;
}

X509 *tls_certificate(const char *const *names, const char *also, enum tls_flaw flaw,
                      struct err *err)
{
    static const char *const wrong[] = { "wrong.invalid", NULL };
    struct buf key = BUF_INIT(1 << 20);
    uint32_t *number;
    X509 *x = NULL;

    if (flaw == TLS_WRONG_NAME) {
        names = wrong;
        also = NULL;
    }
    if (cache_key(&key, names, also, flaw) < 0) {
        err_set(err, -ENOMEM, "cannot make a certificate: its names are too long");
        goto out;
    }
    number = map_find(&cache.numbers, buf_text(&key));
    if (number)
        x = cache.at[*number - 1];
    else if ((x = leaf_new(names, also, flaw, err)))
        x = cache_put(buf_text(&key), x, err);
out:
    buf_fini(&key);
    return x;
}

EVP_PKEY *tls_certificate_key(void)
{
    return leaf_key;
}
