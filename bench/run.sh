#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures how fast and how large this is, each figure beside its peer in the same run: the boot beside that of
# plain QEMU, the TPM beside swtpm. Prints a table of medians on standard output. Everything runs under QEMU's TCG.
#
# usage: bench/run.sh [OPTION]...
#
#   --runs N      measure each thing N times, in turns (default 3)
#   --calls N     send each quick TPM command N times in a run, each slow one N/10 times (default 1000)
#   --demo        time ./demo.sh too, once (minutes)
#   --debian      time the boot of a Debian guest too (guest/build-debian.sh, which needs root or sudo)
#   --json        JSON with every sample instead of the table
#   --no-prepare  measure what is built already, without ./prepare.sh
#   -h, --help    this text
#
# It has its own KBS, TPM and copies of the guest's image: those of the other scripts stay as they are.
# docs/benchmarks.md says what each figure means. A goal that is missed is no error.
# Exit status: 0 measured, 1 something did not run, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../scripts/lib.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/owner.sh"
. "$ROOT/scripts/job-disk.sh"
. "$ROOT/bench/machines.sh"

runs=3 calls=1000 demo=no debian=no json=no prepare=yes
while [ $# != 0 ]; do
    case $1 in
        --runs) runs=$(option_value "$@"); shift ;;
        --calls) calls=$(option_value "$@"); shift ;;
        --demo) demo=yes ;;
        --debian) debian=yes ;;
        --json) json=yes ;;
        --no-prepare) prepare=no ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done
[[ $runs =~ ^[1-9][0-9]{0,2}$ ]] || usage_error "--runs $runs is no number from 1 to 999"
[[ $calls =~ ^[1-9][0-9]{1,4}$ ]] || usage_error "--calls $calls is no number from 10 to 99999"

# sample NAME VALUE: bench/report.jq gathers them by name.
sample() { printf '%s %s\n' "$1" "$2" >>"$work/samples"; }

