/* clock/shared_page.h - the page that programs of this test have in common with it; see link/page.h. */
#ifndef CLOCK_SHARED_PAGE_H
#define CLOCK_SHARED_PAGE_H

#include "seam/seam.h"

/* See to it that there is one: page_now() is it. From a (sub)test's own thread. */
void shared_page(seam_t *t, seam_site at);

#endif
