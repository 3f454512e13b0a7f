/* service/modules/kafka_library.c - librdkafka, loaded when it is needed; see kafka_library.h. */

#include "service/modules/kafka_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
#define KAFKA_LIBRARY_SYMBOL(name) { "rd_kafka_" #name, offsetof(struct kafka_library, name) },
    KAFKA_LIBRARY_FUNCTIONS(KAFKA_LIBRARY_SYMBOL)
#undef KAFKA_LIBRARY_SYMBOL
};

static struct kafka_library table;
static struct err reason; /* why there is none; "" when there is */

static void load(void)
{
    void *library = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        err_set(&reason, -ENOENT, "no librdkafka on this machine");
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *symbol = dlsym(library, symbols[i].name);

        if (!symbol) {
            err_set(&reason, -ENOENT, "librdkafka is too old: it has no '%s'", symbols[i].name);
            return;
        }
        memcpy((char *)&table + symbols[i].offset, &symbol, sizeof symbol);
    }
}

const struct kafka_library *kafka_library(struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    if (!reason.text[0])
        return &table;
    if (err)
        *err = reason;
    return NULL;
}
