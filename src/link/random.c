/* link/random.c - bytes and ids that follow from a seed; see random.h. */

#include "link/random.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/deadline.h"

enum { BLOCK = 8, FILE_SIZE = 1 << 16 };

/* splitmix64: all bits of the result follow from all bits of the number. */
static uint64_t mix(uint64_t number)
{
    number += 0x9e3779b97f4a7c15u;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/* By the name of the file that the code is in. */
bool random_is_for(const void *caller)
{
    static const char *const without[] = { "libcrypto.", "libssl.",    "libgnutls.",
                                           "libgcrypt.", "libnettle.", "libsan" };
    Dl_info where;

    if (machine_depth > 0)
        return false;
    if (!dladdr(caller, &where) || !where.dli_fname)
        return true;
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strstr(where.dli_fname, without[i]))
            return false;
    return true;
}

void random_fill(void *to, size_t size)
{
    struct page *page = page_now();
    uint64_t blocks = (size + BLOCK - 1) / BLOCK;
    uint64_t first = atomic_fetch_add(&page->drawn, blocks);
    unsigned char *at = to;

    for (uint64_t i = 0; i < blocks; i++, at += BLOCK) {
        uint64_t block = mix(mix(~page->seed) ^ mix(first + i));
        size_t left = size - i * BLOCK;

        memcpy(at, &block, left < BLOCK ? left : BLOCK);
    }
}

void random_id(uint64_t seed, uint64_t n, unsigned char ret[RANDOM_ID_SIZE])
{
    uint64_t high = mix(mix(seed) ^ mix(2 * n));
    uint64_t low = mix(mix(seed) ^ mix(2 * n + 1));

    high = (high & ~(uint64_t)0xf000) | 0x4000;
    low = (low & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;
    for (int i = 0; i < 8; i++) {
        ret[i] = (unsigned char)(high >> (56 - 8 * i));
        ret[8 + i] = (unsigned char)(low >> (56 - 8 * i));
    }
}

void random_next_id(unsigned char ret[RANDOM_ID_SIZE])
{
    struct page *page = page_now();
    uint64_t n = atomic_fetch_add(&page->given, 1);

    if (n < page->listed)
        memcpy(ret, page->list[n], RANDOM_ID_SIZE);
    else
        random_id(page->seed, n, ret);
}

/* As much as a program reads at a time, and more; it ends, as the kernel's does not. */
int random_open(const char *path, int flags)
{
    unsigned char bytes[4096];
    int fd;

    if (!random_is_ours() || !path ||
        (strcmp(path, "/dev/urandom") != 0 && strcmp(path, "/dev/random") != 0))
        return -1;
    fd = memfd_create("seam-random", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    for (size_t written = 0; fd >= 0 && written < FILE_SIZE; written += sizeof bytes) {
        random_fill(bytes, sizeof bytes);
        if (syscall(SYS_write, fd, bytes, sizeof bytes) != sizeof bytes)
            break;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}
