/* report/script_test.c - feed a reporter from a script; see script_test.h. */

#include "report/script_test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report/lines.h"

/* ---- the reporter */

static void stop(void *arg)
{
    struct scripted *scripted = arg;

    scripted_close(scripted);
    if (scripted->to)
        fclose(scripted->to);
    free(scripted->data);
}

struct scripted *scripted_report(seam_t *t, struct report *report)
{
    struct scripted *scripted = seam_alloc(t, sizeof *scripted);

    scripted->report = report;
    scripted->time_ns = 1700000000000000000;
    seam_cleanup(t, stop, scripted);
    return scripted;
}

struct scripted *scripted_start(seam_t *t, enum form form)
{
    struct scripted *scripted = scripted_report(t, NULL);

    seam_setenv(t, "TZ", "UTC");
    tzset();
    scripted->to = open_memstream(&scripted->data, &scripted->size);
    scripted->report = form == JSON ? report_json(scripted->to)
                                    : report_text(scripted->to, form != QUIET, form == LIVE);
    return scripted;
}

const char *scripted_text(seam_t *t, struct scripted *scripted)
{
    fflush(scripted->to);
    return seam_format(t, "%s", scripted->data);
}

void scripted_close(struct scripted *scripted)
{
    if (scripted->report)
        scripted->report->close(scripted->report);
    scripted->report = NULL;
}

/* ---- the script */

static const struct verb {
    const char *word;
    int kind;
    int status;
    char shape; /* (t)est, (m)essage, (a)ttr, (e)nd, (w)ords, (p)ackage's end, (f)inish */
} verbs[] = {
    { "run", EVENT_RUN, 0, 't' },
    { "pause", EVENT_PAUSE, 0, 't' },
    { "continue", EVENT_CONTINUE, 0, 't' },
    { "log", EVENT_MESSAGE, MESSAGE_LOG, 'm' },
    { "error", EVENT_MESSAGE, MESSAGE_ERROR, 'm' },
    { "warning", EVENT_MESSAGE, MESSAGE_WARNING, 'm' },
    { "say", EVENT_MESSAGE, MESSAGE_ERROR, 'm' },
    { "left", EVENT_LEFT, 0, 'm' },
    { "exchange", EVENT_EXCHANGE, 0, 'm' },
    { "unknown", 29, 0, 'm' },
    { "output", EVENT_OUTPUT, 0, 'm' },
    { "artifact", EVENT_ARTIFACT, 0, 'm' },
    { "attr", EVENT_ATTR, 0, 'a' },
    { "pass", EVENT_END, VERDICT_PASS, 'e' },
    { "fail", EVENT_END, VERDICT_FAIL, 'e' },
    { "skip", EVENT_END, VERDICT_SKIP, 'e' },
    { "compiler", EVENT_BUILD_OUTPUT, 0, 'w' },
    { "note", EVENT_NOTE, 0, 'w' },
    { "ok", EVENT_PACKAGE_END, PACKAGE_OK, 'p' },
    { "failed", EVENT_PACKAGE_END, PACKAGE_FAIL, 'p' },
    { "unbuilt", EVENT_PACKAGE_END, PACKAGE_BUILD_FAILED, 'p' },
    { "unset", EVENT_PACKAGE_END, PACKAGE_SETUP_FAILED, 'p' },
    { "untested", EVENT_PACKAGE_END, PACKAGE_NO_TEST_FILES, 'p' },
    { "unrun", EVENT_PACKAGE_END, PACKAGE_NO_TESTS_RUN, 'p' },
    { "finish", EVENT_FINISH, 0, 'f' },
    { "package", EVENT_PACKAGE, 0, 'w' },
};

static const struct verb *find_verb(seam_t *t, const char *word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].word, word) == 0)
            return &verbs[i];
    seam_fatal(t, "the script has no verb '%s'", word);
}

