#!/bin/sh
# go-same.sh - the same suite in Go and in C: `go test` and `seam test` must print the same, in text
# with and without -v, and as events, but for the file's name, its lines and times.
# needs: command -v go && command -v jq
set -u
here=$(cd "$(dirname "$0")/../go" && pwd)
export GOFLAGS=-mod=mod GOTOOLCHAIN=local GO111MODULE=on GOPROXY=off GOCACHE="$E2E_CASE/gocache"
mkdir ../go
cp "$here/go.mod" "$here/same_test.go" ../go
cp "$here/same_test.c" .
wrong=0

# What must differ: places and times; and what Seam adds: the line that repeats a failure.
text() {
    sed -E 's/same_test\.(go|c):[0-9]+/FILE/; s/\([0-9.]+s\)/(T)/; s/\t[0-9.]+s$/\tT/; /^ *again: /d'
}

events() {
    jq -r 'select((.Output // "") | test("^ *again: ") | not)
        | [.Action, .Test // "-", .Key // "", .Value // "", (.Output // "" | rtrimstr("\n"))] | @tsv' |
        sed -E 's/same_test\.(go|c):[0-9]+/FILE/; s/\([0-9.]+s\)/(T)/; s/\\t[0-9.]+s$/\\tT/'
}

compare() { # compare NAME: the files go.out and seam.out
    diff -u --label "go test $1" --label "seam test $1" go.out seam.out || wrong=1
}

(cd ../go && go test . 2>&1) | grep -v '^printed' | text >go.out
seam test -parallel 1 . 2>&1 | grep -v '^printed' | text >seam.out
compare '' # but for what tests that passed have printed, which only Go shows
(cd ../go && go test -v -parallel 1 . 2>&1) | text >go.out
seam test -v -parallel 1 . 2>&1 | text >seam.out
compare -v
(cd ../go && go test -json -parallel 1 .) | events >go.out
seam test -json -parallel 1 . | events >seam.out
compare -json
(cd ../go && go test -v -run 'Tree/good|TestP' -skip 'Tree/.*#' . 2>&1) | text >go.out
seam test -v -parallel 1 -run 'Tree/good|TestP' -skip 'Tree/.*#' . 2>&1 | text >seam.out
compare '-run -skip'
exit $wrong
