#!/bin/sh
# run.sh [-u] [CASE...] - the end-to-end suite: what a user types and what a user must see.
#
# cases/*.txt are transcripts (see one.sh), cases/*.sh are programs of their own that print what is
# wrong and fail. -u writes what was seen into the transcripts, to be read before it is believed.
# $SEAM names the program (default: build/seam), $JOBS how many cases run at once. E2E_KEEP=1 keeps the
# folders of what failed. Prints each case that failed with its difference; the last line is
# "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
SEAM=$(realpath "${SEAM:-$root/build/seam}")
E2E_WORK=$(mktemp -d "${TMPDIR:-/tmp}/e2e.XXXXXX") || exit 1
E2E_UPDATE='' E2E_KEEP=${E2E_KEEP:-}
export SEAM E2E_WORK E2E_UPDATE E2E_KEEP
trap '[ -n "$E2E_KEEP" ] || rm -rf "$E2E_WORK"' EXIT
trap 'exit 1' HUP INT TERM

if [ "${1:-}" = -u ]; then
    E2E_UPDATE=1
    shift
fi
[ -x "$SEAM" ] || { echo "e2e: no program at $SEAM; build first"; echo '0 passed, 1 failed'; exit 1; }

# The folders of runs on tmpfs that nobody holds any more. Those of runs that are none of ours and
# were there before are not our business.
dead_folders() {
    for folder in /dev/shm/seam-*; do
        [ -e "$folder/lock" ] && flock -n "$folder/lock" true 2>/dev/null && echo "$folder"
    done
}
dead_folders >"$E2E_WORK/dead_before"

if [ $# -gt 0 ]; then
    for name; do
        for file in "$here/cases/$name".*; do
            if [ -e "$file" ]; then
                echo "$file"
            else
                echo "failed: there is no case '$name'" >"$E2E_WORK/$name.report"
                : >"$E2E_WORK/$name.failed"
            fi
        done
    done
else
    ls "$here"/cases/*.txt "$here"/cases/*.sh
fi | xargs -r -n 1 -P "${JOBS:-3}" "$here/one.sh"

dead_folders | grep -vxFf "$E2E_WORK/dead_before" >"$E2E_WORK/dead"
if [ -s "$E2E_WORK/dead" ]; then
    { echo 'failed: folders left behind'; cat "$E2E_WORK/dead"; } >"$E2E_WORK/dead.report"
    : >"$E2E_WORK/dead.failed"
fi
cat "$E2E_WORK"/*.report 2>/dev/null
passed=$(find "$E2E_WORK" -maxdepth 1 -name '*.passed' | wc -l)
failed=$(find "$E2E_WORK" -maxdepth 1 -name '*.failed' | wc -l)
skipped=$(find "$E2E_WORK" -maxdepth 1 -name '*.skipped' | wc -l)
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
