/*
 * oracle/count.c - judge a `seam test -json` stream against verdicts that are known beforehand.
 *
 *     count TESTS KINDS < events.json
 *
 * KINDS has a line for each kind: name, verdict, number of subtests, a text that must be in the
 * output and one that must not, separated by tabs; what follows is for others. Each kind is a
 * package with the tests NAME_001 to NAME_<TESTS>. A test is right when it was run once, got its
 * verdict once and last, said its own name once and nobody else's, and when its subtests did
 * likewise. Uses nothing of Seam.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64, MAX_TESTS = 999, MAX_UNITS = 8, MAX_COMPLAINTS = 5 };

struct text {
    char *data;
    size_t size, room;
};

/* A test (its name is "") or one of its subtests. */
struct unit {
    char name[32];
    bool ran, ended, wrong;
    struct text output;
};

struct test {
    struct unit unit[MAX_UNITS];
    int units;
};

struct kind {
    char *name, *verdict, *says, *never;
    int subtests;
    bool started, ended; /* its package */
    int wrong;
    struct test test[MAX_TESTS + 1]; /* counted from 1 */
};

/* One line of the stream, borrowed from its JSON value. */
struct event {
    const char *action, *package, *test, *output;
    size_t output_size;
};

static struct kind kinds[MAX_KINDS];
static int kind_count, test_count, stray;

__attribute__((format(printf, 2, 3))) static void complain(int *wrong, const char *format, ...)
{
    va_list words;

    if (++*wrong > MAX_COMPLAINTS)
        return;
    va_start(words, format);
    fputs("oracle: ", stdout);
    vprintf(format, words);
    putchar('\n');
    va_end(words);
}

static void text_add(struct text *text, const char *data, size_t size)
{
    if (text->size + size > text->room) {
        text->room = 2 * (text->size + size);
        text->data = realloc(text->data, text->room);
        if (!text->data)
            abort();
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}

static int occurrences(const struct text *text, const char *part)
{
    const char *at = text->data, *end = text->data + text->size;
    int found = 0;

    while (text->size && (at = memmem(at, (size_t)(end - at), part, strlen(part)))) {
        found++;
        at += strlen(part);
    }
    return found;
}

static struct kind *kind_named(const char *name, size_t size)
{
    for (int i = 0; i < kind_count; i++)
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, name, size) == 0)
            return &kinds[i];
    return NULL;
}

/* The kind and the test that "segv_017" or "segv_017/sub" names, NULL when it is none of ours. */
static struct test *test_named(const char *name, struct kind **ret_kind)
{
    size_t size = strcspn(name, "/");
    char *end;
    long number;

    if (size < 5 || name[size - 4] != '_')
        return NULL;
    number = strtol(name + size - 3, &end, 10);
    *ret_kind = kind_named(name, size - 4);
    if (!*ret_kind || end != name + size || number < 1 || number > test_count)
        return NULL;
    return &(*ret_kind)->test[number];
}

static struct unit *unit_named(struct test *test, const char *full_name)
{
    const char *name = full_name + strcspn(full_name, "/");

    for (int i = 0; i < test->units; i++)
        if (strcmp(test->unit[i].name, name) == 0)
            return &test->unit[i];
    if (test->units == MAX_UNITS || strlen(name) >= sizeof test->unit->name)
        return NULL;
    memcpy(test->unit[test->units].name, name, strlen(name) + 1);
    return &test->unit[test->units++];
}

/* Subtests are named after what becomes of them: "/pass", "/fail#01". */
static const char *verdict_of(const struct kind *kind, const struct unit *unit)
{
    static const char *const known[] = { "pass", "fail", "skip" };

    if (!*unit->name)
        return kind->verdict;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(unit->name + 1, known[i], 4) == 0)
            return known[i];
    return "no such subtest";
}

/* Whether another test's "[name]" is in the output of this one. */
static bool has_foreign(const struct text *output, const char *name)
{
    const char *at = output->data, *end = output->data + output->size, *close;
    struct kind *kind;
    char word[64];

    while (output->size && (at = memchr(at, '[', (size_t)(end - at)))) {
        at++;
        close = memchr(at, ']', (size_t)(end - at));
        if (!close || (size_t)(close - at) >= sizeof word)
            continue;
        memcpy(word, at, (size_t)(close - at));
        word[close - at] = '\0';
        if (test_named(word, &kind) && strcmp(word, name) != 0)
            return true;
    }
    return false;
}

static void judge_output(struct kind *kind, struct unit *unit, const char *name)
{
    char own[64];
    int found;

    snprintf(own, sizeof own, "[%s]\n", name);
    found = occurrences(&unit->output, own);
    if (found != 1)
        complain(&kind->wrong, "%s said its name %d times, want once", name, found);
    else if (has_foreign(&unit->output, name))
        complain(&kind->wrong, "%s shows the output of another test", name);
    else if (!*unit->name && *kind->says && !occurrences(&unit->output, kind->says))
        complain(&kind->wrong, "%s: no '%s' in:\n%.*s", name, kind->says,
                 (int)unit->output.size, unit->output.data);
    else if (!*unit->name && *kind->never && occurrences(&unit->output, kind->never))
        complain(&kind->wrong, "%s: '%s' is in its output", name, kind->never);
    else
        return;
    unit->wrong = true;
}

