/* report/lines.c - the lines of Go's text format; see lines.h. */

#include "report/lines.h"

#include <string.h>

static void add_text(struct buf *to, struct text text)
{
    buf_add(to, text.data, text.size);
}

static void add_blanks(struct buf *to, int count)
{
    static const char blanks[] = "                                ";
    const int most = (int)sizeof blanks - 1;

    for (; count > 0; count -= most)
        buf_add(to, blanks, (size_t)(count < most ? count : most));
}

/* The first line of `text` with its end, or all when it has none; *text becomes the rest. */
static struct text take_line(struct text *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct text line = { text->data, end ? (size_t)(end - text->data) + 1 : text->size };

    text->data += line.size;
    text->size -= line.size;
    return line;
}

void lines_close(struct buf *to)
{
    if (to->size > 0 && to->data[to->size - 1] != '\n')
        buf_add_char(to, '\n');
}

/* By hand, since it is done for each test and printf's way with doubles is ten times dearer. */
char *lines_seconds(char ret[LINES_SECONDS_MAX], uint64_t ns, int digits)
{
    uint64_t unit = 1000000000;
    char *at = ret + LINES_SECONDS_MAX - 1;

    for (int i = 0; i < digits; i++)
        unit /= 10;
    ns = ns / unit + (ns % unit >= (unit + 1) / 2 && unit > 1);
    *at = '\0';
    for (int i = 0; i <= digits || ns > 0; i++, ns /= 10) {
        if (i == digits && digits > 0)
            *--at = '.';
        *--at = (char)('0' + ns % 10);
    }
    return at;
}

static const char *frame_word(int kind)
{
    switch (kind) {
    case EVENT_PAUSE:
        return "=== PAUSE ";
    case EVENT_CONTINUE:
        return "=== CONT  ";
    case EVENT_ATTR:
        return "=== ATTR  ";
    case EVENT_ARTIFACT:
        return "=== ARTIFACTS ";
    default:
        return "=== RUN   ";
    }
}

void lines_frame(struct buf *to, const struct event *event, struct text name)
{
    buf_add_text(to, frame_word(event->kind));
    add_text(to, name);
    if (event->kind == EVENT_ATTR) {
        buf_add_char(to, ' ');
        add_text(to, event->file);
    }
    if (event->kind == EVENT_ATTR || event->kind == EVENT_ARTIFACT) {
        buf_add_char(to, ' ');
        add_text(to, event->text);
    }
    buf_add_char(to, '\n');
}

void lines_name(struct buf *to, struct text name)
{
    buf_add_text(to, "=== NAME  ");
    add_text(to, name);
    buf_add_char(to, '\n');
}

static void add_place(struct buf *to, const struct event *event)
{
    const char *slash =
        event->file.size ? memrchr(event->file.data, '/', event->file.size) : NULL;
    size_t folder = slash ? (size_t)(slash - event->file.data) + 1 : 0;

    if (event->flags & EVENT_VERBATIM || event->file.size == 0)
        return;
    buf_add(to, event->file.data + folder, event->file.size - folder);
    buf_printf(to, ":%d: ", event->number);
}

void lines_message(struct buf *to, const struct event *event, int depth)
{
    struct text words = event->text;

    if (words.size > 0 && words.data[words.size - 1] == '\n')
        words.size--;
    add_blanks(to, 4 * depth + 4);
    if (event->kind == EVENT_LEFT)
        buf_add_text(to, "warning: ");
    else
        add_place(to, event);
    for (;;) {
        struct text line = words.size > 0 ? take_line(&words) : words;

        add_text(to, line);
        if (line.size == 0 || line.data[line.size - 1] != '\n')
            break;
        add_blanks(to, 4 * depth + 8);
    }
    buf_add_char(to, '\n');
}

void lines_raw(struct buf *to, struct text text, int depth)
{
    while (text.size > 0) {
        if (to->size == 0 || to->data[to->size - 1] == '\n')
            add_blanks(to, 4 * depth);
        add_text(to, take_line(&text));
    }
}

void lines_result(struct buf *to, int verdict, struct text name, uint64_t elapsed_ns, int depth)
{
    char seconds[LINES_SECONDS_MAX];

    add_blanks(to, 4 * depth);
    buf_add_text(to, verdict == VERDICT_PASS   ? "--- PASS: "
                     : verdict == VERDICT_SKIP ? "--- SKIP: "
                                               : "--- FAIL: ");
    add_text(to, name);
    buf_add_text(to, " (");
    buf_add_text(to, lines_seconds(seconds, elapsed_ns, 2));
    buf_add_text(to, "s)\n");
}

void lines_package(struct buf *to, const struct event *event)
{
    int size = (int)event->package.size;
    const char *name = event->package.data;
    char room[LINES_SECONDS_MAX];
    const char *seconds = lines_seconds(room, event->elapsed_ns, 3);

    switch (event->status) {
    case PACKAGE_OK:
        buf_printf(to, "ok  \t%.*s\t%ss\n", size, name, seconds);
        break;
    case PACKAGE_NO_TESTS_RUN:
        buf_printf(to, "ok  \t%.*s\t%ss [no tests to run]\n", size, name, seconds);
        break;
    case PACKAGE_NO_TEST_FILES:
        buf_printf(to, "?   \t%.*s\t[no test files]\n", size, name);
        break;
    case PACKAGE_BUILD_FAILED:
        buf_printf(to, "FAIL\t%.*s [build failed]\n", size, name);
        break;
    case PACKAGE_SETUP_FAILED:
        buf_printf(to, "FAIL\t%.*s [setup failed]\n", size, name);
        break;
    default:
        buf_printf(to, "FAIL\t%.*s\t%ss\n", size, name, seconds);
    }
}

void lines_reason(struct buf *to, const struct event *event)
{
    if (event->text.size == 0)
        return;
    buf_add_text(to, "seam: ");
    add_text(to, event->package);
    buf_add_text(to, ": ");
    add_text(to, event->text);
    lines_close(to);
}

struct text lines_top_level(struct text test)
{
    const char *slash = test.size ? memchr(test.data, '/', test.size) : NULL;

    return (struct text){ test.data, slash ? (size_t)(slash - test.data) : test.size };
}
