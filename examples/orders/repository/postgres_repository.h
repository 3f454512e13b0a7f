/*
 * repository/postgres_repository.h - orders kept in PostgreSQL (14 or newer).
 *
 * Fills the order_repository port of service/ports.h. The tables are those of
 * migrations/. A connection that was lost is made anew by the next call.
 *
 * Ownership: whoever opens a repository closes it.
 *
 * Threads: one at a time for each repository; open one in each thread.
 */
#ifndef REPOSITORY_POSTGRES_REPOSITORY_H
#define REPOSITORY_POSTGRES_REPOSITORY_H

#include "service/ports.h"

struct postgres_repository;

/* Connect; `conninfo` is what libpq takes, a URL or "host=... dbname=...". */
enum repository_result postgres_repository_open(struct postgres_repository **ret_repository,
                                                const char *conninfo, struct failure *failure);

/* NULL is fine. */
void postgres_repository_close(struct postgres_repository *repository);

/* The port; good until the repository is closed. */
struct order_repository postgres_repository_port(struct postgres_repository *repository);

#endif
