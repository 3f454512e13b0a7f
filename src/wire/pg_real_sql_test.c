/* wire/pg_real_sql_test.c - what is said of statements, against a real server of version 15. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config libpq

#include "wire/pg_sql.h"

#include <libpq-fe.h>
#include <seam/postgres.h>

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

SEAM_CLEANUP_FN(finish_session, PQfinish, PGconn *);

static PGconn *connect_to(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t, .version = "15");
    PGconn *connection = PQconnectdb(seam_postgres_conninfo(pg));

    seam_cleanup(t, finish_session, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "%s", PQerrorMessage(connection));
    PQclear(PQexec(connection, "SET client_min_messages = error"));
    return connection;
}

SEAM_FILE(.tags = "integration");

SEAM_TEST(real_mistakes_of_the_scanner_have_the_server_s_words)
{
    static const char *const statements[] = {
        "select 'a",
        "select \xc3\xa9, E'a\\'",
        "select \"x",
        "select 1 /* a /* */",
        "select $x$ $y$",
        "select \"\" from t",
        "select 12ab",
        "select 1.5e+x",
        "select 1e5x",
        "select $1ab",
        "$ 1",
        "select 1 + \\",
        "select b'01",
        "select x'ff",
        "select U&'abc",
        "select 'a' 'b",
        "select 'a'\n'b",
        "select 1.x",
        "select {",
    };
    PGconn *connection = connect_to(t);
    struct arena arena = { 0 };

    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        PGresult *real = PQexec(connection, statements[i]);
        const char *position = PQresultErrorField(real, PG_DIAG_STATEMENT_POSITION);
        int got = 0;

        seam_scope(t, "%s", statements[i]);
        seam_check_eq(t, PQresultErrorField(real, PG_DIAG_SQLSTATE), "42601");
        seam_check_eq(t, pg_sql_mistake(statements[i], &arena, &got),
                      PQresultErrorField(real, PG_DIAG_MESSAGE_PRIMARY));
        seam_check_eq(t, got, position ? atoi(position) : 0);
        PQclear(real);
    }
    arena_fini(&arena);
}

/* A statement and its normal form say the same to the server. */
SEAM_TEST(real_normal_form_means_the_same)
{
    static const char *const statements[] = {
        "SELECT 1+-1, 2 - -1, -(-3), 5 - - -1, -(-5) , |/ 25.0, 2^3",
        "select 1<-1, 1>-1, 1=-1, 2*-3, 8/-2",
        "select 'it''s' || E'\\t\\'x\\'' || $$a'b$$ || $q$ $$ $q$ || U&'\\0041' || N'n'",
        "select 'a' -- c\n 'b', 'c'\n\n'd'",
        "select /* a /* b */ c */ 1 /**/ + /*'*/ 2 -- '",
        "select a.\"X\"\"y\", a . b from (select 1 as \"X\"\"y\", 2 as B) a",
        "select (array [ 1 , 2 , 3 ]) [ 1 : 2 ], 1 :: int :: text, x'ff', b'101'",
        "select 1.5e3, .5, 1., 1.e2, 1E2",
        "select '{\"a\": {\"b\": 1}}'::jsonb #> '{a,b}', '[1]'::jsonb @> '[1]', '{}'::jsonb ? "
        "'a'",
        "select U&\"d\\0061ta\" from (select 1 as data) x",
        "select * from (values (1,'A'), (2,'b')) V(n, s) where S ~* 'a' and n<>2 and n!=3",
        "select make_interval(days => 2), 'a' like 'A', 'a'~~'a', interval '1' day",
        "select u & 3 from (select 5 as u) x",
    };
    PGconn *connection = connect_to(t);
    struct arena arena = { 0 };

    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        const char *normal = pg_sql_normal(statements[i], &arena);
        PGresult *real = PQexec(connection, statements[i]), *again = PQexec(connection, normal);

        seam_scope(t, "%s", normal);
        seam_check_eq(t, PQresultErrorMessage(real), PQresultErrorMessage(again));
        seam_check_eq(t, PQnfields(real), PQnfields(again));
        for (int j = 0; j < PQnfields(real) && PQntuples(real) > 0; j++) {
            seam_check_eq(t, PQfname(again, j), PQfname(real, j));
            seam_check_eq(t, PQgetvalue(again, 0, j), PQgetvalue(real, 0, j));
        }
        PQclear(real);
        PQclear(again);
    }
    arena_fini(&arena);
}

