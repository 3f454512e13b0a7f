/* service/modules/postgres_init.c - scripts of an image's first start; see postgres_init.h. */

#include "service/modules/postgres_init.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"

enum { SCRIPT_MAX = 256 << 20 };

static int hash_file(const char *folder, const char *name, uint64_t *key, struct err *err)
{
    struct buf path = BUF_INIT(8192), text = BUF_INIT(SCRIPT_MAX);
    int r;

    buf_printf(&path, "%s/%s", folder, name);
    r = io_read_file(buf_text(&path), &text);
    if (r < 0)
        err_system(err, r, "cannot read '%s'", buf_text(&path));
    *key = hash_bytes(*key, name, strlen(name) + 1);
    *key = hash_bytes(*key, buf_text(&text), text.size);
    buf_fini(&path);
    buf_fini(&text);
    return r;
}

int postgres_init_hash(const char *folder, uint64_t *key, struct err *err)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    int r = 0;

    if (count < 0)
        return err_set(err, -EINVAL, "cannot read the folder '%s': %s", folder,
                       strerror(errno));
    for (int i = 0; i < count; i++) {
        if (r == 0 && entries[i]->d_type != DT_DIR)
            r = hash_file(folder, entries[i]->d_name, key, err);
        free(entries[i]);
    }
    free(entries);
    return r;
}
