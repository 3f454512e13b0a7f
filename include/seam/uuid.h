/*
 * seam/uuid.h - identities that can be foreseen.
 *
 *     SEAM_TEST(order_gets_an_id)
 *     {
 *         seam_uuid *ids = seam_uuid_start(t);
 *         struct id_generator port = { .self = ids, .next = seam_uuid_next };
 *
 *         seam_check_eq(t, order_new(&port)->id, seam_uuid_at(ids, 0));
 *     }
 *
 * The nth id follows from the seed: `-seed` of the run and the test's name unless .seed says it. The seed is printed
 * when the test fails, so that the run can be repeated. With .at_the_seam the C library's own sources go by it, too:
 * getrandom, getentropy, /dev/urandom, /dev/random and arc4random; and libuuid, which gives the next id of this
 * source. In the test program and in programs of seam_spawn, which all draw from one stream: nothing is given twice,
 * and it is the same again where the calls come in the same order. Libraries for TLS keep the machine's.
 *
 * Ownership: belongs to the (sub)test; strings live as long. Threads: any; ids are given in the order of the calls.
 */
#ifndef SEAM_UUID_H
#define SEAM_UUID_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_uuid seam_uuid;

typedef struct seam_uuid_options {
    uint64_t    seed SEAM_0; /* 0: of the run and the test's name */
    const char *list[16] SEAM_0; /* these first */
    bool        at_the_seam SEAM_0; /* one at a time; ids of .list are UUIDs */
    seam_site   site SEAM_0; /* set for you */
} seam_uuid_options;

#define seam_uuid_start(...) seam_uuid_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_uuid_start_(t, ...) seam_uuid_start_at((t), SEAM_NEW(seam_uuid_options, __VA_ARGS__))
seam_uuid *seam_uuid_start_at(seam_t *t, SEAM_REF(seam_uuid_options) options);

/* For the application's port: the next id, "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" (RFC 9562, version 4), with its NUL.
 * `ids` is a seam_uuid. Returns 0. */
int seam_uuid_next(void *ids, char to[37]);

const char *seam_uuid_at(seam_uuid *ids, size_t n); /* the nth, from 0, given already or not */
size_t      seam_uuid_count(seam_uuid *ids); /* that were given */
uint64_t    seam_uuid_seed(const seam_uuid *ids);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
