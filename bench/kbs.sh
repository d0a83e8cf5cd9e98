#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures how many attestations a second one core answers, beside what the public-key operations in them allow, as
# `openssl speed` finds on the same core in the same run; beside them how many anchors (states of volumes with leases that are
# committed); how long 1, 16 and 64 clients wait; and what memory many attestations cost. Prints a table on standard output.
#
# usage: bench/kbs.sh [OPTION]...
#
#   --build DIR       the programs (default build)
#   --attestations N  for each figure of speed (default 2000)
#   --memory N        attestations between the two looks at memory (default 100000; minutes)
#   --seconds N       for each operation of openssl speed, each time (default 1)
#   --json            JSON instead of the table
#   -h, --help        this text
#
# The KBS has one core and its clients another. It is a whole server on the loopback, with SQLite and its audit log,
# each line of which is on the disk of $TMPDIR (default /tmp) before a client is answered. docs/benchmarks.md says what
# the figures mean. A goal that is missed is no error.
# Exit status: 0 measured, 1 something did not run, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"
. "$ROOT/tests/load/kbs.sh"

KBS_CORE=0
CLIENT_CORE=1
CLIENTS=64 # of the most that are measured

build=$ROOT/build attestations=2000 memory=100000 speed_seconds=1 json=no
while [ $# != 0 ]; do
    case $1 in
        --build) build=$(option_value "$@"); shift ;;
        --attestations) attestations=$(option_value "$@"); shift ;;
        --memory) memory=$(option_value "$@"); shift ;;
        --seconds) speed_seconds=$(option_value "$@"); shift ;;
        --json) json=yes ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done
[[ $attestations =~ ^[1-9][0-9]{1,6}$ ]] || usage_error "--attestations $attestations is no number from 10 to 9999999"
[[ $memory =~ ^[1-9][0-9]{1,6}$ ]] || usage_error "--memory $memory is no number from 10 to 9999999"
[[ $speed_seconds =~ ^[1-9][0-9]?$ ]] || usage_error "--seconds $speed_seconds is no number from 1 to 99"

# sample KIND JQ_ARGUMENT...: bench/kbs-report.jq reads them, an object on each line.
sample() {
    local kind=$1
    shift
    jq -nc --arg kind "$kind" "$@" '$ARGS.named' >>"$work/samples"
}

set_up() {
    local program
    for program in kbs/kbs kbs/cli/kbsctl emulator/amd-sp/amd-sp tests/load/kbs-load; do
        require_built "$build/$program"
    done
    [ "$(nproc)" -ge 2 ] || die "this machine has one core, and the KBS and its clients need one each"
    work=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-bench.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    kbs_start taskset -c $KBS_CORE || die "the KBS did not start" "$(cat "$work"/*.log)"
    register_clients $CLIENTS || die "the clients could not be registered"
}

clean_up() {
    trap - EXIT
    kbs_stop || true
    rm -rf "$work"
}

# CPU time of the KBS so far, in the kernel's ticks: user and system, the 14th and 15th field of proc(5)
kbs_ticks() {
    local fields
    fields=$(<"/proc/$kbs_pid/stat")
    read -r -a fields <<<"${fields##*) }"
    echo $((fields[11] + fields[12]))
}

kbs_memory_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$kbs_pid/status"; }

# load PROFILE CLIENTS ATTESTATIONS: prints what the clients saw
load() {
    taskset -c $CLIENT_CORE "$build/tests/load/kbs-load" --url "$kbs_url" --chip "$work/chip" \
        --release-key "$work/kbs/release-key.pem" --unchecked --profile "$1" --clients "$2" --attestations "$3" ||
        die "clients were refused" "$(tail -n 2 "$work/kbs.log")"
}

# Operations a second of each, as openssl speed -mr writes them: +F4:_:384:SIGN:VERIFY and +F5:_:521:DERIVE:_
measure_primitives() {
    local sign verify derive
    taskset -c $KBS_CORE openssl speed -mr -seconds "$speed_seconds" ecdsap384 ecdhp521 >"$work/speed" 2>/dev/null
    IFS=: read -r _ _ _ sign verify < <(grep '^+F4:' "$work/speed")
    IFS=: read -r _ _ _ derive _ < <(grep '^+F5:' "$work/speed")
    primitives=$(jq -nc '$ARGS.named' --argjson sign "$sign" --argjson verify "$verify" --argjson derive "$derive")
}

# measure PROFILE CLIENTS: between two looks at the primitives, since how fast a core of a virtual machine is changes
measure() {
    local before seen ticks
    before=$primitives ticks=$(kbs_ticks)
    seen=$(load "$1" "$2" "$attestations")
    ticks=$(($(kbs_ticks) - ticks))
    measure_primitives
    # The clients' first attestations are not in what they count.
    sample load --argjson seen "$seen" --argjson before "$before" --argjson after "$primitives" \
        --argjson cpu_s "$(jq -n "$ticks / $(getconf CLK_TCK) * $attestations / ($attestations + $2)")"
    say "    $1, $2 clients: $(jq -r '"\(.per_second) a second, p50 \(.p50_ms) ms, p99 \(.p99_ms) ms"' <<<"$seen")"
}

# The clients' volumes get leases, of a mode that lets a VM anchor each state.
lease_volumes() {
    local number
    for ((number = 0; number < CLIENTS; number++)); do
        kbsctl volume set-lease "load-$number" --mode strict --first manufacture >/dev/null || die "a volume got no lease"
    done
}

measure_memory() {
    local before
    before=$(kbs_memory_kib)
    load coconut 16 "$memory" >/dev/null
    sample memory --argjson attestations "$memory" --argjson before_kib "$before" --argjson after_kib "$(kbs_memory_kib)"
}

# Other work on the host makes every figure worse: the report says how much there was.
note_load() {
    local load
    read -r load _ </proc/loadavg
    sample host --argjson load "$load"
    [ "${load%.*}" -lt 1 ] || warn "the host is busy (load $load): there will be too few attestations a second"
}

set_up
note_load
step "The KBS fills its caches"
load coconut 16 500 >/dev/null
measure_primitives
for profile in coconut signed coco; do
    step "Profile $profile"
    for clients in 1 16 64; do
        measure $profile $clients
    done
done
step "Memory: $memory attestations"
measure_memory
step "Anchors"
lease_volumes
for clients in 1 16 64; do
    measure anchor $clients
done
jq -s -f "$ROOT/bench/kbs-report.jq" "$work/samples" >"$work/report.json"
if [ $json = yes ]; then
    cat "$work/report.json"
else
    jq -r -f "$ROOT/bench/kbs-table.jq" "$work/report.json"
fi
