# SPDX-License-Identifier: MIT
# Waits for the end of a VM: as long as it gets on, and, when it is asked to end, until its guest has powered off. To be
# sourced after lib.sh, job-disk.sh, vm-stages.sh and vm-end.sh, by start-cvm.sh.
#
# A VM gets on when its console, the hypervisor's log or one of its disks changes. Its silence is measured in time of its
# own: that of the clock, less what its processor's thread stood in line for a processor of the host. On a busy host a boot
# takes minutes by the clock and seconds by that.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller's variables

# However much a VM gets on, it ends after so many times the silence that it is allowed.
WATCH_CAP=15
PRESS_EVERY=5 # seconds

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
vm_phase() { if job_disk_started "$run_dir/job"; then echo "its command"; else stage_of "$LOG_DIR"; fi; }

# What changes when the VM gets on
vm_signs() {
    stat -Lc '%s %y' "$console_log" "$LOG_DIR/hypervisor.log" "$run_dir/job" "$GUEST_IMAGE" "$STATE_VOLUME" 2>/dev/null || true
}

# nothing_to_boot: yes, when the firmware says so, be it after a boot loader that ended
nothing_to_boot() {
    if [ "$(stage_of "$LOG_DIR")" != "user space" ] && console_tail | grep -a 'BdsDxe: No bootable option or device was found' >/dev/null; then
        echo yes
    else
        echo no
    fi
}

# watch_sample: a second later, what can be seen of the VM, in a file: the time in line, the phase, the signs. A process beside
# the script runs this: the script itself must only wait, since bash may lose a signal that comes while a program of its runs.
watch_sample() {
    trap '' INT TERM HUP
    close_locks
    sleep 1
    printf '%s\n' "$(queued_ms "$qemu_pid")" "$(vm_phase)" "$(vm_signs | tr '\n' ' ')" "$(nothing_to_boot)" >"$run_dir/sample"
}

# watch_begin: from now on the VM's silence and its whole time count
watch_begin() {
    watch_began=${EPOCHREALTIME/[.,]/} watch_silent=0
}

# watch_first: and nothing was seen before
watch_first() {
    watch_queued=0 watch_signs='' watch_in_line=0
    watch_begin
    watch_last=$watch_began
}

# watch_count QUEUED SIGNS: what is to be seen now, after what was seen before; $watch_passed is the time between, in ms
watch_count() {
    local now=${EPOCHREALTIME/[.,]/} in_line=$(($1 - watch_queued))
    watch_passed=$(((now - watch_last) / 1000))
    # Another thread may have become the one that ran most.
    [ $in_line -ge 0 ] || in_line=0
    [ $in_line -le $watch_passed ] || in_line=$watch_passed
    watch_in_line=$((watch_in_line + in_line))
    watch_silent=$((watch_silent + watch_passed - in_line))
    [ "$2" = "$watch_signs" ] || watch_silent=0
    watch_last=$now watch_queued=$1 watch_signs=$2
}

# watch_take: the sample, and the time since the one before
watch_take() {
    local queued signs
    {
        read -r queued
        read -r phase
        read -r signs
        read -r unbootable
    } <"$run_dir/sample" || return 0
    phase=${phase:-${STAGES[0]}} # on a busy host, before stages_follow wrote its first word
    watch_count "$queued" "$signs"
    [ -n "${phase_ms[$phase]:-}" ] || phases+=("$phase")
    phase_ms[$phase]=$((${phase_ms[$phase]:-0} + watch_passed))
}

# watch_over SECONDS: whether the VM was silent for that long, or took very much longer in all
watch_over() {
    [ "$watch_silent" -ge $(($1 * 1000)) ] || [ $(((watch_last - watch_began) / 1000)) -ge $(($1 * 1000 * WATCH_CAP)) ]
}

# watch_explain: where the time went, for a person; a line each
watch_explain() {
    local phase text=''
    for phase in "${phases[@]}"; do
        text+="${text:+, }$phase $((phase_ms[$phase] / 1000)) s"
    done
    echo "by the clock: $text"
    echo "$((watch_in_line / 1000)) s of $(((watch_last - watch_began) / 1000000)) it stood in line for a processor of the host" \
        "(load $(cut -d ' ' -f 1 /proc/loadavg), $(nproc) processors)"
}

# end_vm: at once
end_vm() {
    ended_hard=yes
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
    if [ "$signals" -ge 2 ]; then
        warn "the VM is ended at once, as a second signal asked"
        printf '    %s\n' "${hard_end_costs[@]}" >&2
        end_vm
    elif [[ $phase =~ ^(launch|SVSM|attestation|TPM)$ ]]; then
        end_vm # no guest runs that could be asked
    elif [ -z "$pressed_at" ]; then
        say "Pressing the guest's power button; a second signal ends the VM at once."
        watch_begin
        press_power_button
    elif watch_over "$POWER_OFF_TIMEOUT"; then
        warn "the guest did not power off in $POWER_OFF_TIMEOUT seconds after its power button was pressed: it is ended hard"
        printf '    %s\n' "${hard_end_costs[@]}" >&2
        end_vm
    elif [ $((SECONDS - pressed_at)) -ge $PRESS_EVERY ]; then
        press_power_button # one that came before Linux listened is lost
    fi
}

# wait_for_vm [SECONDS]: until QEMU has ended; its status goes to $status. With SECONDS, a VM that is silent for so long is
# ended, and $overdue set.
wait_for_vm() {
    local limit=${1:-} sampler='' phase='' pressed_at=''
    declare -gA phase_ms=()
    phases=() overdue=no ended_hard=no unbootable=no
    watch_first
    while :; do
        # These hold neither the locks nor the output open.
        if [ -z "$sampler" ]; then
            watch_sample >/dev/null 2>&1 &
            sampler=$!
        fi
        { close_locks; sleep 0.2; } >/dev/null 2>&1 &
        # Not "wait -n" for whichever ends first: in that, bash 5.2 may sleep past the end of one of several processes, and past a
        # signal. (bash would tell that QEMU was killed.)
        wait $! 2>/dev/null || true
        kill -0 "$qemu_pid" 2>/dev/null || break
        if ! kill -0 "$sampler" 2>/dev/null; then
            sampler=''
            watch_take
        fi
        # What it is at must be known, and it is ended once.
        if [ -z "$phase" ] || [ $ended_hard = yes ]; then
            continue
        elif [ "$signals" != 0 ]; then
            obey_signals
        elif [ -n "$limit" ] && watch_over "$limit"; then
            overdue=yes
            end_vm
        elif [ "$unbootable" = yes ]; then
            end_vm
        fi
    done
    # It would write into the folder. bash need not tell that it was killed.
    [ -z "$sampler" ] || { disown "$sampler" && kill -KILL "$sampler" 2>/dev/null; } || true
    status=0
    wait "$qemu_pid" 2>/dev/null || status=$?
}
