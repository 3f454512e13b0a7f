/* service/image.c - a folder packed into one file; see image.h. */

#include "service/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"

enum { PAGE = 4096, PATH_ROOM = 104, COUNT_MAX = 1 << 20, THREADS_MAX = 4 };

static const char magic[8] = "seamimg";

struct head {
    char magic[sizeof magic];
    uint64_t count;
    uint64_t total; /* of the whole file: shows one that was cut short */
};

struct record {
    char path[PATH_ROOM]; /* from the folder, ends in NUL */
    uint64_t size; /* of the file */
    uint64_t stored; /* bytes of it that are in the image; the rest is zero */
    uint64_t offset;
    uint32_t mode; /* type and rights, as in st_mode */
    uint32_t unused;
};

struct image {
    const char *data;
    size_t size;
    const struct record *records;
    uint64_t count;
};

/* ---- packing ---------------------------------------------------------------------------- */

struct packing {
    struct buf records; /* of struct record */
    struct err *err;
};

static int add_folder(struct packing *packing, int folder, const char *path);

static int add_entry(struct packing *packing, int folder, const char *prefix, const char *name)
{
    struct record record = { 0 };
    struct stat st;
    int fd;

    if ((size_t)snprintf(record.path, sizeof record.path, "%s%s%s", prefix, *prefix ? "/" : "",
                         name) >= sizeof record.path)
        return err_set(packing->err, -ENAMETOOLONG, "cannot pack '%s/%s': name too long",
                       prefix, name);
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return err_system(packing->err, -errno, "cannot pack '%s'", record.path);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return err_set(packing->err, -EINVAL, "cannot pack '%s': not a file or folder",
                       record.path);
    record.mode = st.st_mode;
    record.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    if (buf_add(&packing->records, &record, sizeof record) < 0)
        return err_set(packing->err, -ENOMEM, "cannot pack '%s': too many files", record.path);
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_system(packing->err, -errno, "cannot pack '%s'", record.path);
    return add_folder(packing, fd, record.path);
}

