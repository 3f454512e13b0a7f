/* pg/origin_test.c - addresses of PostgreSQL doubles that are right and wrong, and how they are said. */

#include "pg/origin.h"

#include <errno.h>
#include <seam/seam.h>

SEAM_TEST(pg_origin_is_taken_apart_and_said)
{
    static const struct {
        const char *text, *conninfo, *url;
    } rows[] = {
        { "postgres://db.prod", "host=db.prod port=5432", "postgres://db.prod:5432/" },
        { "postgresql://DB.Prod:6000/app", "host=db.prod port=6000 dbname=app",
          "postgres://db.prod:6000/app" },
        { "postgres://ada:s%20x@db/app", "host=db port=5432 user=ada password='s x' dbname=app",
          "postgres://ada:s%20x@db:5432/app" },
        { "postgres://[::1]:7/a", "host=::1 port=7 dbname=a", "postgres://[::1]:7/a" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        struct pg_origin origin;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        seam_require_ok(t, pg_origin_parse(&arena, rows[i].text, &origin, &err));
        seam_check_eq(t, pg_origin_conninfo(&arena, &origin), rows[i].conninfo);
        seam_check_eq(t, pg_origin_url(&arena, &origin), rows[i].url);
        arena_fini(&arena);
    }
}

SEAM_TEST(pg_origin_that_is_none_is_refused_with_a_sentence)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "postgres://ada:s3cret@", "origin 'postgres://***@' has no host" },
        { "db.prod", "origin 'db.prod' does not begin with postgres://\n"
                     "try: 'postgres://db.example.com:5432/app'" },
        { "postgres:///app", "origin 'postgres:///app' has no host" },
        { "postgres://a,b/app",
          "origin 'postgres://a,b/app' has several hosts; start a mock for each" },
        { "postgres://%2Fvar%2Frun/app",
          "origin 'postgres://%2Fvar%2Frun/app' is a unix socket, which is not mocked\n"
          "try: no .origin, and give the program seam_pg_mock_conninfo" },
        { "postgres://a b/app", "'a b' is no host" },
        { "postgres://db:0/app",
          "origin 'postgres://db:0/app' has no port from 1 to 65535 behind its ':'" },
        { "postgres://[::1/app", "origin 'postgres://[::1/app' has no ']' behind its address" },
        { "postgres://db/app?sslmode=require", "origin 'postgres://db/app?sslmode=require' has "
                                               "parameters\ntry: 'postgres://db/app'" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        struct pg_origin origin;
        struct err err = { "" };

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, pg_origin_parse(&arena, rows[i].text, &origin, &err), -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
        arena_fini(&arena);
    }
}
