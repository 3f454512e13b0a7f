/* net/tls_hash.c - SHA-256, HMAC and PBKDF2 of OpenSSL; see tls_hash.h. */

#include "net/tls_hash.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

static int sha256(const void *data, size_t size, unsigned char ret[PG_HASH_SIZE])
{
    return EVP_Digest(data, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int hmac(const void *key, size_t key_size, const void *data, size_t size,
                unsigned char ret[PG_HASH_SIZE])
{
    unsigned char result[EVP_MAX_MD_SIZE];

    if (key_size > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_size, data, size, result, NULL))
        return -EIO;
    memcpy(ret, result, PG_HASH_SIZE);
    return 0;
}

static int pbkdf2(const char *password, const void *salt, size_t salt_size, int rounds,
                  unsigned char ret[PG_HASH_SIZE])
{
    if (salt_size > INT_MAX)
        return -EIO;
    return PKCS5_PBKDF2_HMAC(password, -1, salt, (int)salt_size, rounds, EVP_sha256(),
                             PG_HASH_SIZE, ret) == 1
               ? 0
               : -EIO;
}

const struct pg_hash tls_hash = { sha256, hmac, pbkdf2 };

int tls_random(void *to, size_t size)
{
    return size <= INT_MAX && RAND_bytes(to, (int)size) == 1 ? 0 : -EIO;
}

int tls_md5(const void *data, size_t size, char ret[TLS_MD5_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];

    if (EVP_Digest(data, size, hash, NULL, EVP_md5(), NULL) != 1)
        return -ENOTSUP;
    for (int i = 0; i < TLS_MD5_TEXT / 2; i++) {
        ret[2 * i] = digits[hash[i] >> 4];
        ret[2 * i + 1] = digits[hash[i] & 15];
    }
    ret[TLS_MD5_TEXT - 1] = '\0';
    return 0;
}
