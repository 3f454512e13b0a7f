/* net/tls_test.c - an OpenSSL client, in memory, against the server's side: names, flaws, versions, bytes. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources tls.c tls_certificate.c tls_error.c ../base/arena.c ../base/buf.c ../base/err.c ../base/map.c
//seam:pkg-config openssl

#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <seam/seam.h>
#include <stdio.h>
#include <string.h>

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- a client, and the wire between it and a side */

struct client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
};

struct talk {
    seam_t *t;
    struct tls_server *server;
    struct tls_side *side;
    struct client client;
    struct buf plain; /* what the server understood */
    struct err err;
    int result; /* of the last tls_feed */
    size_t piece; /* bytes at a time; 0: all */
};

static X509 *authority(seam_t *t)
{
    BIO *bio = BIO_new_mem_buf(tls_authority_pem(NULL), -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    seam_require(t, x != NULL);
    return x;
}

static void talk_end(void *arg)
{
    struct talk *talk = arg;

    SSL_free(talk->client.ssl);
    SSL_CTX_free(talk->client.context);
    tls_side_free(talk->side);
    tls_server_free(talk->server);
    buf_fini(&talk->plain);
}

static struct talk *talk_begin(seam_t *t, const struct tls_options *options)
{
    struct talk *talk = seam_alloc(t, sizeof *talk);
    struct client *client = &talk->client;
    X509 *x = authority(t);

    *talk = (struct talk){ .t = t, .plain = BUF_INIT(1 << 20) };
    seam_cleanup(t, talk_end, talk);
    if (tls_server_new(&talk->server, options, &talk->err) < 0)
        seam_fatal(t, "%s", talk->err.text);
    seam_require_ok(t, tls_side_new(&talk->side, talk->server));
    client->context = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client->context), x);
    X509_free(x);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    client->ssl = SSL_new(client->context);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_connect_state(client->ssl);
    return talk;
}

/* As a client does that was given such an address or name. */
static void client_asks(struct talk *talk, const char *name)
{
    bool is_address = strspn(name, "0123456789.") == strlen(name) || strchr(name, ':');

    if (is_address) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(talk->client.ssl), name);
        return;
    }
    SSL_set_tlsext_host_name(talk->client.ssl, name);
    SSL_set1_host(talk->client.ssl, name);
}

/* Feed the side with a copy that is as large as the piece, so that ASan sees each byte too many. */
static void feed_piece(struct talk *talk, const char *data, size_t size, struct buf *wire)
{
    char *copy = malloc(size);

    memcpy(copy, data, size);
    talk->result = tls_feed(talk->side, copy, size, &talk->plain, wire, &talk->err);
    free(copy);
}

/* Carry bytes both ways. Returns whether any went. */
static bool carry(struct talk *talk)
{
    struct buf wire = BUF_INIT(1 << 20);
    char *data;
    size_t size = (size_t)BIO_get_mem_data(talk->client.out, &data);
    bool moved = size > 0;

    for (size_t at = 0, n; at < size; at += n) {
        n = talk->piece && talk->piece < size - at ? talk->piece : size - at;
        feed_piece(talk, data + at, n, &wire);
    }
    (void)BIO_reset(talk->client.out);
    if (wire.size > 0)
        BIO_write(talk->client.in, wire.data, (int)wire.size);
    buf_fini(&wire);
    return moved;
}

/* Returns whether the handshake went well, for the client. */
static bool shake_hands(struct talk *talk)
{
    int r;

    do {
        r = SSL_do_handshake(talk->client.ssl);
        if (r != 1 && SSL_get_error(talk->client.ssl, r) != SSL_ERROR_WANT_READ) {
            carry(talk); /* its alert */
            return false;
        }
    } while (carry(talk));
    return r == 1;
}

static void server_says(struct talk *talk, const char *data, size_t size)
{
    struct buf wire = BUF_INIT(1 << 22);

    seam_require_ok(talk->t, tls_write(talk->side, data, size, &wire));
    BIO_write(talk->client.in, wire.data, (int)wire.size);
    buf_fini(&wire);
}

static void check_echo(struct talk *talk)
{
    seam_t *t = talk->t;
    char got[100];
    int n;

    seam_require_eq(t, SSL_write(talk->client.ssl, "hello", 5), 5);
    carry(talk);
    seam_check_eq(t, buf_text(&talk->plain), "hello");
    server_says(talk, "world", 5);
    n = SSL_read(talk->client.ssl, got, sizeof got);
    seam_check_mem(t, got, n < 0 ? 0 : (size_t)n, "world", 5);
}

/* ---- a sound server */

