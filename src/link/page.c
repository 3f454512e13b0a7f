/* link/page.c - the page that a test shares with the programs that it spawns; see page.h. */

#include "link/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct page idle;
struct page *_Atomic page_current = &idle;

__attribute__((no_sanitize("thread"))) void page_put_text(char *to, size_t size,
                                                          const char *from)
{
    size_t i = 0;

    for (; from[i] && i + 1 < size; i++)
        ((volatile char *)to)[i] = from[i];
    ((volatile char *)to)[i] = '\0';
}

__attribute__((no_sanitize("thread"))) void page_get_text(char *to, const char *from,
                                                          size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = ((const volatile char *)from)[i];
    to[size - 1] = '\0';
}

static int map(int fd)
{
    struct page *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED)
        return -errno;
    atomic_store(&page_current, page);
    return 0;
}

/* By the kernel: open and close are hooked. */
static int close_file(int fd, int r)
{
    syscall(SYS_close, fd);
    return r;
}

int page_create(int *ret_fd, struct err *err)
{
    int fd = memfd_create("seam-page", MFD_CLOEXEC);
    int r = fd < 0 || ftruncate(fd, sizeof(struct page)) < 0 ? -errno : map(fd);

    if (r < 0) {
        if (fd >= 0)
            close_file(fd, r);
        return err_system(err, r, "cannot share memory with programs");
    }
    page_now()->owner = getpid();
    page_now()->magic = PAGE_MAGIC;
    *ret_fd = fd;
    return 0;
}

int page_open(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    struct stat file;
    int r;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &file) < 0 || file.st_size != sizeof(struct page))
        return close_file(fd, -EINVAL);
    r = close_file(fd, map(fd));
    if (r == 0 && page_now()->magic != PAGE_MAGIC) {
        atomic_store(&page_current, &idle); /* of another version of Seam */
        return -EINVAL;
    }
    return r;
}
