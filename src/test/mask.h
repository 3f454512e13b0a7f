/*
 * test/mask.h - secrets in what is shown or kept of an exchange become "***".
 *
 * Judged by names, since nothing else tells a secret from other text: a name is compared without regard to
 * case and to - _ and . in it, so that access_token, accessToken and X-Access-Token are one. It is secret when
 * it ends with token, secret, password, signature, apikey and the like, or is "key" (see mask.c).
 *
 * Ownership: texts are borrowed until the call returns. Threads: any; nothing is shared.
 */
#ifndef TEST_MASK_H
#define TEST_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Whether what has this name (a parameter, a member of a JSON object, a header's field) is a secret. */
bool mask_is_secret(const char *name, size_t size);

/* Whether a place in JSON, as "$.user.token" or "/user/token/0", is that of a secret, or below one. */
bool mask_is_secret_path(const char *path);

/* How much of the value of a header's field says only what kind of secret follows: 7 of "Bearer abc" in
 * Authorization, 0 in other fields. */
size_t mask_scheme(const char *name, const char *value);

/* Add a text of any kind, such as a body or its beginning: masked are the user and the password of each URL
 * (the "joe:pw" of "https://joe:pw@host/"), secret parameters ("?token=***&page=2", also of a form), and secret members of JSON,
 * with all that is below them ("\"token\":\"***\""). A value that is cut off is masked too. */
void mask_text(struct buf *to, const char *text, size_t size);

/* The same for a URL, which may have words in front of it ("POST https://..."). */
void mask_url(struct buf *to, const char *url);

/* Add the value of a header's field: of Authorization the scheme stays ("Bearer ***"), of cookies the names
 * and attributes ("sid=***; Path=/"), of fields with a secret name nothing, of all others what mask_text
 * leaves. */
void mask_header(struct buf *to, const char *name, const char *value);

/* Add words about a message of HTTP that end with a quotation of it: "it is not 'name: value': 'Cookie x'". Of
 * a quoted field with a secret name only that stays, of the rest of a folded one nothing, of all else what
 * mask_text leaves. */
void mask_quoted(struct buf *to, const char *words);

#endif
