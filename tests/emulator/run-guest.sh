#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a test guest on the emulated SEV-SNP platform and prints TAP: the guest's own results, and one more for each
# of its endings, the rules whose breach ends the machine (runtime/tap.h).
set -u

usage() {
    cat <<END
usage: run-guest.sh BUILD_DIR IMAGE [REFUSAL]

Runs the guest in the IGVM file IMAGE with the hypervisor and the emulated secure processor of BUILD_DIR. With REFUSAL,
the hypervisor must not launch it, and end with these words.
SNP_VTPM_QEMU names the QEMU to use, SNP_VTPM_GUEST_SECONDS how long one run may take (default 60),
SNP_VTPM_GUEST_MIB how much memory the guest has (default 64), SNP_VTPM_GUEST_CPUS how many processors (default 1),
SNP_VTPM_EMULATOR_OPTIONS further options of the hypervisor, such as strict=1, SNP_VTPM_GUEST_SP_LOG a file that gets the
secure processor's log of the last run.

Exit status: 0 all rules hold (or there is no QEMU: all skipped), 1 some do not, 2 wrong usage or no such image.
END
}

case ${1-} in
    -h | --help)
        usage
        exit
        ;;
esac
if [ $# != 2 ] && [ $# != 3 ]; then
    usage >&2
    exit 2
fi

build=$1
image=$2
refusal=${3-}
qemu=${SNP_VTPM_QEMU:-${XDG_CACHE_HOME:-$HOME/.cache}/snp-vtpm/qemu/current/qemu-system-x86_64}
seconds=${SNP_VTPM_GUEST_SECONDS:-60}

. "$(dirname "$(readlink -f "$0")")/../../scripts/emulated-memory.sh"
. "$(dirname "$(readlink -f "$0")")/../../scripts/host-memory.sh"
GUEST_MIB=${SNP_VTPM_GUEST_MIB:-64}
guest=$((GUEST_MIB << 20))
machine=$(emulated_machine_size $guest)
# enum host_exit in emulator/platform/host.h
TERMINATED=16
LAUNCH_FAILED=19

if [ ! -r "$image" ]; then
    echo "run-guest.sh: cannot read $image; is it built?" >&2
    exit 2
fi
if [ ! -x "$qemu" ]; then
    echo "1..0 # SKIP no QEMU at $qemu"
    exit
fi

# The machine's memory is a file: in RAM if there is room for it. TMPDIR may be in RAM as well (./test.sh).
parent=/tmp
for folder in "${TMPDIR:-/tmp}" /dev/shm; do
    [ "$(room_in "$folder")" -lt "$machine" ] || parent=$folder
done
work=$(mktemp -d "$parent/guest.XXXXXX")
pids=()
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
    wait
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

start_secure_processor() {
    setpriv --pdeathsig KILL "$build/emulator/amd-sp/amd-sp" --chip "$build/tests/emulator/chip" --ram "$work/ram" \
        --socket "$work/sp.sock" >"$work/sp.log" 2>&1 </dev/null &
    pids=($!)
    for _ in {1..3000}; do
        [ ! -S "$work/sp.sock" ] && kill -0 "${pids[0]}" 2>/dev/null || return 0
        sleep 0.02
    done
}

# run_machine [QEMU_ARGUMENT]...: runs the image once; leaves the machine's exit (enum host_exit) in $ended
run_machine() {
    local status=0
    rm -f "$work"/*
    touch "$work"/{console,qemu.log,platform.log}
    start_secure_processor
    setpriv --pdeathsig TERM timeout --kill-after=5 "$seconds" setpriv --pdeathsig KILL "$qemu" -accel tcg,thread=multi -smp "${SNP_VTPM_GUEST_CPUS:-1}" -machine "q35,smm=off,max-ram-below-4g=$EMULATED_LOW_END,memory-backend=ram" \
        -cpu EPYC-Milan,phys-bits=48,+x2apic,-pku -m "$((machine >> 20))M" \
        -object "memory-backend-file,id=ram,size=$machine,mem-path=$work/ram,share=on" \
        -bios "$build/emulator/reset.rom" -device "loader,file=$build/emulator/hypervisor.elf" \
        -device "loader,file=$image,addr=$(emulated_reserve_start $guest),force-raw=on" \
        -fw_cfg "name=opt/snp-vtpm/hypervisor,string=igvm=$(stat -Lc %s "$image") reserve=$(emulated_reserve $guest) ${SNP_VTPM_EMULATOR_OPTIONS-}" \
        -fw_cfg "name=opt/snp-vtpm/memory,string=$GUEST_MIB" \
        -device isa-debug-exit,iobase=0x404,iosize=1 \
        -chardev "file,id=platform,path=$work/platform.log" -device isa-debugcon,iobase=0x403,chardev=platform \
        -nodefaults -display none -no-reboot \
        -blockdev null-co,node-name=disk,size=1048576,read-zeroes=on \
        -device virtio-blk-pci,drive=disk,addr=1e.0,disable-legacy=on,iommu_platform=on,romfile= \
        -chardev "socket,id=sp,path=$work/sp.sock" -device isa-serial,iobase=0x408,irq=7,chardev=sp \
        -serial "file:$work/console" -serial null -serial none -serial null \
        "$@" >"$work/qemu.log" 2>&1 </dev/null &
    pids+=($!)
    wait "${pids[1]}" || status=$?
    kill "${pids[0]}" 2>/dev/null
    wait "${pids[0]}"
    [ -z "${SNP_VTPM_GUEST_SP_LOG-}" ] || cp "$work/sp.log" "$SNP_VTPM_GUEST_SP_LOG"
    pids=()
    ended=$((status >> 1))
    [ $status != 124 ] || echo "no end within $seconds s" >>"$work/platform.log"
}

number=0
failed=0
# result WORD RULE: a line of TAP
result() {
    number=$((number + 1))
    [ "$1" = ok ] || failed=1
    echo "$1 $number - $2"
}

explain() {
    echo "# the machine ended with $ended; its last words:"
    {
        grep -v ': warning: ' "$work/qemu.log"
        tail -q -n 4 "$work"/{sp,platform}.log
    } | sed 's/^/#   /'
}

# The last line of the hypervisor's log: why the machine ended
last_word() { tail -n 1 "$work/platform.log"; }

# said WORD: what the guest said after "WORD: "
said() { sed -n "s/^$1: //p" "$work/console" | head -n 1; }

run_tests() {
    local line planned
    run_machine
    planned=$(sed -n 's/^1\.\.//p' "$work/console")
    while IFS= read -r line; do
        case $line in
            "ok "*) result ok "${line#* - }" ;;
            "not ok "*) result "not ok" "${line#* - }" ;;
            "#"* | "Bail out!"*) echo "$line" ;;
        esac
    done <"$work/console"
    if [ "$number" != "${planned:-none}" ] || [ $ended != $TERMINATED ] || [[ $(last_word) != *"set 15, code 0" ]]; then
        result "not ok" "the guest runs all its tests and then asks for its end"
        explain
    fi
    endings=$(said "# endings")
}

run_ending() {
    local rule
    run_machine -fw_cfg "name=opt/snp-vtpm/ending,string=$1"
    rule=$(said rule)
    if [ "$ended" = "$(said exit)" ] && [[ $(last_word) == *"$(said log)"* ]]; then
        result ok "$rule"
    else
        result "not ok" "${rule:-ending $1}"
        echo "# wanted: exit $(said exit), \"$(said log)\""
        explain
    fi
}

run_refused() {
    run_machine
    if [ $ended = $LAUNCH_FAILED ] && [[ $(last_word) == *"$refusal"* ]]; then
        result ok "an image is refused: $refusal"
    else
        result "not ok" "an image is refused: $refusal"
        explain
    fi
}

if [ -n "$refusal" ]; then
    run_refused
else
    run_tests
fi
for ((i = 0; i < ${endings:-0}; i++)); do
    run_ending "$i"
done
echo "1..$number"
exit $failed
