/* repository/fixture_test.h - what the repository tests share; each call may end the test. */
#ifndef REPOSITORY_FIXTURE_TEST_H
#define REPOSITORY_FIXTURE_TEST_H

#include <seam/postgres.h>

#include "service/ports.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* A migrated database of the test's own, in which customer 7 lives. */
seam_postgres *start_database(seam_t *t);

/* A repository on a connection of its own, closed when the test ends. */
struct order_repository open_repository(seam_t *t, seam_postgres *pg);

/* Save or find, or end the test with the server's words. */
void must_save(seam_t *t, const struct order_repository *orders, const struct order *order);
struct order must_find(seam_t *t, const struct order_repository *orders, const char *id);

/* Metadata is compared as JSON, all else to the letter. */
void check_same_order(seam_t *t, const struct order *got, const struct order *want);
void check_no_orders(seam_t *t, seam_postgres *pg);

#endif
