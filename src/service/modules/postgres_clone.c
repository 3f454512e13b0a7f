/* service/modules/postgres_clone.c - copy a sealed template; see postgres_clone.h. */

#include "service/modules/postgres_clone.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { PATH_ROOM = CLEAN_PATH_MAX + 128, USUAL_SIZE = 8 << 20, WAL_LOG_SINCE = 150000 };

void clone_source_init(struct clone_source *source, int number)
{
    snprintf(source->name, sizeof source->name, "seam_template_%d", number);
    pthread_mutex_init(&source->lock, NULL);
}

void clone_source_fini(struct clone_source *source)
{
    source->image = image_free(source->image);
    pthread_mutex_destroy(&source->lock);
}

uint64_t clone_size(struct clone_source *source)
{
    uint64_t size;

    pthread_mutex_lock(&source->lock);
    size = source->image ? image_size(source->image) : USUAL_SIZE;
    pthread_mutex_unlock(&source->lock);
    return size;
}

const char *clone_strategy(const struct postgres_server *server)
{
    return server->number >= WAL_LOG_SINCE ? " STRATEGY FILE_COPY" : "";
}

static int say(struct err *err, int result, const char *name, const struct sql_error *error)
{
    struct buf text = BUF_INIT(2000);

    sql_error_text(error, &text);
    err_set(err, result, "cannot make the database '%s': %s", name, buf_text(&text));
    buf_fini(&text);
    return result;
}

static int create(struct sql *sql, const char *from, const char *name, const char *strategy,
                  struct err *err)
{
    struct sql_error error = { 0 };
    int r = sql_runf(sql, &error, "CREATE DATABASE %s TEMPLATE %s%s", name, from, strategy);

    return r < 0 ? say(err, r, name, &error) : 0;
}

int clone_by_server(struct postgres_server *server, struct sql *sql, const char *from,
                    const char *name, struct err *err)
{
    return create(sql, from, name, clone_strategy(server), err);
}

/* The folder of a database: <data>/base/<oid>. */
static int find_folder(const struct postgres_server *server, struct sql *sql, const char *name,
                       char *ret, size_t size, struct err *err)
{
    char statement[128 + POSTGRES_NAME];
    struct buf oid = BUF_INIT(32);
    struct sql_error error = { 0 };
    enum sql_found found = SQL_NO_ROW;
    int r;

    snprintf(statement, sizeof statement, "SELECT oid FROM pg_database WHERE datname = '%s'",
             name);
    r = sql_value(sql, statement, &found, &oid, &error);
    if (r == 0 && found != SQL_VALUE)
        r = -ENOENT;
    if (r == 0)
        snprintf(ret, size, "%s/base/%s", server->data, buf_text(&oid));
    buf_fini(&oid);
    return r < 0 ? say(err, r, name, &error) : 0;
}

/* Files of a database in a table space lie elsewhere: then the server must copy. */
static bool uses_table_spaces(struct sql *sql)
{
    struct buf count = BUF_INIT(32);
    enum sql_found found = SQL_NO_ROW;
    int r = sql_value(sql, "SELECT count(*) FROM pg_tablespace", &found, &count, NULL);
    bool uses = r < 0 || found != SQL_VALUE || strcmp(buf_text(&count), "2") != 0;

    buf_fini(&count);
    return uses;
}

/* Make all tables of a database empty, the one that lists the others among them. */
static void empty_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int fd;

    while (entries && (entry = readdir(entries))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        fd = openat(dirfd(entries), entry->d_name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
        io_close(&fd);
    }
    if (entries)
        closedir(entries);
}

/* Pack the template and empty its folder. It was cloned once, so its files are complete on the disk:
 * that clone began with a checkpoint that writes out everything, and nobody can connect. */
static void take_image(struct postgres_server *server, struct clone_source *source,
                       struct sql *sql)
{
    char folder[PATH_ROOM], file[PATH_ROOM + POSTGRES_NAME];
    struct image *image = NULL;
    int r;

    source->left_to_server = true;
    if (server->box || server->number < WAL_LOG_SINCE || uses_table_spaces(sql) ||
        find_folder(server, sql, source->name, folder, sizeof folder, NULL) < 0)
        return;
    snprintf(file, sizeof file, "%s/%s.image", server->service.folder, source->name);
    r = image_pack(folder, file, NULL);
    if (r == 0)
        r = image_open(file, &image, NULL);
    unlink(file);
    if (r < 0)
        return;
    empty_folder(folder);
    source->image = image;
    source->left_to_server = false;
}

/* Create it from the emptied template and unpack the files behind. */
static int create_from_image(struct postgres_server *server, const struct clone_source *source,
                             struct sql *sql, const char *name, struct err *err)
{
    char folder[PATH_ROOM];
    struct sql_error error;
    int r = create(sql, source->name, name, " STRATEGY WAL_LOG", err);

    if (r < 0)
        return r;
    r = find_folder(server, sql, name, folder, sizeof folder, err);
    if (r == 0)
        r = image_unpack(source->image, folder, identity_owner(server->identity), 1, err);
    if (r < 0)
        sql_runf(sql, &error, "DROP DATABASE IF EXISTS %s", name);
    return r;
}

int clone_make(struct postgres_server *server, struct clone_source *source, struct sql *sql,
               const char *name, struct err *err)
{
    int r;

    pthread_mutex_lock(&source->lock);
    if (source->clones == 1 && !source->image && !source->left_to_server)
        take_image(server, source, sql);
    if (source->clones == 0) {
        r = clone_by_server(server, sql, source->name, name, err);
        source->clones += r == 0;
        pthread_mutex_unlock(&source->lock);
        return r;
    }
    source->clones++;
    pthread_mutex_unlock(&source->lock);
    if (source->left_to_server)
        return clone_by_server(server, sql, source->name, name, err);
    return create_from_image(server, source, sql, name, err);
}
