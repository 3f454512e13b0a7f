/* wire/pg_scram.c - the server's side of SCRAM-SHA-256; see pg_scram.h. */

#include "wire/pg_scram.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/pg_server.h"

enum { NONCE_RANDOM = 18, PROOF_TEXT = 44 };

/* ---- base 64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode64(struct buf *to, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        unsigned v = (unsigned)data[i] << 16 | (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                     (left > 2 ? data[i + 2] : 0);

        buf_add_char(to, digits[v >> 18]);
        buf_add_char(to, digits[v >> 12 & 63]);
        buf_add_char(to, left > 1 ? digits[v >> 6 & 63] : '=');
        buf_add_char(to, left > 2 ? digits[v & 63] : '=');
    }
}

/* Exactly PG_HASH_SIZE bytes. */
static bool decode_proof(const char *text, unsigned char ret[PG_HASH_SIZE])
{
    unsigned v = 0;
    size_t size = 0;

    if (strlen(text) != PROOF_TEXT || text[PROOF_TEXT - 1] != '=')
        return false;
    for (int i = 0; i < PROOF_TEXT - 1; i++) {
        const char *digit = strchr(digits, text[i]);

        if (!digit)
            return false;
        v = v << 6 | (unsigned)(digit - digits);
        if (i % 4 > 0)
            ret[size++] = (unsigned char)(v >> (6 - 2 * (i % 4)));
    }
    return size == PG_HASH_SIZE;
}

/* ---- failing */

static int malformed(struct pg_scram *scram, const char *format, ...) SEAM_PRINTF(2, 3);
static int malformed(struct pg_scram *scram, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(scram->detail, sizeof scram->detail, format, args);
    va_end(args);
    scram->sqlstate = "08P01";
    scram->message = "malformed SCRAM message";
    return PG_SCRAM_MALFORMED;
}

static int refused(struct pg_scram *scram, const char *sqlstate, const char *message)
{
    scram->sqlstate = sqlstate;
    scram->message = message;
    return PG_SCRAM_MALFORMED;
}

static const char *shown(char c, char text[8])
{
    bool printable = c >= 0x21 && c <= 0x7e;

    snprintf(text, 8, printable ? "'%c'" : "0x%02x", (unsigned char)c);
    return text;
}

/* ---- reading */

/* The message as text of our own, behind what is there already. */
static char *keep(struct pg_scram *scram, const char *data, size_t size)
{
    char *text = scram->text + scram->size;

    if (!data || size == 0) {
        malformed(scram, "The message is empty.");
        return NULL;
    }
    if (memchr(data, '\0', size) || size >= sizeof scram->text - scram->size) {
        malformed(scram, "Message length does not match input length.");
        return NULL;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    scram->size += size + 1;
    return text;
}

/* "r=value,": the value, NUL-terminated in place; NULL with words. */
static char *attribute(struct pg_scram *scram, char **at, char name)
{
    char *p = *at, *value, text[8];

    if (*p == '\0')
        malformed(scram, "Attribute \"%c\" expected, but found end of string.", name);
    else if (*p != name)
        malformed(scram, "Expected attribute \"%c\" but found \"%s\".", name, shown(*p, text));
    else if (p[1] != '=')
        malformed(scram, "Expected character \"=\" for attribute \"%c\".", name);
    else {
        value = p + 2;
        p = value + strcspn(value, ",");
        *at = *p ? p + 1 : p;
        *p = '\0';
        return value;
    }
    return NULL;
}

static int comma(struct pg_scram *scram, char **at)
{
    char text[8];

    if (**at != ',')
        return malformed(scram, "Comma expected, but found character \"%s\".",
                         shown(**at, text));
    (*at)++;
    return 0;
}

static int read_binding(struct pg_scram *scram, char **at)
{
    char text[8];

    if (**at == 'p')
        return malformed(scram, "The client selected SCRAM-SHA-256 without channel binding, "
                                "but the SCRAM message includes channel binding data.");
    if (**at != 'n' && **at != 'y')
        return malformed(scram, "Unexpected channel-binding flag \"%s\".", shown(**at, text));
    scram->binding = *(*at)++;
    if (comma(scram, at) != 0)
        return PG_SCRAM_MALFORMED;
    if (**at == 'a')
        return refused(scram, "0A000",
                       "client uses authorization identity, but it is not supported");
    if (**at != ',')
        return malformed(scram, "Unexpected attribute \"%s\" in client-first-message.",
                         shown(**at, text));
    (*at)++;
    return 0;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x21 || *text > 0x7e || *text == ',')
            return false;
    return true;
}

/* ---- the exchange */

void pg_scram_init(struct pg_scram *scram, const struct pg_hash *hash, const char *random,
                   const char *password, bool user_is_known)
{
    struct buf nonce = BUF_INIT(PG_SCRAM_NONCE);

    *scram = (struct pg_scram){ .hash = hash,
                                .password = password ? password : "",
                                .doomed = !password || !user_is_known };
    encode64(&nonce, (const unsigned char *)random, NONCE_RANDOM);
    memcpy(scram->nonce, buf_text(&nonce), nonce.size);
    memcpy(scram->salt, random + NONCE_RANDOM, PG_SCRAM_SALT);
    buf_fini(&nonce);
}

