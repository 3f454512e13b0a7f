/* wire/pg_setting.h - the parameters of a PostgreSQL server: SET's names, types and limits. */
#ifndef WIRE_PG_SETTING_H
#define WIRE_PG_SETTING_H

#include "base/arena.h"

enum pg_setting_type {
    PG_SETTING_BOOL,
    PG_SETTING_INT,
    PG_SETTING_REAL,
    PG_SETTING_TEXT,
    PG_SETTING_ENUM
};

enum pg_setting_context {
    PG_SETTING_INTERNAL,
    PG_SETTING_POSTMASTER, /* set by a restart of the server */
    PG_SETTING_SIGHUP, /* set by its configuration */
    PG_SETTING_BACKEND, /* set when a session begins */
    PG_SETTING_USER
};

struct pg_setting {
    const char *name;
    enum pg_setting_type type;
    enum pg_setting_context context;
    const char *value; /* at first, in units */
    double min, max;
    const char *unit; /* "kB", "8kB", "MB", "ms", "s", "min", "B"; NULL: none */
    const char *values; /* of an ENUM, with ", " between */
};

const struct pg_setting *
pg_setting_find(const char *name); /* in any case; NULL: there is none */

/* What a value becomes when it is set: NULL with *ret_message (and *ret_hint, *ret_detail, or NULL) when the
 * server would refuse it. `name` is as the client wrote it. Texts are in the arena. */
struct pg_setting_refusal {
    const char *message, *detail, *hint;
};
const char *pg_setting_check(const struct pg_setting *setting, const char *name,
                             const char *value, const char *before, struct arena *arena,
                             struct pg_setting_refusal *ret);

/* As SHOW gives it: "4MB" of 4096 kB. */
const char *pg_setting_show(const struct pg_setting *setting, const char *value,
                            struct arena *arena);

#endif
