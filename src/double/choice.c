/* double/choice.c - several fields of which a rule has one at most; see choice.h. */

#include <errno.h>

#include "double/choice.h"

int choice_at_most_one(const struct choice *choices, size_t count, struct err *err)
{
    const char *given = NULL;

    for (size_t i = 0; i < count; i++) {
        if (given && choices[i].is_given)
            return err_set(err, -EINVAL, "a rule has %s or %s, not both", given,
                           choices[i].word);
        if (choices[i].is_given)
            given = choices[i].word;
    }
    return 0;
}