static void version_row(seam_t *t, void *arg)
{
    int version = *(const int *)arg;
    struct tls_options options = { .names = NAMES("localhost", "127.0.0.1") };

    for (size_t piece = 0; piece < 2; piece++) {
        struct talk *talk = talk_begin(t, &options);

        talk->piece = piece;
        SSL_set_max_proto_version(talk->client.ssl, version);
        client_asks(talk, "localhost");
        seam_require(t, shake_hands(talk));
        seam_check_eq(t, SSL_version(talk->client.ssl), version);
        seam_check_eq(t, talk->result, 1);
        seam_check_eq(t, tls_asked_name(talk->side), "localhost");
        check_echo(talk);
    }
}

SEAM_TEST(both_versions_of_tls_are_spoken_also_byte_by_byte)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    seam_run(t, "1.2", version_row, &versions[0]);
    seam_run(t, "1.3", version_row, &versions[1]);
}

SEAM_TEST(tls_1_1_is_refused)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });

    SSL_set_cipher_list(talk->client.ssl, "ALL:@SECLEVEL=0");
    SSL_set_min_proto_version(talk->client.ssl, TLS1_1_VERSION);
    SSL_set_max_proto_version(talk->client.ssl, TLS1_1_VERSION);
    seam_check(t, !shake_hands(talk));
    seam_check_eq(t, talk->result, -EPROTO);
    seam_check_contains(t, talk->err.text, "unsupported protocol");
}

struct name_row {
    const char *asked;
    bool any_name;
    bool held;
};

static void name_row(seam_t *t, void *arg)
{
    const struct name_row *row = arg;
    struct talk *talk =
        talk_begin(t, &(struct tls_options){ .names = NAMES("localhost", "127.0.0.1", "::1"),
                                             .any_name = row->any_name });

    client_asks(talk, row->asked);
    seam_check_eq(t, shake_hands(talk), row->held);
}

SEAM_TEST(certificate_is_for_the_names_of_the_server)
{
    static const struct name_row rows[] = {
        { "localhost", false, true },
        { "127.0.0.1", false, true },
        { "::1", false, true },
        { "api.pay.test", false, false },
        { "127.0.0.2", false, false },
        { "api.pay.test", true, true },
        { "xn--bcher-kva.test", true, true },
        { "localhost", true, true },
        { "127.0.0.1", true, true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].asked, name_row, &rows[i]);
}

SEAM_TEST(large_answer_is_whole)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });
    size_t size = 300000, got = 0, n;
    char *data = seam_alloc(t, size), *back = seam_alloc(t, size);

    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 / 3);
    seam_require(t, shake_hands(talk));
    server_says(talk, data, size);
    while (got < size && SSL_read_ex(talk->client.ssl, back + got, size - got, &n) == 1)
        got += n;
    seam_check_mem(t, back, got, data, size);
}

SEAM_TEST(what_does_not_fit_is_refused)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });

    seam_require(t, shake_hands(talk));
    talk->plain.cap = 3;
    seam_require_eq(t, SSL_write(talk->client.ssl, "hello", 5), 5);
    carry(talk);
    seam_check_eq(t, talk->result, -ENOMEM);
    seam_check_eq(t, buf_text(&talk->plain), "");
}

/* ---- ALPN */

struct alpn_row {
    const char *offered;
    bool http2;
    const char *chosen;
};

static void alpn_row(seam_t *t, void *arg)
{
    const struct alpn_row *row = arg;
    struct talk *talk = talk_begin(
        t, &(struct tls_options){ .names = NAMES("localhost"), .http2 = row->http2 });
    const unsigned char *chosen;
    unsigned size;

    if (*row->offered)
        SSL_set_alpn_protos(talk->client.ssl, (const unsigned char *)row->offered,
                            (unsigned)strlen(row->offered));
    seam_check(t, shake_hands(talk));
    SSL_get0_alpn_selected(talk->client.ssl, &chosen, &size);
    seam_check_mem(t, chosen, size, row->chosen, strlen(row->chosen));
    seam_check_eq(t, tls_is_http2(talk->side), strcmp(row->chosen, "h2") == 0);
}

