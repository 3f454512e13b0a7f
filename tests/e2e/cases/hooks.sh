#!/bin/sh
# hooks.sh - calls of a program reach their double however it is linked: position-independent or not, bound
# at once, with link-time optimisation, by any linker, with sanitizers, through a library that is loaded at
# run time, with a fake of its own; what cannot be reached is said.
# needs: pkg-config --exists libcurl
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
wrong=0

# flavour NAME COMMAND WORD... - the tests pass when they are built and run so.
flavour() {
    name=$1
    shift
    "$@" >out 2>&1 && ! grep -q warning out && return
    echo "$name:"
    cat out
    wrong=1
}

mkdir calls clocks loads fakes
cat >calls/calls_test.c <<'END_OF_FILE'
//seam:pkg-config libcurl
#include <curl/curl.h>
#include <seam/http_mock.h>
#include <seam/seam.h>

#include <string.h>

static size_t keep(char *data, size_t one, size_t count, void *to)
{
    strncat(to, data, one * count);
    return one * count;
}

static void call(seam_t *t, const char *url)
{
    CURL *curl = curl_easy_init();
    char error[CURL_ERROR_SIZE] = "", body[64] = "";

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (curl_easy_perform(curl) != CURLE_OK)
        seam_error(t, "%s: %s", url, error);
    seam_check_eq(t, body, "here");
    curl_easy_cleanup(curl);
}

SEAM_TEST(plain)
{
    seam_http_mock *api = seam_http_mock_start(t, "http://api.partner.test");

    seam_http_expect(api, .path = "/", .reply = { { .body = "here" } });
    call(t, "http://api.partner.test/");
}

SEAM_TEST(over_tls)
{
    seam_http_mock *api = seam_http_mock_start(t, "https://api.partner.test");

    seam_http_expect(api, .path = "/", .reply = { { .body = "here" } });
    call(t, "https://api.partner.test/");
}
END_OF_FILE
cat >clocks/clocks_test.c <<'END_OF_FILE'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <seam/clock.h>
#include <seam/uuid.h>

#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static void *nap(void *arg)
{
    struct timespec hour = { .tv_sec = 3600 };

    nanosleep(&hour, NULL);
    poll(NULL, 0, 3600 * 1000);
    sleep(3600);
    *(time_t *)arg = time(NULL);
    return NULL;
}

SEAM_TEST(sleepers)
{
    seam_clock *clock = seam_clock_start(t, .at = "2026-11-21T12:00:00Z");
    time_t begun = time(NULL), woken = 0;
    pthread_t thread;

    pthread_create(&thread, NULL, nap, &woken);
    seam_clock_wait_for_sleepers(clock, 1, 10000);
    seam_clock_advance(clock, 3 * 3600 * 1000);
    pthread_join(thread, NULL);
    seam_check_eq(t, woken - begun, 3 * 3600);
}

static void in_plugin(seam_t *t, const char *want)
{
    void *plugin = dlopen("./plugin.so", RTLD_NOW | RTLD_LOCAL);
    void (*id)(char *);
    char text[37] = "";

    seam_require(t, plugin != NULL);
    *(void **)&id = dlsym(plugin, "plugin_id");
    id(text);
    if (want)
        seam_check_str(t, text, want);
    seam_check_eq(t, strlen(text), 36);
}

SEAM_TEST(ids)
{
    seam_uuid *ids = seam_uuid_start(t, .at_the_seam = true, .seed = 7);
    unsigned char bytes[4] = "";

    seam_check_eq(t, getrandom(bytes, 4, 0), 4);
    in_plugin(t, seam_uuid_at(ids, 0));
}

SEAM_TEST(ids_of_the_machine)
{
    in_plugin(t, NULL);
}
END_OF_FILE
cat >plugin.c <<'END_OF_FILE'
void uuid_generate(unsigned char *to);
void uuid_unparse(const unsigned char *id, char *to);
void plugin_id(char *to);

void plugin_id(char *to)
{
    unsigned char id[16];

    uuid_generate(id);
    uuid_unparse(id, to);
}
END_OF_FILE
cc -shared -fPIC -o clocks/plugin.so plugin.c -l:libuuid.so.1 || exit 1
cat >loads/loads_test.c <<'END_OF_FILE'
#include <dlfcn.h>
#include <seam/http_mock.h>
#include <seam/seam.h>

#include <stdlib.h>

