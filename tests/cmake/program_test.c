/* program_test.c - the tests of each sample program: plain, skipped, and with a database. */

#include <seam/postgres.h>
#include <seam/seam.h>

SEAM_TEST(plain)
{
    seam_check_eq(t, 1 + 1, 2);
}

SEAM_TEST(not_here)
{
    seam_skip(t, "there is no printer");
}

SEAM_TEST(gated, .tags = "never")
{
    seam_fatal(t, "nobody asked for this tag");
}

/* Fails when it is not alone in its database. What it says of the server is counted by run.sh. */
static void make_table(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t);

    seam_log(t, "server of %s", seam_postgres_value(pg, "SELECT pg_postmaster_start_time()"));
    seam_postgres_exec(pg, "CREATE TABLE mine (id int PRIMARY KEY)");
    seam_postgres_exec(pg, "INSERT INTO mine VALUES (7)");
    seam_check_str(t, seam_postgres_value(pg, "SELECT count(*) FROM mine"), "1");
}

SEAM_TEST(has_a_database, .tags = "integration")
{
    make_table(t);
}

SEAM_TEST(has_another_database, .tags = "integration")
{
    make_table(t);
}
