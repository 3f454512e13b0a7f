/* service/modules/kafka_log.c - of a broker's log what is about one test; see kafka_cluster.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "service/modules/kafka_cluster.h"

enum { SLICE_MAX = 32 << 10 };

size_t kafka_log_size(const struct kafka_cluster *cluster)
{
    struct stat st;

    return stat(cluster->service->log, &st) == 0 ? (size_t)st.st_size : 0;
}

/* Whether it names something of any test, as "t12-3f1c-orders". */
static bool names_a_test(const char *line)
{
    for (const char *at = line; (at = strchr(at, 't')); at++) {
        size_t digits = strspn(at + 1, "0123456789");

        if (digits > 0 && at[1 + digits] == '-' &&
            strspn(at + 2 + digits, "0123456789abcdef") == 4 && at[6 + digits] == '-')
            return true;
    }
    return false;
}

/* What is bad and this test's, or nobody's. Kafka warns of settings that it does not know, too. */
static bool is_shown(const char *line, const char *prefix)
{
    bool is_bad =
        strstr(line, "] WARN ") || strstr(line, "] ERROR ") || strstr(line, "] FATAL ");

    return is_bad && !strstr(line, "onfig") && (strstr(line, prefix) || !names_a_test(line));
}

void kafka_log_slice(const struct kafka_cluster *cluster, size_t from, const char *prefix,
                     struct buf *ret)
{
    FILE *file = cluster->service->log[0] ? fopen(cluster->service->log, "re") : NULL;
    bool shown = false;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    if (file && fseek(file, (long)from, SEEK_SET) == 0)
        while ((size = getline(&line, &room, file)) > 0 && ret->size < SLICE_MAX) {
            if (line[0] == '[') /* what has no time goes on with the line before: a stack */
                shown = is_shown(line, prefix);
            if (shown)
                buf_add(ret, line, (size_t)size);
        }
    if (file)
        fclose(file);
    free(line);
}
