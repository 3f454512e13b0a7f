#!/bin/sh
# real-tools.sh - programs as the distribution ships them, started by seam_spawn: curl (OpenSSL), wget (GnuTLS)
# and git clone (libcurl over GnuTLS) are answered by mocks, over http, https and HTTP/2. What no rule answers
# and what nobody allowed fails the test and names the call.
# needs: command -v curl && command -v wget && command -v git
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"

# A bare repository, served as files: one commit in a pack, one whose objects are loose.
make_repository() {
    export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=ada GIT_AUTHOR_EMAIL=ada@example.org
    export GIT_COMMITTER_NAME=ada GIT_COMMITTER_EMAIL=ada@example.org
    git init -q -b main work
    seq 1 20000 >work/numbers
    echo 'good day' >work/greeting
    git -C work add . && git -C work commit -q -m 'the first'
    git clone -q --bare work passes/repo.git
    git -C passes/repo.git repack -q -a -d
    echo 'good evening' >work/greeting
    git -C work commit -q -a -m 'the second'
    git -C work push -q "$PWD/passes/repo.git" main
    git -C passes/repo.git update-server-info
}

mkdir passes fails
make_repository >out 2>&1 || stop 'git makes no repository'
cat >passes/tools_test.c <<'END_OF_FILE'
#include <seam/http_mock.h>
#include <seam/spawn.h>

#include <stdio.h>
#include <string.h>

static const char *first_user_agent(const seam_http_call *call)
{
    for (const struct seam_http_field *field = call->fields; field->name; field++)
        if (strcmp(field->name, "user-agent") == 0 || strcmp(field->name, "User-Agent") == 0)
            return field->value;
    return "";
}

/* The mock has seen one call, of this URL, by this program. */
static void check_call(seam_t *t, const seam_http_mock *mock, const char *method, const char *url,
                       const char *agent)
{
    const seam_http_call *call = seam_http_mock_call(mock, 0);

    seam_require_eq(t, seam_http_mock_count(mock), 1);
    seam_check_eq(t, call->method, method);
    seam_check_eq(t, call->url, url);
    seam_check_eq(t, call->status, 200);
    seam_check_contains(t, first_user_agent(call), agent);
}

SEAM_TEST(curl_https)
{
    static const char url[] = "https://api.partner.test/v1/orders?page=2";
    seam_http_mock *api = seam_http_mock_start(t, "https://api.partner.test");
    seam_process *curl;

    seam_http_expect(api, .path = "/v1/orders", .query = { "page=2" },
                     .reply = { { .json = "{'orders': []}" } });
    curl = seam_spawn(t, .argv = { "curl", "-sS", "-f", url });
    seam_check_eq(t, seam_process_wait(curl, 0), 0);
    seam_check_json(t, seam_process_output(curl), "{'orders': []}");
    check_call(t, api, "GET", url, "curl/");
}

SEAM_TEST(curl_http)
{
    static const char url[] = "http://api.partner.test/v1/orders";
    seam_http_mock *api = seam_http_mock_start(t, "http://api.partner.test");
    seam_process *curl;

    seam_http_expect(api, .method = "POST", .path = "/v1/orders", .body = "sku=tea",
                     .reply = { { .body = "taken" } });
    curl = seam_spawn(t, .argv = { "curl", "-sS", "-d", "@-", url }, .stdin_text = "sku=tea");
    seam_check_eq(t, seam_process_wait(curl, 0), 0);
    seam_check_eq(t, seam_process_output(curl), "taken");
    check_call(t, api, "POST", url, "curl/");
}

SEAM_TEST(curl_status_of_failure)
{
    seam_http_mock *api = seam_http_mock_start(t, "https://api.partner.test:8443");
    seam_process *curl;

    seam_http_expect(api, .path = "/gone", .reply = { { .status = 410 } });
    curl = seam_spawn(t, .argv = { "curl", "-sS", "-f", "https://api.partner.test:8443/gone" });
    seam_check_eq(t, seam_process_wait(curl, 0), 22);
    seam_check_contains(t, seam_process_output(curl), "410");
}

