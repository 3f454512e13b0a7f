/* cmd/flags.c - the flags of `seam test` and `seam run`; see flags.h. */

#include "cmd/flags.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum kind { TRUTH, NUMBER, DURATION, SECONDS, TEXT, WORD, SHUFFLE };

struct flag {
    const char *name;
    enum kind kind;
    size_t offset; /* of the field in struct options */
    const char *words; /* WORD: the values in the order of the enum */
    const char *help;
};

/* A flag without help is not shown. */
#define AT(field) offsetof(struct options, field)

static const struct flag flags[] = {
    { "v", TRUTH, AT(verbose), NULL, "show each test and what it logs" },
    { "run", TEXT, AT(run), NULL, "run what matches this pattern, '/' between levels" },
    { "skip", TEXT, AT(skip), NULL, "leave out what matches this pattern" },
    { "tags", TEXT, AT(tags), NULL, "run what needs these tags, such as integration" },
    { "list", TEXT, AT(list), NULL,
      "print the names of the tests that match this pattern, run nothing" },
    { "count", NUMBER, AT(count), NULL, "run each test so many times (1)" },
    { "parallel", NUMBER, AT(parallel), NULL, "so many tests at once (the cores)" },
    { "p", NUMBER, AT(jobs), NULL, "so many compilers at once (the cores)" },
    { "timeout", DURATION, AT(timeout_ms), NULL, "end the run after so long (10m; 0: never)" },
    { "short", TRUTH, AT(short_run), NULL, "tell tests to leave out what takes long" },
    { "failfast", TRUTH, AT(fail_fast), NULL, "start no further test after a failure" },
    { "shuffle", SHUFFLE, AT(shuffle), NULL, "on, off or a seed: another order of tests" },
    { "seed", NUMBER, AT(seed), NULL,
      "other identities of seam/uuid.h, the same for the same number" },
    { "json", TRUTH, AT(json), NULL,
      "report as JSON, an object a line, as go test -json does" },
    { "events", TEXT, AT(events), NULL, "write all events to this file, for seam replay" },
    { "race", TRUTH, AT(race), NULL, "build with ThreadSanitizer" },
    { "asan", TRUTH, AT(asan), NULL,
      "build with Address-, Leak- and UndefinedBehaviorSanitizer" },
    { "leaks", WORD, AT(leaks), "warn off fail",
      "what a descriptor, thread or process left behind is" },
    { "isolate", WORD, AT(isolate), "fork exec none", "how tests are kept apart" },
    { "services", WORD, AT(services), "auto native docker", "where services come from" },
    { "net", WORD, AT(net), "deny warn allow",
      "what a connection is that no test allowed, in a test with doubles" },
    { "hooks", WORD, AT(hooks), "on off", "whether doubles take the calls of libc (on)" },
    { "no-skip", TRUTH, AT(no_skip), NULL, "a service that cannot be had fails its test" },
    { "keep", TRUTH, AT(keep), NULL,
      "keep what a failed test had of its services, and say how to look" },
    { "reuse", SECONDS, AT(reuse_s), NULL, "keep services for the next run so long (0)" },
    { "update", TRUTH, AT(update), NULL,
      "write golden files instead of comparing; with -verify facts" },
    { "verify", TRUTH, AT(verify), NULL,
      "check what doubles of PostgreSQL claim against a real server" },
    { "artifacts", TEXT, AT(artifacts), NULL,
      "keep what tests put into seam_artifact_dir below this folder" },
    { "gdb", TRUTH, AT(gdb), NULL, "run the chosen test under gdb" },
    { "exec", TEXT, AT(exec), NULL,
      "words in front of each test program, such as 'valgrind -q'" },
    { "c", TRUTH, AT(compile_only), NULL, "only build the test program" },
    { "o", TEXT, AT(output), NULL, "with -c: where to put it" },
    { "from-program", TRUTH, AT(from_program), NULL, NULL },
    { "build", TEXT, AT(build), NULL, "folder of a compile_commands.json to take flags from" },
};

static const struct flag *find(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strlen(flags[i].name) == size && memcmp(flags[i].name, name, size) == 0)
            return &flags[i];
    return NULL;
}

/* What one of a unit has in milliseconds; 0 for an unknown one. */
static double unit_ms(const char *unit, size_t size)
{
    if (size == 2 && strncmp(unit, "ms", 2) == 0)
        return 1;
    return size != 1 ? 0 : *unit == 's' ? 1e3 : *unit == 'm' ? 60e3 : *unit == 'h' ? 3600e3 : 0;
}

