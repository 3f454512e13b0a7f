/*
 * docker.c - any bytes as what a Docker daemon sends: frames and lines are the same in whatever pieces they come,
 * members of an archive lie within it, and what is written is read again. Any text as a .dockerignore and a name.
 */

#include "service/engine_state.h"
#include "service/tar_state.h"

#include "fuzz.h"

enum { ROOM = 1 << 20, NAMES = 48 };

static bool write_frame(void *arg, int stream, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf_printf(arg, "%d%02x", stream, (unsigned char)data[i]);
    return true;
}

static void frames(const uint8_t *data, size_t size, size_t piece, struct buf *ret)
{
    struct engine_frames frames = { .sink = write_frame, .arg = ret };

    for (size_t at = 0; at < size; at += piece)
        if (!engine_frames_feed(&frames, (const char *)data + at,
                                size - at < piece ? size - at : piece))
            break;
    MUST(frames.have <= sizeof frames.head);
    if (frames.broken)
        buf_add_text(ret, "broken");
}

static bool write_line(void *arg, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    buf_printf(arg, "%s\n", text ? text : "");
    free(text);
    return true;
}

static void lines(const uint8_t *data, size_t size, size_t piece, struct buf *ret)
{
    struct engine_lines lines = { .sink = write_line, .arg = ret, .rest = BUF_INIT(256) };

    for (size_t at = 0; at < size; at += piece)
        if (!engine_lines_feed(&lines, (const char *)data + at,
                               size - at < piece ? size - at : piece))
            break;
    engine_lines_end(&lines);
}

static void same_in_pieces(void (*feed)(const uint8_t *data, size_t size, size_t piece,
                                        struct buf *ret),
                           const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(ROOM), pieces = BUF_INIT(ROOM);

    feed(data, size, size ? size : 1, &whole);
    feed(data, size, 1, &pieces);
    MUST(strcmp(buf_text(&whole), buf_text(&pieces)) == 0);
    buf_fini(&whole);
    buf_fini(&pieces);
}

static void archive(const uint8_t *data, size_t size)
{
    struct buf tar = BUF_INIT(ROOM);
    struct tar_member member;
    size_t at = 0;

    buf_add(&tar, data, size);
    while (tar_next(&tar, &at, &member) == 1) {
        MUST(at <= size && member.data >= tar.data && member.size <= size);
        MUST(member.data + member.size <= tar.data + size);
        MUST(strlen(member.path) < sizeof member.room);
    }
    buf_fini(&tar);
}

/* A member of any name and contents. */
static void archive_again(const uint8_t *data, size_t size)
{
    struct buf tar = BUF_INIT(ROOM);
    char *path = fuzz_text(data, size);
    struct tar_member member;
    const char *plain = path + strspn(path, "/");
    size_t at = 0;

    if (*plain && strlen(plain) < sizeof member.room) {
        MUST(tar_add(&tar, path, 0644, data, size) == 0);
        tar_end(&tar);
        MUST(tar_next(&tar, &at, &member) == 1);
        MUST(strcmp(member.path, plain) == 0 && member.size == size);
        MUST(memcmp(member.data, data, size) == 0);
        MUST(tar_next(&tar, &at, &member) == 0);
    }
    free(path);
    buf_fini(&tar);
}

static void names(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size < NAMES ? size : NAMES);
    struct engine_reference reference;

    if (engine_reference_read(text, &reference, NULL) == 0)
        MUST(*reference.registry && *reference.name && *reference.tag);
    tar_ignores(text, "docs/read me.md");
    tar_ignores(text, text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 8192)
        return 0;
    switch (*data) {
    case 'f':
        same_in_pieces(frames, data + 1, size - 1);
        break;
    case 'l':
        same_in_pieces(lines, data + 1, size - 1);
        break;
    case 't':
        archive(data + 1, size - 1);
        break;
    case 'a':
        archive_again(data + 1, size - 1);
        break;
    default:
        names(data, size);
        break;
    }
    return 0;
}
