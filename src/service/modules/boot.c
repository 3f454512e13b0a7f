/* service/modules/boot.c - a server's program is started and becomes ready; see boot.h. */

#include "service/modules/boot.h"

#include <errno.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/port.h"
#include "service/watch.h"

enum { PORT_TRIES = 3, LOG_LINES = 20, LOG_MAX = 64 << 20 };

/* Tell all that is known about a start that failed. */
static int explain(const struct boot *boot, uint64_t begun, const struct err *greeting,
                   struct err *err)
{
    struct buf tail = BUF_INIT(sizeof err->text - 500);
    char how[64] = "it still runs";
    int status;

    if (child_wait(boot->child, now_ns(), &status) == 0)
        child_describe(status, how, sizeof how);
    child_log_tail(boot->service->log, LOG_LINES, "        ", &tail);
    err_set(err, -EIO,
            "%s did not become ready: %s after %.1f s\n    last probe: %.300s\n    last lines "
            "of its log:\n%s",
            boot->name, how, (double)(now_ns() - begun) / 1e9, greeting->text, buf_text(&tail));
    buf_fini(&tail);
    return -EIO;
}

static int await_ready(const struct boot *boot, const struct watch *watch, struct err *err)
{
    uint64_t begun = now_ns(), deadline = deadline_after_ms(boot->most_ms);
    struct err greeting = { "none" };

    do
        if (boot->greet(boot->server, &greeting) == 0)
            return 0;
    while (!watch_wait(watch, boot->child->fd, deadline) && now_ns() < deadline);
    return explain(boot, begun, &greeting, err);
}

int boot_again(const struct boot *boot, struct err *err)
{
    struct watch watch = WATCH_NONE;
    int r;

    child_wait(boot->child, now_ns(), NULL); /* one that was killed is not reaped yet */
    r = watch_begin(boot->folder, &watch);
    if (r < 0)
        return err_system(err, r, "cannot watch '%s'", boot->folder);
    r = boot->execute(boot->server, err);
    boot->service->pid = r == 0 ? boot->child->pid : 0;
    if (r == 0)
        r = await_ready(boot, &watch, err);
    if (r < 0)
        child_end(boot->child, boot->end_signal, boot->end_ms);
    watch_end(&watch);
    return r;
}

static int choose_ports(const struct boot *boot, struct err *err)
{
    for (size_t i = 0; boot->ports[i]; i++) {
        *boot->ports[i] = port_reserve();
        if (*boot->ports[i] < 0)
            return err_system(err, *boot->ports[i], "cannot reserve a port of 127.0.0.1");
    }
    return boot->settle ? boot->settle(boot->server, err) : 0;
}

/* Somebody who asks for a port by number can take a reserved one from us. */
int boot_first(const struct boot *boot, struct err *err)
{
    for (int tries = 1;; tries++) {
        int r = choose_ports(boot, err);

        if (r == 0)
            r = boot_again(boot, err);
        if (r == 0 || tries == PORT_TRIES ||
            !io_file_has(boot->service->log, boot->taken, LOG_MAX) ||
            truncate(boot->service->log, 0) < 0)
            return r;
    }
}
