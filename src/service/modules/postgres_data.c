/* service/modules/postgres_data.c - a fresh data directory from the cache; see postgres_data.h. */

#include "service/modules/postgres_data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/map.h"

enum { INITDB_MAX_MS = 120000, INITDB_ROOM = 64 << 20, PATH_ROOM = 1024 };

/* A part of the key: to be changed with anything below that changes the result. */
#define LAYOUT "3"

/* Everybody who reaches the socket's folder is trusted; through TCP come other users of the machine
 * too, who lack the password. */
static const char access_rules[] = "local all all trust\nhost all all 127.0.0.1/32 md5\n";

static const char *const initdb_arguments[] = {
    "--auth=trust", "--username=postgres", "--encoding=UTF8",
    "--locale=C",   "--wal-segsize=1",     "--no-sync",
};
enum { INITDB_ARGUMENTS = sizeof initdb_arguments / sizeof *initdb_arguments };

static int name_image(const struct keeper *keeper, const struct postgres_programs *programs,
                      char *ret, size_t size, struct err *err)
{
    char program[600], facts[700];
    uint64_t key = HASH_BEGIN;
    struct stat st;

    snprintf(program, sizeof program, "%s/postgres", programs->folder);
    if (stat(program, &st) < 0)
        return err_system(err, -errno, "cannot find '%s'", program);
    snprintf(facts, sizeof facts, "%s %lld %lld %u " LAYOUT, program, (long long)st.st_mtime,
             (long long)st.st_size, (unsigned)geteuid());
    key = hash_bytes(key, facts, strlen(facts));
    for (int i = 0; i < INITDB_ARGUMENTS; i++)
        key = hash_bytes(key, initdb_arguments[i], strlen(initdb_arguments[i]) + 1);
    snprintf(ret, size, "%s/postgres-%d-%016llx.image", keeper->cache, programs->major,
             (unsigned long long)key);
    return 0;
}

static int run(const struct keeper *keeper, const struct service *work, const char *const *argv,
               struct err *err)
{
    struct child_spec spec = {
        .argv = argv, .folder = "/", .log = work->log, .death_signal = SIGKILL
    };
    char marker[64];
    int r = identity_choose_named(&spec.identity, err);

    spec.marker = keeper_marker(keeper, work, marker, sizeof marker);
    return r < 0 ? r : child_run(&spec, deadline_after_ms(INITDB_MAX_MS), err);
}

static int run_initdb(const struct keeper *keeper, const struct service *work,
                      const struct postgres_programs *programs, const char *data,
                      struct err *err)
{
    const char *argv[INITDB_ARGUMENTS + 4] = { NULL };
    char program[600];

    snprintf(program, sizeof program, "%s/initdb", programs->folder);
    argv[0] = program;
    argv[1] = "--pgdata";
    argv[2] = data;
    memcpy(argv + 3, initdb_arguments, sizeof initdb_arguments);
    return run(keeper, work, argv, err);
}

/* initdb leaves five spare WAL segments; this leaves one that is needed. */
static int drop_spare_wal(const struct keeper *keeper, const struct service *work,
                          const struct postgres_programs *programs, const char *data,
                          struct err *err)
{
    const char *argv[] = { NULL, "--pgdata", data, NULL };
    char program[600];

    snprintf(program, sizeof program, "%s/pg_resetwal", programs->folder);
    argv[0] = program;
    return access(program, X_OK) < 0 ? 0 : run(keeper, work, argv, err);
}

static bool is_map(const char *name)
{
    size_t size = strlen(name);

    return (size > 4 && strcmp(name + size - 4, "_fsm") == 0) ||
           (size > 3 && strcmp(name + size - 3, "_vm") == 0);
}

/* Free space and visibility maps are a quarter of a database's files and hold only hints: the server
 * does without, and makes them again when it wants them. Removed while no server runs, they need not
 * be copied for every test. */
static void drop_maps(const char *folder)
{
    struct dirent *entry;
    DIR *entries = opendir(folder);

    if (!entries)
        return;
    while ((entry = readdir(entries)))
        if (is_map(entry->d_name))
            unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
}

static void drop_all_maps(const char *data)
{
    char path[2 * PATH_ROOM];
    struct dirent *entry;
    DIR *entries;

    snprintf(path, sizeof path, "%s/global", data);
    drop_maps(path);
    snprintf(path, sizeof path, "%s/base", data);
    entries = opendir(path);
    if (!entries)
        return;
    while ((entry = readdir(entries)))
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/base/%s", data, entry->d_name);
            drop_maps(path);
        }
    closedir(entries);
}

/* Replace a file of the data directory, whose rights keep us out unless we own it or are root. */
static int write_rules(const char *data, struct err *err)
{
    char path[2 * PATH_ROOM];
    int fd, r;

    snprintf(path, sizeof path, "%s/pg_hba.conf", data);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, -errno, "cannot write '%s'", path);
    r = io_write_all(fd, access_rules, sizeof access_rules - 1);
    close(fd);
    return r < 0 ? err_system(err, r, "cannot write '%s'", path) : 0;
}

/* Make `image` by initdb in a folder of the run. */
static int make_image(struct keeper *keeper, const struct postgres_programs *programs,
                      const char *image, struct err *err)
{
    struct service work = { 0 };
    struct image_owner owner;
    enum identity identity;
    char data[PATH_ROOM];
    bool on_tmpfs;
    int r = keeper_prepare(keeper, &work, "initdb", INITDB_ROOM, &on_tmpfs, err);

    if (r == 0)
        r = identity_choose_named(&identity, err);
    if (r < 0)
        return r;
    owner = identity_owner(identity);
    snprintf(data, sizeof data, "%s/data", work.folder);
    if (owner.uid != (uid_t)-1 && chown(work.folder, owner.uid, owner.gid) < 0)
        r = err_system(err, -errno, "cannot give away '%s'", work.folder);
    if (r == 0)
        r = run_initdb(keeper, &work, programs, data, err);
    if (r == 0)
        r = drop_spare_wal(keeper, &work, programs, data, err);
    if (r == 0)
        r = write_rules(data, err);
    if (r == 0) {
        drop_all_maps(data);
        io_make_folders(keeper->cache, 0700);
        r = image_pack(data, image, err);
    }
    io_remove_tree(work.folder, NULL);
    return r;
}

int postgres_data_image(struct keeper *keeper, const struct postgres_programs *programs,
                        struct image **ret, struct err *err)
{
    char path[PATH_ROOM];
    int r = name_image(keeper, programs, path, sizeof path, err);

    if (r < 0)
        return r;
    r = image_open(path, ret, err);
    if (r == -ENOENT || r == -EBADMSG) {
        r = make_image(keeper, programs, path, err);
        if (r == 0)
            r = image_open(path, ret, err);
    }
    return r;
}
