/* pg/shown_test.c - statements as reports show them. */

#include "pg/shown.h"

#include <seam/seam.h>

SEAM_TEST(pg_a_statement_is_shown_on_a_line_and_without_secrets)
{
    struct pg_shown_texts texts = { 0 };
    const char *sql = "UPDATE users\n  SET password = $2, token = 'x'\nWHERE id = $1";
    const struct pg_shown *shown = pg_shown_of(&texts, sql);

    for (int i = 0; i < 2; i++) { /* the second is what was kept */
        seam_check_str(t, shown->text,
                       "UPDATE users SET password = $2, token = '***' WHERE id = $1");
        seam_check(t, pg_shown_hides(shown, 2));
        seam_check(t, !pg_shown_hides(shown, 1));
        shown = pg_shown_of(&texts, sql);
    }
    pg_shown_fini(&texts);
}

SEAM_TEST(pg_any_number_of_statements_is_shown)
{
    struct pg_shown_texts texts = { 0 };

    for (int i = 0; i < 3000; i++) {
        const char *sql = seam_format(t, "SELECT %d", i);

        seam_require_str(t, pg_shown_of(&texts, sql)->text, sql);
    }
    pg_shown_fini(&texts);
}
