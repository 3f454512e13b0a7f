/* service/clean_test.c - what a run leaves is found and removed; what lives is left alone. */

#include "service/clean.h"

#include <seam/seam.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
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
    clean_sweep(NULL);
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
    clean_sweep(NULL);
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

static atomic_bool enough;

/* Makes files by a descriptor, as the keeper's threads do that unpack a database. */
static void *make_files(void *arg)
{
    const int folder = *(const int *)arg;
    char name[32];

    for (unsigned i = 0; !atomic_load(&enough) && i < 20000; i++) {
        int fd;

        snprintf(name, sizeof name, "%u", i);
        fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            break;
        close(fd);
    }
    return NULL;
}

SEAM_TEST(clean_run_removes_a_folder_that_is_being_filled)
{
    struct clean_dirs dirs = make(t);
    const char *inner = seam_path(t, "%s/services", dirs.memory);
    struct err err = { "" };
    pthread_t thread;
    int folder;

    seam_require_ok(t, mkdir(inner, 0700));
    folder = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    seam_require(t, folder >= 0);
    seam_require(t, pthread_create(&thread, NULL, make_files, &folder) == 0);
    unlock(&dirs);
    if (clean_run(&dirs, NULL, 0, &err) < 0)
        seam_error(t, "%s", err.text);
    seam_check(t, !is_there(seam_path(t, "/dev/shm/.seam-%s.old", dirs.run)));
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
    close(folder);
}
