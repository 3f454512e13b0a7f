/* lease/postgres.h - a database for a part of Seam that can do without. */
#ifndef LEASE_POSTGRES_H
#define LEASE_POSTGRES_H

#include "seam/postgres.h"

/* As seam_postgres_start_at, but the test goes on without: a negative errno, and why; -ENOENT where there is no
 * PostgreSQL. .settings are not looked at. */
int postgres_try(seam_t *t, const seam_postgres_options *options, seam_postgres **ret,
                 const char **ret_why);

#endif
