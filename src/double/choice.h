/* double/choice.h - several fields of which a rule has one at most. */
#ifndef DOUBLE_CHOICE_H
#define DOUBLE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct choice {
    const char *word;
    bool is_given;
};

/* 0, or -EINVAL with the words of two that are given. */
int choice_at_most_one(const struct choice *choices, size_t count, struct err *err);

#endif
