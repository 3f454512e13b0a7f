/* fake/message_rows.h - what a match is made of, and its rows beside a message; for message_*.c alone. */
#ifndef FAKE_MESSAGE_ROWS_H
#define FAKE_MESSAGE_ROWS_H

#include "fake/message_match.h"
#include "json/node.h"
#include "test/match.h"

struct message_match {
    seam_message_match want;
    struct match_pattern *pattern; /* NULL: none */
    struct json_want json; /* root NULL: none */
};

#endif
