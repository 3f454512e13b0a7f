# shellcheck shell=bash disable=SC2154 # rounds, few_rounds, memory and own_home are bench/run's
# bench/parts/services.sh - how long a test waits for a service, beside what the service itself needs.

settings="fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
shared_buffers = 32MB
max_connections = 200
dynamic_shared_memory_type = mmap
listen_addresses = ''"

# server_folder PATH: a folder for the user that may run postgres, which root may not.
server_folder() {
    mkdir -p "$1" && chmod 755 "$1" || return
    [ "$(id -u)" != 0 ] || chown 65534:65534 "$1"
}

as_server_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

find_postgres() {
    local bin
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    [ -x "$bin/postgres" ] || bin=$(pg_config --bindir 2>/dev/null)
    [ -x "$bin/postgres" ] && postgres_bin=$bin
}

# The data directory that barepg copies; on the disk, as our cached one is.
make_cluster() {
    cluster=$WORK/postgres/cluster
    server_folder "$WORK/postgres" && server_folder "$memory" &&
        quietly as_server_user "$postgres_bin/initdb" -D "$cluster" -A trust -U postgres -E UTF8 \
            --locale=C --no-sync --wal-segsize=1 &&
        printf '%s\n' "$settings" >>"$cluster/postgresql.conf"
}

# quietly PROGRAM...: its output is shown only when it fails.
quietly() {
    "$@" >"$WORK/quietly.out" 2>&1 && return
    tail -n 20 "$WORK/quietly.out" >&2
    return 1
}

# suite PATTERN [FLAG...]: the words that run tests of ours, which note their own figures.
suite() {
    words=("$SEAM" run -no-skip -run "$1" "${@:2}" "$WORK/suite.bin")
}

# bare VERB DATA LABEL ARG...: add what barepg prints to a figure.
bare() {
    "$TOOLS/barepg" "$1" "$postgres_bin/postgres" "$cluster" "$2" "${@:4}" >>"$FIGURES/$3"
}

# SEAM_POOL=0: no clones ahead of the tests that ask. The next row is theirs.
own_database_row() {
    suite '^own_database$'
    for _ in $(seq "$few_rounds"); do
        SEAM_POOL=0 quietly "${words[@]}"
        bare clone "$memory/data" own.bare "$BENCH/suite/migrations/001_tables.sql" 10
    done
    row services/own-database "$(median own)" limit 'SQL by libpq' "$(median own.bare)"
}

# The CPU of cloning is that of the run with clones less that of the same run on one database.
pool_row() {
    suite '^pooled_' -parallel 8
    for _ in $(seq "$few_rounds"); do
        sit 1 pooled.ours "${words[@]}" -- pooled.shared "$TOOLS/barepg" serve \
            "$postgres_bin/postgres" "$cluster" "$memory/data" "${words[@]}"
    done
    row services/pool-wait "$(median pool)" limit 'one clone' "$(median own.bare)"
    note "90th percentile $(cell "$(percentile pool 0.9)" ms); 200 tests of 50 ms, 8 at once, took $(
        cell "$(median pooled.ours)" ms) (ideal 1250, on one database $(
        cell "$(median pooled.shared)" ms))"
    note "CPU of cloning: $(cell "$(compute '(a - b) / 200' "$(median pooled.ours.cpu)" \
        "$(median pooled.shared.cpu)")" ms) a test"
}

# in_small_memory PROGRAM...: with no room in /dev/shm, so that data goes to the disk.
in_small_memory() {
    local flags=--mount
    [ "$(id -u)" = 0 ] || flags='--mount --map-root-user'
    # shellcheck disable=SC2016,SC2086 # expands in the inner shell; two flags
    unshare $flags sh -c 'mount -t tmpfs -o size=256k tmpfs /dev/shm && exec "$@"' sh "$@"
}

is_tmpfs() {
    [ "$(stat -f -c %T "$1")" = tmpfs ]
}

# cold_row WHERE DATA [WRAPPER]: every run starts a keeper and a server; DATA is where barepg starts its own.
cold_row() {
    suite '^cold_start$'
    mkdir -p "$FIGURES/$1"
    for _ in $(seq "$rounds"); do
        BENCH_FIGURES=$FIGURES/$1 quietly "${@:3}" "${words[@]}"
        bare cold "$2" "$1/cold.bare"
    done
    row "services/cold-start-$1" "$(median "$1/cold")" limit 'cp -a + start' "$(median "$1/cold.bare")"
}

redis_row() {
    if ! command -v redis-server >/dev/null; then
        note 'redis-server is not installed'
        return
    fi
    suite '^redis_' -parallel 1
    mkdir -p "$WORK/redis"
    for _ in $(seq "$few_rounds"); do
        quietly "${words[@]}"
        "$TOOLS/bareredis" "$WORK/redis" 10 >>"$FIGURES/redis.bare"
    done
    row services/redis "$(median redis)" limit 'redis-server' "$(median redis.bare)"
}

