# SPDX-License-Identifier: MIT
# The virtual machines that bench/run.sh compares, and how their boot is timed. To be sourced after lib.sh, with
# the variables work and qemu of run.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for the caller

machine_pids=()

# started PID: to be ended by machines_stop
started() { machine_pids+=("$1"); }

machines_stop() {
    local pid
    for pid in "${machine_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    machine_pids=()
}

# What a guest wrote before it was cut off must not slow the next one.
fresh_image() {
    rm -f "$GUEST_IMAGE"
    qemu-img create -q -f qcow2 -F qcow2 -b "$PRISTINE_IMAGE" "$GUEST_IMAGE"
}

# cvm [OPTION]...: becomes the confidential machine, whose console is standard output.
cvm() { exec "$ROOT/start-cvm.sh" "$@"; }

# plain_compose [COMMAND]: fills the array plain_command: an ordinary machine with the same firmware, the same
# processor and memory, and the devices that start-cvm.sh gives to the guest. Its console is standard output.
plain_compose() {
    local virtio=disable-legacy=on,iommu_platform=on,romfile=
    rm -f "$work/job"
    job_disk_create "$work/job" "$@"
    plain_command=(
        "$qemu" -accel tcg -machine "q35,smm=off,sata=off,smbus=off,i8042=off,hpet=off" -cpu "EPYC-Milan,phys-bits=48,+x2apic"
        -m "size=$GUEST_MEMORY" -bios "$FIRMWARE" -nodefaults -display none -no-reboot -serial stdio
        -drive "file=$GUEST_IMAGE,format=qcow2,if=none,id=disk" -device "virtio-blk-pci,drive=disk,addr=2.0,$virtio"
        -drive "file=$work/job,format=raw,if=none,id=job" -device "virtio-blk-pci,drive=job,serial=job,addr=3.0,$virtio"
    )
}

# Becomes that machine, without a TPM.
plain_machine() {
    plain_compose
    exec setpriv --pdeathsig TERM "${plain_command[@]}"
}

start_swtpm() {
    mkdir -p "$work/swtpm"
    rm -f "$work/swtpm.sock"
    setpriv --pdeathsig TERM swtpm socket --tpm2 --tpmstate "dir=$work/swtpm" \
        --ctrl "type=unixio,path=$work/swtpm.sock" --terminate &
    started $!
    for _ in {1..100}; do
        [ ! -S "$work/swtpm.sock" ] || return 0
        sleep 0.05
    done
    die "swtpm did not start" "$(cat "$work/messages")"
}

# run_beside_swtpm COMMAND: as start-cvm.sh --run does, on the plain machine with swtpm as its TPM
run_beside_swtpm() {
    start_swtpm
    plain_compose "$1"
    plain_command+=(
        -chardev "socket,id=tpm,path=$work/swtpm.sock" -tpmdev "emulator,id=tpm,chardev=tpm"
        -device "tpm-crb,tpmdev=tpm"
    )
    timeout -k 5 "$RUN_TIMEOUT" setpriv --pdeathsig KILL "${plain_command[@]}" </dev/null >"$work/swtpm-console.log" &
    started $!
    wait $! || true
    machines_stop
    job_disk_result "$work/job" || {
        tail -n 5 "$work/swtpm-console.log" >&2
        return 1
    }
    [ "$job_status" = 0 ]
}

# The time since the host's start, in hundredths of a second: the unit and the origin of a process's start in proc(5)
uptime_cs() {
    local up
    read -r up _ </proc/uptime
    echo "${up/./}"
}

seconds_of() { printf '%d.%02d' $(($1 / 100)) $(($1 % 100)); }

start_of() {
    local fields
    fields=$(<"/proc/$1/stat")
    # starttime is the 22nd field, and the name, the 2nd, may hold spaces.
    read -r -a fields <<<"${fields##*) }"
    echo "${fields[19]}"
}

# qemu_of PID: that process if it is QEMU, else its child that is
qemu_of() {
    local pid
    for pid in "$1" $(<"/proc/$1/task/$1/children"); do
        [[ $(<"/proc/$pid/comm") != qemu-system* ]] || echo "$pid"
    done
}

# time_to_login FUNCTION [ARGUMENT]...: starts the machine that the function becomes, and ends it when its guest asks
# for a login. Leaves the seconds since the start in vm_seconds, and since that of QEMU in qemu_seconds.
time_to_login() {
    local console text vm now found=no
    exec {console}< <("$@" </dev/null 2>"$work/messages")
    vm=$!
    started $vm
    while IFS= read -r -t "$RUN_TIMEOUT" -d : -u "$console" text; do
        [[ $text != *login ]] || { found=yes; break; }
    done
    now=$(uptime_cs)
    [ $found = yes ] || die "no login prompt came: $*" "$(tail -n 20 "$work/messages")"
    vm_seconds=$(seconds_of $((now - $(start_of $vm))))
    qemu_seconds=$(seconds_of $((now - $(start_of "$(qemu_of $vm)"))))
    machines_stop
    exec {console}<&-
}
