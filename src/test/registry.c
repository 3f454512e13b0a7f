/* test/registry.c - what the constructors of SEAM_TEST and its kin registered, in link order. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "events/agent_link.h"

#include "test/state.h"

static struct seam_test_record *tests;
static struct seam_test_record **tests_end = &tests;
static struct seam_group_record *groups; /* the last registered first */
static struct seam_file_record *files;
static void (*main_body)(const seam_main *m);

void seam_register(struct seam_test_record *record)
{
    *tests_end = record;
    tests_end = &record->next;
}

void seam_register_group(struct seam_group_record *record)
{
    record->next = groups;
    groups = record;
}

void seam_register_file(struct seam_file_record *record)
{
    record->next = files;
    files = record;
}

/* Which of two would come first is the linker's choice, so there may be one only. */
void seam_register_main(void (*body)(const seam_main *m))
{
    if (main_body) {
        fputs("seam: SEAM_MAIN stands twice in this program; leave one\n", stderr);
        _exit(AGENT_EXIT_SETUP);
    }
    main_body = body;
}

static const struct seam_options *file_options(const char *file)
{
    for (const struct seam_file_record *record = files; record; record = record->next)
        if (strcmp(record->options->site.file, file) == 0)
            return record->options;
    return NULL;
}

struct seam_test_record *registry_tests(void)
{
    return tests;
}

int registry_count(void)
{
    int count = 0;

    for (const struct seam_test_record *record = tests; record; record = record->next)
        count++;
    return count;
}

struct seam_group_record *registry_groups(void)
{
    return groups;
}

const char *registry_file_tags(const char *file)
{
    const struct seam_options *options = file_options(file);

    return options ? options->tags : NULL;
}

struct seam_options registry_options(const struct seam_test_record *record)
{
    struct seam_options options = *record->options;
    const struct seam_options *file = file_options(options.site.file);

    if (!file)
        return options;
    if (options.timeout_ms == 0)
        options.timeout_ms = file->timeout_ms;
    if (!options.group)
        options.group = file->group;
    if (options.signal == 0)
        options.signal = file->signal;
    if (options.exit_code == 0)
        options.exit_code = file->exit_code;
    options.serial |= file->serial;
    options.exclusive |= file->exclusive;
    options.resume |= file->resume;
    return options;
}

void registry_run_main(int argc, char **argv)
{
    seam_main m = { argc, argv };

    if (main_body)
        main_body(&m);
}

/* ---- groups */

/* NULL also when the name is only there to keep tests apart. */
static struct seam_group_record *group_of(const struct seam_test_record *record)
{
    struct seam_group_record *group = groups;
    const char *name = group ? registry_options(record).group : NULL;

    while (group && (!name || strcmp(group->name, name) != 0))
        group = group->next;
    return group;
}

int group_enter(const struct seam_test_record *record)
{
    struct seam_group_record *group = group_of(record);

    if (!group)
        return 0;
    if (!group->entered && group->options->setup)
        group->result = group->options->setup();
    group->entered = true;
    return group->result;
}

void groups_tear_down(void)
{
    for (struct seam_group_record *group = groups; group; group = group->next)
        if (group->entered && group->result == 0 && group->options->teardown)
            group->options->teardown();
}