static int answer_first(struct pg_scram *scram, const char *nonce, struct buf *reply)
{
    buf_printf(reply, "r=%s%s,s=", nonce, scram->nonce);
    scram->nonces = strlen(nonce) + strlen(scram->nonce);
    encode64(reply, scram->salt, PG_SCRAM_SALT);
    buf_printf(reply, ",i=%d", PG_SCRAM_ROUNDS);
    if (reply->failed)
        return refused(scram, "08P01", "malformed SCRAM message");
    scram->first.at = scram->size;
    scram->first.size = reply->size;
    return keep(scram, buf_text(reply), reply->size) ? 0 : PG_SCRAM_MALFORMED;
}

int pg_scram_first(struct pg_scram *scram, const char *data, size_t size, struct buf *reply)
{
    char *at = keep(scram, data, size);
    char *nonce;

    if (!at || read_binding(scram, &at) != 0)
        return PG_SCRAM_MALFORMED;
    if (*at == 'm')
        return refused(scram, "0A000", "client requires an unsupported SCRAM extension");
    scram->bare.at = (size_t)(at - scram->text);
    scram->bare.size = strlen(at);
    if (!attribute(scram, &at, 'n'))
        return PG_SCRAM_MALFORMED;
    at[-1] = *at ? ',' : at[-1];
    nonce = attribute(scram, &at, 'r');
    if (!nonce)
        return PG_SCRAM_MALFORMED;
    if (!is_printable(nonce))
        return refused(scram, "08P01", "non-printable characters in SCRAM nonce");
    if (answer_first(scram, nonce, reply) != 0)
        return PG_SCRAM_MALFORMED;
    if (*at) /* it has extensions, and is hashed with them */
        at[-1] = ',';
    return 0;
}

/* Without the proof: `final` is what is in front of it. */
static int check_proof(struct pg_scram *scram, const char *final, size_t final_size,
                       const unsigned char proof[PG_HASH_SIZE], struct buf *reply)
{
    const struct pg_hash *hash = scram->hash;
    unsigned char salted[PG_HASH_SIZE], key[PG_HASH_SIZE], stored[PG_HASH_SIZE];
    unsigned char signature[PG_HASH_SIZE] = { 0 }, server_key[PG_HASH_SIZE];
    struct buf message = BUF_INIT(3 * PG_SCRAM_MAX);
    int r;

    buf_add(&message, scram->text + scram->bare.at, scram->bare.size);
    buf_add_char(&message, ',');
    buf_add(&message, scram->text + scram->first.at, scram->first.size);
    buf_add_char(&message, ',');
    buf_add(&message, final, final_size);
    r = hash->pbkdf2(scram->password, scram->salt, PG_SCRAM_SALT, PG_SCRAM_ROUNDS, salted);
    if (r == 0)
        r = hash->hmac(salted, sizeof salted, "Client Key", 10, key);
    if (r == 0)
        r = hash->sha256(key, sizeof key, stored);
    if (r == 0)
        r = hash->hmac(stored, sizeof stored, message.data, message.size, signature);
    for (int i = 0; i < PG_HASH_SIZE; i++)
        key[i] = proof[i] ^ signature[i];
    if (r == 0)
        r = hash->sha256(key, sizeof key, signature);
    if (r == 0)
        r = memcmp(signature, stored, sizeof stored) == 0 && !scram->doomed ? 0 : -1;
    if (r == 0)
        r = hash->hmac(salted, sizeof salted, "Server Key", 10, server_key);
    if (r == 0)
        r = hash->hmac(server_key, sizeof server_key, message.data, message.size, signature);
    if (r == 0) {
        buf_add_text(reply, "v=");
        encode64(reply, signature, sizeof signature);
    }
    buf_fini(&message);
    return r == 0 ? 0 : PG_SCRAM_WRONG;
}

/* The proof is the last attribute; what is between the nonce and it are extensions. */
static char *find_proof(struct pg_scram *scram, char *at)
{
    while (*at && *at != 'p') {
        if (!attribute(scram, &at, *at))
            return NULL;
    }
    return attribute(scram, &at, 'p');
}

int pg_scram_last(struct pg_scram *scram, const char *data, size_t size, struct buf *reply)
{
    char *at = keep(scram, data, size), *text = at;
    const char *binding = at ? attribute(scram, &at, 'c') : NULL;
    const char *nonce = binding ? attribute(scram, &at, 'r') : NULL;
    char *proof = nonce ? find_proof(scram, at) : NULL;
    unsigned char bytes[PG_HASH_SIZE];

    if (!proof)
        return PG_SCRAM_MALFORMED;
    if (strcmp(binding, scram->binding == 'n' ? "biws" : "eSws") != 0)
        return refused(scram, "08P01",
                       "unexpected SCRAM channel-binding attribute in client-final-message");
    if ((size_t)(proof - text) + strlen(proof) != size)
        return malformed(scram, "Garbage found at the end of client-final-message.");
    if (!decode_proof(proof, bytes))
        return malformed(scram, "Malformed proof in client-final-message.");
    if (strlen(nonce) != scram->nonces ||
        memcmp(nonce, scram->text + scram->first.at + 2, scram->nonces) != 0) {
        malformed(scram, "Nonce does not match.");
        return refused(scram, "08P01", "invalid SCRAM response");
    }
    return check_proof(scram, data, (size_t)(proof - 3 - text), bytes, reply);
}
