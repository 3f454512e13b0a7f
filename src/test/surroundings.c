/* test/surroundings.c - folders, files, environment: what a test needs from its surroundings. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "test/state.h"

enum { FILE_MAX = 256 << 20 };

void *seam_alloc(seam_t *t, size_t size)
{
    return arena_zero(&t->arena, size);
}

char *seam_format(seam_t *t, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(&t->arena, format, args);
    va_end(args);
    return text;
}

const char *seam_path(seam_t *t, const char *format, ...)
{
    va_list args;
    char *path;

    va_start(args, format);
    path = arena_vprintf(&t->arena, format, args);
    va_end(args);
    if (strlen(path) >= PATH_MAX)
        seam_fatal_at(t, (seam_site){ 0 },
                      "a path of %zu bytes is longer than paths may be (%d)", strlen(path),
                      PATH_MAX);
    return path;
}

const char *t_source_path(seam_t *t, seam_site at, const char *path)
{
    const char *slash = at.file ? strrchr(at.file, '/') : NULL;

    if (*path == '/')
        return arena_dup(&t->arena, path);
    if (!slash)
        return arena_printf(&t->arena, "%s/%s", process.source_root, path);
    if (at.file[0] == '/')
        return arena_printf(&t->arena, "%.*s/%s", (int)(slash - at.file), at.file, path);
    return arena_printf(&t->arena, "%s/%.*s/%s", process.source_root, (int)(slash - at.file),
                        at.file, path);
}

/* ---- folders */

/* "orders/create" as one element of a path. */
static const char *flat_name(seam_t *t)
{
    char *flat = arena_dup(&t->arena, t->name);

    for (char *at = flat; *at; at++)
        if (!strchr("-_.+=@#", *at) && !(*at >= '0' && *at <= '9') &&
            !(*at >= 'A' && *at <= 'Z') && !(*at >= 'a' && *at <= 'z'))
            *at = '_';
    if (strlen(flat) > 100)
        flat[100] = '\0';
    return flat;
}

struct folder {
    seam_t *t;
    seam_site site;
    const char *path;
};

static void remove_folder(void *arg)
{
    struct folder *folder = arg;
    struct err err = { "" };

    if (!emit_is_forked() && io_remove_tree(folder->path, &err) < 0)
        seam_error_at(folder->t, folder->site, "the test's folder cannot be removed: %s",
                      err.text);
}

const char *t_make_folder(seam_t *t, seam_site at, const char *name)
{
    struct folder *folder = arena_zero(&t->arena, sizeof *folder);
    char *path =
        arena_printf(&t->arena, "%s/%s.XXXXXX", process.folder, name ? name : flat_name(t));

    if (!mkdtemp(path))
        seam_fatal_at(t, at, "cannot make a folder in '%s': %s", process.folder,
                      strerror(errno));
    *folder = (struct folder){ t, at, path };
    seam_cleanup(t, remove_folder, folder);
    return path;
}

const char *seam_tempdir_at(seam_t *t, seam_site at)
{
    if (!t->tempdir)
        t->tempdir = t_make_folder(t, at, NULL);
    return t->tempdir;
}

const char *seam_artifact_dir_at(seam_t *t, seam_site at)
{
    struct event event = { .kind = EVENT_ARTIFACT, .node = t->node };
    const char *path;
    int r;

    if (t->artifact_dir)
        return t->artifact_dir;
    if (!process.artifacts)
        return t->artifact_dir = t_make_folder(t, at, NULL);
    path = seam_path(t, "%s/%s", process.artifacts, flat_name(t));
    r = io_make_folders(path, 0777);
    if (r < 0)
        seam_fatal_at(t, at, "cannot make the folder '%s': %s", path, strerror(-r));
    event.text = text_of(path);
    emit(&event);
    return t->artifact_dir = path;
}

/* ---- files */

static void close_file(void *fd)
{
    close((int)(intptr_t)fd);
}

