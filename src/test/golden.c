/* test/golden.c - compare with a file that a run under -update wrote. */

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "events/agent_link.h"
#include "test/diff.h"
#include "test/state.h"

enum { GOLDEN_MAX = 64 << 20 };

bool t_wants_update(void)
{
    return process.flags & AGENT_UPDATE;
}

static bool update(seam_t *t, seam_site at, const char *path, const void *data, size_t size)
{
    const char *folder = arena_copy(&t->arena, path, (size_t)(strrchr(path, '/') - path));
    int r = io_make_folders(folder, 0777);

    if (r == 0)
        r = io_write_file(path, data, size);
    if (r < 0)
        seam_fatal_at(t, at, "cannot write the golden file '%s': %s", path, strerror(-r));
    seam_log_at(t, at, "wrote golden file '%s' (%zu bytes)", path, size);
    return true;
}

static bool compare(seam_t *t, seam_site at, const char *path, const struct buf *want,
                    const void *data, size_t size)
{
    struct buf words = BUF_INIT(1 << 20);
    bool equal = want->size == size && (size == 0 || memcmp(want->data, data, size) == 0);

    if (equal)
        return true;
    if (!data)
        data = ""; /* of size 0 */
    if (memchr(data, 0, size) || memchr(buf_text(want), 0, want->size))
        diff_memory(&words, data, size, buf_text(want), want->size);
    else
        diff_text_sized(&words, data, size, buf_text(want), want->size);
    seam_error_at(t, at,
                  "differs from the golden file '%s'\n%stry: seam test -update -run '^%s$'",
                  path, buf_text(&words), t->name);
    buf_fini(&words);
    return false;
}

bool seam_golden_at(seam_t *t, seam_site at, const char *name, const void *data, size_t size)
{
    const char *path = t_source_path(t, at, seam_path(t, "testdata/golden/%s", name));
    struct buf want = BUF_INIT(GOLDEN_MAX);
    bool equal = false;
    int r;

    if (t_wants_update())
        return update(t, at, path, data, size);
    r = io_read_file(path, &want);
    if (r < 0)
        seam_error_at(t, at,
                      "cannot read the golden file '%s': %s\n"
                      "try: seam test -update -run '^%s$'",
                      path, strerror(-r), t->name);
    else
        equal = compare(t, at, path, &want, data, size);
    buf_fini(&want);
    return equal;
}
