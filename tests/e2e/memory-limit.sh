#!/bin/sh
# memory-limit.sh SIZE COMMAND WORD... - run a command in a memory cgroup of its own, of SIZE bytes.
#
# The cgroup is made below this process's own one, or below the nearest parent where that is allowed:
# with version 2 a group that has processes cannot have limited children. Fails with 77 when there is
# no such place. The cgroup is removed at the end; what is still in it is waited for.
# shellcheck disable=SC2016 # $0 is the inner shell's
set -u
size=$1
shift

# The cgroup's folder, and the file for its limit, of version 1 or 2.
parent=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if [ -n "$parent" ]; then
    root=/sys/fs/cgroup/memory limit=memory.limit_in_bytes
else
    parent=$(sed -n 's/^0:://p' /proc/self/cgroup)
    root=/sys/fs/cgroup limit=memory.max
fi
parent=$root${parent%/}
enter='echo $$ >"$0/cgroup.procs" && exec "$@"'

# Make a limited cgroup below `parent` that one may go into.
make_group() {
    group=$(mktemp -d "$parent/e2e.XXXXXX") || return 1
    echo "$size" >"$group/$limit" && sh -c "$enter" "$group" true && return 0
    rmdir "$group"
    return 1
}

until make_group 2>/dev/null; do
    if [ "$parent" = $root ]; then
        echo "no memory cgroup can be made below $root"
        exit 77
    fi
    parent=${parent%/*}
done
sh -c "$enter" "$group" "$@"
status=$?
deadline=$(($(date +%s) + 10))
until rmdir "$group" 2>/dev/null; do
    [ "$(date +%s)" -lt $deadline ] || { echo "not empty: $group"; exit 1; }
done
exit $status