SEAM_TEST(protocol_is_chosen_by_alpn)
{
    static const struct alpn_row rows[] = {
        { "\2h2\10http/1.1", true, "h2" },
        { "\10http/1.1\2h2", true, "h2" },
        { "\10http/1.1", true, "http/1.1" },
        { "\2h2\10http/1.1", false, "http/1.1" },
        { "\2h2", false, "" },
        { "", true, "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, seam_format(t, "row_%zu", i), alpn_row, &rows[i]);
}

/* ---- flaws */

struct flaw_row {
    const char *name;
    enum tls_flaw flaw;
    int verdict; /* what the client finds */
};

static void flaw_row(seam_t *t, void *arg)
{
    const struct flaw_row *row = arg;
    struct talk *talk =
        talk_begin(t, &(struct tls_options){
                          .names = NAMES("localhost"), .any_name = true, .flaw = row->flaw });

    client_asks(talk, "api.pay.test");
    seam_check(t, !shake_hands(talk));
    seam_check_eq(t, SSL_get_verify_result(talk->client.ssl), row->verdict);
    seam_check_eq(t, talk->result, -EPROTO);
    seam_log(t, "%s", talk->err.text);
    seam_check_contains(t, talk->err.text, "alert");
}

SEAM_TEST(flaws_are_what_a_client_finds)
{
    static const struct flaw_row rows[] = {
        { "expired", TLS_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
        { "wrong_name", TLS_WRONG_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
        { "unknown_ca", TLS_UNKNOWN_CA, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, flaw_row, &rows[i]);
}

/* ---- what the certificates are like */

static const char *life_of(seam_t *t, X509 *x)
{
    struct tm from, to;

    ASN1_TIME_to_tm(X509_get0_notBefore(x), &from);
    ASN1_TIME_to_tm(X509_get0_notAfter(x), &to);
    return seam_format(t, "%d to %d-%d-%d", from.tm_year + 1900, to.tm_year + 1900,
                       to.tm_mon + 1, to.tm_mday);
}

static X509 *leaf_of(struct talk *talk)
{
    return SSL_get0_peer_certificate(talk->client.ssl);
}

SEAM_TEST(certificates_outlive_any_clock_and_pass_strict_checks)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });
    X509 *ca = authority(t);

    X509_VERIFY_PARAM_set_flags(SSL_get0_param(talk->client.ssl), X509_V_FLAG_X509_STRICT);
    client_asks(talk, "localhost");
    seam_require(t, shake_hands(talk));
    seam_check_eq(t, life_of(t, ca), "1970 to 9999-12-31");
    seam_check_eq(t, life_of(t, leaf_of(talk)), "1970 to 9999-12-31");
    seam_check(t, X509_check_ca(ca) == 1);
    seam_check(t, X509_check_ca(leaf_of(talk)) == 0);
    seam_check_eq(t, X509_get_extended_key_usage(leaf_of(talk)), XKU_SSL_SERVER);
    X509_free(ca);
}

SEAM_TEST(authority_is_one_and_the_certificate_of_a_name_too)
{
    struct tls_options options = { .names = NAMES("localhost"), .any_name = true };
    struct talk *one = talk_begin(t, &options), *other = talk_begin(t, &options);

    seam_check_same(t, tls_authority_pem(NULL), tls_authority_pem(NULL));
    client_asks(one, "a.test");
    client_asks(other, "a.test");
    seam_require(t, shake_hands(one));
    seam_require(t, shake_hands(other));
    seam_check_ok(t, X509_cmp(leaf_of(one), leaf_of(other)));
}

SEAM_TEST(more_names_than_are_kept_are_served)
{
    char pem[4000];

    snprintf(pem, sizeof pem, "%s", tls_authority_pem(NULL));
    for (int i = 0; i < 1010; i++) {
        struct tls_server *server;

        seam_require_ok(t, tls_server_new(&server,
                                          &(struct tls_options){
                                              .names = NAMES(seam_format(t, "%d.test", i)) },
                                          NULL));
        tls_server_free(server);
    }
    seam_check_eq(t, tls_authority_pem(NULL), pem);
}

/* ---- sessions */

/* Servers come and go at the port of one before: what a client remembers of that one must not hide whose
 * certificate it is. */
SEAM_TEST(session_is_resumed_at_its_own_server_only)
{
    struct tls_options options = { .names = NAMES("localhost") };
    struct talk *first = talk_begin(t, &options);
    struct talk *other = talk_begin(t, &options), *same = talk_begin(t, &options);
    struct tls_side *side;
    SSL_SESSION *session;

    seam_require(t, shake_hands(first));
    check_echo(first);
    session = SSL_get1_session(first->client.ssl);
    seam_require_ok(t, tls_side_new(&side, first->server));
    tls_side_free(same->side);
    same->side = side;

    SSL_set_session(other->client.ssl, session);
    SSL_set_session(same->client.ssl, session);
    SSL_SESSION_free(session);
    seam_check(t, shake_hands(other));
    seam_check(t, shake_hands(same));
    seam_check(t, !SSL_session_reused(other->client.ssl));
    seam_check(t, SSL_session_reused(same->client.ssl));
    check_echo(same);
}

/* ---- certificates of clients */

/* A certificate that signs itself, and its key, in one file. */
static const char *make_client(seam_t *t, EVP_PKEY **ret_key, X509 **ret_x)
{
    const char *path = seam_tempfile(t, "client-*.pem").path;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    FILE *file = fopen(path, "w");

    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), -1000);
    X509_gmtime_adj(X509_getm_notAfter(x), 1000);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"Ada", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    PEM_write_X509(file, x);
    fclose(file);
    *ret_key = key;
    *ret_x = x;
    return path;
}

