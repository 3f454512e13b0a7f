/*
 * service/engine_state.h - what the files of the engine's client share; others include engine.h.
 *
 *   place   where a daemon listens, and how it was found
 *   line    a connection that is kept between calls: a multi handle, whose cache holds it, and an easy handle
 *
 * Threads: `lock` guards the list of idle lines; all else is written before engine_open returns.
 */
#ifndef SERVICE_ENGINE_STATE_H
#define SERVICE_ENGINE_STATE_H

#include <curl/curl.h>
#include <pthread.h>

#include "service/engine.h"

enum {
    ENGINE_PATH_MAX = 512,
    ENGINE_URL_MAX = 8192,
    ENGINE_BODY_MAX = 64 << 20,
    ENGINE_SILENCE_MS = 60000,
    ENGINE_NOTE_MS = 1000,
    ENGINE_NEVER_MS = -1 /* of engine_call.timeout_ms */
};

struct engine_place {
    char where[ENGINE_PATH_MAX]; /* "unix:///var/run/docker.sock" */
    char from[80]; /* what named it: "DOCKER_HOST"; "": nothing, it is a usual place */
    char socket[ENGINE_PATH_MAX]; /* "": TCP */
    char base[ENGINE_PATH_MAX]; /* "http://localhost", "https://build.test:2376" */
    char host[256]; /* where ports are reached that it publishes */
    char certificates[ENGINE_PATH_MAX]; /* folder of ca.pem, cert.pem, key.pem; "": no TLS */
    bool unchecked; /* TLS, but the daemon's certificate is not looked at */
    bool is_local;
};

struct engine_line {
    struct engine_line *next;
    CURLM *multi;
    CURL *easy;
};

struct engine {
    struct engine_place place;
    char version[64], api[16];
    int stall_ms, note_ms; /* of a pull: its patience, and between notes; tests change them */
    pthread_mutex_t lock;
    struct engine_line *idle;
};

/* Read "unix:///path", "tcp://host:port" and the like. -EPROTONOSUPPORT with words for other schemes. */
int engine_place_read(const char *url, struct engine_place *ret, struct err *err);

/* The daemons that may be meant, the likeliest first; one alone when the user names it. Returns how many. */
enum { ENGINE_PLACES = 8 };
int engine_places(struct engine_place *ret, struct err *err);

/* The default gateway in the text of /proc/net/route, as "172.17.0.1". -ENOENT. */
int engine_gateway(const char *route, char *ret, size_t size);

/* A handle with all that a call to that daemon needs but its own words; engine_line_put takes it back. */
struct engine_line *engine_line_new(void); /* NULL when memory ends */
struct engine_line *engine_line_get(struct engine *engine);
void engine_line_put(struct engine *engine, struct engine_line *line);
void engine_line_free(struct engine_line *line);
void engine_line_aim(const struct engine *engine, CURL *easy); /* socket, TLS, no proxy */

/* Put the daemon's words for a status of 400 and more into `err`, with a remedy where one is known. Returns the
 * code that engine_do does. */
int engine_refused(int status, const char *body, const char *what, struct err *err);

/* The same for words that came in a stream, after a status of 200. */
int engine_told(const char *words, const char *what, struct err *err);

/* Add a part of a query, with what may not stand there as %XX. */
int engine_escape(struct buf *url, const char *text);

/* Add "filters={...}" for a label, escaped. */
int engine_filter_label(struct buf *url, const char *label);

/* The text of a member, "" when it has none. */
const char *engine_text(const json_t *object, const char *key);

/* An id of 64 digits out of an answer's member. -EPROTO. */
int engine_take_id(const json_t *answer, const char *key, const char *what, char ret_id[65],
                   struct err *err);

/* ---- streams: fed by bytes, they hand out what is whole ------------------------------------- */

/* Frames of logs and exec: 8 bytes (stream, 0, 0, 0, size in big-endian), then so many bytes. A container with a
 * terminal has none: what begins otherwise is taken as it comes, as stream 1. */
struct engine_frames {
    bool (*sink)(void *arg, int stream, const char *data, size_t size);
    void *arg;
    unsigned char head[8];
    size_t have; /* of the head */
    size_t left; /* of the frame's bytes */
    enum { FRAMES_UNKNOWN, FRAMES_FRAMED, FRAMES_RAW } kind;
    bool broken; /* a head that is none */
};

/* False when the sink says so, or the head of a frame is none. */
bool engine_frames_feed(void *frames, const char *data, size_t size);

/* JSON values with a line each. */
struct engine_lines {
    bool (*sink)(void *arg, const json_t *value);
    void *arg;
    struct buf rest; /* the line that is not whole yet */
    bool broken; /* a line that is no JSON, or too long */
    bool ended; /* the sink has said so */
};
bool engine_lines_feed(void *lines, const char *data, size_t size);
void engine_lines_end(struct engine_lines *lines); /* the last one may have no newline; frees */

/* ---- registries ------------------------------------------------------------------------------ */

/* "registry:5000/team/app:1@sha256:..." in its parts. Names of the Docker Hub have the registry "docker.io". */
struct engine_reference {
    char registry[256];
    char name[512]; /* what fromImage gets: all but the tag and the digest */
    char tag[256]; /* or digest; "latest" when there is neither */
};
int engine_reference_read(const char *image, struct engine_reference *ret, struct err *err);

/* X-Registry-Auth for a registry: base64url of JSON; nothing is added when no password is known. `where` is told where
 * was looked, for messages. */
int engine_auth(const char *registry, struct buf *ret, struct buf *where, struct err *err);

/* X-Registry-Config, for builds: all that config.json itself knows. */
int engine_auth_all(struct buf *ret, struct err *err);

#endif
