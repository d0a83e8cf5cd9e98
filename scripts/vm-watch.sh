# SPDX-License-Identifier: MIT
# Waits for the end of a VM: as long as it gets on, and, when it is asked to end, until its guest has powered off. To be
# sourced after lib.sh and job-disk.sh, by start-cvm.sh.
#
# A VM gets on when its console, the hypervisor's log or one of its disks changes. Its silence is measured in time of its
# own: that of the clock, less what its processor's thread stood in line for a processor of the host. On a busy host a boot
# takes minutes by the clock and seconds by that.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller's variables

# However much a VM gets on, it ends after so many times the silence that it is allowed.
WATCH_CAP=15
PRESS_EVERY_MS=5000

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# queued_ms PID: how long the thread of that process which ran most stood in line for a processor; 0 where the kernel
# does not tell
queued_ms() {
    local file ran queued most=0 result=0
    for file in "/proc/$1/task/"*/schedstat; do
        read -r ran queued _ 2>/dev/null <"$file" || continue
        [ "$ran" -lt "$most" ] || most=$ran result=$queued
    done
    echo $((result / 1000000))
}

# vm_phase: what the VM does, as far as the host can see
vm_phase() {
    local console
    if job_disk_started "$run_dir/job"; then
        echo "its command"
    elif [ ! -s "$console_log" ]; then
        echo "the launch"
    else
        console=$(tr -d '\0' <"$console_log")
        case $console in
            *"EFI stub: "* | *"BdsDxe: starting "*) echo "the guest's kernel" ;;
            *"starting the guest"*) echo "the firmware" ;;
            *"svsm: "*) echo "the SVSM" ;;
            *) echo "the firmware" ;;
        esac
    fi
}

# What changes when the VM gets on
vm_signs() {
    stat -Lc '%s %y' "$console_log" "$LOG_DIR/hypervisor.log" "$run_dir/job" "$GUEST_IMAGE" "$STATE_VOLUME" 2>/dev/null || true
}

# watch_begin: from now on the VM's silence and its whole time count
watch_begin() {
    watch_last=$(now_ms) watch_queued=$(queued_ms "$qemu_pid")
    watch_signs=$(vm_signs)
    watch_began=$watch_last
    watch_silent=0 watch_in_line=0
}

# watch_tick: takes the time
watch_tick() {
    local now queued signs phase
    now=$(now_ms) queued=$(queued_ms "$qemu_pid") signs=$(vm_signs) phase=$(vm_phase)
    local passed=$((now - watch_last)) in_line=$((queued - watch_queued))
    # Another thread may have become the one that ran most.
    [ $in_line -ge 0 ] || in_line=0
    [ $in_line -le $passed ] || in_line=$passed
    [ -n "${phase_ms[$phase]:-}" ] || phases+=("$phase")
    phase_ms[$phase]=$((${phase_ms[$phase]:-0} + passed))
    watch_in_line=$((watch_in_line + in_line))
    watch_silent=$((watch_silent + passed - in_line))
    [ "$signs" = "$watch_signs" ] || watch_silent=0
    watch_last=$now watch_queued=$queued watch_signs=$signs
}

# watch_over SECONDS: whether the VM was silent for that long, or took very much longer in all
watch_over() {
    [ "$watch_silent" -ge $(($1 * 1000)) ] || [ $((watch_last - watch_began)) -ge $(($1 * 1000 * WATCH_CAP)) ]
}

# watch_explain: where the time went, for a person; a line each
watch_explain() {
    local phase text=''
    for phase in "${phases[@]}"; do
        text+="${text:+, }$phase $((phase_ms[$phase] / 1000)) s"
    done
    echo "by the clock: $text"
    echo "$((watch_in_line / 1000)) s of $(((watch_last - watch_began) / 1000)) it stood in line for a processor of the host" \
        "(load $(cut -d ' ' -f 1 /proc/loadavg), $(nproc) processors)"
}

# press_power_button: by QEMU's monitor, whose pipe this opens without waiting for the other end
press_power_button() {
    printf '{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n' 1<>"$run_dir/monitor.in"
}

# end_vm: at once
end_vm() {
    kill -KILL "$qemu_pid" 2>/dev/null || true
}

# In an orderly end Linux tells the TPM (TPM2_Shutdown). Without that, whoever used an object with dictionary attack
# protection has one failed authorization more against it.
hard_end_costs=(
    "a TPM counts a hard end after the use of an object without noda as a failed authorization:"
    "three lock such objects for 1000 seconds (docs/guest-images.md)"
)

# obey_signals: what on_signal has taken down
obey_signals() {
    local phase
    if [ "$signals" -ge 2 ]; then
        warn "the VM is ended at once, as a second signal asked"
        printf '    %s\n' "${hard_end_costs[@]}" >&2
        end_vm
    elif [ -z "${pressed_at:-}" ]; then
        phase=$(vm_phase)
        if [[ $phase == "the launch" || $phase == "the SVSM" ]]; then
            end_vm # no guest runs that could be asked
            pressed_at=never
            return
        fi
        say "Pressing the guest's power button; a second signal ends the VM at once."
        watch_begin
        press_power_button
        pressed_at=$(now_ms)
    elif [ "$pressed_at" != never ]; then
        if watch_over "$POWER_OFF_TIMEOUT"; then
            warn "the guest did not power off in $POWER_OFF_TIMEOUT seconds after its power button was pressed: it is ended hard"
            printf '    %s\n' "${hard_end_costs[@]}" >&2
            end_vm
            pressed_at=never
        elif [ $(($(now_ms) - pressed_at)) -ge $PRESS_EVERY_MS ]; then
            press_power_button # one that came before Linux listened is lost
            pressed_at=$(now_ms)
        fi
    fi
}

# wait_for_vm [SECONDS]: until QEMU has ended; its status goes to $status. With SECONDS, a VM that is silent for so long is
# ended, and $overdue set.
wait_for_vm() {
    local limit=${1:-} tick ended
    declare -gA phase_ms=()
    phases=() overdue=no
    watch_begin
    while :; do
        # It holds neither the locks nor the output open. It is not killed either: between fork and exec it is this script,
        # with its traps.
        sleep 1 >/dev/null 2>&1 8>&- 9>&- &
        tick=$!
        status=0 ended=''
        wait -n -p ended "$qemu_pid" $tick || status=$?
        [ "${ended:-}" != "$qemu_pid" ] || break
        watch_tick
        if [ "$signals" != 0 ]; then
            obey_signals
        elif [ -n "$limit" ] && [ $overdue = no ] && watch_over "$limit"; then
            overdue=yes
            end_vm
        fi
    done
    watch_tick
}