static void show_client(struct talk *talk, EVP_PKEY *key, X509 *x)
{
    SSL_use_certificate(talk->client.ssl, x);
    SSL_use_PrivateKey(talk->client.ssl, key);
}

SEAM_TEST(client_shows_a_certificate_when_asked)
{
    EVP_PKEY *key, *other_key;
    X509 *x, *other;
    struct tls_options options = { .names = NAMES("localhost"),
                                   .client_ca = make_client(t, &key, &x) };
    struct talk *sound = talk_begin(t, &options);
    struct talk *naked = talk_begin(t, &options);
    struct talk *wrong = talk_begin(t, &options);

    show_client(sound, key, x);
    seam_check(t, shake_hands(sound));
    seam_check_eq(t, sound->result, 1);

    shake_hands(naked); /* in TLS 1.3 the client learns of the refusal later */
    seam_check_eq(t, naked->result, -EPROTO);
    seam_check_contains(t, naked->err.text, "peer did not return a certificate");

    make_client(t, &other_key, &other);
    show_client(wrong, other_key, other);
    shake_hands(wrong);
    seam_check_eq(t, wrong->result, -EPROTO);
    seam_check_contains(t, wrong->err.text, "certificate verify failed: ");

    X509_free(x);
    X509_free(other);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

SEAM_TEST(authority_of_clients_that_cannot_be_read_is_named)
{
    struct tls_server *server;
    struct err err;

    seam_check_eq(t,
                  tls_server_new(&server,
                                 &(struct tls_options){ .names = NAMES("localhost"),
                                                        .client_ca = "/nowhere/ca.pem" },
                                 &err),
                  -EINVAL);
    seam_check_contains(t, err.text, "cannot read the certificates in '/nowhere/ca.pem': ");
}

/* ---- ends and what is no TLS */

SEAM_TEST(what_is_no_tls_is_said)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });
    struct buf wire = BUF_INIT(1000);

    feed_piece(talk, "GET / HTTP/1.1\r\n\r\n", 18, &wire);
    seam_check_eq(t, talk->result, -EPROTO);
    seam_check_eq(t, talk->err.text, "http request");
    feed_piece(talk, "more", 4, &wire);
    seam_check_eq(t, talk->result, -EPROTO);
    seam_check_eq(t, tls_write(talk->side, "x", 1, &wire), -ENOTCONN);
    buf_fini(&wire);
}

SEAM_TEST(end_is_told_to_the_client)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });
    struct buf wire = BUF_INIT(1000);
    char c;

    seam_require(t, shake_hands(talk));
    tls_finish(talk->side, &wire);
    BIO_write(talk->client.in, wire.data, (int)wire.size);
    seam_check_eq(t, SSL_get_error(talk->client.ssl, SSL_read(talk->client.ssl, &c, 1)),
                  SSL_ERROR_ZERO_RETURN);
    buf_fini(&wire);
}

SEAM_TEST(side_outlives_its_server)
{
    struct talk *talk =
        talk_begin(t, &(struct tls_options){ .names = NAMES("localhost"), .any_name = true });

    tls_server_free(talk->server);
    talk->server = NULL;
    client_asks(talk, "later.test");
    seam_require(t, shake_hands(talk));
    check_echo(talk);
}

/* The inline driver runs in the middle of a client's own call. */
SEAM_TEST(errors_of_the_client_stay_in_its_queue)
{
    struct talk *talk = talk_begin(t, &(struct tls_options){ .names = NAMES("localhost") });
    struct buf wire = BUF_INIT(1 << 16);
    const char *data;
    int flags;

    seam_require(t, shake_hands(talk));
    SSL_write(talk->client.ssl, "hello", 5);
    ERR_raise_data(ERR_LIB_USER, 7, "of the client");
    carry(talk);
    feed_piece(talk, "no record", 9, &wire);
    seam_check_eq(t, talk->result, -EPROTO);
    seam_check_eq(t, ERR_GET_REASON(ERR_get_error_all(NULL, NULL, NULL, &data, &flags)), 7);
    seam_check_eq(t, data, "of the client");
    seam_check_eq(t, ERR_peek_error(), 0u);
    buf_fini(&wire);
}