static void end_unit(struct kind *kind, struct test *test, struct unit *unit,
                     const struct event *e)
{
    const char *want = verdict_of(kind, unit);
    int before = kind->wrong;

    unit->ended = true;
    if (strcmp(e->action, want) != 0)
        complain(&kind->wrong, "%s: %s, want %s", e->test, e->action, want);
    if (!*unit->name && test->units != 1 + kind->subtests)
        complain(&kind->wrong, "%s: %d subtests, want %d", e->test, test->units - 1,
                 kind->subtests);
    for (int i = 0; !*unit->name && i < test->units; i++)
        if (!test->unit[i].ended)
            complain(&kind->wrong, "%s%s has no result", e->test, test->unit[i].name);
    if (kind->wrong == before)
        judge_output(kind, unit, e->test);
    unit->wrong = kind->wrong != before;
    free(unit->output.data);
    unit->output = (struct text){ 0 };
}

static bool is_result(const char *action)
{
    return strcmp(action, "pass") == 0 || strcmp(action, "fail") == 0 ||
           strcmp(action, "skip") == 0;
}

static void take_test_event(const struct event *e)
{
    struct kind *kind = NULL;
    struct test *test = test_named(e->test, &kind);
    struct unit *unit = test ? unit_named(test, e->test) : NULL;

    if (!unit) {
        complain(&stray, "an event of the unknown test %s", e->test);
        return;
    }
    if (unit->ended || (strcmp(e->action, "run") == 0) == unit->ran) {
        complain(&kind->wrong, "%s: '%s' came %s", e->test, e->action,
                 unit->ended ? "after its result"
                 : unit->ran ? "twice"
                             : "before 'run'");
        unit->wrong = true;
        return;
    }
    unit->ran = true;
    if (strcmp(e->action, "output") == 0)
        text_add(&unit->output, e->output, e->output_size);
    else if (is_result(e->action))
        end_unit(kind, test, unit, e);
}

static void take_package_event(const struct event *e)
{
    const char *slash = strrchr(e->package, '/');
    const char *name = slash ? slash + 1 : e->package;
    struct kind *kind = kind_named(name, strlen(name));
    const char *want;

    if (!kind) {
        complain(&stray, "an event of the unknown package %s", e->package);
        return;
    }
    if (kind->ended || (strcmp(e->action, "start") == 0) == kind->started)
        complain(&kind->wrong, "package %s: '%s' at the wrong time", e->package, e->action);
    kind->started = true;
    if (!is_result(e->action))
        return;
    kind->ended = true;
    want =
        strcmp(kind->verdict, "fail") == 0 ? "fail" : "pass"; /* as in Go, also when all skip */
    if (strcmp(e->action, want) != 0)
        complain(&kind->wrong, "package %s: %s, want %s", e->package, e->action, want);
}

static void take_line(const char *line, size_t size, int number)
{
    json_error_t error;
    json_t *value = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    const json_t *output = json_object_get(value, "Output");
    struct event e = {
        .action = json_string_value(json_object_get(value, "Action")),
        .package = json_string_value(json_object_get(value, "Package")),
        .test = json_string_value(json_object_get(value, "Test")),
        .output = json_string_value(output),
        .output_size = json_string_length(output),
    };

    if (!e.action || !e.package)
        complain(&stray, "line %d is no event: %s", number,
                 value ? "no Action or Package" : error.text);
    else if (e.test)
        take_test_event(&e);
    else
        take_package_event(&e);
    json_decref(value);
}

/* A line of KINDS. The text stays allocated: the kinds point into it. */
static void add_kind(char *line)
{
    struct kind *kind = &kinds[kind_count++];

    line[strcspn(line, "\n")] = '\0';
    kind->name = strsep(&line, "\t");
    kind->verdict = strsep(&line, "\t");
    kind->subtests = atoi(line ? strsep(&line, "\t") : "");
    kind->says = line ? strsep(&line, "\t") : "";
    kind->never = line ? strsep(&line, "\t") : "";
}

static void read_kinds(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 0;
    char *line = NULL;

    if (!file) {
        fprintf(stderr, "count: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (kind_count < MAX_KINDS && getline(&line, &room, file) > 0) {
        add_kind(line);
        line = NULL;
        room = 0;
    }
    free(line);
    fclose(file);
}

/* Every test passed or failed; what was wrong elsewhere counts against a test of its kind. */
static bool print_score(void)
{
    int passed = 0, failed = stray;

    for (struct kind *kind = kinds; kind < kinds + kind_count; kind++) {
        int good = 0;

        for (int i = 1; i <= test_count; i++)
            good += kind->test[i].units > 0 && kind->test[i].unit[0].ended &&
                    !kind->test[i].unit[0].wrong;
        if (!kind->ended)
            complain(&kind->wrong, "package %s has no result", kind->name);
        if (good == test_count && kind->wrong)
            good--; /* whatever else was wrong is somebody's failure */
        if (good < test_count)
            printf("oracle: %s: %d of %d tests are as they must be\n", kind->name, good,
                   test_count);
        passed += good;
        failed += test_count - good;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    test_count = argc == 3 ? atoi(argv[1]) : 0;
    if (test_count < 1 || test_count > MAX_TESTS) {
        fputs("usage: count TESTS KINDS < events.json\n", stderr);
        return 2;
    }
    read_kinds(argv[2]);
    for (int number = 1; (size = getline(&line, &room, stdin)) > 0; number++)
        take_line(line, (size_t)size, number);
    free(line);
    return print_score() ? 0 : 1;
}
