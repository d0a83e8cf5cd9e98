#!/bin/bash
# SPDX-License-Identifier: MIT
# Starts the confidential VM: the SVSM with its vTPM, and under it the guest of a disk image.
#
#   ./start-cvm.sh                                          the demo guest, its console on this terminal
#   ./start-cvm.sh --run 'tpm2_getrandom --hex 8'           one command in it
#   ./start-cvm.sh --image debian.qcow2 --memory 2G --ssh   another guest, with a network and its port 22 forwarded
#
# usage: ./start-cvm.sh [OPTION]...
#
#   --image FILE      the guest's disk, qcow2; what the guest writes stays in it
#   --disk FILE       one more disk, qcow2; may be given up to 16 times
#   --net NETWORK     none, or user: the guest reaches what this machine reaches, by NAT. user,forward=PORT:GUEST_PORT
#                     also takes connections to this machine's PORT to the guest; forward=ADDRESS:PORT:GUEST_PORT
#                     those to another address than 127.0.0.1 (default: NETWORK in vm.conf)
#   --ssh             --net user with a free port forwarded to the guest's SSH server
#   --name NAME       a VM of its own, with a folder of its own in state/vms/: image, TPM, launch image, logs. The
#                     scripts remanufacture-tpm.sh and register-resource-in-kbs.sh take the name, too
#   --status          which VMs run: the stage they are in, since when, process, image, volume and logs
#   --igvm FILE       the launch image, if not the one that prepare.sh built
#   --platform NAME   emulated: the software SEV-SNP machine, anywhere
#                     snp: a real SEV-SNP host
#                     auto (the default): snp where the host can do it, else emulated
#   --memory SIZE     the guest's memory, such as 1G
#   --cpus N          its processors, 1 to 8 (default: GUEST_CPUS in vm.conf)
#   --run COMMAND     no console: run the shell command in the demo guest, print its output, power off, and
#                     end with the command's status (logs: state/log/). After a reboot the command runs again, and
#                     finds the number of the boot in $BOOT
#   --timeout SECONDS --run ends a VM that does not get on for that long (default: RUN_TIMEOUT in vm.conf)
#   --no-reboot       a reboot of the guest ends the VM; else it starts anew: launch, attestation, a TPM reset
#   --no-svsm         the guest alone at VMPL0, without an SVSM and without a TPM
#   --dry-run         only print QEMU's command line
#   -h, --help        this text
#
# Without --run the guest's console is on this terminal; Ctrl-A X ends the VM at once. A terminal shows the stages of
# the boot and how long each took; state/log/stages has them for scripts.
#
# SIGTERM, SIGHUP and SIGINT (Ctrl-C with --run) press the guest's power button, so that it shuts its TPM down; a guest that
# does not act on it is ended after POWER_OFF_TIMEOUT (vm.conf). A second signal ends the VM at once.
#
# Exit status: that of the command with --run, else 0 when the VM powered off; 128 and the signal's number when one
# ended it. 2 is wrong usage. The script's own:
#   201 guest image    202 IGVM file    203 TPM state volume (missing, unusable or of the wrong size)
#   204 the state volume or a disk is in use by another VM    205 QEMU missing or too old
#   206 the proxy does not run    207 the platform is not there    208 something is not built
#   209 the SVSM refused to start the guest    210 the VM ended without a result    211 time is up
#   212 the guest rebooted (--no-reboot)    213 the guest's kernel panicked    214 triple fault
#   215 a forwarded port cannot be had    216 this machine has too little memory, or room for a file in its place
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/checks.sh"
. "$ROOT/scripts/boot-problem.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/job-disk.sh"
. "$ROOT/scripts/owner.sh"
. "$ROOT/scripts/vm-list.sh"
. "$ROOT/scripts/vm-devices.sh"
. "$ROOT/scripts/vm-stages.sh"
. "$ROOT/scripts/vm-end.sh"
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
EXIT_REBOOTED=212
EXIT_PANIC=213
EXIT_TRIPLE_FAULT=214
EXIT_PORT=215
EXIT_MEMORY=216

load_config
igvm='' image='' memory=$GUEST_MEMORY cpus=$GUEST_CPUS svsm=yes dry_run=no job='' job_given=no ssh=no reboot=yes
vm_name='' disks=()
while [ $# != 0 ]; do
    case $1 in
        --image) image=$(option_value "$@"); shift ;;
        --disk) disks+=("$(option_value "$@")"); shift ;;
        --net) NETWORK=$(option_value "$@"); shift ;;
        --ssh) ssh=yes ;;
        --name) use_vm "$(option_value "$@")"; shift ;;
        --status) list_running; exit ;;
        --igvm) igvm=$(option_value "$@"); shift ;;
        --platform) PLATFORM=$(option_value "$@"); shift ;;
        --memory) memory=$(option_value "$@"); shift ;;
        --cpus) cpus=$(option_value "$@"); shift ;;
        --run) job=$(option_value "$@"); job_given=yes; shift ;;
        --timeout) RUN_TIMEOUT=$(option_value "$@"); shift ;;
        --no-reboot) reboot=no ;;
        --no-svsm) svsm=no ;;
        --dry-run) dry_run=yes ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