/* libcurl, which the program is not linked with; by the numbers of its header. */
static void call(seam_t *t, int flags)
{
    seam_http_mock *api = seam_http_mock_start(t, "http://api.partner.test");
    void *library = dlopen("libcurl.so.4", flags);
    void *(*init)(void);
    void (*cleanup)(void *);
    int (*set)(void *, int, ...);
    int (*perform)(void *);
    void *curl;

    seam_http_expect(api, .path = "/", .reply = { { .status = 204 } });
    if (getenv("BEFORE"))
        seam_http_mock_start(t, "http://another.test");
    seam_require(t, library != NULL);
    *(void **)&init = dlsym(library, "curl_easy_init");
    *(void **)&set = dlsym(library, "curl_easy_setopt");
    *(void **)&perform = dlsym(library, "curl_easy_perform");
    *(void **)&cleanup = dlsym(library, "curl_easy_cleanup");
    curl = init();
    set(curl, 10002, "http://api.partner.test/");
    seam_check_eq(t, perform(curl), 0);
    cleanup(curl);
}

SEAM_TEST(local)
{
    call(t, RTLD_NOW | RTLD_LOCAL);
}

SEAM_TEST(deep)
{
    call(t, RTLD_NOW | RTLD_DEEPBIND);
}
END_OF_FILE
sed -i '1i #define _GNU_SOURCE' loads/loads_test.c
cp calls/calls_test.c fakes/
cat >fakes/fake.c <<'END_OF_FILE'
#include <errno.h>

struct sockaddr;
int connect(int fd, const struct sockaddr *to, unsigned size);

int connect(int fd, const struct sockaddr *to, unsigned size)
{
    (void)fd;
    (void)to;
    (void)size;
    errno = ENETDOWN;
    return -1;
}
END_OF_FILE

flavour 'as it comes' seam test -count 1 ./calls ./clocks
flavour 'optimised' env CFLAGS='-O2 -ffunction-sections' LDFLAGS=-Wl,--gc-sections seam test -count 1 ./calls ./clocks
flavour 'at a fixed address' env CFLAGS='-g -fno-pie' LDFLAGS=-no-pie seam test -count 1 ./calls ./clocks
flavour 'link-time optimisation' env CFLAGS='-g -O2 -flto -DCURL_DISABLE_TYPECHECK' LDFLAGS='-O2 -flto' seam test -count 1 ./calls ./clocks
flavour 'bound lazily' env LDFLAGS=-Wl,-z,lazy seam test -count 1 ./calls ./clocks
flavour 'ASan' seam test -asan -count 1 ./calls ./clocks
flavour 'TSan' seam test -race -count 1 ./calls ./clocks
flavour 'ASan, run-time linked statically' env LDFLAGS=-static-libasan seam test -asan -count 1 ./calls ./clocks
flavour 'TSan, run-time linked statically' env LDFLAGS=-static-libtsan seam test -race -count 1 ./calls ./clocks
if command -v clang >out; then
    flavour 'clang' env CC=clang seam test -count 1 ./calls ./clocks
    flavour 'clang, ASan' env CC=clang seam test -asan -count 1 ./calls ./clocks
    flavour 'clang, TSan' env CC=clang seam test -race -count 1 ./calls ./clocks
fi
for linker in gold lld mold; do
    command -v ld.$linker >out && ! [ $linker = mold ] || [ -x "$(command -v mold)" ] || continue
    flavour "linked by $linker" env LDFLAGS=-fuse-ld=$linker seam test -count 1 ./calls ./clocks
done
flavour 'loaded at run time' seam test -count 1 -run local ./loads
flavour 'loaded at run time, by gold' env LDFLAGS=-fuse-ld=gold seam test -count 1 -run local ./loads

# What was bound past the hooks is mended when the next double starts, and said where it was too late.
flavour 'RTLD_DEEPBIND, mended' env BEFORE=1 seam test -count 1 -run deep ./loads
seam test -count 1 -run deep ./loads >out 2>&1 && { echo 'RTLD_DEEPBIND is not said'; wrong=1; }
grep -q 'libcurl.so.4 was loaded with RTLD_DEEPBIND after the double had started' out || { cat out; wrong=1; }

# A fake of the program's own links, and wins.
seam test -count 1 -run plain ./fakes >out 2>&1 && { echo 'the fake does not answer'; wrong=1; }
grep -q "the program's own 'connect' answers its calls" out || { cat out; wrong=1; }
grep -q "Couldn't connect to server\|Network is down" out || { cat out; wrong=1; }
exit $wrong
