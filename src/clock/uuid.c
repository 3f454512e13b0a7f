/* clock/uuid.c - identities that follow from a seed; see seam/uuid.h. */

#include "seam/uuid.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "test/t.h"

enum { UUID_SIZE = 36, LIST_MAX = sizeof((seam_uuid_options *)0)->list / sizeof(char *) };

struct seam_uuid {
    seam_t *t;
    seam_site site;
    uint64_t seed;
    const char *list[LIST_MAX];
    size_t listed;
    pthread_mutex_t lock; /* guards the rest */
    struct arena arena;
    size_t count;
};

/* ---- the nth ----------------------------------------------------------------------------- */

/* splitmix64: all bits of the result follow from all bits of the number. */
static uint64_t mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15u;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/* RFC 9562, 5.4: version 4, variant 10. */
static void write_uuid(uint64_t seed, uint64_t n, char to[UUID_SIZE + 1])
{
    uint64_t high = mix(mix(seed) ^ mix(2 * n));
    uint64_t low = mix(mix(seed) ^ mix(2 * n + 1));

    high = (high & ~(uint64_t)0xf000) | 0x4000;
    low = (low & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;
    snprintf(to, UUID_SIZE + 1, "%08x-%04x-%04x-%04x-%012" PRIx64, (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff), (unsigned)(low >> 48),
             low & 0xffffffffffffu);
}

static void nth(const seam_uuid *ids, size_t n, char to[UUID_SIZE + 1])
{
    if (n < ids->listed)
        memcpy(to, ids->list[n], strlen(ids->list[n]) + 1);
    else
        write_uuid(ids->seed, n, to);
}

/* ---- the test's side --------------------------------------------------------------------- */

/* Of the run's seed and the test's name: each test has ids of its own. */
static uint64_t seed_of(seam_t *t)
{
    const char *name = seam_name(t);
    uint64_t seed = mix(hash_bytes(HASH_BEGIN, name, strlen(name)) ^ (uint64_t)t_run_seed());

    return seed ? seed : 1;
}

static void take_list(seam_uuid *ids, const seam_uuid_options *options)
{
    for (; ids->listed < LIST_MAX && options->list[ids->listed]; ids->listed++) {
        const char *id = options->list[ids->listed];

        if (strlen(id) > UUID_SIZE)
            seam_fatal_at(ids->t, ids->site,
                          "id %zu of .list has %zu characters, not at most %d", ids->listed,
                          strlen(id), UUID_SIZE);
        ids->list[ids->listed] = arena_dup(t_arena(ids->t), id);
    }
}

static void stop(void *arg)
{
    seam_uuid *ids = arg;

    if (seam_failed(ids->t) && ids->count > ids->listed)
        seam_log_at(ids->t, ids->site,
                    "ids followed from a seed: .seed = %" PRIu64 "u gives the same again",
                    ids->seed);
    arena_fini(&ids->arena);
    pthread_mutex_destroy(&ids->lock);
}

seam_uuid *seam_uuid_start_at(seam_t *t, const seam_uuid_options *options)
{
    seam_uuid *ids = arena_zero(t_arena(t), sizeof *ids);

    ids->t = t;
    ids->site = options->site;
    if (options->at_the_seam)
        seam_fatal_at(t, options->site,
                      "seam_uuid_start: .at_the_seam is not supported yet\n"
                      "try: seam_uuid_next behind the program's own source of ids");
    ids->seed = options->seed ? options->seed : seed_of(t);
    take_list(ids, options);
    pthread_mutex_init(&ids->lock, NULL);
    seam_cleanup(t, stop, ids);
    return ids;
}

int seam_uuid_next(void *arg, char to[37])
{
    seam_uuid *ids = arg;

    pthread_mutex_lock(&ids->lock);
    nth(ids, ids->count++, to);
    pthread_mutex_unlock(&ids->lock);
    return 0;
}

const char *seam_uuid_at(seam_uuid *ids, size_t n)
{
    char text[UUID_SIZE + 1];
    const char *copy;

    nth(ids, n, text);
    pthread_mutex_lock(&ids->lock);
    copy = arena_dup(&ids->arena, text);
    pthread_mutex_unlock(&ids->lock);
    return copy;
}

size_t seam_uuid_count(seam_uuid *ids)
{
    size_t count;

    pthread_mutex_lock(&ids->lock);
    count = ids->count;
    pthread_mutex_unlock(&ids->lock);
    return count;
}

uint64_t seam_uuid_seed(const seam_uuid *ids)
{
    return ids->seed;
}
