# SPDX-License-Identifier: MIT
# Talks to QEMU's monitor: presses the guest's power button, and learns why a VM ended. To be sourced after lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller's variables

# monitor_open: before QEMU starts. What it tells stays in the pipe that descriptor 7 holds open.
monitor_open() {
    rm -f "$run_dir/monitor.in" "$run_dir/monitor.out"
    mkfifo "$run_dir/monitor.in" "$run_dir/monitor.out"
    exec 6<>"$run_dir/monitor.in" 7<>"$run_dir/monitor.out"
    echo '{"execute":"qmp_capabilities"}' >&6
}

press_power_button() {
    pressed_at=$SECONDS
    echo '{"execute":"system_powerdown"}' >&6
}

# monitor_close: after QEMU's end; sets $vm_end to powered-off, rebooted, panicked, or unknown, which the platform may explain
monitor_close() {
    local line
    vm_end=unknown
    # All that QEMU told is in the pipe, which has no end while the script holds it open.
    while read -r line; do
        case $line in
            *'"GUEST_PANICKED"'*) vm_end=panicked ;;
            *'"SHUTDOWN"'*'"guest-shutdown"'*) vm_end=powered-off ;;
            *'"SHUTDOWN"'*'"guest-reset"'*) [ $vm_end = panicked ] || vm_end=rebooted ;;
        esac
    done < <(dd if="$run_dir/monitor.out" iflag=nonblock status=none 2>/dev/null || true)
    exec 6>&- 7>&-
    # A kernel that has no driver of the panic device resets the machine, or is told to.
    if [ $vm_end = rebooted ] && console_tail | grep -a 'Kernel panic - not syncing' >/dev/null; then
        vm_end=panicked
    fi
}

# console_tail: what is on the console since the last start
console_tail() { tail -c "+$((console_begin + 1))" "$console_log" 2>/dev/null | tr -d '\0'; }
