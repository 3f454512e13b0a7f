/* service/modules/log_slice.c - a test's part of a server's log; see log_slice.h. */

#include "service/modules/log_slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/deadline.h"
#include "service/watch.h"

enum { QUIET_MS = 100, SETTLE_MAX_MS = 1000, SLICE_MAX = 16 << 10 };

size_t log_slice_begin(const struct service *service)
{
    struct stat st;

    return service->log[0] && stat(service->log, &st) == 0 ? (size_t)st.st_size : 0;
}

void log_slice_settle(const struct service *service, const struct server *box)
{
    uint64_t last = deadline_after_ms(SETTLE_MAX_MS);
    struct watch watch = WATCH_NONE;
    size_t size;

    if (!box || watch_begin(box->service.folder, &watch) < 0)
        return;
    do {
        size = log_slice_begin(service);
        watch_wait(&watch, box->ended_fd, deadline_after_ms(QUIET_MS));
    } while (log_slice_begin(service) > size && now_ns() < last);
    watch_end(&watch);
}

void log_slice(const struct service *service, size_t from,
               bool (*is_mine)(const void *arg, const char *line), const void *arg,
               struct buf *ret)
{
    FILE *file = fopen(service->log, "re");
    size_t begun = ret->size, room = 0;
    bool shown = false;
    char *line = NULL;
    ssize_t size;

    if (file && fseek(file, (long)from, SEEK_SET) == 0)
        while ((size = getline(&line, &room, file)) > 0 && ret->size - begun < SLICE_MAX) {
            shown = line[0] == '\t' ? shown : is_mine(arg, line);
            if (shown)
                buf_add(ret, line, (size_t)size);
        }
    if (file)
        fclose(file);
    free(line);
}
