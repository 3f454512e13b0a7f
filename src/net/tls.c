/* net/tls.c - the server's side of TLS between memory and memory; see tls.h. */

#include "net/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/tls_certificate.h"
#include "net/tls_error.h"

#include "base/hostile.h"

enum { RECORD = 16384 }; /* the most plain text in a TLS record */

struct tls_server {
    SSL_CTX *context;
    X509 *certificate; /* for a client that asks for no name */
    struct arena arena; /* of `names` */
    const char **names;
    bool any_name;
    bool http2;
    enum tls_flaw flaw;
    unsigned char id[16]; /* a session of another server is not resumed */
    unsigned users; /* its owner and its sides */
};

struct tls_side {
    SSL *ssl;
    struct tls_server *server;
    BIO *from_client; /* both are the SSL's */
    BIO *to_client;
    bool established;
    bool broken; /* OpenSSL allows nothing more but to free it */
};

/* ---- what all connections of a server share */

/* Before the certificate is used: the client may have asked for a name of its own. */
static int choose_certificate(SSL *ssl, void *arg)
{
    const struct tls_side *side = SSL_get_app_data(ssl);
    const struct tls_server *server = side->server;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    X509 *x = server->certificate;

    (void)arg;
    if (server->any_name && name)
        x = tls_certificate(server->names, name, server->flaw, NULL);
    return x && SSL_use_cert_and_key(ssl, x, tls_certificate_key(), NULL, 1) == 1;
}

/* A client that offers none of ours goes on without ALPN, as servers usually let it. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_size,
                           const unsigned char *offered, unsigned offered_size, void *arg)
{
    static const unsigned char ours[] = "\2h2\10http/1.1";
    const struct tls_side *side = SSL_get_app_data(ssl);
    const unsigned char *first = side->server->http2 ? ours : ours + 3;
    unsigned char *chosen;

    (void)arg;
    if (SSL_select_next_proto(&chosen, ret_size, first,
                              (unsigned)(ours + sizeof ours - 1 - first), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(struct err *err)
{
    /* Clients would have SHA-384 first, of which a handshake computes some hundred blocks. */
    static const char quickest_first[] =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, quickest_first) != 1) {
        SSL_CTX_free(context);
        tls_error_set(err, -EIO, "cannot set up TLS");
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN); /* nobody needs the authority from us */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do it */
    SSL_CTX_set_cert_cb(context, choose_certificate, NULL);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return context;
}

/* To make a context takes 0.2 ms: servers that ask their clients for nothing have one in common, which lives
 * as long as the process. The loop's lock guards it. */
static SSL_CTX *context_in_common(struct err *err)
{
    static SSL_CTX *common;

    if (!common)
        common = context_new(err);
    if (common)
        SSL_CTX_up_ref(common);
    return common;
}