[ -z "$image" ] || GUEST_IMAGE=$image
network_parse "$NETWORK"
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
[[ "$GUEST_IMAGE$igvm$STATE_VOLUME$PROXY_SOCKET${disks[*]}" != *,* ]] || die "QEMU takes no file names with a comma in them"
[ $ssh = no ] || network_add_ssh

proxy_serial() { if [ $svsm = yes ]; then echo "unix:$PROXY_SOCKET"; else echo null; fi; }

# What every platform has. The job disk is there without a job too: what is attached is measured. After a reboot the log
# goes on.
compose() {
    if [ $job_given = yes ]; then
        console_arguments=(-chardev "file,id=console,path=$console_log,append=on" -serial chardev:console)
    else
        console_arguments=(
            -chardev "stdio,id=console,mux=on,signal=off,logfile=$console_log,logappend=on" -serial chardev:console
            -mon chardev=console
        )
    fi
    # By which the power button is pressed
    console_arguments+=(-chardev "pipe,id=monitor,path=$run_dir/monitor" -mon "chardev=monitor,mode=control")
    devices_compose
    "${PLATFORM}_compose"
}

# A VM with a name begins with the demo guest, if it is given nothing else.
new_guest_image() {
    require_built "$PRISTINE_IMAGE" $EXIT_NOT_BUILT
    mkdir -p "$(dirname "$GUEST_IMAGE")"
    cp "$PRISTINE_IMAGE" "$GUEST_IMAGE"
    say "$(shown "$GUEST_IMAGE") is a new copy of the demo guest."
}

check_inputs() {
    [ -z "$vm_name" ] || [ -n "$image" ] || [ -e "$GUEST_IMAGE" ] || new_guest_image
    check_guest_image $EXIT_IMAGE "$GUEST_IMAGE"
    check_igvm_file $EXIT_IGVM "$igvm"
    "${PLATFORM}_check"
    lock_file 8 "$GUEST_IMAGE" ||
        die -$EXIT_IN_USE "$(shown "$GUEST_IMAGE") is in use by another VM" "power that VM off, or use a copy of the image"
    devices_check
    [ $svsm = yes ] || return 0
    check_state_volume $EXIT_STATE "$STATE_VOLUME"
    lock_file 9 "$STATE_VOLUME" ||
        die -$EXIT_IN_USE "$(shown "$STATE_VOLUME") is in use by another VM" "power that VM off first: a TPM cannot be shared"
    grep -qF " $PROXY_SOCKET" /proc/net/unix ||
        die -$EXIT_PROXY "no proxy listens at $(shown "$PROXY_SOCKET")" "./start-kbs.sh --background starts KBS and proxy"
}

end_processes() {
    local pid
    for pid in ${qemu_pid:-} "${helper_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    qemu_pid='' helper_pids=()
}

# Ends what was started, on every way out.
clean_up() {
    trap - EXIT INT TERM HUP
    [ "$BASHPID" = $$ ] || exit # a child that a signal hit before it was another program
    end_processes
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
    monitor_open
    "$@" "${qemu_command[@]}" <&"$descriptor" 2>"$qemu_log" &
    qemu_pid=$!
    stages_follow >/dev/null &
    helper_pids+=($!)
}

# disk_refusal: ends the script if QEMU did not take a disk, with QEMU's reason. Then nothing has run.
disk_refusal() {
    local held refused
    held=$(sed -n 's/^Is another process using the image \[\(.*\)\]?.*/\1/p' "$qemu_log" | sed -n 1p)
    [ -z "$held" ] || die -$EXIT_IN_USE "$(shown "$held") is in use by another program, which holds QEMU's lock on it" \
        "end that program, such as another QEMU, qemu-nbd or qemu-img; or use a copy"
    refused=$(sed -nE 's/^[^ ]*: -drive file=(.*),format=qcow2,[^ ]*: (.*)/\1\n\2/p' "$qemu_log")
    [ -z "$refused" ] || die -$EXIT_IMAGE "$(shown "${refused%%$'\n'*}") cannot be used: $(sed -n 2p <<<"$refused")" \
        "qemu-img check and qemu-img info tell more of it; use a copy that is whole"
}

