# shellcheck shell=bash disable=SC2154 # few_rounds and thousand are bench/run's
# bench/parts/pg.sh - the PostgreSQL double beside a bare libpq, go-sqlmock and the real server.

# our_pg PATTERN COUNT: run tests of bench/pg, which note their own figures.
our_pg() {
    BENCH_COUNT=$2 quietly "$SEAM" run -parallel 1 -run "$1" "$WORK/pg.bin"
}

build_sqlmock() {
    local path=/usr/share/gocode
    if [ ! -d "$path/src/github.com/DATA-DOG/go-sqlmock" ]; then
        note 'go-sqlmock is not there: apt-get install golang-github-data-dog-go-sqlmock-dev'
        return 1
    fi
    (cd "$BENCH/pg/sqlmock" && quietly env GO111MODULE=off GOPATH="$path" go build -o "$TOOLS/sqlmock" main.go)
}

part_pg() {
    quietly "$SEAM" test -c -tags bench -o "$WORK/pg.bin" "$BENCH/pg" || return
    # shellcheck disable=SC2046 # several words are meant
    build_tool barepq $(pkg-config --cflags --libs libpq)
    build_sqlmock
    export BENCH_FIGURES=$FIGURES
    for _ in $(seq "$few_rounds"); do
        "$TOOLS/barepq" $((10 * thousand)) >>"$FIGURES/query.bare"
        our_pg '^(query_1000|query_10000)$' "$thousand"
        [ ! -x "$TOOLS/sqlmock" ] || "$TOOLS/sqlmock" "$thousand" >>"$FIGURES/query.go"
        our_pg '^(unordered_1|unordered_1000)$' $((10 * thousand))
        our_pg '^connect$' $((thousand / 2))
        our_pg '^verify$' 1
        our_pg '^verify_by_hand$' 1
    done
    row pg/query "$(median query)" peer go-sqlmock "$(median query.go)" limit 'libpq, socketpair' \
        "$(median query.bare)"
    row pg/query-sqlmock "$(median query)" peer go-sqlmock "$(median query.go)"
    row pg/query-10000 "$(median query-10000)" limit '1,000' "$(median query)"
    row pg/connect "$(median connect)"
    row pg/unordered-1000 "$(median unordered-1000)" limit '1 rule' "$(median unordered-1)"
    row pg/verify "$(median verify)" limit 'by hand' "$(median verify.bare)"
}
