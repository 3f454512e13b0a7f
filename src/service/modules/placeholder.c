/* service/modules/placeholder.c - {port}, {port:name} and {dir} in texts; see placeholder.h. */

#include "service/modules/placeholder.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

struct found {
    const char *at; /* the brace */
    size_t size; /* to behind the other one */
    bool is_folder;
    const char *name;
    size_t name_size;
};

static bool begins(const char *at, size_t left, const char *words)
{
    size_t size = strlen(words);

    return left >= size && memcmp(at, words, size) == 0;
}

/* Whether a placeholder begins at this brace. */
static bool read_here(const char *at, size_t left, struct found *ret)
{
    const size_t head = strlen("{port:");
    size_t size = 0;

    *ret = (struct found){ .at = at, .name = "" };
    if (begins(at, left, "{dir}")) {
        ret->is_folder = true;
        ret->size = strlen("{dir}");
    } else if (begins(at, left, "{port}"))
        ret->size = strlen("{port}");
    else if (begins(at, left, "{port:")) {
        while (head + size < left && at[head + size] && strchr(name_letters, at[head + size]))
            size++;
        if (size == 0 || head + size >= left || at[head + size] != '}')
            return false;
        ret->name = at + head;
        ret->name_size = size;
        ret->size = head + size + 1;
    }
    return ret->size > 0;
}

static bool next(const char *text, size_t size, struct found *ret)
{
    const char *at = text, *end = text + size;

    while ((at = memchr(at, '{', (size_t)(end - at)))) {
        if (read_here(at, (size_t)(end - at), ret))
            return true;
        at++;
    }
    return false;
}

static int index_of(const struct placeholder_ports *ports, const struct found *found)
{
    for (size_t i = 0; i < ports->count; i++)
        if (strlen(ports->names[i]) == found->name_size &&
            memcmp(ports->names[i], found->name, found->name_size) == 0)
            return (int)i;
    return -1;
}

int placeholder_collect(const char *text, size_t size, struct placeholder_ports *ports,
                        struct err *err)
{
    const char *end = text + size;
    struct found found;

    while (next(text, (size_t)(end - text), &found)) {
        text = found.at + found.size;
        if (found.is_folder || index_of(ports, &found) >= 0)
            continue;
        if (found.name_size >= PLACEHOLDER_NAME)
            return err_set(err, -EINVAL, "the name in '%.*s' has more than %d letters",
                           (int)found.size, found.at, PLACEHOLDER_NAME - 1);
        if (ports->count == PLACEHOLDER_PORTS)
            return err_set(err, -EINVAL, "more than %d names in {port:name}",
                           PLACEHOLDER_PORTS);
        memcpy(ports->names[ports->count], found.name, found.name_size);
        ports->names[ports->count++][found.name_size] = '\0';
    }
    return 0;
}

void placeholder_replace(const char *text, size_t size, const struct placeholder_ports *ports,
                         const char *folder, struct buf *ret)
{
    const char *end = text + size;
    struct found found;

    while (next(text, (size_t)(end - text), &found)) {
        int index = index_of(ports, &found);

        buf_add(ret, text, (size_t)(found.at - text));
        if (found.is_folder)
            buf_add_text(ret, folder);
        else if (index >= 0)
            buf_printf(ret, "%d", ports->numbers[index]);
        else
            buf_add(ret, found.at, found.size);
        text = found.at + found.size;
    }
    buf_add(ret, text, (size_t)(end - text));
}
