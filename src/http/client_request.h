/* http/client_request.h - what a test asks for, checked and completed: for a socket and for the recorder. */
#ifndef HTTP_CLIENT_REQUEST_H
#define HTTP_CLIENT_REQUEST_H

#include "seam/http.h"
#include "wire/http.h"

struct client_request {
    const char *method;
    const char *url;
    struct http_fields fields; /* with the Content-Type of .json */
    const char *body; /* NULL: none, not even an empty one */
    size_t size;
    const char *unix_socket;
    const char *client_certificate;
    int timeout_ms;
    bool http2;
    bool may_fail;
    seam_site site;
};

/* Ends the test, at the site of the request, when it makes no sense. What `ret` points to lives until the
 * (sub)test ends; the body may be the caller's. */
void client_request_make(seam_t *t, const seam_http_request *request,
                         struct client_request *ret);

#endif
