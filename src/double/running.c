/* double/running.c - the doubles of this process that run; see running.h. */

#include "double/running.h"

#include <errno.h>
#include <string.h>

#include "base/base_name.h"

static struct running *all; /* newest first */

int running_add(struct running *own, struct err *err)
{
    for (const struct running *other = all; other; other = other->next)
        if (other->port == own->port && strcmp(other->host, own->host) == 0)
            return err_set(err, -EEXIST, "it has a mock already, which was started at %s:%d",
                           base_name(other->site.file), other->site.line);
    own->next = all;
    all = own;
    return 0;
}

void running_remove(struct running *own)
{
    struct running **at = &all;

    while (*at && *at != own)
        at = &(*at)->next;
    if (*at)
        *at = own->next;
}

bool running_has(const struct running *own)
{
    const struct running *at = all;

    while (at && at != own)
        at = at->next;
    return at != NULL;
}
