/* wire/pg_sql_test.c - statements cut, classified and put into their normal form. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c pg_lex.c pg_words.c pg_sql.c pg_sql_classify.c
//seam:sources pg_sql_command.c pg_sql_normal.c pg_sql_syntax.c pg_sql_tables.c

#include "wire/pg_sql.h"

#include <seam/seam.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pg_lex.h"

static void tokens(struct buf *to, const char *sql)
{
    static const char kinds[] = "$ -wnsip+,?"; /* one letter for each enum pg_token_kind */
    struct pg_token token = pg_lex(sql);

    for (; token.kind != PG_TOKEN_END; token = pg_lex(token.at + token.size))
        if (token.kind != PG_TOKEN_SPACE)
            buf_printf(to, "%c[%.*s]", kinds[token.kind], (int)token.size, token.at);
}

SEAM_TEST(sql_is_cut_into_tokens)
{
    static const struct {
        const char *sql, *tokens;
    } rows[] = {
        { "select a$1 from \"T\"\"x\"", "w[select]w[a$1]w[from]n[\"T\"\"x\"]" },
        { "'it''s' E'a\\'b' 'a\\'", "s['it''s']s[E'a\\'b']s['a\\']" },
        { "'a' -- c\n 'b' 'c'", "s['a' -- c\n 'b']s['c']" },
        { "$$a$b$$ $x$ $$ $y$ $x$ $12", "s[$$a$b$$]s[$x$ $$ $y$ $x$]p[$12]" },
        { "/* a /* b */ c */ x --y", "-[/* a /* b */ c */]w[x]-[--y]" },
        { "U&\"d\\0061\" u&'x' u & 'x'", "n[U&\"d\\0061\"]s[u&'x']w[u]+[&]s['x']" },
        { "b'01' X'ff' n'a' bx'1'", "s[b'01']s[X'ff']s[n'a']w[bx]s['1']" },
        { "1 1.5 .5 1. 1e5 1.e-5 1..2 1.5.2",
          "i[1]i[1.5]i[.5]i[1.]i[1e5]i[1.e-5]i[1],[..]i[2]i[1.5]i[.2]" },
        { "a<-1 a@-1 *- +- <=> a--b\n@--x",
          "w[a]+[<]+[-]i[1]w[a]+[@-]i[1]+[*]+[-]+[+]+[-]+[<=>]"
          "w[a]-[--b]+[@]-[--x]" },
        { "a/*x*/+/**/b */*x*/", "w[a]-[/*x*/]+[+]-[/**/]w[b]+[*]-[/*x*/]" },
        { "a::int b:=1 c=>2 d[1:2]",
          "w[a],[::]w[int]w[b],[:=]i[1]w[c]+[=>]i[2]w[d],[[]i[1],[:]i[2],[]]" },
        { "{\\ $", "?[{]?[\\]?[$]" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);

        seam_scope(t, "%s", rows[i].sql);
        tokens(&got, rows[i].sql);
        seam_check_eq(t, buf_text(&got), rows[i].tokens);
        buf_fini(&got);
    }
}

