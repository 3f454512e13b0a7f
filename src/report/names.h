/* report/names.h - the packages of a run, in the order in which they were met. */
#ifndef REPORT_NAMES_H
#define REPORT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "events/event.h"

struct names_entry {
    struct text name;
    void *own; /* the reporter's */
};

struct names {
    struct arena arena;
    struct map map;
    struct names_entry *list;
    uint32_t count;
    uint32_t room;
    uint32_t last; /* the number that was asked for; events of a package come in runs */
};

/* What a reporter keeps of a package: `size` bytes that stay where they are, zero when it is met first. Its
 * number, counted from 0, is names->last then. */
void *names_own(struct names *names, struct text name, size_t size);
void names_fini(struct names *names);

#endif
