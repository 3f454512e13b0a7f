/* http/mhd_test.c - handlers of libmicrohttpd behind a server of the test. */
//seam:cflags -I../../include -Wall -Wextra -Wshadow -Wpedantic -Werror
//seam:pkg-config libmicrohttpd

#include <seam/mhd.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- a handler as programs have them: it greets, and echoes what was posted */

struct front {
    const char *greeting;
    int completed;
};

struct upload {
    char text[100];
    size_t size;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result r = MHD_queue_response(connection, status, response);

    MHD_destroy_response(response);
    return r;
}

static enum MHD_Result front_handle(void *cls, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **context)
{
    struct front *front = cls;
    struct upload *upload = *context;

    (void)version;
    if (!upload) {
        *context = calloc(1, sizeof *upload);
        return MHD_YES;
    }
    if (*size > 0) {
        memcpy(upload->text, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/hello") != 0)
        return answer(connection, 404, "no such page");
    return answer(connection, 200,
                  strcmp(method, "POST") == 0 ? upload->text : front->greeting);
}

static void front_completed(void *cls, struct MHD_Connection *connection, void **context,
                            enum MHD_RequestTerminationCode code)
{
    struct front *front = cls;

    (void)connection;
    (void)code;
    free(*context);
    front->completed++;
}

/* The server stops, and tells of its last request, after the function of the test has returned. */
static struct front *front_new(seam_t *t)
{
    struct front *front = seam_alloc(t, sizeof *front);

    front->greeting = "hello";
    return front;
}

static seam_mhd_server *serve(seam_t *t, struct front *front)
{
    return seam_mhd_serve(t, front_handle, front, .completed = front_completed,
                          .completed_cls = front);
}

SEAM_TEST(handler_answers)
{
    seam_mhd_server *server = serve(t, front_new(t));
    const seam_http_response *r = seam_http_get(t, seam_mhd_url(server, "/hello"));

    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "hello");
    seam_check_eq(t, seam_http_get(t, seam_mhd_url(server, "/other"))->status, 404);
    r = seam_http_do(t, .url = seam_mhd_url(server, "/hello"), .body = "posted");
    seam_check_eq(t, r->body, "posted");
    seam_check_match(t, seam_mhd_url(server, ""), "^http://127\\.0\\.0\\.1:[0-9]+$");
}

static void one_server(seam_t *t, void *arg)
{
    seam_mhd_server *server = serve(t, arg);

    seam_check_eq(t, seam_http_get(t, seam_mhd_url(server, "/hello"))->body, "hello");
}

/* The client's connection is kept meanwhile: it does not hold the server up. */
SEAM_TEST(server_stops_with_its_subtest)
{
    struct front *front = front_new(t);

    for (int i = 1; i <= 3; i++) {
        seam_run(t, "one", one_server, front);
        seam_check_eq(t, front->completed, i);
    }
}

/* libmicrohttpd takes an application's own options as well. */
SEAM_TEST(options_are_passed_on)
{
    struct front *front = front_new(t);
    struct MHD_OptionItem options[] = { { MHD_OPTION_CONNECTION_LIMIT, 3, NULL },
                                        { MHD_OPTION_END, 0, NULL } };
    seam_mhd_server *server = seam_mhd_serve(
        t, front_handle, front, .flags = MHD_USE_THREAD_PER_CONNECTION,
        .completed = front_completed, .completed_cls = front, .options = options);
    const union MHD_DaemonInfo *flags =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_FLAGS);

    seam_check(t, flags->flags & MHD_USE_THREAD_PER_CONNECTION);
    seam_check_eq(t, seam_http_get(t, seam_mhd_url(server, "/hello"))->status, 200);
}

/* The pattern for any other framework: it takes a socket that listens. */
SEAM_TEST(another_server_takes_a_socket)
{
    int port = 0, fd = seam_http_listen(t, &port);
    struct front *front = front_new(t);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, front_handle, front,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
                         front_completed, front, MHD_OPTION_END);

    seam_require(t, daemon != NULL);
    seam_check_eq(t, seam_http_get(t, seam_format(t, "http://127.0.0.1:%d/hello", port))->body,
                  "hello");
    MHD_stop_daemon(daemon);
}
