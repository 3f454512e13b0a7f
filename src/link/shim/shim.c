/*
 * link/shim/shim.c - libseam-shim.so: the hooks of link/ in a program that a test spawned.
 *
 * It stands in the place of destination.c: what that knows, this asks the test's process (see ask.h). A
 * connection to a double goes to the double's listener on 127.0.0.1; the program is told the address that it
 * asked for. When the test's process answers no more, its doubles are gone: nothing is reached, rather than
 * the real thing.
 *
 * Threads: any. No lock and nothing kept but the authority; a child that the program forks asks by itself.
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base_name.h"
#include "base/io.h"
#include "link/ask.h"
#include "link/destination.h"
#include "link/page.h"
#include "link/real.h"
#include "link/trust.h"

enum { QUESTION_MAX = 4096, ANSWER_MAX = 1 << 20, AUTHORITY_MAX = 1 << 20 };

static char
    socket_path[sizeof((struct sockaddr_un *)0)->sun_path]; /* "": nobody is to be asked */

static void trust_file(const char *path)
{
    struct buf pem = BUF_INIT(AUTHORITY_MAX);

    if (path && io_read_file(path, &pem) == 0 && pem.size > 0)
        link_trust(buf_text(&pem), NULL);
    buf_fini(&pem);
}

/* After real.c's, whose functions io_read_file comes to. */
__attribute__((constructor(102))) static void begin(void)
{
    const char *path = getenv(LINK_ASK_SOCKET), *page = getenv(PAGE_VARIABLE);

    if (page)
        page_open(page);
    if (!path || strlen(path) >= sizeof socket_path)
        return;
    memcpy(socket_path, path, strlen(path) + 1);
    trust_file(getenv(LINK_ASK_AUTHORITY));
}

/* ---- asking */

struct asking {
    struct buf question, answer;
    struct message message; /* the answer */
};

static void open_question(struct asking *asking, const char *op)
{
    *asking =
        (struct asking){ .question = BUF_INIT(QUESTION_MAX), .answer = BUF_INIT(ANSWER_MAX) };
    message_begin(&asking->question);
    message_add_text(&asking->question, "op", op);
}

static bool send_all(int fd, const struct buf *question)
{
    size_t sent = 0;

    while (!question->failed && sent < question->size) {
        ssize_t n =
            link_real()->send(fd, question->data + sent, question->size - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        sent += n > 0 ? (size_t)n : 0;
    }
    return !question->failed;
}

/* No limit: the test's process may stand in a debugger, and its death is ours. */
static bool put_question(struct asking *asking)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int saved = errno;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered;

    message_end(&asking->question, 0);
    memcpy(address.sun_path, socket_path, sizeof socket_path);
    answered =
        fd >= 0 &&
        link_real()->connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        send_all(fd, &asking->question) &&
        message_receive(fd, &asking->answer, 0, &asking->message) == 0;
    if (fd >= 0)
        link_real()->close(fd);
    errno = saved;
    return answered;
}

static bool says(const struct asking *asking, const char *verdict)
{
    struct message value = message_value(&asking->message, "verdict");

    return value.size == strlen(verdict) && memcmp(value.data, verdict, value.size) == 0;
}

static void close_question(struct asking *asking)
{
    buf_fini(&asking->question);
    buf_fini(&asking->answer);
}

/* ---- what destination.h promises */

bool link_is_active(void)
{
    return *socket_path;
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || strchr(host, ':');
}

enum link_lookup link_look_up(const char *name, uint32_t *ret_address)
{
    enum link_lookup found = LINK_LOOKUP_NONE;
    struct asking asking;

    if (!link_is_active() || !*name || is_numeric(name) || strlen(name) >= LINK_HOST_MAX)
        return LINK_LOOKUP_REAL;
    open_question(&asking, "resolve");
    message_add_text(&asking.question, "host", name);
    if (put_question(&asking)) {
        if (says(&asking, "real"))
            found = LINK_LOOKUP_REAL;
        if (says(&asking, "ours")) {
            found = LINK_LOOKUP_OURS;
            *ret_address = (uint32_t)message_int(&asking.message, "address", 0);
        }
    }
    close_question(&asking);
    return found;
}

/* A double that speaks TLS may have been started since. */
static void take_authority(const struct asking *asking)
{
    char *pem = message_text(&asking->message, "authority");
    const char *known = link_authority();

    if (pem && (!known || strcmp(pem, known) != 0))
        link_trust(pem, NULL);
    free(pem);
}

/* Whether what the last verdict of this thread refuses is refused, and not only told. */
static _Thread_local bool refuses = true;

bool link_refuses(void)
{
    return refuses;
}

static enum link_verdict take_verdict(const struct asking *asking, struct link_destination *ret)
{
    static const struct link_driver elsewhere;
    struct message host = message_value(&asking->message, "host");

    snprintf(ret->host, sizeof ret->host, "%.*s", (int)host.size, host.data ? host.data : "");
    take_authority(asking);
    refuses = message_int(&asking->message, "refuses", 1) != 0;
    if (says(asking, "pass"))
        return LINK_PASS;
    if (says(asking, "refuse"))
        return LINK_REFUSE;
    if (says(asking, "silence"))
        return LINK_NO_ANSWER;
    if (!says(asking, "double"))
        return LINK_REFUSE_QUIETLY;
    ret->driver = &elsewhere;
    ret->listener = (int)message_int(&asking->message, "port", -1);
    return LINK_TO_DOUBLE;
}

static int port_of(const struct sockaddr *to)
{
    return ntohs(to->sa_family == AF_INET
                     ? ((const struct sockaddr_in *)(const void *)to)->sin_port
                     : ((const struct sockaddr_in6 *)(const void *)to)->sin6_port);
}

enum link_verdict link_judge(const struct sockaddr *to, socklen_t size, bool stream,
                             struct link_destination *ret)
{
    enum link_verdict verdict = LINK_REFUSE_QUIETLY;
    struct asking asking;

    *ret = (struct link_destination){ 0 };
    if (size < sizeof(struct sockaddr_in) || size > sizeof(struct sockaddr_storage) ||
        (to->sa_family == AF_INET6 && size < sizeof(struct sockaddr_in6)))
        return LINK_PASS; /* the kernel says what is wrong with it */
    ret->port = port_of(to);
    open_question(&asking, "connect");
    message_add(&asking.question, "address", to, size);
    message_add_int(&asking.question, "stream", stream);
    if (put_question(&asking))
        verdict = take_verdict(&asking, ret);
    close_question(&asking);
    return verdict;
}

/* Whether the system's authorities are still needed. */
bool link_allows_others(void)
{
    struct asking asking;
    bool others = true;

    open_question(&asking, "others");
    if (put_question(&asking))
        others = message_int(&asking.message, "others", 1) != 0;
    close_question(&asking);
    return others;
}

void link_tell_refused(const struct link_destination *destination, const void *caller)
{
    const char *library = "itself";
    Dl_info where = { 0 };
    struct asking asking;
    char words[300];

    if (dladdr(caller, &where) && where.dli_fname)
        library = base_name(where.dli_fname);
    if (strcmp(library, program_invocation_short_name) == 0)
        snprintf(words, sizeof words, "'%s'", program_invocation_short_name);
    else
        snprintf(words, sizeof words, "%s in '%s'", library, program_invocation_short_name);
    open_question(&asking, "refused");
    message_add_text(&asking.question, "host", destination->host);
    message_add_int(&asking.question, "port", destination->port);
    message_add_text(&asking.question, "library", words);
    put_question(&asking);
    close_question(&asking);
}
