/* service/tar.c - write and read archives in the format of POSIX.1-2001; see tar.h. */

#include "service/tar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/tar_state.h"
#include "base/hostile.h"

enum { BLOCK = 512, NAME_ROOM = 100, PREFIX_ROOM = 155 };

/* A member's head. All numbers are octal text. */
struct head {
    char name[NAME_ROOM], mode[8], uid[8], gid[8], size[12], time[12], sum[8], kind;
    char link[NAME_ROOM], magic[6], version[2], user[32], group[32], major[8], minor[8];
    char prefix[PREFIX_ROOM], rest[12];
};

_Static_assert(sizeof(struct head) == BLOCK, "a head is one block");

/* ---- write */

static int pad(struct buf *tar, size_t size)
{
    static const char zeros[BLOCK];

    return size % BLOCK ? buf_add(tar, zeros, BLOCK - size % BLOCK) : 0;
}

static unsigned sum_of(const struct head *head)
{
    const unsigned char *bytes = (const unsigned char *)head;
    unsigned sum = 0;

    for (size_t i = 0; i < BLOCK; i++)
        sum += bytes[i];
    for (size_t i = 0; i < sizeof head->sum; i++)
        sum += ' ' - (unsigned char)head->sum[i]; /* it counts as blanks */
    return sum;
}

/* Put a path into name and prefix. False when it does not fit. */
static bool split_path(struct head *head, const char *path)
{
    size_t size = strlen(path);
    const char *cut;

    if (size <= NAME_ROOM) {
        memcpy(head->name, path, size);
        return true;
    }
    for (cut = strchr(path + (size - NAME_ROOM - 1), '/'); cut; cut = strchr(cut + 1, '/'))
        if (cut > path && cut - path <= PREFIX_ROOM && cut[1]) {
            memcpy(head->prefix, path, (size_t)(cut - path));
            memcpy(head->name, cut + 1, size - (size_t)(cut - path) - 1);
            return true;
        }
    return false;
}

static void put_number(char *to, size_t size, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%0*llo", (int)size - 1, (unsigned long long)number);
    memcpy(to, text, size - 1);
}

static int add_head(struct buf *tar, struct head *head, char kind, int mode, size_t size)
{
    char text[16];

    put_number(head->mode, sizeof head->mode, (unsigned)mode & 07777);
    put_number(head->uid, sizeof head->uid, 0);
    put_number(head->gid, sizeof head->gid, 0);
    put_number(head->size, sizeof head->size, size);
    put_number(head->time, sizeof head->time, 0);
    head->kind = kind;
    memcpy(head->magic, "ustar", 6);
    memcpy(head->version, "00", 2);
    snprintf(text, sizeof text, "%06o", sum_of(head));
    memcpy(head->sum, text, 7);
    head->sum[7] = ' ';
    return buf_add(tar, head, sizeof *head);
}

/* "SIZE key=value\n", where SIZE counts itself too. */
static void add_record(struct buf *records, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, size = rest + 1;
    char text[32];

    while (rest + (size_t)snprintf(text, sizeof text, "%zu", size) != size)
        size = rest + strlen(text);
    buf_printf(records, "%zu %s=%s\n", size, key, value);
}

/* What does not fit into a head goes into a member before it. */
static int add_extended(struct buf *tar, const char *path, const char *link)
{
    struct head head = { .name = "pax" };
    struct buf records = BUF_INIT(1 << 16);

    if (path)
        add_record(&records, "path", path);
    if (link)
        add_record(&records, "linkpath", link);
    add_head(tar, &head, 'x', 0644, records.size);
    buf_add(tar, buf_text(&records), records.size);
    pad(tar, records.size);
    if (records.failed)
        tar->failed = true;
    buf_fini(&records);
    return tar->failed ? -ENOBUFS : 0;
}

int tar_put(struct buf *tar, const char *path, char kind, int mode, const char *link,
            const void *data, size_t size)
{
    struct head head = { .kind = kind };
    bool fits, link_fits;

    while (*path == '/')
        path++;
    fits = split_path(&head, path);
    link_fits = !link || strlen(link) <= sizeof head.link;
    if (!fits || !link_fits)
        add_extended(tar, fits ? NULL : path, link_fits ? NULL : link);
    if (!fits)
        memcpy(head.name, path, NAME_ROOM);
    if (link)
        memcpy(head.link, link, link_fits ? strlen(link) : sizeof head.link);
    add_head(tar, &head, kind, mode, size);
    if (size > 0)
        buf_add(tar, data, size);
    pad(tar, size);
    return tar->failed ? -ENOBUFS : 0;
}

