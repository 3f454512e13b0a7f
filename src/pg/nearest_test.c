/* pg/nearest_test.c - a statement that no rule answers, beside the rule it came nearest to. */

#include "pg/rule_test.h"

SEAM_TEST(pg_nearest_rule_in_order_is_the_one_that_was_due)
{
    struct pg_rule_set *set = rule_test_set(t);

    ADD_AT(t, set, 1, .sql = "select id, email from users where id = $1",
           .args = { SEAM_V(1), SEAM_V("k-1"), SEAM_SQL_NULL }, .tag = "A");
    ADD_AT(t, set, 2, .sql = "select 2", .tag = "B");
    seam_check_str(
        t,
        rule_test_nearest(t, set,
                          CALL_WITH(t, "select id from users where id = $1", "1", "k-2", "")),
        "");
    seam_check_str(t, rule_test_nearest(t, set, CALL(t, "select 2")), "");
}
