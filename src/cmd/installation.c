/* cmd/installation.c - where our own headers, library and helper programs are; see installation.h. */

#include "cmd/installation.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

static bool in_build_tree(struct arena *arena, const char *folder, struct installation *ret)
{
    struct buf source = BUF_INIT(PATH_MAX);
    bool found = io_read_file(arena_printf(arena, "%s/seam-build-tree", folder), &source) == 0;

    if (found) {
        source.data[strcspn(source.data, "\n")] = '\0';
        ret->include = arena_printf(arena, "%s/include", source.data);
        ret->library = arena_printf(arena, "%s/libseam.a", folder);
        ret->libexec = arena_dup(arena, folder);
    }
    buf_fini(&source);
    return found;
}

int installation_find(struct arena *arena, struct installation *ret, struct err *err)
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (size < 0)
        return err_system(err, -errno, "cannot tell where this program is (/proc/self/exe)");
    self[size] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    if (in_build_tree(arena, self, ret))
        return 0;
    ret->include = arena_printf(arena, "%s/../include", self);
    ret->library = arena_printf(arena, "%s/../" SEAM_LIBDIR "/libseam.a", self);
    ret->libexec = arena_printf(arena, "%s/../libexec/seam", self);
    if (access(ret->library, R_OK) < 0)
        return err_system(err, -errno, "the library '%s' of this installation", ret->library);
    return 0;
}
