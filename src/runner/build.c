/* runner/build.c - run ninja and give each package its own part of the output; see build.h. */

#include "runner/build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"
#include "runner/directive.h"

enum { OUTPUT_MAX = 32 << 20, ROUNDS_MAX = 4 };

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

/* $SEAM_CACHE, $XDG_CACHE_HOME/seam, ~/.cache/seam; a user without a usable home gets one in $TMPDIR. */
static const char *choose_cache(struct arena *arena)
{
    const char *candidates[] = {
        getenv("SEAM_CACHE"),
        getenv("XDG_CACHE_HOME") ? arena_printf(arena, "%s/seam", getenv("XDG_CACHE_HOME"))
                                 : NULL,
        getenv("HOME") ? arena_printf(arena, "%s/.cache/seam", getenv("HOME")) : NULL,
        arena_printf(arena, "%s/seam-cache-%u", environment("TMPDIR", "/tmp"),
                     (unsigned)getuid()),
    };

    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (candidates[i] && *candidates[i] && io_make_folders(candidates[i], 0700) == 0 &&
            access(candidates[i], W_OK) == 0)
            return candidates[i];
    return NULL;
}

const char *build_cache(struct arena *arena)
{
    return choose_cache(arena);
}

static const char *flavour_folder(const struct build *build)
{
    const struct options *o = build->options;
    const char *parts[] = { build->cc,
                            build->cxx,
                            build->cflags,
                            build->cxxflags,
                            build->ldflags,
                            build->installation->include,
                            o->race   ? "race"
                            : o->asan ? "asan"
                                      : "" };
    char *cwd = getcwd(NULL, 0);
    uint64_t hash = hash_bytes(HASH_BEGIN, cwd ? cwd : "", cwd ? strlen(cwd) : 0);

    free(cwd);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hash = hash_bytes(hash, parts[i], strlen(parts[i]) + 1);
    return arena_printf(build->arena, "%s/build/%016llx", build->cache,
                        (unsigned long long)hash);
}

int build_init(struct build *build, struct err *err)
{
    const char *lock;
    int r;

    build->lock = -1;
    build->cc = environment("CC", "cc");
    build->cxx = environment("CXX", "c++");
    build->cflags = environment("CFLAGS", "-g -O0");
    build->cxxflags =
        arena_printf(build->arena, "-std=c++20 %s", environment("CXXFLAGS", "-g -O0"));
    build->ldflags = environment("LDFLAGS", "");
    build->cache = choose_cache(build->arena);
    if (!build->cache)
        return err_set(err, -EACCES,
                       "no folder for the build cache can be made in $SEAM_CACHE, "
                       "~/.cache or $TMPDIR; try: SEAM_CACHE=/somewhere/writable");
    build->folder = flavour_folder(build);
    r = io_make_folders(build->folder, 0700);
    if (r < 0)
        return err_system(err, r, "cannot make the build folder '%s'", build->folder);
    lock = arena_printf(build->arena, "%s/lock", build->folder);
    build->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (build->lock < 0)
        return err_system(err, -errno, "cannot open '%s'", lock);
    if (flock(build->lock, LOCK_EX | LOCK_NB) < 0) {
        fprintf(stderr, "seam: waits for another run that builds this folder\n");
        while (flock(build->lock, LOCK_EX) < 0 && errno == EINTR)
            ;
    }
    return 0;
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

void build_prepare(struct build *build)
{
    for (struct source_package *package = build->packages; package; package = package->next) {
        directives_read(build->arena, package, tag_is_set, build);
        if (package->has_tests && !package->trouble)
            private_load(build, package);
    }
    compile_commands_apply(build);
}

/* ---- running a program to its end */

int build_run_program(const char *const *argv, const char *folder, struct buf *output)
{
    int pipes[2];
    int status = 0;
    pid_t pid;

    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(pipes[1], STDOUT_FILENO);
        dup2(pipes[1], STDERR_FILENO);
        if (!folder || chdir(folder) == 0)
            execvp(argv[0], (char *const *)argv);
        dprintf(STDERR_FILENO, "cannot start '%s': %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    close(pipes[1]);
    for (;;) {
        char *to = buf_reserve(output, 4096);
        char waste[4096];
        ssize_t n = read(pipes[0], to ? to : waste, 4096);

        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        if (n > 0 && to) {
            output->size += (size_t)n;
            output->data[output->size] = '\0';
        }
    }
    close(pipes[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -errno;
    return status;
}

/* ---- ninja's output, by package */

static struct source_package *package_of(struct build *build, const char *target)
{
    struct source_package *best = NULL;
    size_t best_size = 0;

    for (struct source_package *package = build->packages; package; package = package->next) {
        const char *folder = build_object_folder(build, package);
        size_t size = strlen(folder);

        if (strncmp(target, folder, size) == 0 && target[size] == '/' && size > best_size) {
            best = package;
            best_size = size;
        }
    }
    return best;
}

static struct build_result *result_of(struct build_result *results,
                                      const struct source_package *package)
{
    while (results && results->package != package)
        results = results->next;
    return results;
}

/* With --quiet ninja prints a step's output, and before that of a failed one two lines: "FAILED: target"
 * and the command. We keep the compiler's own words only. */
static int share_output(struct build *build, struct build_result *results, char *text,
                        struct err *err)
{
    struct build_result *current = NULL;
    char *next;

    for (char *line = text; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strncmp(line, "FAILED: ", 8) == 0) {
            current = result_of(results, package_of(build, line + 8));
            if (current)
                current->failed = true;
            next = next ? strchr(next, '\n') : NULL; /* the command */
            if (next)
                next++;
            continue;
        }
        if (strncmp(line, "ninja: error: ", 14) == 0 && !strstr(line, "subcommand"))
            return err_set(err, -EINVAL, "%s", line);
        if (strncmp(line, "ninja: ", 7) == 0)
            continue;
        for (struct build_result *r = current ? current : results; r;
             r = current ? NULL : r->next)
            r->output = arena_printf(build->arena, "%s%s\n", r->output, line);
    }
    return 0;
}

static int run_ninja(struct build *build, struct build_result *results, struct err *err)
{
    char jobs[16];
    const char *argv[] = {
        "ninja", "--quiet", "-k", "0", "-j", jobs, "-C", build->folder, NULL
    };
    struct buf output = BUF_INIT(OUTPUT_MAX);
    int r = ninja_write(build, err);
    int status;

    if (r < 0)
        return r;
    compile_commands_write(build);
    for (struct build_result *result = results; result; result = result->next) {
        result->failed = false;
        result->output = "";
    }
    snprintf(jobs, sizeof jobs, "%d", build->options->jobs);
    status = build_run_program(argv, NULL, &output);
    if (status < 0)
        r = err_system(err, status, "cannot run ninja");
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        r = err_set(err, -ENOENT, "%s\n    try: apt-get install ninja-build",
                    buf_text(&output));
    else if (output.size > 0)
        r = share_output(build, results, output.data, err);
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
