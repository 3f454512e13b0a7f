/* report/names.c - packages by number; see names.h. */

#include "report/names.h"

#include <stdlib.h>
#include <string.h>

static bool same(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void add(struct names *names, struct text name)
{
    if (names->count == names->room) {
        uint32_t room = names->room ? names->room * 2 : 16;
        struct text *wider = realloc(names->list, room * sizeof *wider);

        if (!wider)
            abort(); /* nothing could be reported any more */
        names->list = wider;
        names->room = room;
    }
    names->list[names->count++] = name;
}

uint32_t names_number(struct names *names, struct text name)
{
    char *key;
    uint32_t *number;

    if (names->last < names->count && same(names->list[names->last], name))
        return names->last;
    key = strndup(name.size ? name.data : "", name.size);
    number = key ? map_find(&names->map, key) : NULL;
    if (!number) {
        name.data = arena_copy(&names->arena, name.size ? name.data : "", name.size);
        number = map_at(&names->map, name.data);
        if (!number)
            abort();
        *number = names->count;
        add(names, name);
    }
    free(key);
    return names->last = *number;
}

void names_fini(struct names *names)
{
    free(names->list);
    map_fini(&names->map);
    arena_fini(&names->arena);
    *names = (struct names){ 0 };
}
