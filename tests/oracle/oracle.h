/* oracle.h - what every fixture of the oracle includes: it says its own name, nothing more. */
#ifndef ORACLE_H
#define ORACLE_H

#include <seam/seam.h>

#include <stdio.h>

/* count.c looks for this line: once in the output of the test that said it, nowhere else. */
static inline void say(seam_t *t)
{
    printf("[%s]\n", seam_name(t));
}

#endif
