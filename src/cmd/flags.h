/*
 * cmd/flags.h - the flags of `seam test` and `seam run`, spelled as Go's.
 *
 * -flag, --flag, -flag=value and -flag value are the same; a truth takes -flag=false. Flags may stand
 * before, between and behind the other words; "--" ends them.
 */
#ifndef CMD_FLAGS_H
#define CMD_FLAGS_H

#include <stdio.h>

#include "base/err.h"
#include "runner/options.h"

/* Fill `options`; what is no flag becomes options->arguments. On a mistake err has one line. */
int flags_parse(int argc, char **argv, struct options *options, struct err *err);

/* One line a flag. */
void flags_show(FILE *to);

#endif
