/* pg/mock/mock_test.h - a libpq client of PostgreSQL doubles: what the tests of this folder share. */
#ifndef PG_MOCK_MOCK_TEST_H
#define PG_MOCK_MOCK_TEST_H

#include <libpq-fe.h>
#include <seam/pg_mock.h>

/* A session of a mock's, which ends with the test; it has to begin. */
PGconn *connect_to(seam_t *t, const seam_pg_mock *db);

/* The same for any conninfo, also for one that comes to nothing. */
PGconn *try_to_connect(seam_t *t, const char *conninfo);

/* Whether the result is that, with that SQLSTATE (NULL: none). */
bool check_result(seam_t *t, const PGresult *result, ExecStatusType status,
                  const char *sqlstate);

/* Execute it; the last result has to be that. */
void check_exec(seam_t *t, PGconn *conn, const char *sql, ExecStatusType status,
                const char *sqlstate);

#endif
