# tools/private-docker.sh - a Docker daemon of one's own, beside any other: for tools/with-docker and tests/e2e/cases.
#
#   private_docker_start FOLDER [FLAG...]
#                                 its data, socket and pid are there; sets DOCKER_HOST (exported) and `daemon`. Prints
#                                 why it could not, in one line; nothing when it runs
#   private_docker_end FOLDER     nothing of it stays: not its containers, its shims, its mounts, nor the folder
#
# Its default network is a bridge of its own: two daemons on docker0 give the same addresses to their containers, and
# one that is told to have none removes docker0 from under the other. Nor do two share the tables of addresses: each
# begins by emptying them. The one beside another is given --iptables=false; it publishes ports by its proxy alone.
# shellcheck shell=sh

private_docker_start_s=60
daemon='' private_docker_bridge=''

# Make a bridge of an address range that nobody here has. Without the right or the program: docker0 it is.
private_docker_make_bridge() {
    private_docker_bridge=
    name=seam$$
    for third in $(seq $(($$ % 200)) 255); do
        ip -4 address | grep -q " 10\.213\.$third\." && continue
        ip link add "$name" type bridge 2>/dev/null || return 0
        private_docker_bridge=$name
        ip address add "10.213.$third.1/24" dev "$name" && ip link set "$name" up && return 0
        ip link delete "$name"
        private_docker_bridge=
        return 0
    done
}

private_docker_answers() {
    docker version >/dev/null 2>&1
}

private_docker_why() {
    echo "a private Docker daemon $2: $(sed -n 's/.*level=\(fatal\|error\).*msg="\(.*\)"$/\2/p; s/^failed to start daemon: //p' \
        "$1/log" | tail -n 1 | cut -c 1-300)"
}

private_docker_start() {
    command -v dockerd >/dev/null || { echo 'no Docker here; try: tools/setup -y docker' && return; }
    [ "$(id -u)" -eq 0 ] || { echo 'no Docker daemon answers, and only root can start one; try: sudo systemctl start docker' && return; }
    [ -n "$private_docker_bridge" ] || private_docker_make_bridge 2>/dev/null
    place=$1
    shift
    export DOCKER_HOST="unix://$place/docker.sock"
    dockerd --data-root "$place/data" --exec-root "$place/exec" -p "$place/pid" -H "$DOCKER_HOST" "$@" \
        ${private_docker_bridge:+--bridge "$private_docker_bridge"} >>"$place/log" 2>&1 </dev/null &
    daemon=$!
    limit=$(($(date +%s) + private_docker_start_s))
    until private_docker_answers; do
        timeout 0.2 tail --pid="$daemon" -f /dev/null && { private_docker_why "$place" 'ended at once' && return; }
        [ "$(date +%s)" -lt "$limit" ] || { private_docker_why "$place" "does not answer within $private_docker_start_s s" && return; }
    done
}

# The processes that name the folder on their command line: shims outlive a daemon that is killed.
private_docker_processes() {
    grep -la "$1/exec/" /proc/[0-9]*/cmdline 2>/dev/null | sed -n 's|^/proc/\([0-9]*\)/cmdline$|\1|p' | grep -vx "$$"
}

private_docker_end() {
    if [ -n "$daemon" ]; then
        # shellcheck disable=SC2046  # a list of ids
        timeout 30 docker rm -f $(timeout 10 docker ps -aq) >/dev/null 2>&1
        kill "$daemon" 2>/dev/null
        timeout 20 tail --pid="$daemon" -f /dev/null || kill -9 "$daemon" 2>/dev/null
        wait "$daemon" 2>/dev/null
        daemon=
    fi
    for pid in $(private_docker_processes "$1"); do
        grep -qa "$1/exec/" "/proc/$pid/cmdline" || continue
        # What a shim has started is its child.
        for child in $(ps -o pid= --ppid "$pid"); do kill -KILL "$child"; done
        kill -KILL "$pid"
    done 2>/dev/null
    [ -z "$private_docker_bridge" ] || ip link delete "$private_docker_bridge" 2>/dev/null
    private_docker_bridge=
    awk -v place="$1/" 'index($2, place) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount -l "$mount"; done
    rm -rf "$1"
}
