/* service/engine_words.c - what a daemon's refusal means, and what mends it. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "service/engine_state.h"
#include "base/hostile.h"

/* The daemon's words, in the order in which they are looked for: the rarer ones first. */
static const struct {
    const char *words;
    int code;
    const char *remedy;
} known[] = {
    { "toomanyrequests", -EDQUOT,
      "log in (docker login), wait, or name a mirror in SEAM_IMAGE_PREFIX" },
    { "rate limit", -EDQUOT,
      "log in (docker login), wait, or name a mirror in SEAM_IMAGE_PREFIX" },
    { "no space left on device", -ENOSPC, "make room: docker system prune" },
    { "disk quota exceeded", -ENOSPC, "make room: docker system prune" },
    { "port is already allocated", -EADDRINUSE,
      "leave the port of this machine to the engine, or end what holds it (ss -ltnp)" },
    { "address already in use", -EADDRINUSE,
      "leave the port of this machine to the engine, or end what holds it (ss -ltnp)" },
    { "no matching manifest", -ENOENT, "name a platform that the image has in .platform" },
    { "does not match the specified platform", -ENOENT,
      "remove the image that is here (docker rmi), so that the right one is pulled" },
    { "cannot be used on this platform", -ENOENT,
      "name a platform that the image has in .platform" },
    { "exec format error", -ENOEXEC,
      "name the platform of this machine in .platform, or apt-get install qemu-user-static" },
    { "executable file not found", -ENOEXEC,
      "name a program that the image has in .cmd or .entrypoint" },
    { "no basic auth credentials", -EACCES, "docker login" },
    { "authentication required", -EACCES, "docker login" },
    { "incorrect username or password", -EACCES, "docker login, with the right password" },
    { "unauthorized", -EACCES, "docker login" },
    { "pull access denied", -EACCES, "correct the image's name, or docker login" },
    { "manifest unknown", -ENOENT, "correct the image's name or tag" },
    { "manifest for", -ENOENT, "correct the image's name or tag" },
    { "name unknown", -ENOENT, "correct the image's name or tag" },
    { "server gave http response to https client", -EREMOTEIO,
      "add the registry to \"insecure-registries\" in /etc/docker/daemon.json" },
    { "certificate signed by unknown authority", -EREMOTEIO,
      "put the registry's authority into /etc/docker/certs.d/REGISTRY/ca.crt" },
    { "no such host", -EREMOTEIO, "name a registry that can be reached in SEAM_IMAGE_PREFIX" },
    { "failed to do request", -EREMOTEIO,
      "name a registry that can be reached in SEAM_IMAGE_PREFIX" },
    { "connection refused", -EREMOTEIO,
      "name a registry that can be reached in SEAM_IMAGE_PREFIX" },
    { "client.timeout exceeded", -EREMOTEIO,
      "name a registry that can be reached in SEAM_IMAGE_PREFIX" },
    { "i/o timeout", -EREMOTEIO, "name a registry that can be reached in SEAM_IMAGE_PREFIX" },
    { "no such image", -ENOENT, "pull it (docker pull), or correct its name" },
    { "dockerfile parse error", -EINVAL, "correct the Dockerfile" },
    { "dockerfile) cannot be empty", -EINVAL, "correct the Dockerfile" },
    { "unknown instruction", -EINVAL, "correct the Dockerfile" },
    { "not found in build context", -ENOENT,
      "correct the path, or the .dockerignore that excludes it" },
    { "forbidden path outside the build context", -ENOENT,
      "copy from below the folder that is built" },
    { "failed to reach build target", -EINVAL, "name a stage of the Dockerfile in .target" },
    { "returned a non-zero code", -EREMOTEIO, "correct the command of the Dockerfile" },
    { "client version", -EPROTONOSUPPORT, "use a daemon of API 1.41 to 1.44" },
    { "mounts denied", -EACCES, "mount a folder that the daemon may see" },
    { "bind source path does not exist", -ENOENT,
      "make the folder, or correct its name in .mounts" },
};

static int code_of(int status)
{
    switch (status) {
    case 404:
        return -ENOENT;
    case 409:
        return -EEXIST;
    case 401:
    case 403:
        return -EACCES;
    default:
        return -EREMOTEIO;
    }
}

/* The words end where the next sentence of ours begins. */
static size_t length_of(const char *words)
{
    size_t size = strlen(words);

    while (size > 0 && (isspace((unsigned char)words[size - 1]) || words[size - 1] == '.'))
        size--;
    return size;
}

static int say(const char *words, int status, int code, const char *what, struct err *err)
{
    const char *remedy = NULL;
    char number[32] = "";

    for (size_t i = 0; i < sizeof known / sizeof *known && !remedy; i++)
        if (strcasestr(words, known[i].words)) {
            remedy = known[i].remedy;
            code = known[i].code;
        }
    if (status)
        snprintf(number, sizeof number, " (status %d)", status);
    return err_set(err, code, "%s: the Docker daemon says '%.*s'%s%s%s", what,
                   (int)length_of(words), words, number, remedy ? "; try: " : "",
                   remedy ? remedy : "");
}

int engine_refused(int status, const char *body, const char *what, struct err *err)
{
    json_t *answer = json_loads(body, 0, NULL);
    const char *words = engine_text(answer, "message");
    int r;

    if (*words == '\0')
        words = *body ? body : "nothing";
    r = say(words, status, code_of(status), what, err);
    json_decref(answer);
    return r;
}

int engine_told(const char *words, const char *what, struct err *err)
{
    return say(words, 0, -EREMOTEIO, what, err);
}

int engine_escape(struct buf *url, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~";

    for (; *text; text++)
        if (strchr(plain, *text))
            buf_add_char(url, *text);
        else
            buf_printf(url, "%%%02X", (unsigned)(unsigned char)*text);
    return url->failed ? -ENOMEM : 0;
}

int engine_filter_label(struct buf *url, const char *label)
{
    json_t *filter = json_pack("{s:[s]}", "label", label);
    char *text = filter ? json_dumps(filter, JSON_COMPACT) : NULL;

    json_decref(filter);
    if (!text)
        return -ENOMEM;
    buf_add_text(url, "filters=");
    engine_escape(url, text);
    free(text);
    return url->failed ? -ENOMEM : 0;
}

const char *engine_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

int engine_take_id(const json_t *answer, const char *key, const char *what, char ret_id[65],
                   struct err *err)
{
    const char *id = engine_text(answer, key);
    size_t size = strlen(id);

    if (size == 0 || size > 64)
        return err_set(err, -EPROTO, "%s: the Docker daemon's answer has no %s", what, key);
    memcpy(ret_id, id, size + 1);
    return 0;
}