SEAM_TEST(sql_tokens_say_their_text)
{
    static const struct {
        const char *sql, *text;
    } rows[] = {
        { "SELECT", "select" },
        { "\"Sel\"\"x\"", "Sel\"x" },
        { "'it''s'", "it's" },
        { "'a'\n'b'", "ab" },
        { "E'a\\nb\\x41\\101\\u00e9\\'\\\\q\\q'", "a\nbAA\xc3\xa9'\\qq" },
        { "$x$a'b$x$", "a'b" },
        { "U&\"d\\0061t\\+000061\\\\\"", "data\\" },
        { "1E5", "1E5" },
        { "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij\xc3\xa9z",
          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij" },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pg_token token = pg_lex(rows[i].sql);

        seam_scope(t, "%s", rows[i].sql);
        seam_check_eq(t, pg_token_text(&token, &arena), rows[i].text);
    }
    arena_fini(&arena);
}

SEAM_TEST(sql_has_a_normal_form)
{
    static const struct {
        const char *sql, *normal;
    } rows[] = {
        { "SELECT  id ,email\nFROM users -- all\n WHERE id=$1 ;; ",
          "select id,email from users where id = $1" },
        { "select 'A  b', \"A  b\", E'X', $q$A  B$q$",
          "select 'A  b',\"A  b\",E'X',$q$A  B$q$" },
        { "select count( * ) , a . b , c :: INT [ 1 : 2 ]", "select count(*),a.b,c::int[1:2]" },
        { "select 1/* x */+2", "select 1 + 2" },
        { "select - 1, a - -1", "select - 1,a - - 1" },
        { "select a<-1", "select a < - 1" },
        { "select U & 'x'", "select u & 'x'" },
        { "x : : = y . 5 1 . a : = : :: ::: ", "x: : = y. 5 1 .a: =: :: :: :" },
        { "1..2", "1 .. 2" },
        { "", "" },
        { " ; /* a */ ; ", "" },
        { "a;b;", "a;b" },
        { "select 'a", "select 'a" },
    };
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *normal = pg_sql_normal(rows[i].sql, &arena);

        seam_scope(t, "%s", rows[i].sql);
        seam_check_eq(t, normal, rows[i].normal);
        seam_check_eq(t, pg_sql_normal(normal, &arena), normal);
    }
    arena_fini(&arena);
}

static void show(struct buf *to, const char *label, const char *text)
{
    if (text)
        buf_printf(to, " %s=%s", label, text);
}

static void describe(struct buf *to, const struct pg_sql *sql)
{
    static const char *const kinds[] = { "EMPTY",    "OTHER",     "BEGIN",      "COMMIT",
                                         "ROLLBACK", "SAVEPOINT", "RELEASE",    "BACK_TO",
                                         "PREPARE",  "EXECUTE",   "DEALLOCATE", "DISCARD",
                                         "SET",      "SHOW",      "LISTEN",     "NOTIFY",
                                         "COPY_IN",  "COPY_OUT",  "CLOSE" };

    buf_printf(to, "%s '%s'", kinds[sql->kind], sql->command);
    show(to, "name", sql->name);
    show(to, "value", sql->value);
    show(to, "isolation", sql->isolation);
    show(to, "inner", sql->inner);
    show(to, "types", sql->types);
    if (sql->local)
        buf_add_text(to, " local");
    if (sql->chain)
        buf_add_text(to, " chain");
    if (sql->returning)
        buf_add_text(to, " returning");
    if (sql->read_only >= 0)
        buf_printf(to, " read_only=%d", sql->read_only);
    if (sql->deferrable >= 0)
        buf_printf(to, " deferrable=%d", sql->deferrable);
    if (sql->parameters > 0)
        buf_printf(to, " $%d", sql->parameters);
}