/* Add all entries of an open folder; closes it. */
static int add_folder(struct packing *packing, int folder, const char *path)
{
    DIR *entries = fdopendir(folder);
    struct dirent *entry;
    int r = 0;

    if (!entries) {
        close(folder);
        return err_set(packing->err, -ENOMEM, "cannot pack '%s': out of memory", path);
    }
    while (r == 0 && (entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = add_entry(packing, dirfd(entries), path, entry->d_name);
    closedir(entries);
    return r;
}

/* The size of `data` without the zero pages at its end. */
static uint64_t without_zeros(const char *data, uint64_t size)
{
    static const char zeros[PAGE];

    while (size > 0) {
        uint64_t last = (size - 1) % PAGE + 1;

        if (memcmp(data + size - last, zeros, last) != 0)
            break;
        size -= last;
    }
    return size;
}

/* Append the contents of one file at *offset; the record learns where and how much. */
static int pack_file(int out, int folder, struct record *record, uint64_t *offset,
                     struct err *err)
{
    int fd, r = 0;
    char *data;

    if (!S_ISREG(record->mode) || record->size == 0)
        return 0;
    fd = openat(folder, record->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_system(err, -errno, "cannot read '%s'", record->path);
    data = mmap(NULL, record->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return err_system(err, -errno, "cannot read '%s'", record->path);
    record->stored = without_zeros(data, record->size);
    record->offset = *offset;
    if (lseek(out, (off_t)*offset, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        r = io_write_all(out, data, record->stored);
    munmap(data, record->size);
    *offset = (*offset + record->stored + PAGE - 1) / PAGE * PAGE;
    return r < 0 ? err_system(err, r, "cannot pack '%s'", record->path) : 0;
}

static int write_image(int out, int folder, struct packing *packing)
{
    struct record *records = (struct record *)packing->records.data;
    struct head head = { .count = packing->records.size / sizeof *records };
    uint64_t offset = (sizeof head + packing->records.size + PAGE - 1) / PAGE * PAGE;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < head.count; i++)
        r = pack_file(out, folder, &records[i], &offset, packing->err);
    if (r < 0)
        return r;
    memcpy(head.magic, magic, sizeof magic);
    head.total = offset;
    if (ftruncate(out, (off_t)offset) < 0 || lseek(out, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        r = io_write_all(out, &head, sizeof head);
    if (r == 0)
        r = io_write_all(out, packing->records.data, packing->records.size);
    return r < 0 ? err_system(packing->err, r, "cannot write the image") : 0;
}

int image_pack(const char *folder, const char *file, struct err *err)
{
    struct packing packing = { BUF_INIT((size_t)COUNT_MAX * sizeof(struct record)), err };
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int out = -1, r;
    char temporary[4096];

    snprintf(temporary, sizeof temporary, "%s.XXXXXX", file);
    r = fd < 0 ? err_system(err, -errno, "cannot open '%s'", folder)
               : add_folder(&packing, fcntl(fd, F_DUPFD_CLOEXEC, 0), "");
    if (r == 0) {
        out = mkostemp(temporary, O_CLOEXEC);
        r = out < 0 ? err_system(err, -errno, "cannot make '%s'", temporary)
                    : write_image(out, fd, &packing);
    }
    if (r == 0 && rename(temporary, file) < 0)
        r = err_system(err, -errno, "cannot make '%s'", file);
    if (out >= 0 && r < 0)
        unlink(temporary);
    io_close(&out);
    io_close(&fd);
    buf_fini(&packing.records);
    return r;
}

/* ---- unpacking -------------------------------------------------------------------------- */

/* Whether every size in a mapped image fits it. */
static bool is_sound(const struct image *image)
{
    const struct head *head = (const struct head *)image->data;

    if (memcmp(head->magic, magic, sizeof magic) != 0 || head->total != image->size ||
        head->count > COUNT_MAX ||
        sizeof *head + head->count * sizeof(struct record) > image->size)
        return false;
    for (uint64_t i = 0; i < head->count; i++) {
        const struct record *record = (const struct record *)(head + 1) + i;

        if (!memchr(record->path, '\0', sizeof record->path) || record->stored > record->size ||
            record->offset > image->size || record->stored > image->size - record->offset)
            return false;
    }
    return true;
}

int image_open(const char *file, struct image **ret, struct err *err)
{
    struct image *image = calloc(1, sizeof *image);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *data = MAP_FAILED;
    int r = 0;

    if (!image || fd < 0 || fstat(fd, &st) < 0)
        r = !image ? -ENOMEM : -errno;
    else if ((size_t)st.st_size < sizeof(struct head))
        r = -EBADMSG;
    else
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (r == 0 && data == MAP_FAILED)
        r = -errno;
    io_close(&fd);
    if (r < 0) {
        free(image);
        return err_system(err, r, "cannot open '%s'", file);
    }
    image->data = data;
    image->size = (size_t)st.st_size;
    if (!is_sound(image)) {
        image_free(image);
        return err_set(err, -EBADMSG, "'%s' is damaged", file);
    }
    image->count = ((const struct head *)data)->count;
    image->records = (const struct record *)((const struct head *)data + 1);
    *ret = image;
    return 0;
}

struct image *image_free(struct image *image)
{
    if (image) {
        munmap((void *)image->data, image->size);
        free(image);
    }
    return NULL;
}

uint64_t image_size(const struct image *image)
{
    uint64_t size = 0;

    for (uint64_t i = 0; i < image->count; i++)
        size += (image->records[i].stored + PAGE - 1) / PAGE * PAGE;
    return size;
}

/* Several threads take the files one after another. */
struct unpacking {
    const struct image *image;
    int folder;
    struct image_owner owner;
    atomic_ulong next;
    atomic_int result; /* of the first that failed */
    atomic_ulong failed; /* and which it was */
};

static int unpack_file(const struct unpacking *unpacking, const struct record *record)
{
    const struct image_owner owner = unpacking->owner;
    int fd = openat(unpacking->folder, record->path,
                    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, record->mode & 0777);
    int r;

    if (fd < 0)
        return -errno;
    r = io_write_all(fd, unpacking->image->data + record->offset, record->stored);
    if (r == 0 && record->stored < record->size && ftruncate(fd, (off_t)record->size) < 0)
        r = -errno;
    if (r == 0 && owner.uid != (uid_t)-1 && fchown(fd, owner.uid, owner.gid) < 0)
        r = -errno;
    close(fd);
    return r;
}

static void *unpack_files(void *arg)
{
    struct unpacking *unpacking = arg;

    while (atomic_load(&unpacking->result) == 0) {
        uint64_t i = atomic_fetch_add(&unpacking->next, 1);
        int r, none = 0;

        if (i >= unpacking->image->count)
            break;
        if (S_ISDIR(unpacking->image->records[i].mode))
            continue;
        r = unpack_file(unpacking, &unpacking->image->records[i]);
        if (r < 0 && atomic_compare_exchange_strong(&unpacking->result, &none, r))
            atomic_store(&unpacking->failed, i);
    }
    return NULL;
}

/* Make the folders, which stand before what is in them. */
static int unpack_folders(struct unpacking *unpacking, struct err *err)
{
    const struct image_owner owner = unpacking->owner;

    for (uint64_t i = 0; i < unpacking->image->count; i++) {
        const struct record *record = &unpacking->image->records[i];

        if (!S_ISDIR(record->mode))
            continue;
        if (mkdirat(unpacking->folder, record->path, record->mode & 0777) < 0 &&
            errno != EEXIST)
            return err_system(err, -errno, "cannot make '%s'", record->path);
        if (owner.uid != (uid_t)-1 &&
            fchownat(unpacking->folder, record->path, owner.uid, owner.gid, 0) < 0)
            return err_system(err, -errno, "cannot give away '%s'", record->path);
    }
    return 0;
}

int image_unpack(const struct image *image, const char *folder, struct image_owner owner,
                 int threads, struct err *err)
{
    struct unpacking unpacking = { .image = image, .owner = owner };
    pthread_t others[THREADS_MAX];
    int started = 0, r;

    unpacking.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (unpacking.folder < 0)
        return err_system(err, -errno, "cannot open '%s'", folder);
    r = unpack_folders(&unpacking, err);
    if (r == 0) {
        while (started < threads - 1 && started < THREADS_MAX &&
               pthread_create(&others[started], NULL, unpack_files, &unpacking) == 0)
            started++;
        unpack_files(&unpacking);
        for (int i = 0; i < started; i++)
            pthread_join(others[i], NULL);
        r = atomic_load(&unpacking.result);
        if (r < 0)
            err_system(err, r, "cannot write '%s/%s'", folder,
                       image->records[atomic_load(&unpacking.failed)].path);
    }
    close(unpacking.folder);
    return r;
}
