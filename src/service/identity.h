/*
 * service/identity.h - who a server runs as.
 *
 * PostgreSQL refuses to run as root. So as root its programs become 'nobody'; where that is refused
 * (a container with one id, a lost capability) they get a user namespace in which our own id is
 * nobody's. The same namespace gives a name to a user id that has none, which initdb insists on.
 *
 * Threads: identity_choose from any; the answer is found once.
 */
#ifndef SERVICE_IDENTITY_H
#define SERVICE_IDENTITY_H

#include "base/err.h"
#include "service/image.h"

enum identity {
    IDENTITY_SELF,
    IDENTITY_NOBODY, /* setuid to nobody */
    IDENTITY_MAPPED, /* a user namespace that shows our id as nobody's */
};

/* How a server that refuses root can run here. -EPERM when in no way; `err` tells what refused. */
int identity_choose(enum identity *ret, struct err *err);

/* The same for a program that must find its user's name as well. */
int identity_choose_named(enum identity *ret, struct err *err);

/* Whom the files of such a server must belong to. */
struct image_owner identity_owner(enum identity identity);

/* Become it. In a child between fork and exec only; returns 0 or -errno. */
int identity_become(enum identity identity);

#endif
