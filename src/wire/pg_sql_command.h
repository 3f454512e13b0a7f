/* wire/pg_sql_command.h - the command of a statement's tag; inner to pg_sql_*.c. */
#ifndef WIRE_PG_SQL_COMMAND_H
#define WIRE_PG_SQL_COMMAND_H

#include "wire/pg_words.h"

/* "SELECT", "CREATE TABLE", "START TRANSACTION"; "" for a statement without words. In the arena. */
const char *pg_sql_command(struct pg_words words);

#endif
