/* wire/pg_reading.c - texts of statements that a session has read before; see pg_reading.h. */

#include "wire/pg_reading.h"

#include <stdlib.h>
#include <string.h>

struct pg_reading *pg_readings_find(const struct pg_readings *readings, const char *sql)
{
    const uint32_t *place = map_find(&readings->texts, sql);

    return place && *place > 0 ? readings->at[*place - 1] : NULL;
}

struct pg_reading *pg_reading_new(const char *sql)
{
    struct pg_reading *reading = calloc(1, sizeof *reading);
    size_t next;

    if (!reading)
        arena_give_up(sizeof *reading);
    reading->uses = 1;
    reading->first = arena_copy(&reading->arena, sql, pg_sql_first(sql, &next));
    pg_sql_classify(&reading->is, reading->first, &reading->arena);
    return reading;
}

void pg_readings_keep(struct pg_readings *readings, const char *sql, struct pg_reading *reading)
{
    uint32_t *place;

    if (strlen(sql) > PG_READING_SIZE)
        return;
    if (readings->count == PG_READINGS)
        pg_readings_fini(readings);
    if (!readings->at)
        readings->at = calloc(PG_READINGS, sizeof(struct pg_reading *));
    place = readings->at ? map_at(&readings->texts, arena_dup(&reading->arena, sql)) : NULL;
    if (!place)
        return;
    readings->at[readings->count++] = pg_reading_use(reading);
    *place = (uint32_t)readings->count;
}

struct pg_reading *pg_reading_use(struct pg_reading *reading)
{
    reading->uses++;
    return reading;
}

void pg_reading_release(struct pg_reading *reading)
{
    if (!reading || --reading->uses > 0)
        return;
    arena_fini(&reading->arena);
    free(reading);
}

void pg_readings_fini(struct pg_readings *readings)
{
    map_fini(&readings->texts);
    for (size_t i = 0; i < readings->count; i++)
        pg_reading_release(readings->at[i]);
    free(readings->at);
    *readings = (struct pg_readings){ 0 };
}
