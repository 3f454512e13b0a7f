# shellcheck shell=bash disable=SC2154 # rounds, few_rounds and thousand are bench/run's
# bench/parts/http.sh - servers beside Go's httptest, mocks beside a bare libcurl and gock.

# ours PATTERN COUNT: run tests of bench/http, which note their own figures.
ours() {
    BENCH_COUNT=$2 quietly "$SEAM" run -parallel 1 -run "$1" "$WORK/http.bin"
}

# build_go NAME [VARIABLE=VALUE...]: bench/http/NAME/main.go becomes $TOOLS/NAME.
build_go() {
    if ! command -v go >/dev/null; then
        note 'go is not installed'
        return 1
    fi
    (cd "$BENCH/http/$1" && quietly env "${@:2}" go build -o "$TOOLS/$1" main.go)
}

# Debian's package of it, as a GOPATH.
build_gock() {
    local path=/usr/share/gocode
    if [ ! -d "$path/src/gopkg.in/h2non/gock.v1" ]; then
        note 'gock is not there: apt-get install golang-gopkg-h2non-gock.v1-dev'
        return 1
    fi
    build_go gock GO111MODULE=off GOPATH="$path"
}

# peer PROGRAM LABEL ARG...: add what a peer prints to a figure, when the peer was built.
peer() {
    [ ! -x "$TOOLS/$1" ] || "$TOOLS/$1" "${@:3}" >>"$FIGURES/$2"
}

# server_row NAME TEST COUNT: our servers and Go's in turn.
server_row() {
    for _ in $(seq "$few_rounds"); do
        ours "^$2\$" "$3"
        peer httptest "$1.go" "$1" "$3"
    done
    row "http/$1" "$(median "$1")" peer 'httptest' "$(median "$1.go")"
}

many_row() {
    ours '^server_many$' "$thousand"
    row http/many "$(median many.last)" limit 'the first 1,000' "$(median many.first)"
}

# ---- wrk

# wrk_us URL LABEL [HEADER]: add the microseconds that a request took, by requests per second.
wrk_us() {
    local seconds=3
    [ "$rounds" -gt 1 ] || seconds=1
    wrk -t2 -c16 -d"${seconds}s" ${3:+-H "$3"} "$1" |
        awk '$1 == "Requests/sec:" && $2 > 0 { print 1e6 / $2 }' >>"$FIGURES/$2"
}

# with_server LABEL PROGRAM...: both figures of a server, which writes its URL into one FIFO and ends where the
# other one ends. Opened both ways, so that nobody waits here for a server that did not start.
with_server() {
    local label=$1 url server
    "${@:2}" &
    server=$!
    exec 8<>"$WORK/url" 9<>"$WORK/stop"
    if IFS= read -r -t 10 -u 8 url; then
        wrk_us "$url" "$label.wrk"
        wrk_us "$url" "$label.wrk-new" 'Connection: close'
    fi
    exec 8>&- 9>&-
    wait "$server"
}

go_server() {
    "$TOOLS/httptest" serve <"$WORK/stop" >"$WORK/url"
}

our_server() {
    BENCH_URL=$WORK/url BENCH_STOP=$WORK/stop ours '^server_serve$' 1
}

wrk_rows() {
    if ! command -v wrk >/dev/null; then
        note 'wrk is not installed'
        return
    fi
    mkfifo "$WORK/url" "$WORK/stop"
    for _ in $(seq "$few_rounds"); do
        with_server ours our_server
        [ ! -x "$TOOLS/httptest" ] || with_server go go_server
    done
    row http/wrk "$(median ours.wrk)" peer 'httptest' "$(median go.wrk)"
    row http/wrk-new "$(median ours.wrk-new)" peer 'httptest' "$(median go.wrk-new)"
    note "requests a second: $(compute 'int(1e6 / a)' "$(median ours.wrk)"), httptest $(
        compute 'int(1e6 / a)' "$(median go.wrk)"); with connections of their own $(
        compute 'int(1e6 / a)' "$(median ours.wrk-new)"), httptest $(
        compute 'int(1e6 / a)' "$(median go.wrk-new)")"
}

# ---- mocks

mock_rows() {
    local rules
    for _ in $(seq "$few_rounds"); do
        "$TOOLS/barehttp" $((20 * thousand)) >>"$FIGURES/mock.bare"
        for rules in 1 100 1000; do
            ours "^mock_$rules\$" $((20 * thousand))
            peer gock "gock-$rules" "$rules" "$thousand"
        done
    done
    row http/mock "$(median mock-1)" peer gock "$(median gock-1)" limit 'libcurl, socketpair' \
        "$(median mock.bare)"
    row http/mock-100 "$(median mock-100)" peer gock "$(median gock-100)" limit '1 rule' \
        "$(median mock-1)"
    row http/mock-1000 "$(median mock-1000)" peer gock "$(median gock-1000)" limit '1 rule' \
        "$(median mock-1)"
}

hook_rows() {
    for _ in $(seq "$few_rounds"); do
        ours '^(mock_https|foreign)$' $((10 * thousand))
    done
    row http/mock-https "$(median mock-https)"
    row http/foreign-send "$(median foreign-send)"
    row http/foreign-read "$(median foreign-read)"
}

part_http() {
    quietly "$SEAM" test -c -tags bench -o "$WORK/http.bin" "$BENCH/http" || return
    # shellcheck disable=SC2046 # several words are meant
    build_tool barehttp $(pkg-config --cflags --libs libcurl)
    build_go httptest
    build_gock
    export BENCH_FIGURES=$FIGURES
    server_row start-close server_start_close $((2 * thousand))
    server_row get server_get $((2 * thousand))
    server_row keep-alive server_keep_alive $((20 * thousand))
    server_row tls-get server_tls_get $((thousand / 2))
    wrk_rows
    mock_rows
    hook_rows
    many_row # last: it leaves many ports behind that are still cooling
}
