/* base/map.c - texts to numbers, by open addressing; see map.h. */

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hostile.h"

uint64_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
    const unsigned char *at = data;

    for (size_t i = 0; i < size; i++)
        seed = (seed ^ at[i]) * 0x100000001b3u;
    return seed;
}

/* Of a key of a map: eight bytes at a time. It is kept nowhere else. */
static uint64_t hash_key(const char *key)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    size_t size = strlen(key);
    uint64_t hash = HASH_BEGIN ^ size, word;

    for (; size >= sizeof word; size -= sizeof word, key += sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, key, size);
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 32;
}

static struct map_entry *slot(const struct map *map, const char *key, uint64_t hash)
{
    size_t i = hash & (map->room - 1);

    while (map->entries[i].key &&
           (map->entries[i].hash != hash || strcmp(map->entries[i].key, key) != 0))
        i = (i + 1) & (map->room - 1);
    return &map->entries[i];
}

static int grow(struct map *map)
{
    struct map wider = { .room = map->room ? map->room * 2 : 16, .count = map->count };

    wider.entries = calloc(wider.room, sizeof *wider.entries);
    if (!wider.entries)
        return -1;
    for (size_t i = 0; i < map->room; i++)
        if (map->entries[i].key)
            *slot(&wider, map->entries[i].key, map->entries[i].hash) = map->entries[i];
    free(map->entries);
    *map = wider;
    return 0;
}

uint32_t *map_at(struct map *map, const char *key)
{
    uint64_t hash = hash_key(key);
    struct map_entry *entry;

    if (map->room < (map->count + 1) * 2 && grow(map) < 0)
        return NULL;
    entry = slot(map, key, hash);
    if (!entry->key) {
        *entry = (struct map_entry){ key, hash, 0 };
        map->count++;
    }
    return &entry->value;
}

uint32_t *map_find(const struct map *map, const char *key)
{
    struct map_entry *entry;

    if (map->count == 0)
        return NULL;
    entry = slot(map, key, hash_key(key));
    return entry->key ? &entry->value : NULL;
}

void map_fini(struct map *map)
{
    free(map->entries);
    *map = (struct map){ 0 };
}
