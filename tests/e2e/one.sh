#!/bin/sh
# one.sh CASE-FILE - run one case in a folder of its own and compare; called by run.sh.
#
# A case is a transcript followed by its files:
#
#     # What the case shows.
#     # needs: command -v gdb              (a command; the case is skipped when it fails; a `docker ...`
#                                            fails the case under CI_NEEDS_DOCKER=1)
#     # alone: with its own /dev/shm       (the case looks at all runs of the user)
#     $ seam test .                        (run by sh in the folder of the files)
#     ok  	pkg	T                    (standard output)
#     ! testing: warning: ...              (standard error, behind the output)
#     exit 1                               (unless it is 0)
#     -- calc_test.c --                    (a file, until the next such line)
#
# Before the comparison normalise.sed takes out times, pids, addresses and folders. In the wanted
# text "<*>" stands for any text within a line, and a line "..." for any number of lines.
set -u
file=$1
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$file") name=${name%.*}
place="$E2E_WORK/$name"

not_alone= # why the case cannot have a /dev/shm of its own, as in a chroot
if [ -z "${E2E_ALONE:-}" ] && grep -q '^# alone:' "$file"; then
    namespace=-m
    [ "$(id -u)" = 0 ] || namespace=-rm
    # shellcheck disable=SC2016
    unshare "$namespace" true 2>/dev/null && E2E_ALONE=1 exec unshare "$namespace" \
        sh -c 'mount -t tmpfs tmpfs /dev/shm && exec "$@"' - "$0" "$file"
    not_alone="unshare $namespace true"
fi

# What a run may leave nothing of: everything that it starts inherits this mark and these folders.
export E2E_CASE="$place" TMPDIR="$place/tmp" HOME="$place/home"
export E2E_TOOLS="$here"
export SEAM_CACHE="${SEAM_CACHE:-$E2E_WORK/cache}"
export PATH="$place/bin:$PATH" LC_ALL=C.UTF-8
unset CC CFLAGS LDFLAGS SEAM_SESSION MAKEFLAGS
mkdir -p "$place/pkg" "$place/bin" "$TMPDIR" "$HOME" "$SEAM_CACHE"
chmod a+rx "$E2E_WORK" "$place" # root's servers run as nobody
ln -s "$SEAM" "$place/bin/seam"

# The commands and wanted lines go to want, each file to pkg/.
unpack() {
    awk -v place="$place" '
        /^-- .* --$/ {
            path = place "/pkg/" substr($0, 4, length($0) - 6)
            folder = path
            sub(/\/[^\/]*$/, "", folder)
            system("mkdir -p \"" folder "\"")
            printf "" >path
            next
        }
        path { print >path; next }
        !/^#/ && (seen || NF) { seen = 1; print >(place "/want") }' "$file"
    touch "$place/want"
}

# Run each command of want and write the transcript that it makes to got.
replay() {
    grep '^\$ ' "$place/want" >"$place/commands"
    while IFS= read -r line <&3; do
        (cd "$place/pkg" && exec timeout -k 5 60 sh -c "${line#\$ }") >"$place/out" 2>"$place/err" </dev/null
        status=$?
        printf '%s\n' "$line"
        for stream in out err; do
            sed "s|$place/pkg|DIR|g; s|$place/|CASE/|g; s|$E2E_WORK/|WORK/|g" "$place/$stream" |
                sed -E -f "$here/normalise.sed" |
                if [ $stream = err ]; then sed 's/^/! /'; else cat; fi
        done
        [ $status -eq 0 ] || echo "exit $status"
    done 3<"$place/commands" >"$place/got"
}

# Processes that carry the case's mark; those that seam started, not this shell and its helpers.
leftovers() {
    for environ in /proc/[0-9]*/environ; do
        grep -qazFx "E2E_CASE=$place" "$environ" 2>/dev/null || continue
        grep -qaz '^SEAM_TEST_ID=' "$environ" 2>/dev/null || continue
        pid=${environ#/proc/} pid=${pid%/environ}
        echo "process left: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    done
    for entry in "$TMPDIR"/seam-*; do
        [ -e "$entry" ] && echo "folder left: $entry"
    done
    true
}

# With -u: the new transcript between the comments and the files of the case.
update() {
    {
        sed -n '/^#/p; /^#/!q' "$file"
        cat "$place/got"
        awk '/^-- .* --$/ { on = 1; print ""; } on { print; if (NF) blank = 0 }' "$file" | cat -s
    } >"$place/updated"
    cp "$place/updated" "$file"
}

end() { # end passed|failed|skipped REPORT
    [ -s "$2" ] && { echo "$1: $name"; sed 's/^/    /' "$2"; } >"$place.report"
    : >"$place.$1"
    [ "$1$E2E_KEEP" = failed1 ] || rm -rf "$place"
    exit 0
}

condition=${not_alone:-$(sed -n 's/^# needs: //p' "$file")}
if [ -n "$condition" ] && ! sh -ec "$condition" >/dev/null 2>&1; then
    echo "needs: $condition" >"$place/report"
    # Kafka's image is of jars that CI need not reach.
    case ${CI_NEEDS_DOCKER-}$condition in *seam-test/kafka*) ;; 1*docker*) end failed "$place/report" ;; esac
    end skipped "$place/report"
fi
case $file in
*.sh)
    (cd "$place/pkg" && exec "$file") >"$place/report" 2>&1 </dev/null || end failed "$place/report"
    ;;
*)
    unpack
    replay
    [ -z "$E2E_UPDATE" ] || update
    awk -f "$here/match.awk" "$place/want" "$place/got" || [ -n "$E2E_UPDATE" ] ||
        { diff -u --label want --label got "$place/want" "$place/got" >"$place/report"; end failed "$place/report"; }
    ;;
esac
limit=$(($(date +%s) + 3)) # two seconds are promised, one is the clock's
case $condition in *docker*) limit=$((limit + 17)) ;; esac # with containers five, by a daemon that is not busy
while leftovers >"$place/report" && [ -s "$place/report" ] && [ "$(date +%s)" -lt $limit ]; do
    :
done
[ -s "$place/report" ] && end failed "$place/report"
end passed /dev/null
