/* base/map.h - texts to numbers; the texts are borrowed and must outlive the map. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    const char *key; /* NULL: free */
    uint64_t hash;
    uint32_t value;
};

struct map {
    struct map_entry *entries;
    size_t room; /* a power of two, at least twice `count` */
    size_t count;
    struct map_entry *last; /* that map_find_again found; NULL: none */
};

/* Where the number of `key` is kept, made as 0 when it is new; NULL when memory ends. Valid until the next map_at. */
uint32_t *map_at(struct map *map, const char *key);

/* The same, but NULL when it is not there. */
uint32_t *map_find(const struct map *map, const char *key);

/* The same, for whoever mostly looks for the key that was looked for last. */
uint32_t *map_find_again(struct map *map, const char *key);
void map_fini(struct map *map);

/* FNV-1a, 64 bits: start with seed HASH_BEGIN, or go on from an earlier result. */
#define HASH_BEGIN 0xcbf29ce484222325u
uint64_t hash_bytes(uint64_t seed, const void *data, size_t size);

#endif