# peer_starts KIND IMAGE LABEL: what testcontainers-go takes, added to a figure.
peer_starts() {
    TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1 \
        "$TOOLS/containers" "$1" "$2" "$starts" >>"$FIGURES/$3"
}

# The peer is built beside its copy, as building writes into its folder.
build_containers_peer() {
    command -v go >/dev/null || return
    mkdir -p "$WORK/containers" && cp "$BENCH"/containers/* "$WORK/containers/" &&
        (cd "$WORK/containers" && HOME=$own_home quietly env -u GOCACHE go build -o "$TOOLS/containers" .)
}

has_image() {
    docker image inspect "seam-test/$1" >/dev/null 2>&1
}

redis_container_rows() {
    local socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
    build_tool bareengine "$ROOT"/src/base/{buf,err}.c -lcurl
    for _ in $(seq "$few_rounds"); do
        BENCH_COUNT=$starts quietly "$SEAM" run -no-skip -run '^container_redis$' "$WORK/suite.bin"
        "$TOOLS/bareengine" "${socket#unix://}" seam-test/redis "$starts" >>"$FIGURES/container.bare"
        BENCH_COUNT=$starts quietly "$SEAM" run -no-skip -run '^host_redis$' "$WORK/suite.bin"
        [ ! -x "$TOOLS/containers" ] || peer_starts redis seam-test/redis container.peer
    done
    row services/redis-container "$(median container.redis)" limit 'raw Engine API' "$(median container.bare)"
    row services/redis-container-go "$(median container.redis)" peer testcontainers-go "$(median container.peer)"
    row services/redis-host-network "$(median host.redis)" peer testcontainers-go "$(median container.peer)"
}

# The data directories that are made ahead are there from the first, untimed run on.
postgres_container_rows() {
    echo 'postgres:17 seam-test/postgres' >"$WORK/images"
    export SEAM_IMAGE_MAP=$WORK/images
    for kind in native docker; do
        suite '^cold_start$' -services "$kind"
        quietly env -u BENCH_FIGURES "${words[@]}"
    done
    for _ in $(seq "$few_rounds"); do
        for kind in native docker; do
            suite '^cold_start$' -services "$kind"
            mkdir -p "$FIGURES/peer-$kind"
            for _ in $(seq "$starts"); do
                BENCH_FIGURES=$FIGURES/peer-$kind quietly "${words[@]}"
            done
        done
        [ ! -x "$TOOLS/containers" ] || peer_starts postgres seam-test/postgres postgres.peer
    done
    unset SEAM_IMAGE_MAP
    row services/postgres-native-go "$(median peer-native/cold)" peer testcontainers-go "$(median postgres.peer)"
    row services/postgres-container-go "$(median peer-docker/cold)" peer testcontainers-go "$(median postgres.peer)"
}

container_rows() {
    if ! docker version >/dev/null 2>&1 || ! has_image redis || ! has_image postgres; then
        note 'no Docker daemon with the test images: no rows of containers; try: images/build'
        return
    fi
    build_containers_peer || note 'testcontainers-go cannot be built'
    redis_container_rows
    postgres_container_rows
}

rabbitmq_row() {
    if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
        note 'rabbitmq-server is not installed'
        return
    fi
    suite '^rabbitmq_lease$'
    quietly "${words[@]}"
    row services/rabbitmq-lease "$(median rabbitmq.lease)"
}

# A lease of the shared server, with one topic; the first of ten waits for the server, which the median leaves out.
kafka_row() {
    if ! "$SEAM" doctor | grep -q '^ok  *kafka  *a program'; then
        note 'there is no Kafka, or no Java for it; images/kafka makes one'
        return
    fi
    suite '^kafka_' -parallel 1
    for _ in $(seq "$few_rounds"); do
        quietly "${words[@]}"
    done
    row services/kafka-topic "$(median kafka-topic)"
}

part_services() {
    local starts=7
    [ "$rounds" -gt 1 ] || starts=1
    quietly "$SEAM" test -c -tags bench -o "$WORK/suite.bin" "$BENCH/suite" || return
    build_tool bareredis
    export BENCH_FIGURES=$FIGURES
    redis_row
    rabbitmq_row
    container_rows
    kafka_row
    if ! find_postgres || ! make_cluster; then
        note 'postgres is not installed'
        return
    fi
    build_tool barepg "$ROOT"/src/base/{buf,err,io}.c -I"$(pg_config --includedir)" -lpq
    suite '^cold_start$'
    quietly env -u BENCH_FIGURES "${words[@]}" # fills the cache of data directories
    own_database_row
    pool_row
    if is_tmpfs "$memory"; then
        cold_row tmpfs "$memory/data"
    else
        note 'there is no /dev/shm'
    fi
    if is_tmpfs "$WORK"; then
        note 'temporary files lie on a tmpfs: set TMPDIR to a folder on a disk'
    else
        cold_row disk "$WORK/postgres/data" in_small_memory
    fi
}
