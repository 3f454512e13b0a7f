/* service/clean_test.c - what a run leaves is found and removed; what lives is left alone. */

#include "service/clean.h"

#include <seam/seam.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct clean_dirs make(seam_t *t)
{
    struct clean_dirs dirs;
    struct err err = { "" };

    seam_setenv(t, "TMPDIR", seam_tempdir(t));
    if (clean_make_dirs(&dirs, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return dirs;
}

static void unlock(struct clean_dirs *dirs)
{
    close(dirs->lock_disk);
    if (dirs->lock_memory >= 0)
        close(dirs->lock_memory);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

SEAM_TEST(clean_folders_bear_the_run_and_are_private)
{
    struct clean_dirs dirs = make(t);
    struct stat st;

    seam_check_eq(t, strlen(dirs.run), CLEAN_RUN_SIZE);
    seam_check_str(t, dirs.disk, seam_path(t, "%s/seam-%s", seam_tempdir(t), dirs.run));
    seam_check_ok(t, stat(dirs.disk, &st));
    seam_check_eq(t, st.st_mode & 0777, 0700);
    unlock(&dirs);
    seam_check_ok(t, clean_run(&dirs, NULL, 0, NULL));
    seam_check(t, !is_there(dirs.disk));
    seam_check(t, !is_there(dirs.memory));
    seam_check_ok(t, clean_run(&dirs, NULL, 0, NULL)); /* again: there is nothing to do */
}

SEAM_TEST(clean_sweep_removes_the_dead_and_spares_the_living)
{
    struct clean_dirs dead = make(t), alive = make(t);

    unlock(&dead);
    clean_sweep();
    seam_check(t, !is_there(dead.disk));
    seam_check(t, !is_there(dead.memory));
    seam_check(t, is_there(alive.disk));
    seam_check(t, is_there(alive.memory));
    unlock(&alive);
    seam_check_ok(t, clean_run(&alive, NULL, 0, NULL));
}

SEAM_TEST(clean_sweep_leaves_what_only_looks_like_ours)
{
    const char *root = seam_tempdir(t);
    const char *without_lock = seam_path(t, "%s/seam-abcdefgh", root);
    const char *other_name = seam_path(t, "%s/seam-project", root);
    const char *old = seam_path(t, "%s/.seam-abcdefgh.old", root);
    const char *unfinished = seam_path(t, "%s/.seam-abcdefgh.new", root);

    seam_setenv(t, "TMPDIR", root);
    seam_require_ok(t, mkdir(without_lock, 0700));
    seam_require_ok(t, mkdir(other_name, 0700));
    seam_require_ok(t, mkdir(old, 0700));
    seam_require_ok(t, mkdir(unfinished, 0700));
    clean_sweep();
    seam_check(t, is_there(without_lock));
    seam_check(t, is_there(other_name));
    seam_check(t, is_there(unfinished)); /* somebody may be making it now */
    seam_check(t, !is_there(old));
}

SEAM_TEST(clean_run_ends_what_bears_its_marker)
{
    struct clean_dirs dirs = make(t);
    char *environment[] = { (char *)seam_format(t, "SEAM_TEST_ID=%s.7", dirs.run), NULL };
    int ready[2], status;
    char byte;
    pid_t pid;

    seam_require_ok(t, pipe2(ready, O_CLOEXEC));
    pid = fork();
    if (pid == 0) {
        execle("/bin/sleep", "sleep", "1000", (char *)NULL, environment);
        _exit(127);
    }
    close(ready[1]);
    seam_check_eq(t, read(ready[0], &byte, 1), 0);
    close(ready[0]);
    unlock(&dirs);
    seam_check_ok(t, clean_run(&dirs, NULL, 0, NULL));
    waitpid(pid, &status, 0);
    seam_check_eq(t, WTERMSIG(status), SIGKILL);
}

SEAM_TEST(clean_services_removes_the_keeper_s_part_alone)
{
    struct clean_dirs dirs = make(t);
    const char *part = seam_path(t, "%s/" CLEAN_SERVICES, dirs.disk);

    seam_require_ok(t, mkdir(part, 0700));
    seam_require_ok(t, mkdir(seam_path(t, "%s/postgres-1", part), 0700));
    seam_check_ok(t, clean_services(&dirs, NULL));
    seam_check(t, !is_there(part));
    seam_check(t, is_there(dirs.disk));
    unlock(&dirs);
    seam_check_ok(t, clean_run(&dirs, NULL, 0, NULL));
}
