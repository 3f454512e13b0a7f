/* test/registry.c - what the constructors of SEAM_TEST and its kin registered, in link order. */

#include <string.h>

#include "test/state.h"

static struct seam_test_record *tests;
static struct seam_test_record **tests_end = &tests;
static struct seam_group_record *groups;
static void (*main_body)(const seam_main *m);

enum { FILES_MAX = 512 }; /* files with SEAM_FILE in one program */
static const struct seam_options *files[FILES_MAX];
static size_t file_count;

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

void seam_register_file(const struct seam_options *options)
{
    if (file_count < FILES_MAX)
        files[file_count++] = options;
}

void seam_register_main(void (*body)(const seam_main *m))
{
    main_body = body;
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

struct seam_group_record *registry_group(const char *name)
{
    struct seam_group_record *group = groups;

    while (group && (!name || strcmp(group->name, name) != 0))
        group = group->next;
    return group;
}

struct seam_group_record *registry_groups(void)
{
    return groups;
}

const struct seam_options *registry_file(const char *file)
{
    for (size_t i = 0; i < file_count; i++)
        if (strcmp(files[i]->site.file, file) == 0)
            return files[i];
    return NULL;
}

void registry_run_main(int argc, char **argv)
{
    seam_main m = { argc, argv };

    if (main_body)
        main_body(&m);
}