static const struct {
    const char *sql, *is;
} classes[] = {
    { " -- x", "EMPTY ''" },
    { ";", "EMPTY ''" },
    { "select $1 + $12 -- $99", "OTHER 'SELECT' $12" },
    { "/* c */ Insert INTO t VALUES ($1) returning id", "OTHER 'INSERT' returning $1" },
    { "with x as (insert into t values (1) returning a) select 1", "OTHER 'SELECT'" },
    { "with x(a) as materialized (select 1) update t set a = 1", "OTHER 'UPDATE'" },
    { "((select 1))", "OTHER 'SELECT'" },
    { "values (1)", "OTHER 'SELECT'" },
    { "BEGIN", "BEGIN 'BEGIN'" },
    { "begin work isolation level repeatable read, read only",
      "BEGIN 'BEGIN' isolation=repeatable read read_only=1" },
    { "start transaction read write, not deferrable",
      "BEGIN 'START TRANSACTION' read_only=0 deferrable=0" },
    { "begin isolation level serializable read only deferrable",
      "BEGIN 'BEGIN' isolation=serializable read_only=1 deferrable=1" },
    { "commit work and chain", "COMMIT 'COMMIT' chain" },
    { "end and no chain", "COMMIT 'COMMIT'" },
    { "commit prepared 'x'", "OTHER 'COMMIT PREPARED'" },
    { "abort", "ROLLBACK 'ROLLBACK'" },
    { "rollback prepared 'x'", "OTHER 'ROLLBACK PREPARED'" },
    { "rollback transaction to savepoint \"S 1\"", "BACK_TO 'ROLLBACK' name=S 1" },
    { "rollback to S1", "BACK_TO 'ROLLBACK' name=s1" },
    { "savepoint S1", "SAVEPOINT 'SAVEPOINT' name=s1" },
    { "release savepoint s1", "RELEASE 'RELEASE' name=s1" },
    { "release s1", "RELEASE 'RELEASE' name=s1" },
    { "prepare p (int, numeric(10,2)) as select $1",
      "PREPARE 'PREPARE' name=p inner=select $1 types=int, numeric(10,2) $1" },
    { "prepare transaction 'x'", "OTHER 'PREPARE TRANSACTION'" },
    { "execute p (1, 'a)')", "EXECUTE 'EXECUTE' name=p inner=1, 'a)'" },
    { "deallocate prepare P", "DEALLOCATE 'DEALLOCATE' name=p" },
    { "deallocate all", "DEALLOCATE 'DEALLOCATE ALL'" },
    { "discard all", "DISCARD 'DISCARD ALL'" },
    { "discard temporary", "DISCARD 'DISCARD TEMP' name=temporary" },
    { "set search_path to a, \"B\"", "SET 'SET' name=search_path value=a, B" },
    { "set local work_mem = '4MB'", "SET 'SET' name=work_mem value=4MB local" },
    { "set session a.B = -1.5", "SET 'SET' name=a.b value=-1.5" },
    { "set x to default", "SET 'SET' name=x" },
    { "set time zone 'UTC'", "SET 'SET' name=timezone value=UTC" },
    { "set names 'utf8'", "SET 'SET' name=client_encoding value=utf8" },
    { "set session authorization bob", "SET 'SET' name=session_authorization value=bob" },
    { "set role none", "SET 'SET' name=role value=none" },
    { "set transaction isolation level read committed",
      "SET 'SET' name=TRANSACTION isolation=read committed" },
    { "set session characteristics as transaction read only",
      "SET 'SET' name=SESSION CHARACTERISTICS read_only=1" },
    { "set constraints all deferred", "OTHER 'SET CONSTRAINTS'" },
    { "reset all", "SET 'RESET'" },
    { "reset timezone", "SET 'RESET' name=timezone" },
    { "show transaction isolation level", "SHOW 'SHOW' name=transaction_isolation" },
    { "show all", "SHOW 'SHOW'" },
    { "listen Chan", "LISTEN 'LISTEN' name=chan" },
    { "unlisten *", "LISTEN 'UNLISTEN'" },
    { "notify c, 'it''s'", "NOTIFY 'NOTIFY' name=c value=it's" },
    { "copy t (a, b) from stdin", "COPY_IN 'COPY'" },
    { "copy (select a from t) to stdout with csv", "COPY_OUT 'COPY'" },
    { "copy t from '/tmp/x'", "OTHER 'COPY'" },
    { "close c", "CLOSE 'CLOSE CURSOR' name=c" },
    { "close all", "CLOSE 'CLOSE CURSOR ALL'" },
};

SEAM_TEST(sql_is_classified)
{
    struct arena arena = { 0 };

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        struct buf got = BUF_INIT(1000);
        struct pg_sql sql;

        seam_scope(t, "%s", classes[i].sql);
        pg_sql_classify(&sql, classes[i].sql, &arena);
        describe(&got, &sql);
        seam_check_eq(t, buf_text(&got), classes[i].is);
        buf_fini(&got);
    }
    arena_fini(&arena);
}

