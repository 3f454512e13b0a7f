/*
 * service/modules/postgres_find.h - where PostgreSQL's programs are on this machine.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_POSTGRES_FIND_H
#define SERVICE_MODULES_POSTGRES_FIND_H

#include <stddef.h>

#include "base/err.h"

struct postgres_programs {
    char folder[512]; /* holds postgres, initdb and the like */
    int major;
};

/* How much of a version is the major one: "15" of "15.20", "9.6" of "9.6.24": before 10 it was two numbers. */
size_t postgres_major_size(const char *version);

/* Find them: of the asked major version ("15", "15.2"; NULL: the newest), in the distribution's
 * folders, where pg_config points, then in PATH. -ENOENT when there are none; `err` names the versions
 * that are here. */
int postgres_find(const char *version, struct postgres_programs *ret, struct err *err);

#endif