# The benchmark's own files, by way of the configuration that every script reads.
set_up() {
    [ $prepare = no ] || "$ROOT/prepare.sh" --for-tests
    load_config
    require_built "$PRISTINE_IMAGE"
    require_built "$BUILD_DIR/igvm/igvm"
    qemu=$(find_qemu) || die "$(qemu_problem)" "./prepare.sh fetches one"
    work=$(mktemp -d "${TMPDIR:-/tmp}/snp-vtpm-bench.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    users_conf=${VM_CONF:-}
    use_private_state "$work" "$(free_port)" "BUILD_DIR=$BUILD_DIR" "CHIP_DIR=$CHIP_DIR" PLATFORM=emulated
    quietly "$ROOT/remanufacture-tpm.sh"
    quietly "$ROOT/start-kbs.sh" --background
    quietly "$ROOT/register-resource-in-kbs.sh"
}

clean_up() {
    trap - EXIT
    machines_stop
    "$ROOT/start-kbs.sh" --stop 2>/dev/null || true
    rm -rf "$work"
}

# quietly COMMAND...: its messages only when it fails
quietly() { "$@" 2>"$work/messages" || die "failed: $*" "$(cat "$work/messages")"; }

# boot NAME FUNCTION [ARGUMENT]...: power-on to login prompt of a machine, on a new copy of the image
boot() {
    local name=$1
    shift
    fresh_image
    time_to_login "$@"
    sample "$name.start_s" "$vm_seconds"
    sample "$name.qemu_s" "$qemu_seconds"
    say "    $name: login after $vm_seconds s"
}

# take_latencies NAME: the guest's tpm-latency output
take_latencies() {
    local name=$1 operation median p99 rate
    while read -r operation _ median p99 rate; do
        sample "$name.$operation.median_us" "$median"
        sample "$name.$operation.p99_us" "$p99"
        sample "$name.$operation.per_s" "$rate"
    done <"$work/output"
    say "    $name: $(sed -n 's/^GetRandom [0-9]* \([0-9.]*\) .*/GetRandom takes \1 us/p' "$work/output")"
}

# latency NAME COMMAND...: the command runs tpm-latency in a guest and prints its output.
latency() {
    local name=$1
    shift
    fresh_image
    "$@" >"$work/output" 2>"$work/messages" || die "no TPM was measured: $*" "$(cat "$work/messages")"
    take_latencies "$name"
}

# with_lease COMMAND...: while the volume of anchored boots is in its place, and has leases. Its twin, which has none, would
# go on from a state that nobody committed.
with_lease() {
    mv "$STATE_VOLUME" "$work/volume"
    mv "$work/anchored-volume" "$STATE_VOLUME"
    quietly kbsctl volume set-lease "$(active_volumes)" --mode classed --first either >/dev/null
    "$@"
    kbsctl volume lease break "$(active_volumes)" >/dev/null 2>&1 || true # not held after an orderly end
    quietly kbsctl volume set-lease "$(active_volumes)" --mode off >/dev/null
    mv "$STATE_VOLUME" "$work/anchored-volume"
    mv "$work/volume" "$STATE_VOLUME"
}

# boot_with_svsm NAME: also how long the SVSM was at work before the guest started, as it says itself
boot_with_svsm() {
    local ms
    boot "$1" cvm
    ms=$(sed -n 's/^svsm: \[info\] starting the guest at VMPL [0-9], at \([0-9]*\) ms.*/\1/p' "$LOG_DIR/console.log")
    sample "$1.until_guest_s" "$(jq -n "$ms / 1000")"
}

# Two boots, one after the other: without a lease, and with one
boot_with_and_without_lease() {
    local without
    boot_with_svsm svsm
    without=$vm_seconds
    with_lease boot_with_svsm anchored
    sample anchored.adds_s "$(jq -n "($vm_seconds - $without) * 100 | round / 100")"
}

measure_machines() {
    local job="tpm-latency -n $calls Clock GetRandom PCR_Extend && tpm-latency -n $((calls / 10)) CreatePrimary NV_Write"
    step "A first boot manufactures the TPM and fills the host's caches"
    fresh_image
    quietly "$ROOT/start-cvm.sh" --run true
    cp "$STATE_VOLUME" "$work/anchored-volume"
    with_lease quietly "$ROOT/start-cvm.sh" --run true
    for ((run = 1; run <= runs; run++)); do
        step "Run $run of $runs"
        boot_with_and_without_lease
        boot no-svsm cvm --no-svsm
        boot plain plain_machine
        latency svsm "$ROOT/start-cvm.sh" --run "$job"
        latency swtpm run_beside_swtpm "$job"
    done
}

# What both of two virtual CPUs compute, and nothing that needs the host: seconds on standard output
# shellcheck disable=SC2016 # for the guest
TWO_BUSY='began=$(cut -d" " -f1 /proc/uptime)
    for cpu in 0 1; do taskset -c $cpu sh -c "dd if=/dev/zero bs=1M count=50 2>/dev/null | sha256sum >/dev/null" & done
    wait
    awk -v began=$began "{ print \$1 - began }" /proc/uptime'

# two_busy NAME OPTION...: that job in a guest
two_busy() {
    local name=$1
    shift
    fresh_image
    "$ROOT/start-cvm.sh" --cpus 2 --run "$TWO_BUSY" "$@" >"$work/output" 2>"$work/messages" ||
        die "the job of two processors did not run" "$(cat "$work/messages")"
    sample "$name.two_busy_s" "$(cat "$work/output")"
    say "    $name: two processors computed for $(cat "$work/output") s"
}

# beside_busy N: the TPM of a guest with four virtual CPUs, N of which are busy
beside_busy() {
    latency "busy$1" "$ROOT/start-cvm.sh" --cpus 4 --run "
        for cpu in \$(seq 0 $(($1 - 1))); do taskset -c \$cpu sh -c 'while :; do :; done' & done
        tpm-latency -n $((calls / 2)) GetRandom
        status=\$?
        kill \$(jobs -p)
        exit \$status"
}

measure_processors() {
    for ((run = 1; run <= runs; run++)); do
        step "Several processors, run $run of $runs"
        two_busy svsm
        two_busy no-svsm --no-svsm
        beside_busy 1
        beside_busy 4
    done
}

measure_sizes() {
    local igvm=$BUILD_DIR/igvm/igvm free_kib region
    step "Sizes"
    quietly "$igvm" build --svsm "$BUILD_DIR/svsm/svsm.elf" --service "attest=$BUILD_DIR/services/attest/attest" \
        --service "tpm=$BUILD_DIR/services/tpm/tpm" --output "$work/no-firmware.igvm"
    sample image.bytes "$(stat -Lc %s "$work/no-firmware.igvm")"
    sample firmware.bytes "$(stat -Lc %s "$FIRMWARE")"
    region=$("$igvm" dump "$IGVM_FILE" | sed -n 's/^ *region 0x[0-9a-f]* + \(0x[0-9a-f]*\),.*/\1/p')
    free_kib=$(sed -n 's/^svsm: \[info\] \([0-9]*\) KiB free.*/\1/p' "$LOG_DIR/console.log")
    sample region.bytes $((region))
    sample region_used.bytes $((region - free_kib * 1024))
}

# One unified kernel image on both machines
measure_debian() {
    local PRISTINE_IMAGE=$work/debian.qcow2 GUEST_MEMORY=1G RUN_TIMEOUT=900
    step "Debian's image"
    quietly "$ROOT/guest/build-debian.sh" --open --cached "$PRISTINE_IMAGE"
    for ((run = 1; run <= runs; run++)); do
        step "Debian, run $run of $runs"
        boot debian cvm --memory $GUEST_MEMORY
        boot debian-plain plain_machine
    done
}

# With the user's configuration: it makes its own.
measure_demo() {
    local start
    step "./demo.sh"
    start=$(uptime_cs)
    VM_CONF=$users_conf quietly "$ROOT/demo.sh"
    sample demo.s "$(seconds_of $(($(uptime_cs) - start)))"
}

# Other work on the host makes every time longer: the report says how much there was.
note_load() {
    local load
    read -r load _ </proc/loadavg
    sample host.load "$load"
    [ "${load%.*}" -lt "$(nproc)" ] || warn "the host is busy (load $load on $(nproc) processors): times will be too long"
}

set_up
note_load
measure_machines
measure_processors
measure_sizes
[ $debian = no ] || measure_debian
[ $demo = no ] || measure_demo
jq -Rn -f "$ROOT/bench/report.jq" "$work/samples" >"$work/report.json"
if [ $json = yes ]; then
    cat "$work/report.json"
else
    jq -r -f "$ROOT/bench/table.jq" "$work/report.json"
fi
