/* base/map_test.c - a map against a plain list. */

#include "base/map.h"

#include <seam/seam.h>

#include <stdio.h>

SEAM_TEST(map_begins_empty)
{
    struct map map = { 0 };

    seam_check_null(t, map_find(&map, "a"));
    map_fini(&map);
    seam_require(t, map_at(&map, "") != NULL);
    seam_check_eq(t, *map_at(&map, ""), 0);
    seam_check_eq(t, map.count, 1);
    map_fini(&map);
}

SEAM_TEST(map_keeps_its_numbers_while_it_grows)
{
    enum { KEYS = 3000 };
    static char keys[KEYS][8];
    struct map map = { 0 };

    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        seam_require_null(t, map_find(&map, keys[i]));
        *map_at(&map, keys[i]) = i + 1;
        seam_require_eq(t, map.count, i + 1);
        seam_require_le(t, 2 * map.count, map.room);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        char same[8];

        snprintf(same, sizeof same, "k%u", i);
        seam_require_eq(t, *map_find(&map, same), i + 1);
        seam_require_eq(t, *map_at(&map, same), i + 1);
    }
    seam_check_eq(t, map.count, KEYS);
    seam_check_null(t, map_find(&map, "k"));
    map_fini(&map);
}

SEAM_TEST(map_finds_the_last_key_again_also_when_it_has_grown)
{
    enum { KEYS = 100 };
    static char keys[KEYS][8];
    struct map map = { 0 };

    seam_check_null(t, map_find_again(&map, "k0"));
    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "k%u", i);
        *map_at(&map, keys[i]) = i + 1;
        seam_require_eq(t, *map_find_again(&map, "k0"), 1);
        seam_require_eq(t, *map_find_again(&map, "k0"), 1);
        seam_require_eq(t, *map_find_again(&map, keys[i]), i + 1);
        seam_require_null(t, map_find_again(&map, "k"));
        seam_require_eq(t, *map_find_again(&map, i % 2 ? keys[i] : "k0"), i % 2 ? i + 1 : 1);
    }
    map_fini(&map);
    seam_check_null(t, map_find_again(&map, "k0"));
}

/* The published values of FNV-1a. */
SEAM_TEST(hash_is_fnv_1a)
{
    uint64_t whole = hash_bytes(HASH_BEGIN, "foobar", 6);

    seam_check_eq(t, hash_bytes(HASH_BEGIN, "", 0), 0xcbf29ce484222325u);
    seam_check_eq(t, hash_bytes(HASH_BEGIN, "a", 1), 0xaf63dc4c8601ec8cu);
    seam_check_eq(t, whole, 0x85944171f73967e8u);
    seam_check_eq(t, hash_bytes(hash_bytes(HASH_BEGIN, "foo", 3), "bar", 3), whole);
}
