/* report/open.c - (sub)tests that run, by number; see open.h. */

#include "report/open.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_AT_FIRST = 8 };

static struct open **bucket(const struct opens *opens, uint32_t node)
{
    return &opens->buckets[node & (opens->room - 1)]; /* numbers are given in sequence */
}

static int grow(struct opens *opens)
{
    struct opens wider = { .room = opens->room ? opens->room * 2 : ROOM_AT_FIRST,
                           .count = opens->count };

    wider.buckets = calloc(wider.room, sizeof *wider.buckets);
    if (!wider.buckets)
        return -1;
    for (uint32_t i = 0; i < opens->room; i++)
        for (struct open *open = opens->buckets[i], *next; open; open = next) {
            struct open **to = bucket(&wider, open->node);

            next = open->next;
            open->next = *to;
            *to = open;
        }
    free(opens->buckets);
    *opens = wider;
    return 0;
}

struct open *opens_find(const struct opens *opens, uint32_t node)
{
    struct open *open = opens->room ? *bucket(opens, node) : NULL;

    while (open && open->node != node)
        open = open->next;
    return open;
}

struct open *opens_add(struct opens *opens, uint32_t node, struct text name)
{
    struct open *open = malloc(sizeof *open + name.size + 1);
    struct open **to;

    if (!open || (opens->count >= opens->room && grow(opens) < 0)) {
        free(open);
        return NULL;
    }
    *open = (struct open){ .node = node,
                           .shown = BUF_INIT(OPEN_TEXT_MAX),
                           .left = BUF_INIT(OPEN_TEXT_MAX),
                           .name = { open->name_bytes, name.size } };
    if (name.size > 0)
        memcpy(open->name_bytes, name.data, name.size);
    open->name_bytes[name.size] = '\0';
    to = bucket(opens, node);
    open->next = *to;
    *to = open;
    opens->count++;
    return open;
}

void opens_remove(struct opens *opens, const struct open *open)
{
    for (struct open **at = bucket(opens, open->node); *at; at = &(*at)->next)
        if (*at == open) {
            *at = open->next;
            opens->count--;
            return;
        }
}

static int latest_first(const void *a, const void *b)
{
    uint32_t left = (*(struct open *const *)a)->node;
    uint32_t right = (*(struct open *const *)b)->node;

    return left < right ? 1 : left > right ? -1 : 0;
}

struct open **opens_list(const struct opens *opens)
{
    struct open **list = opens->count ? calloc(opens->count, sizeof *list) : NULL;
    uint32_t count = 0;

    if (!list)
        return NULL;
    for (uint32_t i = 0; i < opens->room; i++)
        for (struct open *open = opens->buckets[i]; open; open = open->next)
            list[count++] = open;
    qsort(list, count, sizeof *list, latest_first);
    return list;
}

void open_free(struct open *open)
{
    buf_fini(&open->shown);
    buf_fini(&open->left);
    traffic_fini(&open->traffic);
    free(open);
}

void opens_fini(struct opens *opens)
{
    for (uint32_t i = 0; i < opens->room; i++)
        for (struct open *open = opens->buckets[i], *next; open; open = next) {
            next = open->next;
            open_free(open);
        }
    free(opens->buckets);
    *opens = (struct opens){ 0 };
}
