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

/* Only in a program that has a clock, or a seed for its ids. */
extern const struct link_hook link_hooks_time[] __attribute__((weak));
extern const struct link_hook link_hooks_random[] __attribute__((weak));

/* What brings their objects into a program: a function's name may be found elsewhere. */
extern const char *const link_hooks_time_anchor[];
extern const char link_hooks_random_anchor, link_hooks_time_lock_anchor,
    link_hooks_time_poll_anchor, link_hooks_time_timer_anchor;

#endif
