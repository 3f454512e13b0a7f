/*
 * link/ask.h - programs that a test spawned ask the test's process where their connections go.
 *
 * The library libseam-shim.so, preloaded into such a program, has the hooks of link/ and, in the place of
 * link/destination.c, questions. Nothing is copied into the program, so a double that is started later is
 * seen at once. One question is one connection to a unix socket: a frame there, a frame back (base/message.h).
 *
 *   op=resolve  host                               verdict=real | none | ours address
 *   op=connect  address port stream                verdict=pass | double port | refuse | silence,
 *                                              host, refuses=0 | 1
 *   op=refused  host port library                  -
 *   op=others                                      others=0 | 1
 *
 * An answer to `connect` also has the authority that is to be trusted by then, as PEM text.
 *
 * Threads: any.
 */
#ifndef LINK_ASK_H
#define LINK_ASK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"

/* Where the program finds the socket, and the authority as a file. */
#define LINK_ASK_SOCKET "SEAM_ASK"
#define LINK_ASK_AUTHORITY "SEAM_CA_FILE"

/* Answer at a socket of that path, in a folder that nobody else may enter, from a thread of ours. */
struct link_ask;
int link_ask_start(const char *path, struct link_ask **ret, struct err *err);
void link_ask_stop(struct link_ask *ask); /* takes NULL */

/* The answer to one question, added to `answer`. */
void link_ask_answer(const struct message *question, struct buf *answer);

#endif