# What the SVSM said last, if it said that it stops: the last lines of the console hold an error of its.
svsm_refusal() {
    console_tail | tail -n 5 | grep -a '^svsm: \[error\]' >/dev/null || return 1
    console_tail | grep -a '^svsm: \[' | grep -av '\[info\]' | tr -d '\r'
}

# end_without_result [WORDS]: the VM is gone, and not in the way that was wanted
end_without_result() {
    local how=${1:+ $1} reason
    if svsm_refusal >&2; then
        die -$EXIT_REFUSED "the SVSM did not start the guest" "its reason is above, its whole log in $(shown "$console_log")"
    fi
    console_tail | tail -n 5 | tr -cd '[:print:]\n' >&2 || true
    grep -v 'warning: TCG' "$qemu_log" >&2 || true
    disk_refusal
    if [ "$unbootable" = yes ]; then
        reason=$(boot_problem "$GUEST_IMAGE")
        die -$EXIT_IMAGE "the firmware found nothing to start on $(shown "$GUEST_IMAGE")${reason:+: $reason}" \
            "it looks for EFI/BOOT/BOOTX64.EFI, a program for x86-64, in an EFI system partition of a GPT disk (docs/guest-images.md)"
    elif grep -q 'Could not set up host forwarding rule' "$qemu_log"; then
        die -$EXIT_PORT "a port that --net forwards cannot be had" "another program has it, or it needs root; choose another one"
    elif [ "$overdue" = yes ]; then
        mapfile -t reason < <(watch_explain)
        die -$EXIT_TIMEOUT "the VM did not get on for $RUN_TIMEOUT seconds, or took $WATCH_CAP times that in all; the stage was ${phases[-1]}" \
            "${reason[@]}" "its last words are above, all of them in $(shown "$console_log"); --timeout gives it longer"
    fi
    mapfile -t reason < <("${PLATFORM}_end" "$status")
    case $vm_end in
        panicked) die -$EXIT_PANIC "the guest's kernel panicked" "its last words are above, all of them in $(shown "$console_log")" ;;
        rebooted) die -$EXIT_REBOOTED "the guest rebooted, which ends the VM with --no-reboot" ;;
        triple-fault)
            die -$EXIT_TRIPLE_FAULT "the guest's processor shut down (triple fault), at the stage $(stage_of "$LOG_DIR")" \
                "${reason[@]:1}" \
                "a kernel that knows no SEV-SNP ends so: it needs CONFIG_AMD_MEM_ENCRYPT (docs/guest-images.md)"
            ;;
        no-room)
            die -$EXIT_MEMORY "the VM's memory no longer fitted into $(dirname "$run_dir"), which other programs filled meanwhile (SIGBUS)" \
                "make room there, or name a folder with more room in TMPDIR"
            ;;
    esac
    die -$EXIT_ENDED "the VM ended$how: ${reason[0]}" "${reason[@]:1}" \
        "its last words are above, all of them in $(shown "$console_log")"
}

console_log=$LOG_DIR/console.log qemu_log=$LOG_DIR/qemu.log console_begin=0
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
running_begin
rm -f "$qemu_log"
: >"$console_log"
run_dir=$(mktemp -d "$("${PLATFORM}_run_parent")/snp-vtpm.XXXXXX")
qemu_pid='' helper_pids=()
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

# QEMU dies with the script in any case. With --run it has a session of its own: it would end at once at a Ctrl-C that the
# terminal sends to all processes.
run_vm() {
    compose
    "${PLATFORM}_prepare"
    if [ $job_given = yes ]; then
        start_qemu 3 setsid setpriv --pdeathsig KILL 3</dev/null
        wait_for_vm "$RUN_TIMEOUT"
    else
        start_qemu 0 setpriv --pdeathsig TERM
        wait_for_vm
    fi
    monitor_close
    # QEMU tells of an end by the hypervisor's hand as of a power-off; its status is another one.
    [ "$status" = 0 ] || vm_end=$("${PLATFORM}_end_kind" "$status")
}

# A reboot is a new start in every way: nothing of the VM's memory is left.
boots=1
run_vm
while [ "$vm_end" = rebooted ] && [ $reboot = yes ] && [ -z "$end_status" ]; do
    end_processes
    boots=$((boots + 1)) console_begin=$(stat -c %s "$console_log")
    say "The guest rebooted: start number $boots"
    job_disk_again "$run_dir/job" $boots
    run_vm
done
[ -z "$end_status" ] || exit "$end_status"
if [ $job_given = yes ]; then
    job_disk_result "$run_dir/job" || end_without_result "without finishing the command"
    exit "$job_status"
fi
# Ctrl-A X is an end of which QEMU tells by its status alone.
if [ "$vm_end" != powered-off ] && { [ "$vm_end" != unknown ] || [ "$status" != 0 ]; } || svsm_refusal >/dev/null; then
    end_without_result
fi