static void over_http2(seam_t *t, const char *scheme, const char *flag)
{
    const char *url = seam_format(t, "%s://api.partner.test/v2", scheme);
    seam_http_mock *api = seam_http_mock_start(
        t, seam_format(t, "%s://api.partner.test", scheme), .http2 = true);
    seam_process *curl;

    seam_http_expect(api, .path = "/v2", .reply = { { .body = "two" } });
    curl = seam_spawn(t, .argv = { "curl", "-sS", flag, "-w", " by %{http_version}", url });
    seam_check_eq(t, seam_process_wait(curl, 0), 0);
    seam_check_eq(t, seam_process_output(curl), "two by 2");
    check_call(t, api, "GET", url, "curl/");
}

SEAM_TEST(curl_http2_by_alpn)
{
    over_http2(t, "https", "--http2");
}

SEAM_TEST(curl_http2_by_prior_knowledge)
{
    over_http2(t, "http", "--http2-prior-knowledge");
}

/* Two hundred files in parallel, over a few connections. */
SEAM_TEST(curl_in_parallel)
{
    seam_http_mock *api = seam_http_mock_start(t, "https://api.partner.test");
    seam_process *curl;
    int lines = 0;

    seam_http_expect(api, .path_template = "/item/{n}", .times = 200,
                     .reply = { { .text = "item {path.n}\n" } });
    curl = seam_spawn(t, .argv = { "curl", "-sS", "--parallel", "--parallel-max", "8",
                                   "https://api.partner.test/item/[1-200]" });
    seam_check_eq(t, seam_process_wait(curl, 0), 0);
    for (const char *at = seam_process_output(curl); (at = strstr(at, "item ")); at++)
        lines++;
    seam_check_eq(t, lines, 200);
    seam_check_eq(t, seam_http_mock_count(api), 200);
}

SEAM_TEST(wget_https)
{
    static const char url[] = "https://download.partner.test/list.txt";
    seam_http_mock *api = seam_http_mock_start(t, "https://download.partner.test");
    seam_process *wget;

    seam_http_expect(api, .path = "/list.txt", .reply = { { .body = "tea\n" } });
    wget = seam_spawn(t, .argv = { "wget", "-nv", "-O", "-", url });
    seam_check_eq(t, seam_process_wait(wget, 0), 0);
    seam_check_contains(t, seam_process_output(wget), "tea\n");
    check_call(t, api, "GET", url, "Wget/");
}

SEAM_TEST(wget_follows_to_another_mock)
{
    static const char url[] = "http://store.partner.test/tea.txt";
    seam_http_mock *api = seam_http_mock_start(t, "https://download.partner.test");
    seam_http_mock *store = seam_http_mock_start(t, "http://store.partner.test");
    seam_process *wget;

    seam_http_expect(api, .reply = { {
        .status = 302, .header = { "Location: http://store.partner.test/tea.txt" } } });
    seam_http_expect(store, .path = "/tea.txt", .reply = { { .body = "green\n" } });
    wget = seam_spawn(t, .argv = { "wget", "-q", "-O", "-", "https://download.partner.test/tea" });
    seam_check_eq(t, seam_process_wait(wget, 0), 0);
    seam_check_eq(t, seam_process_output(wget), "green\n");
    check_call(t, store, "GET", url, "Wget/");
}

/* ---- git, by the protocol that needs no server but one of files */

static void serve_file(seam_http_exchange *x, void *arg)
{
    char part[16384];
    size_t size;
    FILE *file = fopen(seam_http_path(x) + 1, "rb");

    (void)arg;
    if (!file) {
        seam_http_respond(x, 404, "text/plain", "no such file\n");
        return;
    }
    while ((size = fread(part, 1, sizeof part, file)) > 0)
        seam_http_write(x, part, size);
    fclose(file);
}

/* How many of the calls are for a file whose path has the word in it and were answered. */
static int found(const seam_http_mock *mock, const char *word)
{
    const seam_http_call *call;
    int calls = 0;

    for (int i = 0; (call = seam_http_mock_call(mock, i)); i++)
        calls += strstr(call->path, word) && call->status == 200;
    return calls;
}

