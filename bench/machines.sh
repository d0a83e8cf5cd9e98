# SPDX-License-Identifier: MIT
# The virtual machines that bench/run.sh compares, and how their boot is timed. To be sourced after lib.sh, with
# the variables work and qemu of run.sh. A machine is ended when it does not get on for RUN_TIMEOUT seconds, as those of
# start-cvm.sh are.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for the caller

. "$ROOT/scripts/vm-watch.sh"

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
        "$qemu" -accel tcg -machine "q35,smm=off,sata=off,smbus=off,i8042=off,hpet=off" -cpu "EPYC-Milan,phys-bits=48,+x2apic,-pku"
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

# end_when_silent PID FILE...: waits for the end of a machine's QEMU, and ends it when the files have not changed for so long
end_when_silent() {
    local pid=$1
    shift
    watch_first
    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        watch_count "$(queued_ms "$pid")" "$(stat -Lc '%s %y' "$@" | tr '\n' ' ')"
        ! watch_over "$RUN_TIMEOUT" || kill -KILL "$pid" 2>/dev/null || true
    done
}

# run_beside_swtpm COMMAND: as start-cvm.sh --run does, on the plain machine with swtpm as its TPM
run_beside_swtpm() {
    start_swtpm
    plain_compose "$1"
    plain_command+=(
        -chardev "socket,id=tpm,path=$work/swtpm.sock" -tpmdev "emulator,id=tpm,chardev=tpm"
        -device "tpm-crb,tpmdev=tpm"
    )
    setpriv --pdeathsig KILL "${plain_command[@]}" </dev/null >"$work/swtpm-console.log" &
    started $!
    end_when_silent $! "$work"/{swtpm-console.log,job} "$GUEST_IMAGE"
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
    local console text words='' vm now counted=0 found=no
    exec {console}< <("$@" </dev/null 2>"$work/messages")
    vm=$!
    started $vm
    watch_first
    # What came before a second was over is in $text, too.
    while IFS= read -r -t 1 -d : -u "$console" text || [ $? -gt 128 ]; do
        words+=$text
        now=$(uptime_cs)
        [[ $words != *login ]] || { found=yes; break; }
        [ $((now - counted)) -ge 100 ] || continue
        counted=$now
        watch_count "$(queued_ms "$(qemu_of $vm 2>/dev/null)")" "${#words}"
        ! watch_over "$RUN_TIMEOUT" || break
    done
    [ $found = yes ] || die "no login prompt came: $*" "$(tail -n 20 "$work/messages")"
    vm_seconds=$(seconds_of $((now - $(start_of $vm))))
    qemu_seconds=$(seconds_of $((now - $(start_of "$(qemu_of $vm)"))))
    machines_stop
    exec {console}<&-
}
