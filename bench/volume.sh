#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures the state volume natively: how long a durable TPM2_NV_Write takes, beside swtpm whose state is made durable
# on the same file system, in turns; how long it takes to open a volume with 16 KiB of state, and what a commit writes.
#
# usage: bench/volume.sh [OPTION]...
#
#   --runs N      measure each thing N times (default 5)
#   --calls N     TPM2_NV_Write N times in a run (default 200)
#   --folder DIR  where the states are (default: a temporary folder)
#   -h, --help    this text
#
# docs/benchmarks.md says what each figure means. A goal that is missed is no error.
# Exit status: 0 measured, 1 something did not run, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"

runs=5 calls=200 folder=${TMPDIR:-/tmp}
while [ $# != 0 ]; do
    case $1 in
        --runs) runs=$(option_value "$@"); shift ;;
        --calls) calls=$(option_value "$@"); shift ;;
        --folder) folder=$(option_value "$@"); shift ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done
[[ $runs =~ ^[1-9][0-9]?$ ]] || usage_error "--runs $runs is no number from 1 to 99"
[[ $calls =~ ^[1-9][0-9]{1,4}$ ]] || usage_error "--calls $calls is no number from 10 to 99999"
load_config
bench=$BUILD_DIR/bench
for program in swtpm tpm2_startup; do
    command -v $program >/dev/null || die "$program is not installed" "./prepare.sh --for-tests installs it"
done
work=$(mktemp -d "$folder/snp-vtpm-bench.XXXXXX")
server=
clean_up() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

sample() { printf '%s %s\n' "$1" "$2" >>"$work/samples"; }
median_of() { sed -n "s/^$1 //p" "$work/samples" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# measured NAME OPTION...: TPM2_NV_Write of the TPM that was just started, which is stopped then
measured() {
    local name=$1 median p99 attempt
    for attempt in $(seq 200); do
        ! tpm2_startup -c 2>/dev/null || break
        [ "$attempt" != 200 ] || die "$name does not start" "$(cat "$work/$name.log")"
        sleep 0.05
    done
    read -r _ _ median p99 _ < <("$bench/tpm-latency" "${@:2}" --calls "$calls" NV_Write)
    sample "$name.median" "$median"
    sample "$name.p99" "$p99"
    say "    $name: NV_Write takes $median us"
    kill -TERM "$server"
    wait "$server" || true
    server=
}

run_here() {
    local port=$1
    rm -f "$work/volume"
    "$BUILD_DIR/services/tpm/tpm" --tcp "$port" --state "$work/volume" --key-file "$work/key" --create 2>"$work/here.log" &
    server=$!
    TPM2TOOLS_TCTI=mssim:host=localhost,port=$port measured here --mssim "$port"
}

run_swtpm() {
    local port=$1
    rm -rf "$work/swtpm"
    mkdir "$work/swtpm"
    LD_PRELOAD=$bench/libfsync-on-rename.so swtpm socket --tpm2 --tpmstate "dir=$work/swtpm" --flags not-need-init \
        --server "type=tcp,port=$port" --ctrl "type=tcp,port=$((port + 1))" >"$work/swtpm.log" 2>&1 &
    server=$!
    TPM2TOOLS_TCTI=swtpm:host=localhost,port=$port measured swtpm --swtpm "$port"
}

(umask 077 && head -c 64 /dev/urandom >"$work/key")
for ((run = 1; run <= runs; run++)); do
    step "Run $run of $runs"
    port=$((20000 + 2 * (RANDOM % 6000)))
    run_here "$port"
    run_swtpm "$((port + 12000))"
    rm -f "$work/new"
    while read -r name first second third; do
        case $name in
            Open | Commit) sample "$name.median" "$second"; sample "$name.p99" "$third" ;;
            *) sample "$name" "$first" ;;
        esac
    done < <("$bench/volume-latency" "$work/new")
done

row() { printf '%-36s %12s %12s %8s  %s\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2fx", a / b }'; }
us() { printf '%.0f us' "$1"; }
here=$(median_of here.median) peer=$(median_of swtpm.median)
here_p99=$(median_of here.p99) peer_p99=$(median_of swtpm.p99)
row "median of $runs runs" here "swtpm, fsync" ratio goal
row "durable NV_Write, p50" "$(us "$here")" "$(us "$peer")" "$(ratio "$here" "$peer")" 1.5x
row "durable NV_Write, p99" "$(us "$here_p99")" "$(us "$peer_p99")" "$(ratio "$here_p99" "$peer_p99")" 1.5x
row "flushes for a commit" "$(median_of CommitFlushes)" 2 "" ""
row "bytes for a commit of 16 KiB" "$(median_of CommitBytes)" "" "" ""
row "commit of 16 KiB, p50" "$(us "$(median_of Commit.median)")" "" "" ""
row "opening with 16 KiB of state, p50" "$(us "$(median_of Open.median)")" "" "" "5000 us"
row "opening with 16 KiB of state, p99" "$(us "$(median_of Open.p99)")" "" "" "5000 us"
