/*
 * clock/shared_page.c - the page that programs of this test have in common with it; see shared_page.h.
 *
 * Each program that is spawned gets it, also where no clock runs yet.
 */

#include "clock/shared_page.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "link/page.h"
#include "link/time_wait.h"
#include "test/t.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1; /* of the process `owner`; guarded by it */
static pid_t owner;

/* In a child that a test forks it is the parent's; a test that the agent forks has none yet. */
static int make_page(struct err *err)
{
    int fd, r = 0;

    pthread_mutex_lock(&lock);
    if (file < 0 || owner != getpid()) {
        r = page_create(&fd, err);
        if (r == 0) {
            file = t_private_fd(fd);
            owner = getpid();
            r = file < 0 ? err_set(err, file, "no descriptor is left") : 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return r;
}

void shared_page(seam_t *t, seam_site at)
{
    struct err err;

    time_private_fd = t_private_fd;
    time_private_close = t_private_close;
    if (make_page(&err) < 0)
        seam_fatal_at(t, at, "%s", err.text);
}

static bool give(seam_t *t, seam_site at, struct buf *assignments)
{
    const char *library;
    bool runs;
    struct err err;

    runs = atomic_load(&page_now()->runs) || atomic_load(&page_now()->seeded);
    if (!t_libexec() && runs)
        seam_fatal_at(t, at,
                      "a program that is spawned goes by the clock and the ids of a test only "
                      "under `seam test` or `seam run`");
    if (!t_libexec() || !t_hooks_are_on())
        return false;
    shared_page(t, at);
    library = t_preload_path(t, t_make_folder(t, at, "page"), "libseam-shim.so", &err);
    if (!library)
        seam_fatal_at(t, at, "%s", err.text);
    buf_printf(assignments, "LD_PRELOAD+=%s", library);
    buf_add_char(assignments, '\0');
    buf_printf(assignments, PAGE_VARIABLE "=/proc/%d/fd/%d", (int)getpid(), file);
    buf_add_char(assignments, '\0');
    buf_printf(assignments, "ASAN_OPTIONS+=verify_asan_link_order=0");
    buf_add_char(assignments, '\0');
    return runs;
}

__attribute__((constructor)) static void reach_spawned_programs(void)
{
    t_spawn_environment(give, "does not go by the clock and the ids of this test",
                        "and it goes by the machine's");
}
