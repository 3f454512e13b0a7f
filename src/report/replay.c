/* report/replay.c - read a log that -events wrote; see replay.h. */

#include "report/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { CHUNK = 64 << 10 };

struct replay {
    const char *path;
    struct report *reports;
    int file;
    struct buf bytes; /* read and not yet taken */
    uint64_t offset; /* in the file, of the first of them */
    bool finished; /* the run's end has been seen */
};

/* Read on. Returns the bytes that came, 0 at the end of the file. */
static ssize_t read_more(struct replay *replay, struct err *err)
{
    char *to = buf_reserve(&replay->bytes, CHUNK);
    ssize_t size;

    if (!to)
        return err_set(err, -ENOMEM, "cannot read '%s': out of memory", replay->path);
    do
        size = read(replay->file, to, CHUNK);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return err_system(err, -errno, "cannot read '%s'", replay->path);
    replay->bytes.size += (size_t)size;
    return size;
}

static void take(struct replay *replay, size_t size)
{
    buf_drop(&replay->bytes, size);
    replay->offset += size;
}

/* ---- the beginning */

static const size_t magic_size = sizeof EVENT_LOG_MAGIC - 1;

/* Another version differs behind the last '-'. */
static int refuse(const struct replay *replay, struct err *err)
{
    const char *first = buf_text(&replay->bytes);
    size_t family = (size_t)(strrchr(EVENT_LOG_MAGIC, '-') + 1 - EVENT_LOG_MAGIC);

    if (replay->bytes.size < family || memcmp(first, EVENT_LOG_MAGIC, family) != 0)
        return err_set(err, -EPROTO,
                       "'%s' is no event log of seam; try: seam test -events FILE ...",
                       replay->path);
    return err_set(
        err, -EPROTO,
        "'%s' was written by another version of seam (%.*s, this one reads %.*s); try: "
        "the seam that wrote it",
        replay->path, (int)strcspn(first, "\n") < 40 ? (int)strcspn(first, "\n") : 40, first,
        (int)magic_size - 1, EVENT_LOG_MAGIC);
}

static int check_magic(struct replay *replay, struct err *err)
{
    ssize_t r = 1;

    while (r > 0 && replay->bytes.size < magic_size)
        r = read_more(replay, err);
    if (r < 0)
        return (int)r;
    if (replay->bytes.size < magic_size ||
        memcmp(replay->bytes.data, EVENT_LOG_MAGIC, magic_size) != 0)
        return refuse(replay, err);
    take(replay, magic_size);
    return 0;
}

/* ---- the records */

static void hand_out(struct replay *replay, const struct event *event)
{
    for (struct report *report = replay->reports; report; report = report->next)
        report->event(report, event);
    replay->finished |= event->kind == EVENT_FINISH;
}

/* Hand out all records that are whole. */
static int take_records(struct replay *replay, struct err *err)
{
    struct event event;
    size_t at = 0;
    long size;

    while ((size = event_decode(replay->bytes.data + at, replay->bytes.size - at, &event)) >
           0) {
        hand_out(replay, &event);
        at += (size_t)size;
    }
    take(replay, at);
    if (size < 0)
        return err_set(err, -EPROTO,
                       "'%s' is damaged at byte %llu; what comes behind it is lost",
                       replay->path, (unsigned long long)replay->offset);
    return 0;
}

static int check_end(const struct replay *replay, struct err *err)
{
    if (replay->bytes.size > 0)
        return err_set(err, -EPROTO, "'%s' is cut off in the event that begins at byte %llu",
                       replay->path, (unsigned long long)replay->offset);
    if (!replay->finished)
        return err_set(err, -EPROTO, "'%s' ends at byte %llu, before the end of its run",
                       replay->path, (unsigned long long)replay->offset);
    return 0;
}

static int replay_all(struct replay *replay, struct err *err)
{
    ssize_t r = check_magic(replay, err);

    while (r == 0) {
        r = take_records(replay, err);
        if (r < 0)
            break;
        r = read_more(replay, err);
        if (r == 0)
            return check_end(replay, err);
        r = r > 0 ? 0 : r;
    }
    return (int)r;
}

int report_replay(const char *path, struct report *reports, struct err *err)
{
    struct replay replay = {
        .path = path,
        .reports = reports,
        .file = open(path, O_RDONLY | O_CLOEXEC),
        .bytes = BUF_INIT((size_t)EVENT_MAX + 2 * CHUNK),
    };
    int r;

    if (replay.file < 0)
        return err_system(err, -errno, "cannot open the event log '%s'", path);
    r = replay_all(&replay, err);
    buf_fini(&replay.bytes);
    io_close(&replay.file);
    return r;
}
