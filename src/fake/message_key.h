/* fake/message_key.h - routing keys, as topic exchanges compare them. */
#ifndef FAKE_MESSAGE_KEY_H
#define FAKE_MESSAGE_KEY_H

#include <stdbool.h>

/* Whether a key is one of the pattern's: words between dots, "*" is any one word, "#" any number of words. */
bool message_key_matches(const char *pattern, const char *key);

#endif
