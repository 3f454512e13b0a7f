/* clock/uuid.c - identities that follow from a seed; see seam/uuid.h. */

#include "seam/uuid.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "clock/shared_page.h"
#include "link/hooks.h"
#include "link/link.h"
#include "link/random.h"
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
    bool at_the_seam; /* the page counts */
};

/* ---- the nth ----------------------------------------------------------------------------- */

static void write_id(const unsigned char id[RANDOM_ID_SIZE], char to[UUID_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < RANDOM_ID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[id[i] >> 4];
        *to++ = digits[id[i] & 15];
    }
    *to = '\0';
}

static void nth(const seam_uuid *ids, size_t n, char to[UUID_SIZE + 1])
{
    unsigned char id[RANDOM_ID_SIZE];

    if (n < ids->listed) {
        memcpy(to, ids->list[n], strlen(ids->list[n]) + 1);
        return;
    }
    random_id(ids->seed, n, id);
    write_id(id, to);
}

/* ---- the test's side --------------------------------------------------------------------- */

/* Of the run's seed and the test's name: each test has ids of its own. */
static uint64_t seed_of(seam_t *t)
{
    const char *name = seam_name(t);
    unsigned char id[RANDOM_ID_SIZE];
    uint64_t seed;

    random_id(hash_bytes(HASH_BEGIN, name, strlen(name)), (uint64_t)t_run_seed(), id);
    memcpy(&seed, id + RANDOM_ID_SIZE - sizeof seed, sizeof seed);
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

/* ---- libc's sources ---------------------------------------------------------------------- */

/* The hooks must be in each program that may have a seed. */
static const char *const volatile hooks = &link_hooks_random_anchor;

static bool read_id(const char *text, unsigned char ret[RANDOM_ID_SIZE])
{
    int end = 0;

    if (strlen(text) != UUID_SIZE)
        return false;
    for (int i = 0; i < RANDOM_ID_SIZE; i++) {
        if (sscanf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%2hhx%n" : "%2hhx%n",
                   &ret[i], &end) != 1)
            return false;
        text += end;
    }
    return !*text;
}

static void check_hooks(const seam_uuid *ids)
{
    struct err err;
    int r = t_hooks_are_on() ? link_check(&err) : err_set(&err, -ENOTSUP, "-hooks is off");

    if (r < 0 || !*hooks)
        seam_fatal_at(ids->t, ids->site,
                      "seam_uuid_start: libc's functions cannot go by .at_the_seam: %s\n"
                      "try: seam_uuid_next behind the program's own source of ids",
                      err.text);
}

static void begin_at_the_seam(seam_uuid *ids)
{
    struct page *page;

    check_hooks(ids);
    shared_page(ids->t, ids->site);
    page = page_now();
    if (atomic_load(&page->seeded))
        seam_fatal_at(ids->t, ids->site,
                      "libc's functions go by a seed already: a test has one .at_the_seam");
    for (size_t i = 0; i < ids->listed; i++)
        if (!read_id(ids->list[i], page->list[i]))
            seam_fatal_at(ids->t, ids->site,
                          "id %zu of .list, '%s', is no UUID, as .at_the_seam has them", i,
                          ids->list[i]);
    page->listed = (uint32_t)ids->listed;
    page->seed = ids->seed;
    atomic_store(&page->drawn, 0);
    atomic_store(&page->given, 0);
    ids->at_the_seam = true;
    atomic_store(&page->seeded, 1);
}

static bool was_used(seam_uuid *ids)
{
    return seam_uuid_count(ids) > ids->listed ||
           (ids->at_the_seam && atomic_load(&page_now()->drawn) > 0);
}

static void stop(void *arg)
{
    seam_uuid *ids = arg;

    if (seam_failed(ids->t) && was_used(ids))
        seam_log_at(ids->t, ids->site,
                    "ids followed from a seed: .seed = %" PRIu64 "u gives the same again",
                    ids->seed);
    if (ids->at_the_seam)
        atomic_store(&page_now()->seeded, 0);
    arena_fini(&ids->arena);
    pthread_mutex_destroy(&ids->lock);
}

/* ---- the functions ----------------------------------------------------------------------- */

seam_uuid *seam_uuid_start_at(seam_t *t, const seam_uuid_options *options)
{
    seam_uuid *ids = arena_zero(t_arena(t), sizeof *ids);

    ids->t = t;
    ids->site = options->site;
    ids->seed = options->seed ? options->seed : seed_of(t);
    take_list(ids, options);
    pthread_mutex_init(&ids->lock, NULL);
    seam_cleanup(t, stop, ids);
    if (options->at_the_seam)
        begin_at_the_seam(ids);
    return ids;
}

int seam_uuid_next(void *arg, char to[37])
{
    seam_uuid *ids = arg;

    pthread_mutex_lock(&ids->lock);
    if (ids->at_the_seam)
        ids->count = (size_t)atomic_fetch_add(&page_now()->given, 1);
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
    count = ids->at_the_seam ? (size_t)atomic_load(&page_now()->given) : ids->count;
    pthread_mutex_unlock(&ids->lock);
    return count;
}

uint64_t seam_uuid_seed(const seam_uuid *ids)
{
    return ids->seed;
}
