#!/bin/bash
# SPDX-License-Identifier: MIT
# Starts the confidential VM: the SVSM with its vTPM, and under it the guest of a disk image.
#
# usage: ./start-cvm.sh [OPTION]...
#
#   --image FILE      the guest's disk, qcow2; what the guest writes stays in it
#   --igvm FILE       the launch image, if not the one that prepare.sh built
#   --platform NAME   emulated: the software SEV-SNP machine, anywhere
#                     snp: a real SEV-SNP host
#                     auto (the default): snp where the host can do it, else emulated
#   --memory SIZE     the guest's memory, such as 1G
#   --cpus N          its processors, 1 to 8 (default: GUEST_CPUS in vm.conf)
#   --run COMMAND     no console: run the shell command in the demo guest, print its output, power off, and
#                     end with the command's status (logs: state/log/)
#   --timeout SECONDS --run ends a VM that does not get on for that long (default: RUN_TIMEOUT in vm.conf)
#   --no-svsm         the guest alone at VMPL0, without an SVSM and without a TPM
#   --dry-run         only print QEMU's command line
#   -h, --help        this text
#
# Without --run the guest's console is on this terminal; Ctrl-A X ends the VM at once.
#
# SIGTERM, SIGHUP and SIGINT (Ctrl-C with --run) press the guest's power button, so that it shuts its TPM down; a guest that
# does not act on it is ended after POWER_OFF_TIMEOUT (vm.conf). A second signal ends the VM at once.
#
# Exit status: that of the command with --run, else 0 when the VM powered off; 128 and the signal's number when one
# ended it. 2 is wrong usage. The script's own:
#   201 guest image    202 IGVM file    203 TPM state volume (missing, unusable or of the wrong size)
#   204 the state volume or the guest image is in use by another VM    205 QEMU missing or too old
#   206 the proxy does not run    207 the platform is not there    208 something is not built
#   209 the SVSM refused to start the guest    210 the VM ended without a result    211 time is up
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/checks.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/job-disk.sh"
. "$ROOT/scripts/vm-watch.sh"
. "$ROOT/scripts/platform-emulated.sh"
. "$ROOT/scripts/platform-snp.sh"

EXIT_IMAGE=201
EXIT_IGVM=202
EXIT_STATE=203
EXIT_IN_USE=204
EXIT_QEMU=205
EXIT_PROXY=206
EXIT_PLATFORM=207
EXIT_NOT_BUILT=208
EXIT_REFUSED=209
EXIT_ENDED=210
EXIT_TIMEOUT=211

load_config
igvm='' memory=$GUEST_MEMORY cpus=$GUEST_CPUS svsm=yes dry_run=no job='' job_given=no
while [ $# != 0 ]; do
    case $1 in
        --image) GUEST_IMAGE=$(option_value "$@"); shift ;;
        --igvm) igvm=$(option_value "$@"); shift ;;
        --platform) PLATFORM=$(option_value "$@"); shift ;;
        --memory) memory=$(option_value "$@"); shift ;;
        --cpus) cpus=$(option_value "$@"); shift ;;
        --run) job=$(option_value "$@"); job_given=yes; shift ;;
        --timeout) RUN_TIMEOUT=$(option_value "$@"); shift ;;
        --no-svsm) svsm=no ;;
        --dry-run) dry_run=yes ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

memory_bytes=$(bytes_of "$memory") || usage_error "--memory $memory is no size such as 1G"
[ "$memory_bytes" -ge $((256 << 20)) ] || usage_error "--memory $memory is too little: 256M at least"
[ $((memory_bytes % (1 << 20))) = 0 ] || usage_error "--memory $memory is no multiple of 1M"
[[ $cpus =~ ^[1-8]$ ]] || usage_error "--cpus $cpus is no number from 1 to 8"
[[ $RUN_TIMEOUT =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "--timeout $RUN_TIMEOUT is no number of seconds"
case $PLATFORM in
    auto) if snp_host && snp_qemu; then PLATFORM=snp; else PLATFORM=emulated; fi ;;
    emulated | snp) ;;
    *) usage_error "there is no platform $PLATFORM, only auto, emulated and snp" ;;
esac
if [ -z "$igvm" ]; then
    if [ $svsm = yes ]; then igvm=$IGVM_FILE; else igvm=$IGVM_FILE_NO_SVSM; fi
fi
[[ "$GUEST_IMAGE$igvm$STATE_VOLUME$PROXY_SOCKET" != *,* ]] || die "QEMU takes no file names with a comma in them"

# What an SNP guest needs of a virtio device: bounce buffers, and no option ROM of the host's
virtio_pci=disable-legacy=on,iommu_platform=on,romfile=

proxy_serial() { if [ $svsm = yes ]; then echo "unix:$PROXY_SOCKET"; else echo null; fi; }

# The devices that every platform has, in the order that the guest sees. The job disk is there without a job too:
# what is attached is measured.
compose() {
    if [ $job_given = yes ]; then
        console_arguments=(-chardev "file,id=console,path=$console_log" -serial chardev:console)
    else
        console_arguments=(
            -chardev "stdio,id=console,mux=on,signal=off,logfile=$console_log" -serial chardev:console
            -mon chardev=console
        )
    fi
    # By which the power button is pressed
    console_arguments+=(-chardev "pipe,id=monitor,path=$run_dir/monitor" -mon "chardev=monitor,mode=control")
    guest_disk_arguments=(
        -drive "file=$GUEST_IMAGE,format=qcow2,if=none,id=disk"
        -device "virtio-blk-pci,drive=disk,addr=2.0,$virtio_pci"
        -drive "file=$run_dir/job,format=raw,if=none,id=job"
        -device "virtio-blk-pci,drive=job,serial=job,addr=3.0,$virtio_pci"
    )
    "${PLATFORM}_compose"
}