static int ask_for_certificate(SSL_CTX *context, const char *file, struct err *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);

    if (!names || SSL_CTX_load_verify_file(context, file) != 1) {
        char what[PATH_MAX + 100];

        sk_X509_NAME_pop_free(names, X509_NAME_free);
        snprintf(what, sizeof what, "cannot read the certificates in '%s'", file);
        return tls_error_set(err, -EINVAL, what);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static int set_up(struct tls_server *server, const char *client_ca, struct err *err)
{
    server->context = client_ca ? context_new(err) : context_in_common(err);
    if (!server->context)
        return -EIO;
    if (RAND_bytes(server->id, sizeof server->id) != 1)
        return tls_error_set(err, -EIO, "cannot set up TLS");
    server->certificate = tls_certificate(server->names, NULL, server->flaw, err);
    if (!server->certificate)
        return -EIO;
    X509_up_ref(server->certificate);
    return client_ca ? ask_for_certificate(server->context, client_ca, err) : 0;
}

static void server_release(struct tls_server *server)
{
    if (--server->users > 0)
        return;
    X509_free(server->certificate);
    SSL_CTX_free(server->context);
    arena_fini(&server->arena);
    free(server);
}

static void copy_names(struct tls_server *server, const char *const *names)
{
    size_t count = 0;

    while (names && names[count])
        count++;
    server->names = arena_zero(&server->arena, (count + 1) * sizeof *server->names);
    for (size_t i = 0; i < count; i++)
        server->names[i] = arena_dup(&server->arena, names[i]);
}

int tls_server_new(struct tls_server **ret, const struct tls_options *options, struct err *err)
{
    struct tls_server *server = calloc(1, sizeof *server);
    struct tls_errors before;
    int r;

    if (!server)
        return err_set(err, -ENOMEM, "cannot set up TLS: out of memory");
    server->users = 1;
    server->any_name = options->any_name;
    server->http2 = options->http2;
    server->flaw = options->flaw;
    copy_names(server, options->names);
    tls_errors_take(&before);
    r = set_up(server, options->client_ca, err);
    if (r < 0)
        server_release(server);
    else
        *ret = server;
    tls_errors_put_back(&before);
    return r;
}

void tls_server_free(struct tls_server *server)
{
    if (server)
        server_release(server);
}

/* ---- one connection */

static int side_fill(struct tls_side *side)
{
    side->ssl = SSL_new(side->server->context);
    side->from_client = BIO_new(BIO_s_mem());
    side->to_client = BIO_new(BIO_s_mem());
    if (!side->ssl || !side->from_client || !side->to_client) {
        BIO_free(side->from_client);
        BIO_free(side->to_client);
        return -ENOMEM;
    }
    SSL_set_bio(side->ssl, side->from_client, side->to_client);
    SSL_set_app_data(side->ssl, side);
    SSL_set_accept_state(side->ssl);
    return SSL_set_session_id_context(side->ssl, side->server->id, sizeof side->server->id) == 1
               ? 0
               : -ENOMEM;
}

int tls_side_new(struct tls_side **ret, struct tls_server *server)
{
    struct tls_side *side = calloc(1, sizeof *side);
    struct tls_errors before;
    int r;

    if (!side)
        return -ENOMEM;
    side->server = server;
    server->users++;
    tls_errors_take(&before);
    r = side_fill(side);
    tls_errors_put_back(&before);
    if (r < 0)
        tls_side_free(side);
    else
        *ret = side;
    return r;
}

void tls_side_free(struct tls_side *side)
{
    if (!side)
        return;
    SSL_free(side->ssl);
    server_release(side->server);
    free(side);
}

/* Hand out what OpenSSL wants to send, also after a failure: it is the alert that tells the client. */
static int drain(struct tls_side *side, struct buf *wire)
{
    char *data;
    long size = BIO_get_mem_data(side->to_client, &data);

    if (size > 0 && buf_add(wire, data, (size_t)size) < 0)
        return -ENOMEM;
    (void)BIO_reset(side->to_client);
    return 0;
}

/* OpenSSL gave up: say why, in its words. */
static int side_broke(struct tls_side *side, struct err *err)
{
    long verdict = SSL_get_verify_result(side->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    side->broken = true;
    if (verdict != X509_V_OK)
        return err_set(err, -EPROTO, "%s: %s", reason ? reason : "certificate verify failed",
                       X509_verify_cert_error_string(verdict));
    return err_set(err, -EPROTO, "%s", reason ? reason : "the client ended the handshake");
}

static bool wants_more(const struct tls_side *side, int result)
{
    return SSL_get_error(side->ssl, result) == SSL_ERROR_WANT_READ;
}

/* Read all plain text there is. */
static int read_plain(struct tls_side *side, struct buf *plain, struct err *err)
{
    char record[RECORD];
    size_t got;

    for (;;) {
        if (SSL_read_ex(side->ssl, record, sizeof record, &got) == 1) {
            if (buf_add(plain, record, got) < 0)
                return err_set(err, -ENOMEM, "more came than is taken at once");
        } else if (wants_more(side, 0) || SSL_get_shutdown(side->ssl) & SSL_RECEIVED_SHUTDOWN) {
            return 1;
        } else {
            return side_broke(side, err);
        }
    }
}

static int feed(struct tls_side *side, const void *data, size_t size, struct buf *plain,
                struct err *err)
{
    size_t written;
    int r;

    if (side->broken)
        return err_set(err, -EPROTO, "the connection is broken already");
    if (size > 0 && BIO_write_ex(side->from_client, data, size, &written) != 1)
        return err_set(err, -ENOMEM, "out of memory");
    if (!side->established) {
        r = SSL_do_handshake(side->ssl);
        if (r != 1)
            return wants_more(side, r) ? 0 : side_broke(side, err);
        side->established = true;
    }
    return read_plain(side, plain, err);
}

int tls_feed(struct tls_side *side, const void *data, size_t size, struct buf *plain,
             struct buf *wire, struct err *err)
{
    struct tls_errors before;
    int r, drained;

    tls_errors_take(&before);
    r = feed(side, data, size, plain, err);
    drained = drain(side, wire);
    tls_errors_put_back(&before);
    return r >= 0 && drained < 0 ? drained : r;
}

static int encrypt(struct tls_side *side, const char *data, size_t size, struct buf *wire)
{
    int r = 0;

    if (side->broken || !side->established)
        return -ENOTCONN;
    while (size > 0 && r == 0) { /* by records, so that no second copy of the whole arises */
        size_t part = size < RECORD ? size : RECORD, written;

        if (SSL_write_ex(side->ssl, data, part, &written) != 1) {
            side->broken = true;
            return -EPROTO;
        }
        data += written;
        size -= written;
        r = drain(side, wire);
    }
    return r;
}

int tls_write(struct tls_side *side, const void *data, size_t size, struct buf *wire)
{
    struct tls_errors before;
    int r;

    tls_errors_take(&before);
    r = encrypt(side, data, size, wire);
    tls_errors_put_back(&before);
    return r;
}

void tls_finish(struct tls_side *side, struct buf *wire)
{
    struct tls_errors before;

    if (side->broken || !side->established)
        return;
    tls_errors_take(&before);
    SSL_shutdown(side->ssl);
    (void)drain(side, wire);
    tls_errors_put_back(&before);
}

bool tls_is_http2(const struct tls_side *side)
{
    const unsigned char *name;
    unsigned size;

    SSL_get0_alpn_selected(side->ssl, &name, &size);
    return size == 2 && memcmp(name, "h2", 2) == 0;
}

const char *tls_asked_name(const struct tls_side *side)
{
    return SSL_get_servername(side->ssl, TLSEXT_NAMETYPE_host_name);
}
