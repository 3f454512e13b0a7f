/* service/modules/kafka_home.c - where an installed Kafka is; see kafka_home.h. */

#include "service/modules/kafka_home.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The version in the name of libs/kafka_2.13-4.1.1.jar. */
static bool read_version(struct kafka_home *home)
{
    char path[KAFKA_PATH + 8];
    const struct dirent *entry;
    bool found = false;
    DIR *libs;

    snprintf(path, sizeof path, "%s/libs", home->folder);
    libs = opendir(path);
    while (libs && !found && (entry = readdir(libs))) {
        const char *dash = strrchr(entry->d_name, '-');
        size_t size = dash ? strlen(dash + 1) : 0;

        if (strncmp(entry->d_name, "kafka_2.", 8) != 0 || size < 5 || size > 30 ||
            strcmp(dash + 1 + size - 4, ".jar") != 0 || dash[1] < '0' || dash[1] > '9')
            continue;
        snprintf(home->version, sizeof home->version, "%.*s", (int)size - 4, dash + 1);
        found = true;
    }
    if (libs)
        closedir(libs);
    return found;
}

/* The first file of that name in PATH that can be executed. */
static bool find_in_path(const char *name, char *ret, size_t size)
{
    const char *at = getenv("PATH");

    for (; at && *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");

        snprintf(ret, size, "%.*s/%s", length, at, name);
        if (ret[0] == '/' && access(ret, X_OK) == 0)
            return true;
        at += length;
    }
    return false;
}

/* The folder above the one that kafka-server-start.sh really lies in. */
static bool find_by_script(struct kafka_home *home)
{
    char script[KAFKA_PATH], *real, *slash;

    if (!find_in_path("kafka-server-start.sh", script, sizeof script))
        return false;
    real = realpath(script, NULL);
    for (int i = 0; real && i < 2; i++)
        if ((slash = strrchr(real, '/')))
            *slash = '\0';
    snprintf(home->folder, sizeof home->folder, "%s", real ? real : "");
    free(real);
    return read_version(home);
}

/* Where images/kafka puts it; see there. */
static bool find_made(struct kafka_home *home)
{
    const char *given = getenv("SEAM_IMAGES_CACHE"), *cache = getenv("XDG_CACHE_HOME");
    const char *user = getenv("HOME");

    if (given)
        snprintf(home->folder, sizeof home->folder, "%s/kafka", given);
    else if (cache)
        snprintf(home->folder, sizeof home->folder, "%s/seam-images/kafka", cache);
    else
        snprintf(home->folder, sizeof home->folder, "%s/.cache/seam-images/kafka",
                 user ? user : "/tmp");
    return read_version(home);
}

static int find_folder(struct kafka_home *home, struct err *err)
{
    const char *given = getenv("SEAM_KAFKA_HOME");

    if (given && *given) {
        snprintf(home->folder, sizeof home->folder, "%s", given);
        return read_version(home) ? 0
                                  : err_set(err, -ENOENT,
                                            "SEAM_KAFKA_HOME is '%s', where there is no "
                                            "libs/kafka_*.jar",
                                            given);
    }
    if (find_by_script(home))
        return 0;
    snprintf(home->folder, sizeof home->folder, "/opt/kafka");
    if (read_version(home) || find_made(home))
        return 0;
    return err_set(err, -ENOENT, "no Kafka on this machine");
}

static int find_java(struct kafka_home *home, struct err *err)
{
    const char *given = getenv("JAVA_HOME");

    if (given && *given) {
        snprintf(home->java, sizeof home->java, "%s/bin/java", given);
        if (access(home->java, X_OK) == 0)
            return 0;
    }
    if (find_in_path("java", home->java, sizeof home->java))
        return 0;
    return err_set(err, -ENOEXEC, "there is Kafka %s in '%s', but no Java to run it",
                   home->version, home->folder);
}

int kafka_home_find(struct kafka_home *ret, const char **ret_remedy, struct err *err)
{
    const char *remedy = NULL;
    int r = find_folder(ret, err);

    if (r < 0)
        remedy =
            getenv("SEAM_KAFKA_HOME") ? "images/kafka -d \"$SEAM_KAFKA_HOME\"" : "images/kafka";
    else if ((r = find_java(ret, err)) < 0)
        remedy = "apt-get install default-jre-headless";
    if (ret_remedy)
        *ret_remedy = remedy;
    return r;
}
