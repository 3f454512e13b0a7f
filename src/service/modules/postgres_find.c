/* service/modules/postgres_find.c - where PostgreSQL's programs are; see postgres_find.h. */

#include "service/modules/postgres_find.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

enum { FOUND_MAX = 32 };

/* What was found so far; a folder counts once. */
struct found {
    struct postgres_programs list[FOUND_MAX];
    int count;
};

/* The first line that a program prints; false when it fails. Without a shell. */
static bool first_line(const char *program, const char *argument, char *ret, size_t size)
{
    char *const argv[] = { (char *)program, (char *)argument, NULL };
    posix_spawn_file_actions_t actions;
    int output[2], status = -1;
    ssize_t n = 0;
    pid_t pid;

    if (pipe2(output, O_CLOEXEC) < 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, program, &actions, NULL, argv, environ) != 0)
        pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    if (pid > 0) {
        n = read(output[0], ret, size - 1);
        waitpid(pid, &status, 0);
    }
    close(output[0]);
    if (n <= 0 || status != 0)
        return false;
    ret[n] = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    return true;
}

static int major_of(const char *folder)
{
    char program[600], line[200];
    const char *number;

    snprintf(program, sizeof program, "%s/postgres", folder);
    if (!first_line(program, "--version", line, sizeof line))
        return 0;
    number = strpbrk(line, "0123456789");
    return number ? atoi(number) : 0;
}

/* Add a folder that holds the server's programs. `major` is 0 when it is not known yet. */
static void add(struct found *found, const char *folder, int major)
{
    struct postgres_programs *one = &found->list[found->count];
    char program[sizeof one->folder + 16];

    if (found->count == FOUND_MAX ||
        snprintf(one->folder, sizeof one->folder, "%s", folder) >= (int)sizeof one->folder)
        return;
    for (int i = 0; i < found->count; i++)
        if (strcmp(found->list[i].folder, folder) == 0)
            return;
    snprintf(program, sizeof program, "%s/initdb", folder);
    if (access(program, X_OK) < 0)
        return;
    snprintf(program, sizeof program, "%s/postgres", folder);
    if (access(program, X_OK) < 0)
        return;
    one->major = major > 0 ? major : major_of(folder);
    if (one->major > 0)
        found->count++;
}

static void add_matches(struct found *found, const char *pattern, const char *before)
{
    glob_t paths;

    if (glob(pattern, 0, NULL, &paths) == 0)
        for (size_t i = 0; i < paths.gl_pathc; i++)
            add(found, paths.gl_pathv[i], atoi(paths.gl_pathv[i] + strlen(before)));
    globfree(&paths);
}

static void add_path(struct found *found)
{
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    char *rest = path;
    char *folder;

    while (path && (folder = strsep(&rest, ":")))
        if (folder[0] == '/')
            add(found, folder, 0);
    free(path);
}

static const struct postgres_programs *newest(const struct found *found, int major)
{
    const struct postgres_programs *best = NULL;

    for (int i = 0; i < found->count; i++)
        if ((major == 0 || found->list[i].major == major) &&
            (!best || found->list[i].major > best->major))
            best = &found->list[i];
    return best;
}

static int explain(const struct found *found, const char *version, struct err *err)
{
    struct buf here = BUF_INIT(sizeof err->text);

    if (found->count == 0)
        return err_set(
            err, -ENOENT,
            "no postgres binary found in /usr/lib/postgresql, by pg_config or in PATH");
    for (int i = 0; i < found->count; i++)
        buf_printf(&here, "%s%d (%s)", i > 0 ? ", " : "", found->list[i].major,
                   found->list[i].folder);
    err_set(err, -ENOENT, "version %s is asked for, here there is only %s", version,
            buf_text(&here));
    buf_fini(&here);
    return -ENOENT;
}

size_t postgres_major_size(const char *version)
{
    enum { FIRST_OF_ONE_NUMBER = 10 };
    size_t size = strcspn(version, ".");

    if (version[size] && atoi(version) < FIRST_OF_ONE_NUMBER)
        size += 1 + strcspn(version + size + 1, ".");
    return size;
}

int postgres_find(const char *version, struct postgres_programs *ret, struct err *err)
{
    struct found found = { .count = 0 };
    const struct postgres_programs *best;
    char line[512];
    int major = version ? atoi(version) : 0;

    add_matches(&found, "/usr/lib/postgresql/*/bin", "/usr/lib/postgresql/");
    best = newest(&found, major);
    if (!best) { /* the rest costs starting programs */
        if (first_line("pg_config", "--bindir", line, sizeof line))
            add(&found, line, 0);
        add_path(&found);
        best = newest(&found, major);
    }
    if (!best)
        return explain(&found, version, err);
    *ret = *best;
    return 0;
}
