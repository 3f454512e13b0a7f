/*
 * runner/include_words.h - the folders of headers among a compiler's words, as absolute paths.
 *
 * A compiler runs in the folder of its package, ninja in that of the build. What the compiler read by `-I..` it
 * writes down as `../a.h`, which for ninja is a file that is not there: it would compile anew in every run.
 */
#ifndef RUNNER_INCLUDE_WORDS_H
#define RUNNER_INCLUDE_WORDS_H

#include "base/buf.h"

/* Add `words`, which are for the shell, with `folder` in front of each relative path of -I, -isystem, -iquote,
 * -idirafter and -include, as one word with it or as the next. */
void include_words_add(struct buf *to, const char *words, const char *folder);

#endif
