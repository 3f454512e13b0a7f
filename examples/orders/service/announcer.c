/* service/announcer.c - from the outbox to the broker; see announcer.h. */

#include "service/announcer.h"

/* Send one event. REPOSITORY_NOT_FOUND when there is none, REPOSITORY_UNAVAILABLE when it could not
 * be sent and waits for the next attempt. */
static enum repository_result send_next(const struct announcer *announcer,
                                        struct failure *failure)
{
    const struct event_publisher *events = &announcer->events;
    const struct outbox *outbox = &announcer->outbox;
    enum repository_result result;
    struct failure ignored;
    struct event event;

    result = outbox->take(outbox->self, &event, failure);
    if (result)
        return result;
    if (events->publish(events->self, &event, failure) == 0)
        return outbox->finish(outbox->self, true, failure);
    /* Should this fail as well, the event is back all the same: nothing was committed. */
    outbox->finish(outbox->self, false, &ignored);
    return REPOSITORY_UNAVAILABLE;
}

int announcer_run(const struct announcer *announcer, size_t *ret_sent, struct failure *failure)
{
    enum repository_result result;

    for (*ret_sent = 0;; ++*ret_sent) {
        result = send_next(announcer, failure);
        if (result)
            return result == REPOSITORY_NOT_FOUND ? 0 : -1;
    }
}
