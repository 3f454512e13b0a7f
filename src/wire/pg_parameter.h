/*
 * wire/pg_parameter.h - the parameters of one session: their values, and what becomes of them when a transaction
 * ends.
 *
 * Ownership: values live as long as the session.
 */
#ifndef WIRE_PG_PARAMETER_H
#define WIRE_PG_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "wire/pg_setting.h"

struct pg_server;

struct pg_parameter {
    struct pg_parameter *next;
    const struct pg_setting
        *setting; /* NULL: one with a '.' in its name, which anybody may make */
    const char *name;
    const char *value; /* NULL: a name that is not set (any more) */
    const char *kept; /* what the value is when the transaction has ended: not SET LOCAL's */
    const char *first; /* what RESET gives */
    const char *reported; /* as the client was told; NULL: it is not told */
};

struct pg_parameter_change {
    struct pg_parameter_change *before;
    struct pg_parameter *of;
    const char *value, *kept;
};

struct pg_parameters {
    struct arena arena;
    struct pg_parameter *first; /* those that were asked for */
    struct pg_parameter **reported; /* in the order in which the client is told */
    size_t reported_count;
    struct pg_parameter_change *changes; /* since the transaction began, newest first */
    size_t change_count;
};

void parameters_fini(struct pg_parameters *parameters);

/* A session begins: what the start-up packet asks for is set, and the client is told. false: it was refused. */
bool parameters_start(struct pg_server *server);
void parameters_report(struct pg_server *server); /* what has changed */

void parameters_roll_back(struct pg_parameters *parameters, size_t changes);
void parameters_commit(struct pg_parameters *parameters);
void parameters_reset(struct pg_server *server); /* RESET ALL */

/* The value as SHOW gives it; NULL: there is no such parameter. */
const char *parameter_value(struct pg_server *server, const char *name, const char **ret_name);

/* The same in the parameter's own unit. */
const char *parameter_raw(struct pg_server *server, const char *name);

/* For what sets parameters by words of its own: isolation and access of a transaction. */
void parameter_put(struct pg_server *server, const char *name, const char *value, bool local);

#endif