check_inputs() {
    check_guest_image $EXIT_IMAGE "$GUEST_IMAGE"
    check_igvm_file $EXIT_IGVM "$igvm"
    "${PLATFORM}_check"
    lock_file 8 "$GUEST_IMAGE" ||
        die -$EXIT_IN_USE "$(shown "$GUEST_IMAGE") is in use by another VM" "power that VM off, or use a copy of the image"
    [ $svsm = yes ] || return 0
    check_state_volume $EXIT_STATE "$STATE_VOLUME"
    lock_file 9 "$STATE_VOLUME" ||
        die -$EXIT_IN_USE "$(shown "$STATE_VOLUME") is in use by another VM" "power that VM off first: a TPM cannot be shared"
    grep -qF " $PROXY_SOCKET" /proc/net/unix ||
        die -$EXIT_PROXY "no proxy listens at $(shown "$PROXY_SOCKET")" "./start-kbs.sh --background starts KBS and proxy"
}

# Ends what was started, on every way out.
clean_up() {
    trap - EXIT INT TERM HUP
    [ "$BASHPID" = $$ ] || exit # a child that a signal hit before it was another program
    local pid
    for pid in ${qemu_pid:-} "${helper_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$run_dir"
    [ -z "${terminal:-}" ] || stty "$terminal"
}

# on_signal STATUS: what to end with; wait_for_vm sees to it
on_signal() {
    signals=$((signals + 1))
    end_status=${end_status:-$1}
}

# start_qemu STDIN_DESCRIPTOR COMMAND...: in the background, so that signals are handled at once
start_qemu() {
    local descriptor=$1
    shift
    mkfifo "$run_dir/monitor.in" "$run_dir/monitor.out"
    "$@" "${qemu_command[@]}" <&"$descriptor" 2>"$qemu_log" &
    qemu_pid=$!
}

# What the SVSM said last, if it said that it stops: the last lines of the console hold an error of its.
svsm_refusal() {
    tail -n 5 "$console_log" 2>/dev/null | grep -a '^svsm: \[error\]' >/dev/null || return 1
    grep -a '^svsm: \[' "$console_log" | grep -av '\[info\]' | tr -d '\r'
}

end_without_result() {
    local status=$1 reason
    if svsm_refusal >&2; then
        die -$EXIT_REFUSED "the SVSM did not start the guest" "its reason is above, its whole log in $(shown "$console_log")"
    fi
    tail -n 5 "$console_log" 2>/dev/null | tr -cd '[:print:]\n' >&2 || true
    grep -v 'warning: TCG' "$qemu_log" >&2 || true
    if [ "$overdue" = yes ]; then
        mapfile -t reason < <(watch_explain)
        die -$EXIT_TIMEOUT "the VM did not get on for $RUN_TIMEOUT seconds, or took $WATCH_CAP times that in all; it was at ${phases[-1]}" \
            "${reason[@]}" "its last words are above, all of them in $(shown "$console_log"); --timeout gives it longer"
    fi
    mapfile -t reason < <("${PLATFORM}_end" "$status")
    die -$EXIT_ENDED "the VM ended${2:+ $2}: ${reason[0]}" "${reason[@]:1}" \
        "its last words are above, all of them in $(shown "$console_log")"
}

console_log=$LOG_DIR/console.log
qemu_log=$LOG_DIR/qemu.log
if [ $dry_run = yes ]; then
    qemu=$(find_qemu) || qemu="qemu-system-x86_64"
    run_dir=$("${PLATFORM}_run_parent")/snp-vtpm.dry-run
    compose
    printf '%q ' "${qemu_command[@]}" | sed 's/ $/\n/; s/ -/ \\\n    -/g'
    exit
fi

check_inputs
umask 077
mkdir -p "$LOG_DIR"
rm -f "$console_log" "$qemu_log"
run_dir=$(mktemp -d "$("${PLATFORM}_run_parent")/snp-vtpm.XXXXXX")
helper_pids=()
trap clean_up EXIT
signals=0 end_status=''
trap 'on_signal 130' INT
trap 'on_signal 143' TERM HUP
if [ $job_given = yes ]; then
    job_disk_create "$run_dir/job" "$job" || usage_error "the command is longer than a megabyte"
else
    job_disk_create "$run_dir/job"
    [ ! -t 0 ] || terminal=$(stty -g)
fi
compose
"${PLATFORM}_prepare"

# QEMU dies with the script in any case. With --run it has a session of its own: it would end at once at a Ctrl-C that the
# terminal sends to all processes.
if [ $job_given = yes ]; then
    start_qemu 3 setsid setpriv --pdeathsig KILL 3</dev/null
    wait_for_vm "$RUN_TIMEOUT"
else
    start_qemu 0 setpriv --pdeathsig TERM
    wait_for_vm
fi
[ -z "$end_status" ] || exit "$end_status"
if [ $job_given = yes ]; then
    job_disk_result "$run_dir/job" || end_without_result "$status" "without finishing the command"
    exit "$job_status"
fi
if [ "$status" != 0 ] || svsm_refusal >/dev/null; then
    end_without_result "$status"
fi