SEAM_TEST(sql_statements_are_told_apart)
{
    static const struct {
        const char *sql, *pieces;
        bool several;
    } rows[] = {
        { "a", "[a]", false },
        { "a;", "[a]", false },
        { "a;b", "[a][b]", true },
        { "a; -- b\n; c;", "[a][ -- b\n][ c]", true },
        { " ; ;a; ", "[ ][ ][a][ ]", false },
        { "select ';'; \";\" $$;$$", "[select ';'][ \";\" $$;$$]", true },
        { "create rule r as on insert to t do (a; b); c",
          "[create rule r as on insert to t do (a; b)][ c]", true },
        { "create or replace function f() returns int begin atomic select case when true then "
          "1 end; "
          "select 2; end; x",
          "[create or replace function f() returns int begin atomic select case when true then "
          "1 "
          "end; select 2; end][ x]",
          true },
        { "begin; select 1; end", "[begin][ select 1][ end]", true },
        { "", "", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);

        seam_scope(t, "%s", rows[i].sql);
        for (const char *at = rows[i].sql; *at;) {
            size_t next, size = pg_sql_first(at, &next);

            buf_printf(&got, "[%.*s]", (int)size, at);
            at += next;
        }
        seam_check_eq(t, buf_text(&got), rows[i].pieces);
        seam_check_eq(t, pg_sql_is_several(rows[i].sql), rows[i].several);
        buf_fini(&got);
    }
}

static void add_table(void *arg, const char *table, bool writes)
{
    buf_printf(arg, "%s%s ", table, writes ? "!" : "");
}

SEAM_TEST(sql_tells_its_tables)
{
    static const struct {
        const char *sql, *tables;
    } rows[] = {
        { "select * from A, s.\"B\" x, only c as y (p, q) where d", "a s.B c " },
        { "select * from a join b on true left join c using (id)", "a b c " },
        { "select * from (select * from x) y, generate_series(1, 2) g", "x " },
        { "select extract(year from t), substring(a from 1) from u", "u " },
        { "select a is distinct from b from c", "c " },
        { "insert into t (a) select b from u on conflict do update set a = 1", "t! u " },
        { "update t set a = u.a from u", "t! u " },
        { "delete from t using u, v where true", "t! u v " },
        { "select 1 from t for update of t", "t " },
        { "with x as (select 1 from a), y (p) as (select 2 from x) select * from x, y, z",
          "a z " },
        { "create table if not exists t (a int)", "t! " },
        { "create index on t using btree (a)", "" },
        { "drop table if exists a, b", "a! b! " },
        { "truncate a, b", "a! b! " },
        { "lock table a in share mode", "a " },
        { "table a", "a " },
        { "copy s.t (a) from stdin", "s.t! " },
        { "copy t to stdout", "t " },
        { "copy (select 1 from u) to stdout", "u " },
        { "merge into t using u on true", "t! u " },
        { "alter table only t add column x int", "t! " },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf got = BUF_INIT(1000);

        seam_scope(t, "%s", rows[i].sql);
        pg_sql_tables(rows[i].sql, add_table, &got);
        seam_check_eq(t, buf_text(&got), rows[i].tables);
        buf_fini(&got);
    }
}

SEAM_TEST(sql_mistakes_are_the_scanner_s)
{
    static const struct {
        const char *sql, *words;
        int position;
    } rows[] = {
        { "select 'a", "unterminated quoted string at or near \"'a\"", 8 },
        { "select \xc3\xa9, E'a\\'", "unterminated quoted string at or near \"E'a\\'\"", 11 },
        { "select \"", "unterminated quoted identifier at or near \"\"\"", 8 },
        { "select 1 /* a /* */", "unterminated /* comment at or near \"/* a /* */\"", 10 },
        { "select $x$ $y$", "unterminated dollar-quoted string at or near \"$x$ $y$\"", 8 },
        { "select \"\" from", "zero-length delimited identifier at or near \"\"\"\"", 8 },
        { "select 12ab", "trailing junk after numeric literal at or near \"12ab\"", 8 },
        { "select $1ab", "trailing junk after parameter at or near \"$1ab\"", 8 },
        { "$ 1", "syntax error at or near \"$\"", 1 },
    };
    struct arena arena = { 0 };
    int position = 0;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seam_scope(t, "%s", rows[i].sql);
        seam_check_eq(t, pg_sql_mistake(rows[i].sql, &arena, &position), rows[i].words);
        seam_check_eq(t, position, rows[i].position);
    }
    seam_check_null(t, pg_sql_mistake("select '$' || $1", &arena, &position));
    arena_fini(&arena);
}
