/* link/hooks.h - which functions are hooked, by family; for the self-check. */
#ifndef LINK_HOOKS_H
#define LINK_HOOKS_H

#include <stdint.h>

struct link_hook {
    const char *name; /* NULL ends a list */
    void *function;
};

/* Each family is an object of its own in the archive: whoever needs it refers to its list. */
extern const struct link_hook link_hooks_net[];
extern const struct link_hook link_hooks_files[];
extern const struct link_hook link_hooks_trust[];

#endif
