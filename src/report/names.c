/* report/names.c - the packages of a run; see names.h. */

#include "report/names.h"

#include <stdlib.h>
#include <string.h>

static bool same(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void add(struct names *names, struct text name, size_t size)
{
    if (names->count == names->room) {
        uint32_t room = names->room ? names->room * 2 : 16;
        struct names_entry *wider = realloc(names->list, room * sizeof *wider);

        if (!wider)
            arena_give_up(sizeof *wider); /* nothing could be reported any more */
        names->list = wider;
        names->room = room;
    }
    names->list[names->count++] = (struct names_entry){ name, arena_zero(&names->arena, size) };
}

void *names_own(struct names *names, struct text name, size_t size)
{
    char *key;
    uint32_t *number;

    if (names->last < names->count && same(names->list[names->last].name, name))
        return names->list[names->last].own;
    key = strndup(name.size ? name.data : "", name.size);
    number = key ? map_find(&names->map, key) : NULL;
    if (!number) {
        name.data = arena_copy(&names->arena, name.size ? name.data : "", name.size);
        number = map_at(&names->map, name.data);
        if (!number)
            arena_give_up(sizeof *number);
        *number = names->count;
        add(names, name, size);
    }
    free(key);
    names->last = *number;
    return names->list[names->last].own;
}

void names_fini(struct names *names)
{
    free(names->list);
    map_fini(&names->map);
    arena_fini(&names->arena);
    *names = (struct names){ 0 };
}