/* Numbers as a test's process gives them: 1 is the top-level test, its subtests follow. */
static uint32_t node_of(seam_t *t, struct scripted *scripted, const char *name)
{
    char *key = seam_format(t, "%s %s", scripted->package, name);
    int i = 0;

    if (!strchr(name, '/'))
        return EVENT_ROOT;
    while (i < scripted->name_count && strcmp(scripted->names[i], key) != 0)
        i++;
    seam_require_lt(t, i, 64);
    scripted->names[i] = key;
    scripted->name_count += i == scripted->name_count;
    return (uint32_t)i + 2;
}

/* The next word of *line, which becomes the rest. */
static char *take_word(char **line)
{
    char *word = strsep(line, " ");

    return word ? word : "";
}

static void unescape(char *line)
{
    char *to = line;

    for (char *at = line; *at; at++)
        if (at[0] == '\\' && (at[1] == 'n' || at[1] == '\\'))
            *to++ = *++at == 'n' ? '\n' : '\\';
        else
            *to++ = *at;
    *to = '\0';
}

static uint64_t take_ms(char **line)
{
    return strtoull(take_word(line), NULL, 10) * 1000000;
}

static void name_test(seam_t *t, struct scripted *scripted, struct event *event,
                      const char *name)
{
    struct text top = lines_top_level(text_of(name));
    char *parent = seam_format(t, "%s", name);
    char *slash = strrchr(parent, '/');

    event->node = node_of(t, scripted, name);
    event->number = 41;
    event->file = text_of(seam_format(t, "/src/%.*s_test.c", (int)top.size, top.data));
    event->test = event->kind == EVENT_RUN ? text_of(name) : top; /* as the runner has it */
    if (slash) {
        *slash = '\0';
        event->parent = node_of(t, scripted, parent);
    }
}

static void tell_line(seam_t *t, struct scripted *scripted, char *line)
{
    char *word = take_word(&line);
    const struct verb *verb;
    struct event event;

    if (strcmp(word, "in") == 0) {
        scripted->package = take_word(&line);
        return;
    }
    verb = find_verb(t, word);
    event = (struct event){ .kind = (uint8_t)verb->kind,
                            .status = (uint8_t)verb->status,
                            .flags = strcmp(word, "say") == 0 ? EVENT_VERBATIM : 0,
                            .time_ns = scripted->time_ns };
    scripted->time_ns += 1000000;
    if (strchr("tmae", verb->shape))
        name_test(t, scripted, &event, take_word(&line));
    if (verb->shape == 'a')
        event.file = text_of(take_word(&line));
    if (verb->shape == 'e' || verb->shape == 'p')
        event.elapsed_ns = take_ms(&line);
    if (verb->shape == 'f')
        event.status = (uint8_t)atoi(take_word(&line));
    else
        event.text = text_of(line);
    if (verb->kind == EVENT_PACKAGE)
        scripted->package = line;
    event.package = text_of(scripted->package);
    scripted->report->event(scripted->report, &event);
}

void scripted_tell(seam_t *t, struct scripted *scripted, const char *script)
{
    char *rest = seam_format(t, "%s", script);

    while (rest && *rest) {
        char *line = strsep(&rest, "\n");

        unescape(line);
        tell_line(t, scripted, line);
    }
}

void report_says_this(seam_t *t, enum form form, const char *script, const char *want)
{
    struct scripted *scripted = scripted_start(t, form);

    scripted_tell(t, scripted, script);
    scripted_close(scripted);
    seam_check_str(t, scripted_text(t, scripted), want);
}

/* ---- stderr */

static void restore_stderr(void *arg)
{
    const int *before = arg;

    dup2(*before, STDERR_FILENO);
    close(*before);
}

const char *catch_stderr(seam_t *t)
{
    seam_file file = seam_tempfile(t, "stderr-*");
    int *before = seam_alloc(t, sizeof *before);

    *before = dup(STDERR_FILENO);
    seam_cleanup(t, restore_stderr, before);
    dup2(file.fd, STDERR_FILENO);
    return file.path;
}