seam_file seam_tempfile_at(seam_t *t, seam_site at, const char *pattern)
{
    const char *star = strrchr(pattern, '*');
    int before = star ? (int)(star - pattern) : (int)strlen(pattern);
    const char *after = star ? star + 1 : "";
    seam_file file;
    char *path;

    if (strchr(pattern, '/'))
        seam_fatal_at(t, at, "the pattern '%s' of a temporary file must not name a folder",
                      pattern);
    path = arena_printf(&t->arena, "%s/%.*sXXXXXX%s", seam_tempdir_at(t, at), before, pattern,
                        after);
    file.fd = mkostemps(path, (int)strlen(after), O_CLOEXEC);
    if (file.fd < 0)
        seam_fatal_at(t, at, "cannot make the file '%s': %s", path, strerror(errno));
    file.path = path;
    seam_cleanup(t, close_file, (void *)(intptr_t)file.fd);
    return file;
}

char *seam_read_file_at(seam_t *t, seam_site at, const char *path, size_t *ret_size)
{
    struct buf content = BUF_INIT(FILE_MAX);
    const char *full = t_source_path(t, at, path);
    int r = io_read_file(full, &content);
    char *copy;

    if (r < 0) {
        buf_fini(&content);
        if (r == -ENOBUFS)
            seam_fatal_at(t, at, "'%s' has more than %d MB", full, FILE_MAX >> 20);
        seam_fatal_at(t, at, "cannot read '%s': %s", full, strerror(-r));
    }
    copy = arena_copy(&t->arena, buf_text(&content), content.size);
    if (ret_size)
        *ret_size = content.size;
    buf_fini(&content);
    return copy;
}

void seam_write_file_at(seam_t *t, seam_site at, const char *path, const void *data,
                        size_t size)
{
    const char *full = t_source_path(t, at, path);
    int r = io_write_file(full, data, size);

    if (r < 0)
        seam_fatal_at(t, at, "cannot write '%s': %s", full, strerror(-r));
}

/* ---- environment and folder of the process */

static void refuse_in_parallel(seam_t *t, seam_site at, const char *what)
{
    if (t->in_thread)
        seam_fatal_at(t, at, "%s in a parallel subtest would change it for its siblings too",
                      what);
    for (seam_t *up = t; up; up = up->parent)
        up->changed_process = true;
}

struct variable {
    const char *name;
    char *before; /* NULL: was not set */
};

static int set_variable(const char *name, const char *value)
{
    return value ? setenv(name, value, 1) : unsetenv(name);
}

static void restore_variable(void *arg)
{
    struct variable *variable = arg;

    set_variable(variable->name, variable->before);
}

void seam_setenv_at(seam_t *t, seam_site at, const char *name, const char *value)
{
    struct variable *variable = arena_zero(&t->arena, sizeof *variable);

    refuse_in_parallel(t, at, "seam_setenv");
    if (!*name || strchr(name, '='))
        seam_fatal_at(t, at, "'%s' is not the name of an environment variable", name);
    variable->name = arena_dup(&t->arena, name);
    variable->before = arena_dup(&t->arena, getenv(name));
    seam_cleanup(t, restore_variable, variable);
    if (set_variable(name, value) < 0)
        seam_fatal_at(t, at, "cannot set the environment variable '%s': %s", name,
                      strerror(errno));
}

struct place {
    seam_t *t;
    seam_site site;
    int fd; /* of the folder to go back to */
};

static void restore_folder(void *arg)
{
    struct place *place = arg;

    if (fchdir(place->fd) < 0)
        seam_error_at(place->t, place->site,
                      "cannot go back to the folder before seam_chdir: %s", strerror(errno));
    t_private_close(place->fd);
}

void seam_chdir_at(seam_t *t, seam_site at, const char *path)
{
    const char *full = t_source_path(t, at, path);
    struct place *place = arena_zero(&t->arena, sizeof *place);

    refuse_in_parallel(t, at, "seam_chdir");
    *place = (struct place){ t, at, t_private_fd(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) };
    if (place->fd < 0)
        seam_fatal_at(t, at, "cannot open the current folder: %s", strerror(-place->fd));
    seam_cleanup(t, restore_folder, place);
    if (chdir(full) < 0)
        seam_fatal_at(t, at, "cannot change to '%s': %s", full, strerror(errno));
    seam_setenv_at(t, at, "PWD", full);
}