static void clone(seam_t *t, const char *origin, bool http2)
{
    const char *to = seam_format(t, "%s/clone", seam_tempdir(t));
    seam_http_mock *host = seam_http_mock_start(t, origin, .http2 = http2);
    seam_process *git;

    seam_http_expect(host, .path_pattern = "/repo\\.git/.*", .any_times = true,
                     .reply = { { .fn = serve_file } });
    git = seam_spawn(t, .argv = { "git", "clone", "-q", seam_http_mock_url(host, "/repo.git"), to });
    seam_require_eq(t, seam_process_wait(git, 0), 0);
    seam_check_eq(t, seam_process_output(git), "");
    seam_check_eq(t, seam_read_file(t, seam_format(t, "%s/greeting", to), NULL), "good evening\n");
    git = seam_spawn(t, .argv = { "git", "-C", to, "log", "--format=%s" });
    seam_check_eq(t, seam_process_wait(git, 0), 0);
    seam_check_eq(t, seam_process_output(git), "the second\nthe first\n");
    seam_check_eq(t, found(host, "/HEAD"), 1);
    seam_check_eq(t, found(host, ".pack"), 1);
    seam_check_eq(t, found(host, "/objects/") - found(host, "/objects/pack/") - found(host, "/objects/info/"),
                  3); /* of the second commit: itself, its tree, its file */
    seam_check_eq(t, seam_http_mock_call(host, 0)->url,
                  seam_format(t, "%s/repo.git/info/refs?service=git-upload-pack", origin));
    seam_check_contains(t, first_user_agent(seam_http_mock_call(host, 0)), "git/");
}

SEAM_TEST(git_clone_https)
{
    clone(t, "https://git.partner.test", false);
}

SEAM_TEST(git_clone_http)
{
    clone(t, "http://git.partner.test", false);
}

SEAM_TEST(git_clone_http2)
{
    clone(t, "https://git.partner.test", true);
}
END_OF_FILE

cat >fails/tools_test.c <<'END_OF_FILE'
#include <seam/http_mock.h>
#include <seam/spawn.h>

static void run(seam_t *t, const char *program, const char *flag, const char *url)
{
    seam_http_mock *api = seam_http_mock_start(t, "https://api.partner.test");

    seam_http_expect(api, .path = "/known", .optional = true, .reply = { { .status = 204 } });
    seam_process_wait(seam_spawn(t, .argv = { program, flag, url }, .may_fail = true), 0);
}

SEAM_TEST(curl_unanswered) { run(t, "curl", "-sS", "https://api.partner.test/unknown"); }
SEAM_TEST(wget_unanswered) { run(t, "wget", "-q", "https://api.partner.test/unknown"); }
SEAM_TEST(git_unanswered) { run(t, "git", "ls-remote", "https://api.partner.test/unknown"); }
SEAM_TEST(curl_elsewhere) { run(t, "curl", "-sS", "https://other.test/"); }
SEAM_TEST(curl_elsewhere_by_address) { run(t, "curl", "-sS", "http://192.0.2.7/"); }
SEAM_TEST(wget_elsewhere) { run(t, "wget", "-q", "https://other.test/"); }
SEAM_TEST(git_elsewhere) { run(t, "git", "ls-remote", "https://other.test/repo.git"); }
END_OF_FILE

# fails TEST WORDS - the test fails, and what it says has the words.
fails() {
    seam test -count 1 -run "^$1\$" ./fails >out 2>&1 && stop "$1 passes"
    grep -qF -e "$2" out || stop "$1 does not say: $2"
}

seam test -count 1 ./passes >out 2>&1 || stop 'the tools are not answered'
fails curl_unanswered 'GET https://api.partner.test/unknown'
fails wget_unanswered 'GET https://api.partner.test/unknown'
fails git_unanswered 'GET https://api.partner.test/unknown/info/refs?service=git-upload-pack'
fails curl_elsewhere "connection to 'other.test:443' by libcurl.so.4 in 'curl' was refused"
fails curl_elsewhere_by_address "connection to '192.0.2.7:80' by libcurl.so.4 in 'curl' was refused"
fails wget_elsewhere "connection to 'other.test:443' by 'wget' was refused"
fails git_elsewhere "connection to 'other.test:443' by libcurl-gnutls.so.4 in 'git-remote-https' was refused"
