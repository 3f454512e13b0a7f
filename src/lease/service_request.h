/* lease/service_request.h - a request of seam/service.h is checked and written for the keeper. */
#ifndef LEASE_SERVICE_REQUEST_H
#define LEASE_SERVICE_REQUEST_H

#include "base/buf.h"
#include "seam/service.h"

enum { SERVICE_FUNCTIONS = 16 };

/* Conditions that only the test's own process can ask. */
struct service_functions {
    bool (*fn[SERVICE_FUNCTIONS])(seam_container *server, void *arg);
    void *arg[SERVICE_FUNCTIONS];
    size_t count;
};

/* Add {request: ...}. Ends the test when the request is wrong. */
void service_write(seam_t *t, bool is_process, const seam_service_request *request,
                   struct buf *frame, struct service_functions *ret);

/* The engine's name for a network. */
const char *service_network_id(const seam_network *network);

#endif
