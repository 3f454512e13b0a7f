/* report/hold.c - text that waits for its turn; see hold.h. */

#include "report/hold.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

enum { IN_MEMORY = 1 << 20 };

static int nameless_file(void)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    int fd;

    if (!folder || !*folder ||
        snprintf(path, sizeof path, "%s/seam-XXXXXX", folder) >= (int)sizeof path)
        snprintf(path, sizeof path, "/tmp/seam-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static void spill(struct hold *hold)
{
    if (hold->file < 0)
        hold->file = nameless_file();
    if (hold->file < 0 || lseek(hold->file, (off_t)hold->in_file, SEEK_SET) < 0 ||
        io_write_all(hold->file, hold->rest.data, hold->rest.size) < 0) {
        hold->spill_at *= 2; /* try again much later */
        return;
    }
    hold->in_file += hold->rest.size;
    buf_clear(&hold->rest);
}

void hold_add(struct hold *hold, const char *data, size_t size)
{
    if (hold->spill_at == 0)
        *hold = (struct hold){ BUF_INIT(SIZE_MAX / 2), IN_MEMORY, -1, 0 };
    buf_add(&hold->rest, data, size);
    if (hold->rest.size >= hold->spill_at)
        spill(hold);
}

static void copy_file(const struct hold *hold, FILE *to)
{
    char bytes[16 << 10];

    for (size_t at = 0; at < hold->in_file;) {
        size_t most = hold->in_file - at < sizeof bytes ? hold->in_file - at : sizeof bytes;
        ssize_t size = pread(hold->file, bytes, most, (off_t)at);

        if (size <= 0)
            break;
        fwrite(bytes, 1, (size_t)size, to);
        at += (size_t)size;
    }
}

static void empty(struct hold *hold)
{
    if (hold->spill_at != 0)
        io_close(&hold->file);
    buf_fini(&hold->rest);
    *hold = (struct hold){ 0 };
}

void hold_release(struct hold *hold, FILE *to)
{
    copy_file(hold, to);
    fwrite(buf_text(&hold->rest), 1, hold->rest.size, to);
    empty(hold);
}
