/*
 * service/engine.h - a client of the Docker Engine's API, versions 1.41 and up, over a unix socket, TCP, or TCP with
 * TLS; by libcurl, one connection a call that streams, else kept.
 *
 * Which daemon: TESTCONTAINERS_HOST, DOCKER_HOST, the docker context (DOCKER_CONTEXT, or currentContext of
 * config.json), /var/run/docker.sock, then the rootless sockets ($XDG_RUNTIME_DIR/docker.sock, ~/.docker/run/,
 * ~/.docker/desktop/, /run/user/UID/). TLS by DOCKER_TLS_VERIFY and DOCKER_CERT_PATH or the context's own.
 *
 * Errors name what was asked for, show the daemon's own words ("message" of its JSON) and its status.
 *
 * Threads: an engine may be used from any number of threads at once; a stream belongs to one.
 */
#ifndef SERVICE_ENGINE_H
#define SERVICE_ENGINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct engine;

/* Find a daemon and agree on a version. -ENOENT: there is none, -EACCES: it may not be used; *ret_remedy is then the
 * one command that would mend it (static). */
int engine_open(struct engine **ret, const char **ret_remedy, struct err *err);
void engine_close(struct engine *engine); /* NULL is fine */

const char *engine_version(const struct engine *engine); /* "20.10.24" */
const char *engine_api(const struct engine *engine); /* "1.41" */
const char *engine_where(const struct engine *engine); /* "unix:///var/run/docker.sock" */
bool engine_is_local(const struct engine *engine);

/* Where ports that it publishes are reached: "127.0.0.1", the daemon's host, TESTCONTAINERS_HOST_OVERRIDE, or from
 * inside a container the gateway, unless the daemon lives in that container's network as well. */
const char *engine_host(const struct engine *engine);

/* ---- calls -------------------------------------------------------------------------------------- */

struct engine_call {
    const char *method;
    const char *path; /* without the version: "/containers/json?all=1" */
    const json_t *json; /* the body; or */
    const void *body;
    size_t body_size;
    const char *type; /* of `body`; NULL: "application/x-tar" */
    const char *auth; /* X-Registry-Auth; NULL: none */
    int timeout_ms; /* without a byte; 0: 60 s, -1: never */
    /* The answer's body as it comes; return false to end the call. NULL: it is collected. */
    bool (*sink)(void *arg, const char *data, size_t size);
    void *arg;
    const int *cancel; /* not 0: end the call; looked at every 100 ms. NULL: never */
};

/* Returns 0 for a status below 400, with *ret_json the parsed body (NULL: it has none; the caller frees it; may be
 * NULL) or when the sink has ended the call; -ENOENT for 404, -EEXIST for 409, -EACCES for 401 and 403, -EREMOTEIO for
 * others; where the daemon's words say it: -ENOSPC (disk full), -EADDRINUSE (port taken), -EDQUOT (a registry's rate
 * limit), -ENOEXEC (no such program, another machine's). -ENOTCONN when the daemon is gone, -ETIMEDOUT, -ECANCELED.
 * `what` begins the message: "cannot create a container of 'redis:7'". */
int engine_do(struct engine *engine, const struct engine_call *call, const char *what,
              json_t **ret_json, int *ret_status, struct err *err);

/* ---- images ------------------------------------------------------------------------------------- */

/* The name that is really used: that of the map file SEAM_IMAGE_MAP ("from to" a line, # begins a comment), else
 * SEAM_IMAGE_PREFIX before one of the Docker Hub. An id ("sha256:...") is left as it is. */
int engine_image_name(const char *image, struct buf *ret, struct err *err);

bool engine_image_is_here(struct engine *engine, const char *image);

/* Pull, with progress told by `note` (a sentence a second at most). -ENOENT: no such image; -EACCES: the registry
 * refuses, with the place where its password was looked for; -ETIMEDOUT: nothing came for 60 s. */
int engine_pull(struct engine *engine, const char *image, const char *platform,
                void (*note)(void *arg, const char *text), void *arg, const int *cancel,
                struct err *err);

/* Build a folder's Dockerfile; `labels` and `args` are "name=value", ended by NULL. *ret_image is its id. The last
 * lines of the build are in `err` when it fails. */
struct engine_build {
    const char *folder, *dockerfile, *target, *platform;
    const char *const *args;
    const char *const *labels;
};
int engine_build(struct engine *engine, const struct engine_build *build, struct buf *ret_image,
                 const int *cancel, struct err *err);

/* ---- containers --------------------------------------------------------------------------------- */

int engine_create(struct engine *engine, const char *image, const char *platform,
                  const json_t *body, char ret_id[65], struct err *err);
int engine_start(struct engine *engine, const char *id, struct err *err);
int engine_signal(struct engine *engine, const char *id, const char *what,
                  struct err *err); /* "stop?t=10",
                                                     "kill", "pause", "unpause", "restart?t=10" */
int engine_remove(struct engine *engine, const char *id,
                  struct err *err); /* with its volumes, by force */
int engine_inspect(struct engine *engine, const char *id, json_t **ret, struct err *err);

/* One file, or a whole tar, into a container or out of it. */
int engine_copy_to(struct engine *engine, const char *id, const struct buf *tar,
                   struct err *err);
int engine_copy_from(struct engine *engine, const char *id, const char *path, struct buf *ret,
                     struct err *err);

/* Its log: the last `tail` lines of what there is (0: all, -1: none), and with `follow` what comes from now on, until
 * the container ends or the sink says so. The sink is told which stream: 1 stdout (and all of a terminal), 2 stderr. */
int engine_logs(struct engine *engine, const char *id, bool follow, int tail,
                bool (*sink)(void *arg, int stream, const char *data, size_t size), void *arg,
                const int *cancel, struct err *err);

struct engine_exec {
    const char *const *argv;
    const char *const *env;
    const char *user, *workdir;
    const char *input;
    size_t input_size;
    int timeout_ms;
};
int engine_exec(struct engine *engine, const char *id, const struct engine_exec *exec,
                int *ret_status, struct buf *ret_out, struct buf *ret_err, struct err *err);

/* ---- networks, events, pruning ------------------------------------------------------------------ */

int engine_network(struct engine *engine, const char *name, const char *const *labels,
                   char ret_id[65], struct err *err);
int engine_network_remove(struct engine *engine, const char *id, struct err *err);

int engine_volume(struct engine *engine, const char *name, const char *const *labels,
                  struct err *err); /* one that is there already is a success */

/* Follow what happens to things with a label ("seam.run=..."), until the sink says so (0). It is told nothing of what
 * was before the call; -ENOTCONN when the daemon ends. */
int engine_events(struct engine *engine, const char *label,
                  bool (*sink)(void *arg, const json_t *event), void *arg, const int *cancel,
                  struct err *err);

/* Remove all containers, networks, volumes and built images with a label, several at once. Returns how many there
 * were, of which somebody else may still be removing some, or a negative errno with the words of the first that
 * stayed, when all others are gone. */
int engine_prune(struct engine *engine, const char *label, struct err *err);

/* Labels of runs that have something: each "seam.run" that is there, once. */
int engine_runs(struct engine *engine, void (*fn)(void *arg, const char *run), void *arg,
                struct err *err);

#endif
