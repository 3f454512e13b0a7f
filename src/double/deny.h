/*
 * double/deny.h - tests whose connections are refused unless something allows them.
 */
#ifndef DOUBLE_DENY_H
#define DOUBLE_DENY_H

#include "base/err.h"
#include "seam/seam.h"

/* As link_check, and -ENOTSUP under -hooks off. */
int net_check_hooks(struct err *err);

/* From now until net_deny_end(t), as often as it was begun, fail the test with each connection that is
 * refused, at that line. Only from the test's own thread. */
void net_deny_begin(seam_t *t, seam_site at);
void net_deny_end(seam_t *t);

#endif
