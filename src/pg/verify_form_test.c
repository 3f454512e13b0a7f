/* pg/verify_form_test.c - forms that are judged without the server are those that it has. */

#include "pg/verify_test.h"

#define SHOP "testdata/verify/shop"

SEAM_FILE(.tags = "integration");

enum {
    NUMERIC = 1700,
    VARCHAR = 1043,
    TIMESTAMPTZ = 1184,
    NUMERIC_4_2 = 262150,
    VARCHAR_3 = 7
};

struct form {
    uint32_t type;
    int modifier;
    const char *text;
    bool known; /* without the server */
};

static const struct form forms[] = {
    { NUMERIC, NUMERIC_4_2, "1.50", true },
    { NUMERIC, NUMERIC_4_2, "-12.05", true },
    { NUMERIC, NUMERIC_4_2, "0.00", true },
    { NUMERIC, NUMERIC_4_2, "1.5", false },
    { NUMERIC, NUMERIC_4_2, "123.45", false },
    { NUMERIC, NUMERIC_4_2, "01.50", false },
    { NUMERIC, NUMERIC_4_2, "1.505", false },
    { NUMERIC, NUMERIC_4_2, ".50", false },
    { NUMERIC, NUMERIC_4_2, "NaN", false },
    { VARCHAR, VARCHAR_3, "", true },
    { VARCHAR, VARCHAR_3, "\xc3\xa4\xc3\xb6\xc3\xbc", true },
    { VARCHAR, VARCHAR_3, "abcd", false },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59+00", true },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59.25+00", true },
    { TIMESTAMPTZ, -1, "2024-02-29 00:00:00+00", false }, /* the server is asked */
    { TIMESTAMPTZ, -1, "2024-13-01 00:00:00+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28 24:00:00+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59.250+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59.+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59.1234567+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28 23:59:59+02", false },
    { TIMESTAMPTZ, -1, "2024-01-28T23:59:59+00", false },
    { TIMESTAMPTZ, -1, "2024-01-28", false },
    { TIMESTAMPTZ, -1, "0000-01-28 00:00:00+00", false },
};

SEAM_TEST(forms_that_are_known_are_the_servers)
{
    struct script *script = script_new(t, SHOP, NULL);
    struct verify_session *session;

    script_start(script, 1);
    script_auto(script, 1, "BEGIN");
    script_verify(script);
    session = script_session(script);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *form = &forms[i];
        bool known = verify_has_form(&session->real, form->type, form->modifier, form->text);

        if (known != form->known)
            seam_error(t, "'%s' is %s", form->text, known ? "known" : "not known");
        if (known)
            seam_check_str(t,
                           script_server_text(script, form->type, form->modifier, form->text),
                           form->text);
    }
}

SEAM_TEST(forms_of_another_zone_are_asked_for)
{
    struct script *script = script_new(t, SHOP, NULL);

    script_start(script, 1);
    script_auto(script, 1, "SET TimeZone = 'Europe/Athens'");
    script_verify(script);
    seam_check(t, !verify_has_form(&script_session(script)->real, TIMESTAMPTZ, -1,
                                   "2024-01-28 23:59:59+00"));
}
