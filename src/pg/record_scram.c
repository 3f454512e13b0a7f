/* pg/record_scram.c - the client's side of SCRAM-SHA-256 without channel binding; see record.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_hash.h"
#include "pg/record.h"

enum { NONCE = 18, MESSAGE_MAX = 8192, ROUNDS_MAX = 10000000 };

int record_scram_first(struct record_scram *scram, struct arena *arena, const char *password,
                       struct buf *to, struct err *err)
{
    struct buf nonce = BUF_INIT(64);
    char random[NONCE];

    *scram = (struct record_scram){ .password = password };
    if (tls_random(random, sizeof random) < 0)
        return err_set(err, -EIO, "no random bytes can be had");
    record_put_base64(&nonce, random, sizeof random);
    scram->first = arena_printf(arena, "n=,r=%s", buf_text(&nonce));
    buf_fini(&nonce);
    buf_printf(to, "n,,%s", scram->first);
    return 0;
}

/* The value of "r=...,s=...,i=..." that begins with `name`; NULL. */
static const char *attribute(struct arena *arena, const char *text, char name)
{
    for (; *text; text += strcspn(text, ","), text += *text == ',')
        if (text[0] == name && text[1] == '=')
            return arena_copy(arena, text + 2, strcspn(text + 2, ","));
    return NULL;
}

static const char *message_of(const struct record_scram *scram, struct arena *arena)
{
    return arena_printf(arena, "%s,%s,%s", scram->first, scram->server, scram->last);
}

static int prove(const struct record_scram *scram, const char *message,
                 unsigned char ret[PG_HASH_SIZE])
{
    unsigned char stored[PG_HASH_SIZE], signature[PG_HASH_SIZE];
    int r = tls_hash.hmac(scram->salted, PG_HASH_SIZE, "Client Key", 10, ret);

    if (r == 0)
        r = tls_hash.sha256(ret, PG_HASH_SIZE, stored);
    if (r == 0)
        r = tls_hash.hmac(stored, sizeof stored, message, strlen(message), signature);
    for (int i = 0; r == 0 && i < PG_HASH_SIZE; i++)
        ret[i] ^= signature[i];
    return r;
}

int record_scram_last(struct record_scram *scram, struct arena *arena, const char *said,
                      size_t size, struct buf *to, struct err *err)
{
    const char *text = arena_copy(arena, said, size), *salt, *salt_text, *nonce, *rounds;
    unsigned char proof[PG_HASH_SIZE];
    size_t salt_size = 0;
    int r;

    nonce = attribute(arena, text, 'r');
    salt_text = attribute(arena, text, 's');
    rounds = attribute(arena, text, 'i');
    salt =
        salt_text ? record_get_base64(arena, salt_text, strlen(salt_text), &salt_size) : NULL;
    if (!nonce || !salt || !rounds || atoi(rounds) < 1 || atoi(rounds) > ROUNDS_MAX ||
        strncmp(nonce, scram->first + strlen("n=,r="), strlen(scram->first) - strlen("n=,r=")))
        return err_set(err, -EINVAL, "the server's SCRAM message is none");
    scram->server = text;
    scram->last = arena_printf(arena, "c=biws,r=%s", nonce);
    r = tls_hash.pbkdf2(scram->password, salt, salt_size, atoi(rounds), scram->salted);
    if (r == 0)
        r = prove(scram, message_of(scram, arena), proof);
    if (r < 0)
        return err_system(err, r, "cannot work out a SCRAM proof");
    buf_printf(to, "%s,p=", scram->last);
    record_put_base64(to, (const char *)proof, sizeof proof);
    return 0;
}

int record_scram_check(const struct record_scram *scram, const char *said, size_t size,
                       struct err *err)
{
    unsigned char key[PG_HASH_SIZE], signature[PG_HASH_SIZE];
    struct arena arena = { 0 };
    const char *message = message_of(scram, &arena);
    struct buf want = BUF_INIT(MESSAGE_MAX);
    int r = tls_hash.hmac(scram->salted, PG_HASH_SIZE, "Server Key", 10, key);

    if (r == 0)
        r = tls_hash.hmac(key, sizeof key, message, strlen(message), signature);
    buf_add_text(&want, "v=");
    record_put_base64(&want, (const char *)signature, sizeof signature);
    if (r == 0 && (want.size != size || memcmp(want.data, said, size) != 0))
        r = err_set(err, -EACCES, "the server does not know the password");
    buf_fini(&want);
    arena_fini(&arena);
    return r;
}
