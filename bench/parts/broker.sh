# shellcheck shell=bash disable=SC2154 # few_rounds and thousand are bench/run's
# bench/parts/broker.sh - the AMQP double; and the order example, whose tests have a broker: in memory, and a real one.

example=$ROOT/examples/orders

# in_example FLAG...: the words that run tests of the example, which is built by then.
in_example() {
    words=(env -C "$example" "$SEAM" test -no-skip "$@")
}

# end_services: no server of an earlier run is left.
end_services() {
    quietly "$SEAM" services down || true
}

# Unit tests and those with doubles, all packages, as a programmer calls them.
doubles_row() {
    in_example ./...
    quietly "${words[@]}" || return
    sit "$few_rounds" example.doubles "${words[@]}" >/dev/null
    row broker/example-doubles "$(median example.doubles)"
    note "$(env -C "$example" "$SEAM" test -v ./... | grep -c '^--- PASS') tests"
}

# All tests, with a PostgreSQL and a RabbitMQ that are started for the run, or run already.
services_rows() {
    in_example -tags integration ./...
    quietly "${words[@]}" || return
    sit "$few_rounds" example.cold "${words[@]}" >/dev/null
    row broker/example-cold "$(median example.cold)"
    in_example -tags integration -reuse 5m ./...
    if quietly "${words[@]}"; then
        sit "$few_rounds" example.warm "${words[@]}" >/dev/null
        row broker/example-warm "$(median example.warm)"
    fi
    end_services # also those of a run that failed: they were to be kept
}

# The tests of one folder, with the broker in memory and with a real one whose start they wait for.
broker_row() {
    local memory_words real_words
    in_example ./broker
    memory_words=("${words[@]}")
    in_example -tags integration ./broker
    real_words=("${words[@]}")
    # Not in turn: they are built with other tags.
    quietly "${memory_words[@]}" || return
    sit "$few_rounds" example.memory "${memory_words[@]}" >/dev/null
    quietly "${real_words[@]}" || return
    sit "$few_rounds" example.real "${real_words[@]}" >/dev/null
    row broker/example-memory "$(median example.memory)" peer 'RabbitMQ' "$(median example.real)"
}

# The AMQP double: connect, declare, publish, confirm, get and ack in process. The hook of clock_gettime in a test that
# has no clock.
double_rows() {
    quietly "$SEAM" test -c -tags bench -o "$WORK/broker.bin" "$BENCH/broker" || return
    for _ in $(seq "$few_rounds"); do
        BENCH_FIGURES=$FIGURES BENCH_COUNT=$thousand quietly "$SEAM" run -parallel 1 "$WORK/broker.bin"
    done
    row broker/amqp "$(median amqp)"
    row broker/clock-gettime "$(median clock-gettime)"
}

part_broker() {
    double_rows
    doubles_row
    if ! command -v rabbitmq-server >/dev/null; then
        note 'rabbitmq-server is not installed'
        return
    fi
    services_rows
    broker_row
}