static const char *const tagged[] = {
    "create table t (a int primary key, b text)",
    "create temp table tt as select 1",
    "create table ta as select 1 as x with no data",
    "create unlogged table tu (a int)",
    "insert into t values (1, 'a') returning a",
    "with x as (select 1) insert into t select 2, 'b'",
    "with x as (delete from t where a = 2 returning *) select * from x",
    "update t set b = 'c'",
    "merge into t using (values (1)) v (a) on v.a = t.a when matched then delete",
    "select 1",
    "(select 1) union (select 2)",
    "values (1)",
    "table t",
    "select 1 as z into temp zz",
    "explain select 1",
    "create unique index i on t (b)",
    "create or replace view v as select 1",
    "create materialized view mv as select 1",
    "create materialized view mw as select 1 with no data",
    "refresh materialized view mv",
    "create sequence s",
    "alter sequence s restart",
    "create function f() returns int language sql as 'select 1'",
    "create or replace procedure p() language sql as 'select 1'",
    "call p()",
    "create type ct as (a int)",
    "create domain dm as int",
    "create schema sc",
    "create role seam_r",
    "create user seam_u",
    "grant select on t to seam_r",
    "grant seam_r to seam_u",
    "revoke seam_r from seam_u",
    "revoke select on t from seam_r",
    "alter default privileges grant select on tables to seam_r",
    "drop owned by seam_r",
    "drop role seam_u, seam_r",
    "create rule r as on insert to v do instead nothing",
    "create trigger tr before update on t for each row execute function "
    "suppress_redundant_updates_trigger()",
    "create constraint trigger ct after update on t for each row execute function "
    "suppress_redundant_updates_trigger()",
    "alter table t add column c int",
    "comment on table t is 'x'",
    "analyze t",
    "vacuum t",
    "reindex table t",
    "cluster t using t_pkey",
    "truncate t",
    "do $$ begin null; end $$",
    "begin",
    "lock table t in share mode",
    "declare c cursor for select 1",
    "fetch c",
    "move c",
    "close c",
    "close all",
    "savepoint s1",
    "release s1",
    "savepoint s2",
    "rollback to s2",
    "set constraints all immediate",
    "set local work_mem = '4MB'",
    "commit",
    "start transaction",
    "end",
    "begin",
    "abort",
    "prepare pp as select 1",
    "execute pp",
    "deallocate pp",
    "deallocate all",
    "set timezone = 'UTC'",
    "reset all",
    "show timezone",
    "listen x",
    "notify x",
    "unlisten *",
    "discard plans",
    "discard temp",
    "discard all",
    "checkpoint",
    "drop view v",
    "drop table t, ta",
    "drop schema sc",
};

/* The tag, but for its numbers, is the command. */
SEAM_TEST(real_tags_are_the_commands_of_tagged)
{
    PGconn *connection = connect_to(t);
    struct arena arena = { 0 };

    for (size_t i = 0; i < COUNT_OF(tagged); i++) {
        PGresult *real = PQexec(connection, tagged[i]);
        char *tag = arena_dup(&arena, PQcmdStatus(real));
        size_t size = strcspn(tag, "0123456789");
        struct pg_sql sql;

        seam_scope(t, "%s", tagged[i]);
        seam_check_eq(t, PQresultErrorMessage(real), "");
        while (size > 0 && tag[size - 1] == ' ')
            size--;
        tag[size] = '\0';
        pg_sql_classify(&sql, tagged[i], &arena);
        seam_check_eq(t, sql.command, strcmp(tagged[i], "execute pp") == 0 ? "EXECUTE" : tag);
        PQclear(real);
    }
    arena_fini(&arena);
}

/* Each key word that a savepoint cannot have as its name, and no other. */
SEAM_TEST(real_key_words_are_those_of_the_grammar)
{
    PGconn *connection = connect_to(t);
    PGresult *words = PQexec(connection, "SELECT word, catcode IN ('U', 'C'), catcode <> 'R' "
                                         "FROM pg_get_keywords()");
    struct arena arena = { 0 };
    int position;

    seam_check(t, PQntuples(words) > 400);
    for (int i = 0; i < PQntuples(words); i++) {
        const char *word = PQgetvalue(words, i, 0);
        const char *named = seam_format(t, "savepoint %s", word);
        const char *valued = seam_format(t, "set role %s", word);

        seam_scope(t, "%s", word);
        seam_check_eq(t, pg_sql_syntax_error(named, &arena, &position) == NULL,
                      *PQgetvalue(words, i, 1) == 't');
        seam_check_eq(t, pg_sql_syntax_error(valued, &arena, &position) == NULL,
                      *PQgetvalue(words, i, 2) == 't');
    }
    PQclear(words);
    arena_fini(&arena);
}
