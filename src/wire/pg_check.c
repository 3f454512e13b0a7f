/* wire/pg_check.c - what a server finds wrong with a text of statements before it runs any of them. */

#include <string.h>

#include "wire/pg_engine.h"

static void warn_of_long_name(void *arg, const char *name, const char *cut)
{
    struct pg_server *server = arg;
    struct pg_error notice = { .sqlstate = "42622" };

    notice.message =
        arena_printf(&server->turn, "identifier \"%s\" will be truncated to \"%s\"", name, cut);
    pg_server_notice(server, &notice);
}

/* Whether it is wrong, and then the client has been told. */
bool check_sql(struct pg_server *server, const char *sql)
{
    bool has_long_names = false;
    const char *mistake;
    int position = 0;

    if (engine_text_is_wrong(server, sql, strlen(sql), NULL))
        return true;
    mistake = pg_sql_scan(sql, &server->turn, &position, &has_long_names);
    if (has_long_names)
        pg_sql_each_long_name(sql, &server->turn, warn_of_long_name, server);
    if (!mistake)
        mistake = pg_sql_syntax_error(sql, &server->turn, &position);
    if (mistake)
        engine_error(server, "42601", position, "%s", mistake);
    return mistake != NULL;
}
