/* runner/build.c - run ninja and give each package its own part of the output; see build.h. */

#include "runner/build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"
#include "base/proc.h"
#include "runner/capability.h"
#include "runner/directive.h"

enum { OUTPUT_MAX = 32 << 20, ROUNDS_MAX = 4 };

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

static const char *absolute(struct arena *arena, const char *path)
{
    char folder[PATH_MAX];

    if (*path == '/' || !getcwd(folder, sizeof folder))
        return path;
    return arena_printf(arena, "%s/%s", folder, path);
}

/* A folder in a place like /tmp may have been made by somebody else, who waits for us to run what is in
 * it. */
static bool is_private(const char *folder)
{
    struct stat status;

    return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == geteuid() && (status.st_mode & 022) == 0;
}

static bool is_usable(const char *folder)
{
    return io_make_folders(folder, 0700) == 0 && access(folder, W_OK | X_OK) == 0;
}

const char *build_cache(struct arena *arena, struct err *err)
{
    const char *homes[][2] = {
        { getenv("SEAM_CACHE"), "" },
        { getenv("XDG_CACHE_HOME"), "/seam" },
        { getenv("HOME"), "/.cache/seam" },
    };
    const char *last = arena_printf(arena, "%s/seam-cache-%u",
                                    absolute(arena, environment("TMPDIR", "/tmp")), getuid());

    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
        const char *home = homes[i][0];
        const char *folder =
            home && *home ? arena_printf(arena, "%s%s", absolute(arena, home), homes[i][1])
                          : NULL;

        if (folder && is_usable(folder))
            return folder;
    }
    if (is_usable(last) && is_private(last))
        return last;
    err_set(err, 0,
            "no folder for the cache can be made in $SEAM_CACHE, ~/.cache or $TMPDIR\n"
            "    try: SEAM_CACHE=/somewhere/writable");
    return NULL;
}

static const char *flavour_folder(const struct build *build)
{
    const struct options *options = build->options;
    const char *parts[] = { build->cc,
                            build->cxx,
                            build->cflags,
                            build->cxxflags,
                            build->ldflags,
                            build->installation->include,
                            options->race   ? "race"
                            : options->asan ? "asan"
                                            : "" };
    char *cwd = getcwd(NULL, 0);
    uint64_t hash = hash_bytes(HASH_BEGIN, cwd ? cwd : "", cwd ? strlen(cwd) : 0);

    free(cwd);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash = hash_bytes(hash, parts[i], strlen(parts[i]) + 1);
    return arena_printf(build->arena, "%s/build/%016llx", build->cache,
                        (unsigned long long)hash);
}

static int lock_folder(struct build *build, struct err *err)
{
    const char *path = arena_printf(build->arena, "%s/lock", build->folder);

    build->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (build->lock < 0)
        return err_system(err, -errno, "cannot open '%s'", path);
    if (flock(build->lock, LOCK_EX | LOCK_NB) < 0) {
        fprintf(stderr, "seam: waits for another run that builds this folder\n");
        while (flock(build->lock, LOCK_EX) < 0)
            if (errno != EINTR)
                return err_system(err, -errno, "cannot lock '%s'", path);
    }
    return 0;
}

int build_init(struct build *build, struct err *err)
{
    int r;

    build->lock = -1;
    build->cc = environment("CC", "cc");
    build->cxx = environment("CXX", "c++");
    build->cflags = environment("CFLAGS", "-g -O0");
    build->cxxflags =
        arena_printf(build->arena, "-std=c++20 %s", environment("CXXFLAGS", "-g -O0"));
    build->ldflags = environment("LDFLAGS", "");
    build->folder = flavour_folder(build);
    r = io_make_folders(build->folder, 0700);
    if (r < 0)
        return err_system(err, r, "cannot make the build folder '%s'", build->folder);
    return lock_folder(build, err);
}

void build_fini(struct build *build)
{
    io_close(&build->lock);
}

/* ---- which files */

static bool tag_is_set(void *arg, const char *tag)
{
    const struct build *build = arg;
    const struct options *options = build->options;
    size_t size = strlen(tag);

    if ((strcmp(tag, "race") == 0 && options->race) ||
        (strcmp(tag, "asan") == 0 && options->asan) || strcmp(tag, "linux") == 0 ||
        strcmp(tag, "seam") == 0)
        return true;
    for (const char *at = options->tags; at && *at;) {
        size_t word = strcspn(at, ", ");

        if (word == size && memcmp(at, tag, size) == 0)
            return true;
        at += word + strspn(at + word, ", ");
    }
    return false;
}

int build_prepare(struct build *build, struct err *err)
{
    for (struct source_package *package = build->packages; package; package = package->next) {
        directives_read(build->arena, package, tag_is_set, build);
        if (package->has_tests && !package->trouble)
            private_load(build, package);
    }
    return compile_commands_apply(build, err);
}

/* ---- running a program to its end */

