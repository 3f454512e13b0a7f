/* base/message_list.h - the fields of a message that stand several times in it, and copies that live in an arena. */
#ifndef BASE_MESSAGE_LIST_H
#define BASE_MESSAGE_LIST_H

#include "base/arena.h"
#include "base/message.h"

/* How often a field of that name stands in it. */
size_t message_count(const struct message *message, const char *name);

/* The first value of that name, with a NUL behind it; NULL when there is none. */
const char *message_copy(const struct message *message, const char *name, struct arena *arena);

/* All values of that name, and NULL behind the last. */
const char *const *message_list(const struct message *message, const char *name,
                                struct arena *arena);

#endif
