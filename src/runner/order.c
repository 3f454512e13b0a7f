/*
 * runner/order.c - in which order a package's tests are granted.
 *
 * As they stand in the files; but what took long in the last run goes first, so that the run does
 * not end with one long test, and -shuffle mixes all. Times are kept in the cache, a file a program.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"
#include "runner/run.h"

enum { LONG_MS = 50, TIMES_MAX = 16 << 20 };

static const char *times_path(const struct package *package)
{
    struct run *run = package->run;
    uint64_t hash = hash_bytes(HASH_BEGIN, package->binary, strlen(package->binary));

    return arena_printf(&run->arena, "%s/times/%016llx", run->cache, (unsigned long long)hash);
}

/* Lines "milliseconds name" of an earlier run. */
static bool load_times(struct package *package)
{
    struct buf text = BUF_INIT(TIMES_MAX);
    struct map places = { 0 };
    bool any = false;
    char *save = NULL;

    if (io_read_file(times_path(package), &text) == 0 && text.size > 0) {
        for (uint32_t i = 0; i < package->test_count; i++) {
            uint32_t *place = map_at(&places, package->tests[i].name);

            if (place) /* else it comes at its place in the file, no worse */
                *place = i + 1;
        }
        for (char *line = strtok_r(text.data, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
            char *name;
            unsigned long ms = strtoul(line, &name, 10);
            uint32_t *place = *name == ' ' ? map_find(&places, name + 1) : NULL;

            if (place && ms >= LONG_MS) {
                package->tests[*place - 1].took_ms = (uint32_t)ms;
                any = true;
            }
        }
    }
    map_fini(&places);
    buf_fini(&text);
    return any;
}

void order_save(const struct package *package)
{
    struct buf text = BUF_INIT(TIMES_MAX);
    const char *path = package->binary ? times_path(package) : NULL;

    for (uint32_t i = 0; i < package->test_count; i++)
        if (package->tests[i].took_ms >= LONG_MS)
            buf_printf(&text, "%u %s\n", package->tests[i].took_ms, package->tests[i].name);
    if (path && text.size > 0 &&
        io_make_folders(arena_printf(&package->run->arena, "%s/times", package->run->cache),
                        0700) == 0)
        io_write_file(path, text.data, text.size);
    buf_fini(&text);
}

static int longer_first(const void *a, const void *b, void *arg)
{
    const struct test *tests = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

    if (tests[i].took_ms != tests[j].took_ms)
        return tests[i].took_ms > tests[j].took_ms ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* splitmix64, so that a seed gives the same order everywhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void shuffle(uint32_t *order, uint32_t count, uint64_t seed)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)(next_random(&seed) % i);
        uint32_t kept = order[i - 1];

        order[i - 1] = order[j];
        order[j] = kept;
    }
}

void order_tests(struct package *package)
{
    const struct options *options = package->run->options;

    package->order = calloc(package->test_count + 1, sizeof *package->order);
    if (!package->order)
        arena_give_up((package->test_count + 1) * sizeof *package->order);
    for (uint32_t i = 0; i < package->test_count; i++)
        package->order[i] = i;
    if (options->shuffle)
        shuffle(package->order, package->test_count, options->shuffle_seed);
    else if (options->parallel > 1 && load_times(package))
        qsort_r(package->order, package->test_count, sizeof *package->order, longer_first,
                package->tests);
}
