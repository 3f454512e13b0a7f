/* service/keeper.c - what modules ask of the keeper; see keeper.h. */

#include "service/keeper.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"

enum { NOTE_MAX = 8192 };

/* Send a frame if the socket has room for it: a runner that does not read must not hold up all. A small
 * packet goes whole or not at all. */
static bool send_now(int fd, const struct buf *frame)
{
    return !frame->failed && send(fd, frame->data, frame->size, MSG_DONTWAIT | MSG_NOSIGNAL) ==
                                 (ssize_t)frame->size;
}

static void tell(struct keeper *keeper, const char *key, const char *format, va_list args)
{
    struct buf frame = BUF_INIT(NOTE_MAX * 2), text = BUF_INIT(NOTE_MAX);
    size_t begin;

    buf_vprintf(&text, format, args);
    begin = message_begin(&frame);
    message_add_text(&frame, key, buf_text(&text));
    message_end(&frame, begin);

    pthread_mutex_lock(&keeper->lock);
    for (int i = 0; i < KEEPER_RUNNERS; i++) /* one of them: a shared server is started once */
        if (keeper->runners[i] >= 0 && send_now(keeper->runners[i], &frame))
            break;
    pthread_mutex_unlock(&keeper->lock);
    buf_fini(&frame);
    buf_fini(&text);
}

void keeper_note(struct keeper *keeper, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(keeper, "note", format, args);
    va_end(args);
}

void keeper_progress(struct keeper *keeper, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(keeper, "progress", format, args);
    va_end(args);
}

int keeper_error(struct buf *reply, const char *format, ...)
{
    struct buf text = BUF_INIT(NOTE_MAX);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    message_add_text(reply, "error", buf_text(&text));
    buf_fini(&text);
    return -ECANCELED;
}

int keeper_skip(struct buf *reply, const char *remedy, const char *format, ...)
{
    struct buf text = BUF_INIT(NOTE_MAX);
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    message_add_text(reply, "skip", buf_text(&text));
    message_add_text(reply, "try", remedy);
    buf_fini(&text);
    return -ECANCELED;
}

/* Whether `folder` is in memory and has that much room, with a quarter to spare. */
static bool has_room(const char *folder, uint64_t need)
{
    struct statfs fs;

    if (statfs(folder, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
        return false;
    return fs.f_bavail * (uint64_t)fs.f_bsize >= need + need / 4;
}

/* A server may run as nobody, who must get through our folders to its own; as another user than root
 * nobody else has to. */
static int make_folders(const char *run_folder, const char *folder, struct err *err)
{
    char services[CLEAN_PATH_MAX + sizeof CLEAN_SERVICES + 1];
    mode_t mode = geteuid() == 0 ? 0711 : 0700;

    snprintf(services, sizeof services, "%s/" CLEAN_SERVICES, run_folder);
    if (mode != 0700 && chmod(run_folder, mode) < 0)
        return err_system(err, -errno, "cannot open '%s' to servers", run_folder);
    if (mkdir(services, 0700) < 0 && errno != EEXIST)
        return err_system(err, -errno, "cannot make '%s'", services);
    if (mode != 0700 && chmod(services, mode) < 0)
        return err_system(err, -errno, "cannot open '%s' to servers", services);
    if (mkdir(folder, 0700) < 0)
        return err_system(err, -errno, "cannot make '%s'", folder);
    return 0;
}

int keeper_prepare(struct keeper *keeper, struct service *service, const char *kind,
                   uint64_t need, bool *ret_on_tmpfs, struct err *err)
{
    const bool on_tmpfs = has_room(keeper->dirs.memory, need);
    const char *root = on_tmpfs ? keeper->dirs.memory : keeper->dirs.disk;
    int number;

    pthread_mutex_lock(&keeper->lock);
    number = ++keeper->next_service;
    pthread_mutex_unlock(&keeper->lock);
    service->kind = kind;
    snprintf(service->name, sizeof service->name, "%s-%d", kind, number);
    if (snprintf(service->folder, sizeof service->folder, "%s/" CLEAN_SERVICES "/%s", root,
                 service->name) >= (int)sizeof service->folder - 8)
        return err_set(err, -ENAMETOOLONG, "the folder '%s' has too long a name", root);
    snprintf(service->log, sizeof service->log, "%s/log", service->folder);
    service->since_ns = now_ns();
    *ret_on_tmpfs = on_tmpfs;
    return make_folders(root, service->folder, err);
}

const char *keeper_marker(const struct keeper *keeper, const struct service *service,
                          char *room, size_t size)
{
    snprintf(room, size, "%s." CLEAN_SERVICES ".%s", keeper->dirs.run, service->name);
    return room;
}

void keeper_add(struct keeper *keeper, struct service *service)
{
    pthread_mutex_lock(&keeper->lock);
    service->next = keeper->services;
    keeper->services = service;
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_remove(struct keeper *keeper, struct service *service)
{
    pthread_mutex_lock(&keeper->lock);
    for (struct service **at = &keeper->services; *at; at = &(*at)->next)
        if (*at == service) {
            *at = service->next;
            break;
        }
    pthread_mutex_unlock(&keeper->lock);
}

void keeper_count(struct keeper *keeper, struct service *service, int change)
{
    pthread_mutex_lock(&keeper->lock);
    service->leases += change;
    pthread_mutex_unlock(&keeper->lock);
}