static SEAM_NORETURN void be_program(const char *const *argv, const char *folder,
                                     const char *setting, pid_t parent, int output)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGTERM); /* by which ninja ends its compilers */
    if (getppid() != parent)
        _exit(1);
    sigemptyset(&none);
    proc_signals_for_exec(&none);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (setting)
        putenv((char *)setting);
    if (!folder || chdir(folder) == 0)
        execvp(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "cannot start '%s': %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* What does not fit is read all the same: the program must not wait for us. */
static void read_to_end(int fd, struct buf *output)
{
    static char waste[4096];

    for (;;) {
        char *to = buf_reserve(output, sizeof waste);
        ssize_t n = read(fd, to ? to : waste, sizeof waste);

        if (n == 0 || (n < 0 && errno != EINTR))
            return;
        if (n > 0 && to) {
            output->size += (size_t)n;
            output->data[output->size] = '\0';
        }
    }
}

int build_run_program(const char *const *argv, const char *folder, const char *setting,
                      struct buf *output)
{
    pid_t self = getpid(), pid;
    int pipes[2];
    int status = 0;

    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        be_program(argv, folder, setting, self, pipes[1]);
    if (pid < 0)
        status = -errno;
    close(pipes[1]);
    if (pid > 0)
        read_to_end(pipes[0], output);
    close(pipes[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status;
}

int build_write_file(const char *path, const struct buf *text)
{
    struct buf before = BUF_INIT(text->size);
    bool same = io_read_file(path, &before) == 0 && before.size == text->size &&
                memcmp(buf_text(&before), buf_text(text), text->size) == 0;

    buf_fini(&before);
    return same ? 0 : io_write_file(path, buf_text(text), text->size);
}

/* ---- ninja's output, by package */

/* ninja tells of a step by $NINJA_STATUS and its description, which is the package's number; of a failed
 * one also by "FAILED: target" and the command; then come the compiler's own words. */
#define STEP "\001seam "

/* The next line, ended by NUL; *text becomes what follows, NULL at the end. */
static char *take_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');

    if (end)
        *end = '\0';
    *text = end ? end + 1 : NULL;
    return line;
}

static struct build_result *result_of(struct build_result *results, unsigned number)
{
    while (results && results->package->number != number)
        results = results->next;
    return results;
}

/* Give each package the words that are its own. What ninja says of itself becomes `ret_said`. */
static void share_output(struct build_result *results, char *text, const char **ret_said)
{
    struct build_result *current = NULL;
    bool step_begins = false;

    while (text && *text) {
        char *line = take_line(&text);

        if (strncmp(line, STEP, sizeof STEP - 1) == 0) {
            current = result_of(results, (unsigned)strtoul(line + sizeof STEP - 1, NULL, 10));
            step_begins = true;
            continue;
        }
        if (step_begins && current && strncmp(line, "FAILED: ", 8) == 0) {
            current->failed = true;
            if (text)
                take_line(&text); /* the command */
        } else if (strncmp(line, "ninja: ", 7) == 0)
            *ret_said = line;
        else if (current)
            buf_printf(&current->words, "%s\n", line);
        step_begins = false;
    }
}

static bool any_failed(const struct build_result *results)
{
    while (results && !results->failed)
        results = results->next;
    return results != NULL;
}

/* Read what ninja wrote, and tell a failure of its own from one of a compiler. */
static int take_output(struct build *build, struct build_result *results, struct buf *output,
                       int status, struct err *err)
{
    const char *said = "";

    for (char *nul; (nul = memchr(buf_text(output), '\0', output->size));)
        *nul = '?';
    share_output(results, output->data, &said);
    for (struct build_result *result = results; result; result = result->next) {
        result->output = arena_printf(build->arena, "%s%s", result->note ? result->note : "",
                                      buf_text(&result->words));
        buf_fini(&result->words);
    }
    if (output->failed)
        return err_set(err, -EFBIG, "the compilers wrote more than %d MB", OUTPUT_MAX >> 20);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(err, -ENOENT, "%s\n    try: apt-get install ninja-build",
                       buf_text(output));
    if (status == 0 || any_failed(results))
        return 0;
    return err_set(err, -EIO, "%s", *said ? said : "ninja was ended from outside");
}

static int run_ninja(struct build *build, struct build_result *results, struct err *err)
{
    char jobs[16];
    const char *argv[] = { "ninja", "-k", "0", "-j", jobs, NULL };
    struct buf output = BUF_INIT(OUTPUT_MAX);
    int r = ninja_write(build, err);
    int status;

    if (r < 0)
        return r;
    compile_commands_write(build);
    for (struct build_result *result = results; result; result = result->next) {
        result->failed = false;
        result->words = BUF_INIT(OUTPUT_MAX);
    }
    snprintf(jobs, sizeof jobs, "%d", build->options->jobs);
    status = build_run_program(argv, build->folder, "NINJA_STATUS=" STEP, &output);
    if (status < 0)
        r = err_system(err, status, "cannot run ninja");
    else
        r = take_output(build, results, &output, status, err);
    buf_fini(&output);
    return r;
}

static struct build_result *make_results(struct build *build)
{
    struct build_result *first = NULL;
    struct build_result **last = &first;

    for (struct source_package *package = build->packages; package; package = package->next) {
        struct build_result *result;

        if (!package->has_tests || package->trouble)
            continue;
        result = arena_zero(build->arena, sizeof *result);
        *result = (struct build_result){ .package = package, .output = "" };
        *last = result;
        last = &result->next;
    }
    return first;
}

/* Whether something learned from the failures makes another round worth while: static functions that a
 * test declares, or such a list that no longer fits. */
static bool another_round(struct build *build, struct build_result *results, int round)
{
    bool again = false;

    for (struct build_result *result = results; result; result = result->next)
        if (result->failed)
            again |= private_resolve(build, result->package, result->output) ||
                     capability_learn_fake(build, result) ||
                     (round == 0 && private_forget(build, result->package));
    return again;
}

int build_run(struct build *build, struct build_result **ret, struct err *err)
{
    struct build_result *results = make_results(build);
    int r = 0;

    *ret = results;
    if (!results)
        return 0;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        r = run_ninja(build, results, err);
        if (r < 0 || !another_round(build, results, round))
            break;
    }
    return r;
}
