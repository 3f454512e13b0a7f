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

mkdir calls loads fakes
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

flavour 'as it comes' seam test -count 1 ./calls
flavour 'optimised' env CFLAGS='-O2 -ffunction-sections' LDFLAGS=-Wl,--gc-sections seam test -count 1 ./calls
flavour 'at a fixed address' env CFLAGS='-g -fno-pie' LDFLAGS=-no-pie seam test -count 1 ./calls
flavour 'link-time optimisation' env CFLAGS='-g -O2 -flto -DCURL_DISABLE_TYPECHECK' LDFLAGS='-O2 -flto' seam test -count 1 ./calls
flavour 'bound lazily' env LDFLAGS=-Wl,-z,lazy seam test -count 1 ./calls
flavour 'ASan' seam test -asan -count 1 ./calls
flavour 'TSan' seam test -race -count 1 ./calls
flavour 'ASan, run-time linked statically' env LDFLAGS=-static-libasan seam test -asan -count 1 ./calls
flavour 'TSan, run-time linked statically' env LDFLAGS=-static-libtsan seam test -race -count 1 ./calls
if command -v clang >out; then
    flavour 'clang' env CC=clang seam test -count 1 ./calls
    flavour 'clang, ASan' env CC=clang seam test -asan -count 1 ./calls
    flavour 'clang, TSan' env CC=clang seam test -race -count 1 ./calls
fi
for linker in gold lld mold; do
    command -v ld.$linker >out && ! [ $linker = mold ] || [ -x "$(command -v mold)" ] || continue
    flavour "linked by $linker" env LDFLAGS=-fuse-ld=$linker seam test -count 1 ./calls
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