int tar_add(struct buf *tar, const char *path, int mode, const void *data, size_t size)
{
    return tar_put(tar, path, '0', mode, NULL, data, size);
}

int tar_add_folder(struct buf *tar, const char *path, int mode)
{
    char *with_slash = NULL;
    int r;

    if (asprintf(&with_slash, "%s/", path) < 0)
        return -ENOMEM;
    r = tar_put(tar, with_slash, '5', mode, NULL, NULL, 0);
    free(with_slash);
    return r;
}

void tar_end(struct buf *tar)
{
    static const char zeros[2 * BLOCK];

    buf_add(tar, zeros, sizeof zeros);
}

/* ---- read */

/* An octal number; with its first bit set the rest is a binary one (GNU). */
static int get_number(const char *from, size_t size, uint64_t *ret)
{
    uint64_t number = 0;
    size_t i = 0;

    if ((unsigned char)from[0] & 0x80) {
        for (i = size - 8; i < size; i++)
            number = number << 8 | (unsigned char)from[i];
        *ret = number;
        return 0;
    }
    while (i < size && from[i] == ' ')
        i++;
    for (; i < size && from[i] && from[i] != ' '; i++) {
        if (from[i] < '0' || from[i] > '7')
            return -EPROTO;
        number = number << 3 | (unsigned)(from[i] - '0');
    }
    *ret = number;
    return 0;
}

static bool is_zero(const char *block)
{
    for (size_t i = 0; i < BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

/* The head at *at, whose bytes follow it. 1, 0 at the end, -EPROTO. */
static int next_head(const struct buf *tar, size_t *at, const struct head **ret_head,
                     size_t *ret_size)
{
    const struct head *head;
    uint64_t sum, size;

    if (*at == tar->size || (tar->size - *at >= BLOCK && is_zero(tar->data + *at)))
        return 0;
    if (tar->size - *at < BLOCK)
        return -EPROTO;
    head = (const struct head *)(tar->data + *at);
    if (get_number(head->sum, sizeof head->sum, &sum) < 0 || sum != sum_of(head) ||
        get_number(head->size, sizeof head->size, &size) < 0)
        return -EPROTO;
    *at += BLOCK;
    if (size > tar->size - *at)
        return -EPROTO;
    *ret_head = head;
    *ret_size = (size_t)size;
    return 1;
}

static void step(const struct buf *tar, size_t *at, size_t size)
{
    size_t whole = (size + BLOCK - 1) / BLOCK * BLOCK;

    *at = whole > tar->size - *at ? tar->size : *at + whole;
}

/* "path" among the records of an extended header. */
static int take_records(const char *data, size_t size, struct tar_member *ret)
{
    while (size > 0) {
        char *end = NULL;
        size_t record = strtoul(data, &end, 10), head = (size_t)(end - data) + 1;

        if (end == data || *end != ' ' || record > size || record <= head)
            return -EPROTO;
        if (record - head > 5 && memcmp(data + head, "path=", 5) == 0)
            snprintf(ret->room, sizeof ret->room, "%.*s", (int)(record - head - 6),
                     data + head + 5);
        data += record;
        size -= record;
    }
    return 0;
}

static void take_path(const struct head *head, struct tar_member *ret)
{
    bool prefixed = memcmp(head->magic, "ustar", 6) == 0 && *head->prefix;

    snprintf(ret->room, sizeof ret->room, "%.*s%s%.*s", prefixed ? PREFIX_ROOM : 0,
             head->prefix, prefixed ? "/" : "", NAME_ROOM, head->name);
}

/* A member that says something about the next: 'x' has records, 'L' a long path (GNU), 'g' nothing of ours. */
static int take_extension(char kind, const char *data, size_t size, struct tar_member *ret)
{
    if (kind == 'x')
        return take_records(data, size, ret);
    if (kind == 'L')
        snprintf(ret->room, sizeof ret->room, "%.*s", (int)size, data);
    return 0;
}

int tar_next(const struct buf *tar, size_t *at, struct tar_member *ret)
{
    const struct head *head;
    size_t size;
    int r;

    *ret = (struct tar_member){ .path = NULL };
    while ((r = next_head(tar, at, &head, &size)) > 0) {
        const char *data = tar->data + *at;

        step(tar, at, size);
        if (head->kind && strchr("xgLK", head->kind)) {
            r = take_extension(head->kind, data, size, ret);
            if (r < 0)
                return r;
            continue;
        }
        if (*ret->room == '\0')
            take_path(head, ret);
        ret->path = ret->room;
        ret->kind = head->kind ? head->kind : '0';
        ret->data = data;
        ret->size = size;
        return 1;
    }
    return r;
}
