/* service/engine_stream_test.c - frames and lines, however they are cut. */

#include <seam/seam.h>

#include <string.h>

#include "service/engine_state.h"

struct told {
    struct buf text; /* "1:bytes|" for each call, NULs as dots */
    int stop_at; /* calls until the sink wants no more; 0: never */
};

static bool tell(void *arg, int stream, const char *data, size_t size)
{
    struct told *told = arg;

    buf_printf(&told->text, "%d:", stream);
    for (size_t i = 0; i < size; i++)
        buf_add_char(&told->text, data[i] ? data[i] : '.');
    buf_add_char(&told->text, '|');
    return told->stop_at == 0 || --told->stop_at > 0;
}

/* Feed in pieces of so many bytes; what came of stream 1 and of 2. */
static bool feed(const char *data, size_t size, size_t piece, struct told *told,
                 struct engine_frames *frames)
{
    *frames = (struct engine_frames){ .sink = tell, .arg = told };
    for (size_t at = 0; at < size; at += piece)
        if (!engine_frames_feed(frames, data + at, size - at < piece ? size - at : piece))
            return false;
    return true;
}

static const char two[] = "\1\0\0\0\0\0\0\5hello"
                          "\2\0\0\0\0\0\0\0"
                          "\2\0\0\0\0\0\0\3bad";

SEAM_TEST(frames_come_apart)
{
    struct told told = { .text = BUF_INIT(1000) };
    struct engine_frames frames;

    seam_check(t, feed(two, sizeof two - 1, 1000, &told, &frames));
    seam_check_eq(t, buf_text(&told.text), "1:hello|2:bad|");
    buf_clear(&told.text);
    seam_check(t, feed(two, sizeof two - 1, 1, &told, &frames));
    seam_check_eq(t, buf_text(&told.text), "1:h|1:e|1:l|1:l|1:o|2:b|2:a|2:d|");
    buf_fini(&told.text);
}

SEAM_TEST(frames_of_each_piece_size_give_the_same)
{
    for (size_t piece = 2; piece < sizeof two; piece++) {
        struct told told = { .text = BUF_INIT(1000) };
        struct engine_frames frames;
        size_t letters = 0;

        seam_check(t, feed(two, sizeof two - 1, piece, &told, &frames));
        for (const char *at = buf_text(&told.text); *at; at++)
            letters += *at >= 'a' && *at <= 'z';
        seam_check_eq(t, letters, 8);
        buf_fini(&told.text);
    }
}

SEAM_TEST(frames_of_a_terminal_are_none)
{
    static const char *const rows[] = { "plain", "x", "\1\0\0x", "\1\0", "" };
    static const size_t sizes[] = { 5, 1, 4, 2, 0 };
    static const char *const want[] = { "plain", "x", "\1..x", "", "" };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= 5; piece++) {
            struct told told = { .text = BUF_INIT(1000) };
            struct engine_frames frames;
            char all[16] = "";

            seam_check(t, feed(rows[i], sizes[i], piece, &told, &frames));
            for (const char *at = buf_text(&told.text); *at; at++)
                if (strncmp(at, "1:", 2) == 0 && at[2] != '|')
                    strncat(all, at + 2, strcspn(at + 2, "|"));
            seam_check_eq(t, all, want[i]);
            buf_fini(&told.text);
        }
}

SEAM_TEST(frames_that_are_broken_are_refused)
{
    static const char bad[] = "\1\0\0\0\0\0\0\1x\7\0\0\0\0\0\0\1y";
    struct told told = { .text = BUF_INIT(1000) };
    struct engine_frames frames;

    seam_check(t, !feed(bad, sizeof bad - 1, 3, &told, &frames));
    seam_check(t, frames.broken);
    seam_check_eq(t, buf_text(&told.text), "1:x|");
    buf_fini(&told.text);
}

SEAM_TEST(frames_end_when_the_sink_says_so)
{
    struct told told = { .text = BUF_INIT(1000), .stop_at = 1 };
    struct engine_frames frames;

    seam_check(t, !feed(two, sizeof two - 1, 1000, &told, &frames));
    seam_check(t, !frames.broken);
    seam_check_eq(t, buf_text(&told.text), "1:hello|");
    buf_fini(&told.text);
}

/* ---- lines */

static bool number(void *arg, const json_t *value)
{
    struct told *told = arg;

    buf_printf(&told->text, "%d|", (int)json_integer_value(value));
    return told->stop_at == 0 || --told->stop_at > 0;
}

static const char *lines_of(seam_t *t, const char *text, size_t piece, int stop_at,
                            bool *broken)
{
    struct told told = { .text = BUF_INIT(1000), .stop_at = stop_at };
    struct engine_lines lines = { .sink = number, .arg = &told, .rest = BUF_INIT(64) };
    size_t size = strlen(text);
    const char *copy;

    for (size_t at = 0; at < size; at += piece)
        if (!engine_lines_feed(&lines, text + at, size - at < piece ? size - at : piece))
            break;
    if (!lines.ended)
        engine_lines_end(&lines);
    *broken = lines.broken;
    buf_fini(&lines.rest);
    copy = seam_format(t, "%s", buf_text(&told.text));
    buf_fini(&told.text);
    return copy;
}

SEAM_TEST(lines_come_apart)
{
    bool broken;

    for (size_t piece = 1; piece < 12; piece++) {
        seam_check_eq(t, lines_of(t, "1\r\n\r\n22\n 333 ", piece, 0, &broken), "1|22|333|");
        seam_check(t, !broken);
    }
    seam_check_eq(t, lines_of(t, "1\n2\n3\n", 100, 2, &broken), "1|2|");
}

SEAM_TEST(lines_that_are_broken_are_refused)
{
    bool broken;

    seam_check_eq(t, lines_of(t, "1\n{\n3\n", 100, 0, &broken), "1|");
    seam_check(t, broken);
    seam_check_eq(t, lines_of(t, seam_format(t, "1\n%080d\n", 2), 7, 0, &broken), "1|");
    seam_check(t, broken);
}
