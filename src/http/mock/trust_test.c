/* http/mock/trust_test.c - what clients with OpenSSL are given to trust a mock, and what it costs them. */
//seam:cflags -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libcurl openssl

#include "mock_test.h"

#include <openssl/ssl.h>
#include <seam/net.h>
#include <unistd.h>

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

SEAM_CLEANUP_FN(free_context, SSL_CTX_free, SSL_CTX *);
SEAM_CLEANUP_FN(free_ssl, SSL_free, SSL *);
SEAM_CLEANUP_FN(free_store, X509_STORE_free, X509_STORE *);

/* A store with what the system's bundle has. */
static STACK_OF(X509_OBJECT) * load_bundle(seam_t *t)
{
    X509_STORE *store = X509_STORE_new();

    seam_cleanup(t, free_store, store);
    seam_require_eq(t, X509_STORE_load_file(store, BUNDLE), 1);
    return X509_STORE_get0_objects(store);
}

SEAM_TEST(the_authority_is_all_of_the_bundle_and_parsed_once)
{
    STACK_OF(X509_OBJECT) * first, *second;

    seam_http_mock_start(t, "https://api.test");
    first = load_bundle(t);
    second = load_bundle(t);
    seam_require_eq(t, sk_X509_OBJECT_num(first), 1);
    seam_require_eq(t, sk_X509_OBJECT_num(second), 1);
    seam_check_same(t, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(first, 0)),
                    X509_OBJECT_get0_X509(sk_X509_OBJECT_value(second, 0)));
}

SEAM_TEST(the_bundle_stays_where_others_are_reached)
{
    if (access(BUNDLE, R_OK) < 0)
        seam_skip(t, "no %s", BUNDLE);
    seam_http_mock_start(t, "https://api.test");
    seam_net_allow(t, "example.com:443");
    seam_check_lt(t, 1, sk_X509_OBJECT_num(load_bundle(t)));
}

SEAM_TEST(a_file_of_the_program_is_read)
{
    X509_STORE *store = X509_STORE_new();

    seam_cleanup(t, free_store, store);
    seam_http_mock_start(t, "https://api.test");
    seam_check_eq(t, X509_STORE_load_file(store, "/nowhere.pem"), 0);
    seam_check_eq(t, sk_X509_OBJECT_num(X509_STORE_get0_objects(store)), 0);
}

/* The server's own OpenSSL would look for a chain, and find the authority that the hook adds. */
SEAM_TEST(a_mock_sends_one_certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    int fd;

    seam_cleanup(t, free_context, context);
    seam_http_mock_start(t, "https://api.test");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    ssl = SSL_new(context);
    seam_cleanup(t, free_ssl, ssl);
    fd = caller_dial("api.test", "443");
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, "api.test");
    seam_require_eq(t, SSL_connect(ssl), 1);
    seam_check_eq(t, sk_X509_num(SSL_get_peer_cert_chain(ssl)), 1);
    seam_check_str(t, SSL_get_cipher_name(ssl), "TLS_AES_128_GCM_SHA256");
    close(fd);
}
