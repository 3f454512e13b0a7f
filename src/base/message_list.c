/* base/message_list.c - fields that stand several times in a message; see message_list.h. */

#include "base/message_list.h"

size_t message_count(const struct message *message, const char *name)
{
    struct message key, value;
    size_t at = 0, found = 0;

    while (message_next(message, &at, &key, &value) == 1)
        found += message_is(&key, name);
    return found;
}

const char *message_copy(const struct message *message, const char *name, struct arena *arena)
{
    struct message value = message_value(message, name);

    return value.data ? arena_copy(arena, value.data, value.size) : NULL;
}

const char *const *message_list(const struct message *message, const char *name,
                                struct arena *arena)
{
    const char **list = arena_zero(arena, (message_count(message, name) + 1) * sizeof *list);
    struct message key, value;
    size_t at = 0, used = 0;

    while (message_next(message, &at, &key, &value) == 1)
        if (message_is(&key, name))
            list[used++] = arena_copy(arena, value.data, value.size);
    return list;
}
