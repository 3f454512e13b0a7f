/* cmd/facts.c - `seam facts [--check] [packages]`: list what is kept of a real server; see facts.h. */

#include "cmd/facts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "runner/discover.h"

struct facts {
    struct arena arena;
    struct kept_fact *list;
    size_t count, room;
    bool check;
    const char **patterns;
    int pattern_count;
};

/* ---- finding them */

static struct kept_fact *add(struct facts *facts)
{
    if (facts->count == facts->room) {
        size_t room = facts->room > 0 ? 2 * facts->room : 64;
        struct kept_fact *list = arena_zero(&facts->arena, room * sizeof *list);

        if (facts->count > 0)
            memcpy(list, facts->list, facts->count * sizeof *list);
        facts->list = list;
        facts->room = room;
    }
    return &facts->list[facts->count++];
}

static bool is_stale(const struct kept_fact *kept, struct arena *arena, struct err *err)
{
    const char *migrations = kept->fact.migrations;
    uint64_t schema;

    if (pg_fact_schema(*migrations ? source_path(arena, kept->folder, migrations) : NULL,
                       &schema, err) < 0)
        return true;
    err_set(err, -ESTALE, "the migrations have changed since");
    return schema != kept->fact.schema;
}

static void look_at(struct facts *facts, const struct source_package *package, const char *name)
{
    struct kept_fact *kept = add(facts);
    struct err err;

    kept->package = package->argument;
    kept->folder = package->folder;
    kept->file = arena_printf(&facts->arena, PG_FACT_FOLDER "/%s", name);
    if (pg_fact_read(arena_printf(&facts->arena, "%s/%s", kept->folder, kept->file),
                     &facts->arena, &kept->fact, &err) < 0)
        kept->state = FACT_BROKEN;
    else if (is_stale(kept, &facts->arena, &err))
        kept->state = FACT_STALE;
    else
        return;
    kept->why = arena_dup(&facts->arena, err.text);
}

static int is_fact(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 5 && strcmp(entry->d_name + size - 5, ".fact") == 0;
}

