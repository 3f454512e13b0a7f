# shellcheck shell=bash disable=SC2154 # rounds is bench/run's
# bench/parts/editloop.sh - the time from a saved file to a verdict: ten files of ten tests.

# one_round LABEL CHANGE: run each package once, after CHANGE has edited one file of it.
one_round() {
    local label=$1 change=$2

    "$change" "$WORK/edit_seam/f3_test.c" 'SEAM_TEST(%s) { seam_check(t, true); }'
    (cd "$WORK/edit_seam" && sit 1 "$label.ours" "$SEAM" test .)
    if [ -d "$WORK/edit_go" ]; then
        "$change" "$WORK/edit_go/f3_test.go" 'func Test%s(t *testing.T) {}'
        (cd "$WORK/edit_go" && sit 1 "$label.go" go test ./...)
    fi
    "$change" "$WORK/edit_bare/f3_test.c" 'SEAM_TEST(%s) { seam_check(t, true); }'
    (cd "$WORK/edit_bare" && sit 1 "$label.cc" sh -c "$(bare_compile f3_test.c) && $(bare_rest)")
}

# The same by hand: one file compiled, all linked, the program run in one process without the runner.
bare_compile() {
    echo "cc -O0 -g -isystem '$ROOT/include' -c $1"
}

bare_rest() {
    echo "cc *.o '$(dirname "$SEAM")/libseam.a' -pthread -Wl,-z,now -o bare && ./bare --seam-alone"
}

additions=0
append() {
    additions=$((additions + 1))
    # shellcheck disable=SC2059 # the format is the point
    printf "$2\n" "Added$additions" >>"$1"
}

leave() {
    :
}

part_editloop() {
    write_seam_package "$WORK/edit_seam"
    write_seam_package "$WORK/edit_bare"
    (cd "$WORK/edit_bare" && sh -c "$(bare_compile "./*.c")") || return
    if command -v go >/dev/null; then write_go_package "$WORK/edit_go"; else note 'go is not installed'; fi

    one_round first leave
    for _ in $(seq "$rounds"); do
        one_round unchanged leave
    done
    row editloop/unchanged "$(median unchanged.ours)" peer 'go test' "$(median unchanged.go)"
    for _ in $(seq "$rounds"); do
        one_round changed append
    done
    row editloop/one-changed "$(median changed.ours)" peer 'go test' "$(median changed.go)" \
        limit 'cc + link + run' "$(median changed.cc)"
    row editloop/one-changed-cc "$(median changed.ours)" peer 'go test' "$(median changed.go)" \
        limit 'cc + link + run' "$(median changed.cc)"
}
