/* service/modules/postgres_config.c - settings out of a file; see postgres_config.h. */

#include "service/modules/postgres_config.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"

enum { CONFIG_MAX = 1 << 20, VALUE_MAX = 8192 };

static const char blanks[] = " \t\r";
static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";

/* A value between quotes, in which two quotes or one behind a backslash stand for one. Returns what is behind it;
 * NULL: it does not end. */
static const char *read_quoted(const char *at, struct buf *ret)
{
    for (at++; *at && *at != '\n'; at++) {
        if (*at == '\'' && at[1] != '\'')
            return at + 1;
        if ((*at == '\'' || *at == '\\') && at[1] && at[1] != '\n')
            at++;
        buf_add_char(ret, *at);
    }
    return NULL;
}

static const char *read_value(const char *at, struct buf *ret)
{
    size_t size;

    if (*at == '\'')
        return read_quoted(at, ret);
    size = strcspn(at, " \t\r\n#");
    buf_add(ret, at, size);
    return size > 0 ? at + size : NULL;
}

/* One line, at its first letter. Returns what was wrong, or NULL. */
static const char *read_line(const char *at, struct buf *ret)
{
    size_t name = strspn(at, letters);

    if (name == 0)
        return "a name is wanted";
    if (strncmp(at, "include", 7) == 0)
        return "other files cannot be included here";
    buf_add(ret, at, name);
    buf_add_char(ret, '=');
    at += name;
    at += strspn(at, blanks);
    at += *at == '=';
    at += strspn(at, blanks);
    at = read_value(at, ret);
    if (!at)
        return "a value is wanted";
    at += strspn(at, blanks);
    return *at && *at != '\n' && *at != '#' ? "something stands behind the value" : NULL;
}

int postgres_config_parse(const char *file, const char *text, struct arena *arena,
                          const char **list, size_t most, size_t *count, struct err *err)
{
    int number = 1, r = 0;

    for (const char *line = text; r == 0 && *line; number++) {
        const char *at = line + strspn(line, blanks), *wrong = NULL;
        struct buf setting = BUF_INIT(VALUE_MAX);

        if (*at && *at != '#' && *at != '\n')
            wrong = *count == most ? "there are too many settings" : read_line(at, &setting);
        if (wrong || setting.failed)
            r = err_set(err, -EINVAL, "%s:%d: %s", file, number,
                        wrong ? wrong : "the value is too long");
        else if (setting.size > 0)
            list[(*count)++] = arena_copy(arena, setting.data, setting.size);
        buf_fini(&setting);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return r;
}

int postgres_config_read(const char *file, struct arena *arena, const char **list, size_t most,
                         size_t *count, struct err *err)
{
    struct buf text = BUF_INIT(CONFIG_MAX);
    int r = io_read_file(file, &text);

    if (r < 0)
        err_system(err, r, "cannot read '%s'", file);
    else
        r = postgres_config_parse(file, buf_text(&text), arena, list, most, count, err);
    buf_fini(&text);
    return r;
}