static void look_into(struct facts *facts, const struct source_package *package)
{
    const char *folder = arena_printf(&facts->arena, "%s/" PG_FACT_FOLDER, package->folder);
    struct dirent **entries;
    int count = scandir(folder, &entries, is_fact, alphasort);

    for (int i = 0; i < count; i++) {
        look_at(facts, package, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* As a person looks for them: by package and statement. */
static int compare(const void *a, const void *b)
{
    const struct kept_fact *one = a, *other = b;
    int r = strcmp(one->package, other->package);

    if (r == 0 && one->fact.sql && other->fact.sql)
        r = strcmp(one->fact.sql, other->fact.sql);
    return r != 0 ? r : strcmp(one->file, other->file);
}

static int find(struct facts *facts)
{
    static const char *const everywhere[] = { "./..." };
    bool is_named = facts->pattern_count > 0;
    struct source_package *packages;
    struct err err;

    if (discover(&facts->arena, is_named ? facts->patterns : everywhere,
                 is_named ? facts->pattern_count : 1, &packages, &err) < 0) {
        fprintf(stderr, "seam: facts: %s\n", err.text);
        return EXIT_USAGE;
    }
    for (; packages; packages = packages->next)
        look_into(facts, packages);
    if (facts->count > 0) {
        qsort(facts->list, facts->count, sizeof *facts->list, compare);
        return EXIT_PASSED;
    }
    fputs("seam: there are no facts here; try: seam test -verify -update\n", stderr);
    return facts->check ? EXIT_NOTHING_MATCHED : EXIT_PASSED;
}

/* ---- saying */

static void show(struct facts *facts, const struct kept_fact *kept)
{
    if (kept->state == FACT_BROKEN) {
        printf("%s: %s\n", kept->package, kept->why);
        return;
    }
    printf("%s: %s\n    PostgreSQL %d%s%s: %s\n", kept->package, kept->fact.sql,
           kept->fact.server, *kept->fact.types ? ", types " : "", kept->fact.types,
           pg_fact_words(&facts->arena, &kept->fact));
    if (kept->state == FACT_WRONG)
        printf("    but now it says: %s\n", kept->why);
    else if (kept->state == FACT_STALE)
        printf("    stale: %s\n", kept->why);
    else if (kept->state == FACT_UNKNOWN)
        printf("    not checked: %s\n", kept->why);
    if (kept->state == FACT_WRONG || kept->state == FACT_STALE)
        printf("    in %s; try: seam test -verify -update %s\n", kept->file, kept->package);
}

static void show_sum(const size_t *numbers, size_t count, bool check)
{
    static const char *const words[] = { "", "stale", "not readable", "contradicted",
                                         "not checked" };
    size_t holds = numbers[FACT_HOLDS];

    if (check)
        printf("%zu %s", holds, holds == 1 ? "fact holds" : "facts hold");
    else
        printf("%zu %s", count, count == 1 ? "fact" : "facts");
    for (int state = FACT_STALE; state < FACT_STATES; state++)
        if (numbers[state] > 0)
            printf(", %zu %s %s", numbers[state], numbers[state] == 1 ? "is" : "are",
                   words[state]);
    putchar('\n');
}

static int say(struct facts *facts)
{
    size_t numbers[FACT_STATES] = { 0 };

    for (size_t i = 0; i < facts->count; i++) {
        numbers[facts->list[i].state]++;
        if (!facts->check || facts->list[i].state != FACT_HOLDS)
            show(facts, &facts->list[i]);
    }
    show_sum(numbers, facts->count, facts->check);
    if (!facts->check)
        return EXIT_PASSED;
    return numbers[FACT_STALE] + numbers[FACT_BROKEN] + numbers[FACT_WRONG] > 0
               ? EXIT_TEST_FAILED
           : numbers[FACT_UNKNOWN] > 0 ? EXIT_OWN_TROUBLE
                                       : EXIT_PASSED;
}

/* ---- the command */

static bool take_words(struct facts *facts, int argc, char **argv)
{
    facts->patterns = arena_zero(&facts->arena, (size_t)argc * sizeof *facts->patterns);
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-check") == 0 || strcmp(argv[i], "--check") == 0)
            facts->check = true;
        else if (argv[i][0] == '-') {
            fprintf(stderr, "seam: facts: unknown flag '%s'; try: seam help facts\n", argv[i]);
            return false;
        } else
            facts->patterns[facts->pattern_count++] = argv[i];
    return true;
}

static int check(struct facts *facts)
{
    struct err err;

    if (facts_ask(&facts->arena, facts->list, facts->count, &err) == 0)
        return EXIT_PASSED;
    fprintf(stderr, "seam: facts: %s\n", err.text);
    return EXIT_OWN_TROUBLE;
}

int command_facts(int argc, char **argv)
{
    struct facts facts = { .list = NULL };
    int code = take_words(&facts, argc, argv) ? find(&facts) : EXIT_USAGE;

    if (code == EXIT_PASSED && facts.check)
        code = check(&facts);
    if (code == EXIT_PASSED && facts.count > 0)
        code = say(&facts);
    arena_fini(&facts.arena);
    return code;
}

void facts_help(void)
{
    puts("usage: seam facts [--check] [packages]\n"
         "\n"
         "Lists the facts in testdata/facts/ of the packages (./...): what a real PostgreSQL "
         "said of\n"
         "statements, as `seam test -verify -update` kept it. An ordinary `seam test` fails a "
         "double\n"
         "that claims something else.\n"
         "\n"
         "  --check    ask a real server again, and list only what does not hold\n"
         "\n"
         "Exit status: 0 all hold, 1 one is contradicted, stale or not readable, 2 wrong "
         "usage, 4 there\n"
         "are none to check, 5 no server could be asked.");
}
