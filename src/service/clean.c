/* service/clean.c - what a run owns outside its processes goes away; see clean.h. */

#include "service/clean.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/io.h"
#include "base/map.h"
#include "base/proc.h"

#define MEMORY_FOLDER "/dev/shm"

enum {
    NAME_MAX_SIZE = 64,
    UNFINISHED_SECONDS = 60,
    PID_FILE_MAX = 4096,
    PID_FILE_SHM_LINE = 7,
    REMOVE_MAX_MS = 1000
};

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static const char *disk_root(void)
{
    const char *folder = getenv("TMPDIR");

    return folder && folder[0] == '/' ? folder : "/tmp";
}

/* A folder in memory that we may write to; NULL when there is none. */
static const char *memory_root(void)
{
    struct statfs fs;

    if (statfs(MEMORY_FOLDER, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
        return NULL;
    return access(MEMORY_FOLDER, W_OK | X_OK) == 0 ? MEMORY_FOLDER : NULL;
}

static int random_id(char *ret)
{
    unsigned char bytes[CLEAN_RUN_SIZE];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return -EIO;
    for (int i = 0; i < CLEAN_RUN_SIZE; i++)
        ret[i] = alphabet[bytes[i] % (sizeof alphabet - 1)];
    ret[CLEAN_RUN_SIZE] = '\0';
    return 0;
}

/* Open a folder's lock and lock it by `how`. Returns the descriptor or -errno. */
static int lock_folder(const char *folder, int flags, int how)
{
    char path[CLEAN_PATH_MAX + NAME_MAX_SIZE];
    int fd, r;

    if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
        return -ENAMETOOLONG;
    fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, how | LOCK_NB) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int clean_lock(const char *folder)
{
    return lock_folder(folder, O_RDWR, LOCK_SH);
}

/* Make a folder that is locked before anybody can see it under its name. A sweep that meets the
 * unfinished one leaves it alone for a while. Returns the lock or -errno. */
static int make_folder(const char *root, const char *run, char *ret_path, struct err *err)
{
    char unfinished[CLEAN_PATH_MAX];
    int lock, r;

    if (snprintf(ret_path, CLEAN_PATH_MAX, "%s/seam-%s", root, run) >= CLEAN_PATH_MAX - 8)
        return err_set(err, -ENAMETOOLONG,
                       "the folder for temporary files has too long a name: '%.80s...'", root);
    snprintf(unfinished, sizeof unfinished, "%s/.seam-%s.new", root, run);
    if (mkdir(unfinished, 0700) < 0)
        return err_system(err, -errno, "cannot make a folder in '%s'", root);
    lock = lock_folder(unfinished, O_RDWR | O_CREAT | O_EXCL, LOCK_SH);
    if (lock >= 0 && rename(unfinished, ret_path) == 0)
        return lock;
    r = lock < 0 ? lock : -errno;
    io_close(&lock);
    io_remove_tree(unfinished, NULL);
    return err_system(err, r, "cannot make the folder '%s'", ret_path);
}

int clean_make_dirs(struct clean_dirs *ret, struct err *err)
{
    struct clean_dirs dirs = CLEAN_DIRS_NONE;
    const char *memory = memory_root();
    int r = random_id(dirs.run);

    if (r < 0)
        return err_system(err, r, "cannot get random bytes for the run's id");
    r = make_folder(disk_root(), dirs.run, dirs.disk, err);
    if (r < 0)
        return r;
    dirs.lock_disk = r;
    if (memory && strcmp(memory, disk_root()) != 0)
        dirs.lock_memory = make_folder(memory, dirs.run, dirs.memory, NULL);
    if (dirs.lock_memory < 0) {
        dirs.lock_memory = -1;
        memcpy(dirs.memory, dirs.disk, sizeof dirs.memory);
    }
    *ret = dirs;
    return 0;
}

/* Remove a segment if a server made it under this key: its id may be somebody else's after a restart of
 * the machine, and root is refused nothing. */
static void remove_segment(long key, int id)
{
    struct shmid_ds segment;

    if (shmctl(id, IPC_STAT, &segment) == 0 && segment.shm_perm.__key == (key_t)key)
        shmctl(id, IPC_RMID, NULL);
}

void clean_shared_memory(const char *data)
{
    struct buf text = BUF_INIT(PID_FILE_MAX);
    char path[4096];
    const char *line;
    long key, id;

    snprintf(path, sizeof path, "%s/postmaster.pid", data);
    if (io_read_file(path, &text) == 0) {
        line = buf_text(&text);
        for (int i = 1; line && i < PID_FILE_SHM_LINE; i++) {
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
        if (line && sscanf(line, "%ld %ld", &key, &id) == 2)
            remove_segment(key, (int)id);
    }
    buf_fini(&text);
}

/* Give back the shared memory of every server whose data is in `<services>/<name>/data`. */
static void clean_all_shared_memory(const char *services)
{
    char data[4096];
    struct dirent *entry;
    DIR *entries = opendir(services);

    if (!entries)
        return;
    while ((entry = readdir(entries))) {
        snprintf(data, sizeof data, "%s/%s/data", services, entry->d_name);
        clean_shared_memory(data);
    }
    closedir(entries);
}

/* Remove a folder with all that is in it. A thread of this keeper may still be unpacking into one, by
 * a descriptor: it fails as soon as the folder itself is gone, which takes another try or two. */
static int remove_whole(const char *folder, struct err *err)
{
    const uint64_t deadline = deadline_after_ms(REMOVE_MAX_MS);
    int r;

    do
        r = io_remove_tree(folder, err);
    while ((r == -ENOTEMPTY || r == -EEXIST) && now_ns() < deadline);
    return r;
}

/* Remove a run's folder. It is renamed first: while its entries go, lock and all, nobody may take
 * it for a whole one, and an interrupted removal is finished by the next sweep. */
static int remove_folder(const char *folder, struct err *err)
{
    const char *name = strrchr(folder, '/');
    char old[CLEAN_PATH_MAX + NAME_MAX_SIZE];

    snprintf(old, sizeof old, "%.*s/.%s.old", (int)(name - folder), folder, name + 1);
    if (rename(folder, old) < 0)
        return errno == ENOENT ? 0 : err_system(err, -errno, "cannot remove '%s'", folder);
    return remove_whole(old, err);
}

/* End the processes that bear the marker, and servers' back ends, which have lost theirs. */
static int kill_all(const char *marker, const char *disk, const char *memory,
                    const pid_t *except, size_t count, struct err *err)
{
    struct proc_match match = { .marker = marker, .folders = { disk, memory } };
    int r;

    for (size_t i = 0; i < count && i < PROC_EXCEPT; i++)
        match.except[i] = except[i];
    r = proc_kill(&match);
    return r < 0 ? err_system(err, r, "cannot end all processes of '%s'", marker) : 0;
}

/* The keeper's part of a run's two folders. */
struct parts {
    char disk[CLEAN_PATH_MAX + NAME_MAX_SIZE];
    char memory[CLEAN_PATH_MAX + NAME_MAX_SIZE];
};

static void name_parts(const struct clean_dirs *dirs, struct parts *ret)
{
    snprintf(ret->disk, sizeof ret->disk, "%s/" CLEAN_SERVICES, dirs->disk);
    snprintf(ret->memory, sizeof ret->memory, "%s/" CLEAN_SERVICES, dirs->memory);
}

int clean_run(const struct clean_dirs *dirs, const pid_t *except, size_t count, struct err *err)
{
    char marker[NAME_MAX_SIZE];
    struct parts parts;
    int killed, disk, memory;

    name_parts(dirs, &parts);
    snprintf(marker, sizeof marker, "%s.", dirs->run);
    killed = kill_all(marker, parts.disk, parts.memory, except, count, err);
    clean_all_shared_memory(parts.disk);
    clean_all_shared_memory(parts.memory);
    disk = remove_folder(dirs->disk, killed < 0 ? NULL : err);
    memory = remove_folder(dirs->memory, killed < 0 || disk < 0 ? NULL : err);
    return killed < 0 ? killed : disk < 0 ? disk : memory;
}

int clean_services(const struct clean_dirs *dirs, struct err *err)
{
    char marker[NAME_MAX_SIZE];
    struct parts parts;
    int killed, disk, memory;

    name_parts(dirs, &parts);
    snprintf(marker, sizeof marker, "%s." CLEAN_SERVICES, dirs->run);
    killed = kill_all(marker, parts.disk, parts.memory, NULL, 0, err);
    clean_all_shared_memory(parts.disk);
    clean_all_shared_memory(parts.memory);
    disk = remove_whole(parts.disk, killed < 0 ? NULL : err);
    memory = remove_whole(parts.memory, killed < 0 || disk < 0 ? NULL : err);
    return killed < 0 ? killed : disk < 0 ? disk : memory;
}

/* Whether `name` is `prefix`, an id and `suffix`; the id is copied. */
static bool is_run_name(const char *name, const char *prefix, const char *suffix, char *ret_run)
{
    size_t skip = strlen(prefix);

    if (strncmp(name, prefix, skip) != 0 || strspn(name + skip, alphabet) != CLEAN_RUN_SIZE ||
        strcmp(name + skip + CLEAN_RUN_SIZE, suffix) != 0)
        return false;
    memcpy(ret_run, name + skip, CLEAN_RUN_SIZE);
    ret_run[CLEAN_RUN_SIZE] = '\0';
    return true;
}

static bool is_own_folder(int root, const char *name, time_t *ret_changed)
{
    struct stat st;

    if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    *ret_changed = st.st_mtime;
    return S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* ---- containers ------------------------------------------------------------------------- */

#define CONTAINERS "containers"

static bool has_containers(const char *folder)
{
    char path[CLEAN_PATH_MAX + NAME_MAX_SIZE];

    snprintf(path, sizeof path, "%s/" CONTAINERS, folder);
    return access(path, F_OK) == 0;
}

int clean_note_containers(const struct clean_dirs *dirs)
{
    char path[CLEAN_PATH_MAX + NAME_MAX_SIZE];
    int fd;

    snprintf(path, sizeof path, "%s/" CONTAINERS, dirs->memory);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

bool clean_has_containers(const struct clean_dirs *dirs)
{
    return has_containers(dirs->memory);
}

static bool is_locked(const char *root, const char *run)
{
    char folder[CLEAN_PATH_MAX];
    int lock;

    snprintf(folder, sizeof folder, "%s/seam-%s", root, run);
    lock = lock_folder(folder, O_RDWR, LOCK_EX);
    if (lock >= 0)
        close(lock);
    return lock == -EWOULDBLOCK;
}

bool clean_lives(const char *run)
{
    const char *memory = memory_root();

    return is_locked(disk_root(), run) || (memory && is_locked(memory, run));
}

uint64_t clean_place(void)
{
    const char *root = memory_root() ? memory_root() : disk_root();
    struct stat st = { 0 };
    uint64_t hash = hash_bytes(HASH_BEGIN, root, strlen(root));

    stat(root, &st);
    return hash_bytes(hash, &st.st_dev, sizeof st.st_dev);
}

/* ---- sweeping --------------------------------------------------------------------------- */

/* Clean up after the run of this folder if nobody holds its lock. */
static int sweep_run(const char *root, const char *name, const char *run, bool *containers)
{
    struct clean_dirs dead = CLEAN_DIRS_NONE;
    const char *memory = memory_root();
    int lock;

    snprintf(dead.run, sizeof dead.run, "%s", run);
    snprintf(dead.disk, sizeof dead.disk, "%s/%s", root, name);
    snprintf(dead.memory, sizeof dead.memory, "%s/%s", memory ? memory : root, name);
    lock = lock_folder(dead.disk, O_RDWR, LOCK_EX);
    if (lock < 0)
        return 0;
    *containers = *containers || has_containers(dead.disk) || has_containers(dead.memory);
    clean_run(&dead, NULL, 0, NULL);
    close(lock);
    return 1;
}

/* Finish what an interrupted making or removal has left. */
static void sweep_rest(const char *root, const char *name, bool is_new, time_t changed)
{
    char path[CLEAN_PATH_MAX + 256];
    int lock;

    if (is_new && time(NULL) - changed < UNFINISHED_SECONDS)
        return;
    snprintf(path, sizeof path, "%s/%s", root, name);
    lock = lock_folder(path, O_RDWR, LOCK_EX);
    if (lock == -EWOULDBLOCK)
        return;
    io_remove_tree(path, NULL);
    io_close(&lock);
}

static int sweep_root(const char *root, bool *containers)
{
    char run[CLEAN_RUN_SIZE + 1];
    struct dirent *entry;
    DIR *entries = opendir(root);
    int swept = 0;

    if (!entries)
        return 0;
    while ((entry = readdir(entries))) {
        const char *name = entry->d_name;
        bool whole = is_run_name(name, "seam-", "", run);
        bool is_new = !whole && is_run_name(name, ".seam-", ".new", run);
        time_t changed;

        if (!whole && !is_new && !is_run_name(name, ".seam-", ".old", run))
            continue;
        if (!is_own_folder(dirfd(entries), name, &changed))
            continue;
        if (whole)
            swept += sweep_run(root, name, run, containers);
        else
            sweep_rest(root, name, is_new, changed);
    }
    closedir(entries);
    return swept;
}

int clean_sweep(bool *ret_containers)
{
    const char *memory = memory_root();
    bool containers = false;
    int swept = sweep_root(disk_root(), &containers);

    if (memory && strcmp(memory, disk_root()) != 0)
        swept += sweep_root(memory, &containers);
    if (ret_containers)
        *ret_containers = containers;
    return swept;
}
