/* test/library.c - libraries that are loaded when a test first needs them; see library.h. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include "test/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <pcre2.h>
#include <pthread.h>
#include <string.h>

/* A function and where it goes. The product is 0: it is there so that the compiler compares the
 * types, without a reference to the function that would need the library to link. */
#define SYMBOL(type, field, function) #function, OFFSET(type, field, function)
#define OFFSET(type, field, function)                                                          \
    (offsetof(struct type, field) + 0 * sizeof(1 ? &function : ((struct type *)NULL)->field))

static const struct library_symbol jansson_symbols[] = {
    { SYMBOL(jansson, loadb, json_loadb) },
    { SYMBOL(jansson, delete, json_delete) },
    { SYMBOL(jansson, object_size, json_object_size) },
    { SYMBOL(jansson, object_get, json_object_get) },
    { SYMBOL(jansson, object_iter, json_object_iter) },
    { SYMBOL(jansson, object_iter_next, json_object_iter_next) },
    { SYMBOL(jansson, object_iter_key, json_object_iter_key) },
    { SYMBOL(jansson, object_iter_value, json_object_iter_value) },
    { SYMBOL(jansson, array_size, json_array_size) },
    { SYMBOL(jansson, array_get, json_array_get) },
    { SYMBOL(jansson, string_value, json_string_value) },
    { SYMBOL(jansson, string_length, json_string_length) },
    { SYMBOL(jansson, integer_value, json_integer_value) },
    { SYMBOL(jansson, real_value, json_real_value) },
};

static const struct library_symbol pcre2_symbols[] = {
    { SYMBOL(pcre2, compile, pcre2_compile_8) },
    { SYMBOL(pcre2, code_free, pcre2_code_free_8) },
    { SYMBOL(pcre2, get_error_message, pcre2_get_error_message_8) },
    { SYMBOL(pcre2, match_context_create, pcre2_match_context_create_8) },
    { SYMBOL(pcre2, match_context_free, pcre2_match_context_free_8) },
    { SYMBOL(pcre2, set_match_limit, pcre2_set_match_limit_8) },
    { SYMBOL(pcre2, set_heap_limit, pcre2_set_heap_limit_8) },
    { SYMBOL(pcre2, set_depth_limit, pcre2_set_depth_limit_8) },
    { SYMBOL(pcre2, match_data_create, pcre2_match_data_create_8) },
    { SYMBOL(pcre2, match_data_free, pcre2_match_data_free_8) },
    { SYMBOL(pcre2, match, pcre2_match_8) },
};

int library_load(const char *soname, const char *package, const struct library_symbol *symbols,
                 size_t count, void *table, struct err *err)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return err_set(err, -ENOENT, "cannot load %s\ntry: apt-get install %s", dlerror(),
                       package);
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (!symbol) {
            err_set(err, -ENOENT, "%s is too old: it has no %s\ntry: apt-get install %s",
                    soname, symbols[i].name, package);
            dlclose(library);
            return -ENOENT;
        }
        /* Copied as bytes: C has no cast from an object's address to a function's. */
        memcpy((char *)table + symbols[i].offset, &symbol, sizeof symbol);
    }
    return 0;
}

static struct {
    pthread_once_t once;
    int result;
    struct jansson table;
    struct err err;
} jansson = { .once = PTHREAD_ONCE_INIT };

static struct {
    pthread_once_t once;
    int result;
    struct pcre2 table;
    struct err err;
} pcre2 = { .once = PTHREAD_ONCE_INIT };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void load_jansson(void)
{
    jansson.result = library_load("libjansson.so.4", "libjansson4", jansson_symbols,
                                  COUNT(jansson_symbols), &jansson.table, &jansson.err);
}

static void load_pcre2(void)
{
    pcre2.result = library_load("libpcre2-8.so.0", "libpcre2-8-0", pcre2_symbols,
                                COUNT(pcre2_symbols), &pcre2.table, &pcre2.err);
}

const struct jansson *library_jansson(struct err *err)
{
    pthread_once(&jansson.once, load_jansson);
    if (jansson.result < 0) {
        err_set(err, jansson.result, "%s", jansson.err.text);
        return NULL;
    }
    return &jansson.table;
}

const struct pcre2 *library_pcre2(struct err *err)
{
    pthread_once(&pcre2.once, load_pcre2);
    if (pcre2.result < 0) {
        err_set(err, pcre2.result, "%s", pcre2.err.text);
        return NULL;
    }
    return &pcre2.table;
}
