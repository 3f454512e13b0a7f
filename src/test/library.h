/*
 * test/library.h - libraries that are loaded when a test first needs them.
 *
 * libseam itself needs libc alone: each mapped library makes every fork dearer, and most tests
 * compare no JSON and match no pattern.
 *
 * Ownership: a table lives as long as the process, and so does the library.
 * Threads: any; the first caller loads, the others wait for it.
 */
#ifndef TEST_LIBRARY_H
#define TEST_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What is used of jansson, by the names of jansson.h without their json_. */
struct json_t;
struct json_error_t;
struct jansson {
    struct json_t *(*loadb)(const char *text, size_t size, size_t flags,
                            struct json_error_t *ret);
    void (*delete)(struct json_t *json);
    size_t (*object_size)(const struct json_t *object);
    struct json_t *(*object_get)(const struct json_t *object, const char *key);
    void *(*object_iter)(struct json_t *object);
    void *(*object_iter_next)(struct json_t *object, void *at);
    const char *(*object_iter_key)(void *at);
    struct json_t *(*object_iter_value)(void *at);
    size_t (*array_size)(const struct json_t *array);
    struct json_t *(*array_get)(const struct json_t *array, size_t index);
    const char *(*string_value)(const struct json_t *string);
    size_t (*string_length)(const struct json_t *string);
    long long (*integer_value)(const struct json_t *integer);
    double (*real_value)(const struct json_t *real);
};

/* What is used of PCRE2 for 8-bit characters, by the names of pcre2.h without pcre2_ and _8. */
struct pcre2_real_code_8;
struct pcre2_real_compile_context_8;
struct pcre2_real_general_context_8;
struct pcre2_real_match_context_8;
struct pcre2_real_match_data_8;
struct pcre2 {
    struct pcre2_real_code_8 *(*compile)(const uint8_t *pattern, size_t size, uint32_t options,
                                         int *ret_error, size_t *ret_offset,
                                         struct pcre2_real_compile_context_8 *context);
    void (*code_free)(struct pcre2_real_code_8 *code);
    int (*get_error_message)(int error, uint8_t *text, size_t size);
    struct pcre2_real_match_context_8 *(*match_context_create)(
        struct pcre2_real_general_context_8 *general);
    void (*match_context_free)(struct pcre2_real_match_context_8 *context);
    int (*set_match_limit)(struct pcre2_real_match_context_8 *context, uint32_t limit);
    int (*set_heap_limit)(struct pcre2_real_match_context_8 *context, uint32_t kib);
    int (*set_depth_limit)(struct pcre2_real_match_context_8 *context, uint32_t limit);
    struct pcre2_real_match_data_8 *(*match_data_create)(
        uint32_t pairs, struct pcre2_real_general_context_8 *general);
    void (*match_data_free)(struct pcre2_real_match_data_8 *data);
    int (*match)(const struct pcre2_real_code_8 *code, const uint8_t *text, size_t size,
                 size_t begin, uint32_t options, struct pcre2_real_match_data_8 *data,
                 struct pcre2_real_match_context_8 *context);
};

/* The table, or NULL and the reason. */
const struct jansson *library_jansson(struct err *err);
const struct pcre2 *library_pcre2(struct err *err);

/* One function of a library: its name there, and where its pointer goes in the table. */
struct library_symbol {
    const char *name;
    size_t offset;
};

/* Load `soname` and fill `table`. -ENOENT when it cannot be loaded or lacks a symbol; `err`
 * then names the package to install. */
int library_load(const char *soname, const char *package, const struct library_symbol *symbols,
                 size_t count, void *table, struct err *err);

#endif