/* "90s", "10m", "1h30m", "250ms"; a plain 0. At most a year. */
static int parse_duration(const char *text, int64_t *ret_ms)
{
    const double year_ms = 366 * 24 * 3600e3;
    double ms = 0;

    if (strcmp(text, "0") == 0) {
        *ret_ms = 0;
        return 0;
    }
    do {
        size_t digits = strspn(text, "0123456789.");
        char *unit;
        double n = strtod(text, &unit);
        size_t size = strcspn(unit, "0123456789.");
        double factor = unit_ms(unit, size);

        if (digits == 0 || unit != text + digits || factor == 0)
            return -EINVAL;
        ms += n * factor;
        text = unit + size;
    } while (*text);
    if (ms > year_ms)
        return -EINVAL;
    *ret_ms = (int64_t)ms;
    return 0;
}

static int parse_word(const char *words, const char *value, int *ret)
{
    int index = 0;

    for (const char *at = words; *at; index++) {
        size_t size = strcspn(at, " ");

        if (strlen(value) == size && memcmp(at, value, size) == 0) {
            *ret = index;
            return 0;
        }
        at += size + strspn(at + size, " ");
    }
    return -EINVAL;
}

static int bad(const struct flag *flag, const char *value, const char *want, struct err *err)
{
    return err_set(err, -EINVAL, "-%s: '%s' is not %s", flag->name, value, want);
}

static int set_truth(const struct flag *flag, const char *value, bool *field, struct err *err)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return bad(flag, value, "true or false", err);
    *field = *value == 't';
    return 0;
}

static int set_number(const struct flag *flag, const char *value, int *field, struct err *err)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (*end || end == value || number < 1 || number > 1000000)
        return bad(flag, value, "a number from 1 to 1000000", err);
    *field = (int)number;
    return 0;
}

static int set_time(const struct flag *flag, const char *value, int64_t *ret_ms,
                    struct err *err)
{
    return parse_duration(value, ret_ms) < 0
               ? bad(flag, value, "a time such as 90s, 10m or 0", err)
               : 0;
}

static int set_shuffle(const struct flag *flag, const char *value, struct options *options,
                       struct err *err)
{
    char *end;

    options->shuffle = strcmp(value, "off") != 0;
    if (strcmp(value, "on") == 0)
        options->shuffle_seed = (uint64_t)time(NULL);
    else if (options->shuffle) {
        options->shuffle_seed = strtoull(value, &end, 10);
        if (*end || *value < '0' || *value > '9')
            return bad(flag, value, "on, off or a number", err);
    }
    return 0;
}

static int set(const struct flag *flag, const char *value, struct options *options,
               struct err *err)
{
    void *field = (char *)options + flag->offset;
    int64_t ms = 0;
    int r = 0;

    switch (flag->kind) {
    case TRUTH:
        return set_truth(flag, value, field, err);
    case NUMBER:
        return set_number(flag, value, field, err);
    case DURATION:
        return set_time(flag, value, field, err);
    case SECONDS:
        r = set_time(flag, value, &ms, err);
        if (r == 0)
            *(int *)field = (int)((ms + 999) / 1000);
        return r;
    case WORD:
        if (parse_word(flag->words, value, field) < 0)
            return err_set(err, -EINVAL, "-%s: '%s' is none of: %s", flag->name, value,
                           flag->words);
        return 0;
    case SHUFFLE:
        return set_shuffle(flag, value, options, err);
    case TEXT:
        *(const char **)field = value;
        return 0;
    }
    return 0;
}

static void set_defaults(struct options *options)
{
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;

    *options = (struct options){
        .count = 1,
        .parallel = count,
        .jobs = count,
        .timeout_ms = 10 * 60 * 1000,
    };
}

/* Take the flag at argv[*at]; *at moves on to its value when that is a word of its own. */
static int take_flag(int argc, char **argv, int *at, struct options *options, struct err *err)
{
    const char *word = argv[*at];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *value = strchr(name, '=');
    const struct flag *flag = find(name, value ? (size_t)(value - name) : strlen(name));

    if (!flag)
        return err_set(err, -EINVAL, "unknown flag '%s'; try: seam help test", word);
    if (value)
        value++;
    else if (flag->kind == TRUTH)
        value = "true";
    else if (*at + 1 < argc)
        value = argv[++*at];
    else
        return err_set(err, -EINVAL, "-%s needs a value", flag->name);
    return set(flag, value, options, err);
}

int flags_parse(int argc, char **argv, struct options *options, struct err *err)
{
    bool only_words = false;
    int r = 0;

    set_defaults(options);
    options->arguments = calloc((size_t)argc + 1, sizeof *options->arguments);
    if (!options->arguments)
        return err_set(err, -ENOMEM, "out of memory");
    for (int i = 1; i < argc && r == 0; i++)
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0')
            options->arguments[options->argument_count++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            only_words = true;
        else
            r = take_flag(argc, argv, &i, options, err);
    return r;
}

void flags_show(FILE *to)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].help)
            fprintf(to, "  -%-10s %s\n", flags[i].name, flags[i].help);
}
