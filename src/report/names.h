/* report/names.h - the packages of a run by number, in the order in which they were met. */
#ifndef REPORT_NAMES_H
#define REPORT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "events/event.h"

struct names {
    struct arena arena;
    struct map map;
    struct text *list;
    uint32_t count;
    uint32_t room;
    uint32_t last; /* events of a package come in runs */
};

/* The number of a name, which is counted from 0; a new one is `names->count` of before. */
uint32_t names_number(struct names *names, struct text name);
void names_fini(struct names *names);

#endif
