# SPDX-License-Identifier: MIT
# What the whole-VM tests share: a VM with a TPM, a KBS and a guest disk of its own in a temporary folder, which is
# removed with everything that was started. To be sourced after tap.sh.
# shellcheck shell=bash disable=SC2034 # variables for those who source this

. "$ROOT/scripts/lib.sh"
. "$ROOT/scripts/job-disk.sh"
. "$ROOT/scripts/owner.sh"

EXIT_IMAGE=201
EXIT_IGVM=202
EXIT_STATE=203
EXIT_IN_USE=204
EXIT_REFUSED=209
EXIT_ENDED=210
EXIT_TIMEOUT=211
EXIT_REBOOTED=212
EXIT_PANIC=213
EXIT_TRIPLE_FAULT=214
EXIT_PORT=215

# vm_remove: ends what this test started
vm_remove() {
    local jobs
    trap - EXIT
    mapfile -t jobs < <(jobs -p)
    [ ${#jobs[@]} = 0 ] || kill "${jobs[@]}" 2>/dev/null || true
    "$ROOT/start-kbs.sh" --stop 2>/dev/null || true
    wait
    rm -rf "$work"
}

# vm_configure NAME: the configuration of a VM whose files are in $work/NAME, for all scripts that are run after it
vm_configure() {
    test_port
    use_private_state "$work/$1" "$port" PLATFORM=emulated
    # shellcheck disable=SC2016 # that bash expands it
    "$ROOT/tests/when-gone.sh" $$ bash -c '[ ! -e "$VM_CONF" ] || "$0" --stop' "$ROOT/start-kbs.sh"
}

# vm_make: a VM that has never run; with an SVSM, its measurement and a key are registered in a KBS that answers.
vm_make() {
    work=$(mktemp -d)
    trap vm_remove EXIT
    trap 'exit 130' INT TERM HUP
    vm_configure vm
}

vm_make_with_svsm() {
    vm_make
    {
        "$ROOT/remanufacture-tpm.sh"
        "$ROOT/start-kbs.sh" --background
        "$ROOT/register-resource-in-kbs.sh"
    } 2>"$work/messages" || {
        cat "$work/messages" >&2
        exit 1
    }
}

# emit NAME in a guest's script sends its standard input to the test, which gets it by: section NAME
# shellcheck disable=SC2016 # for the guest
GUEST_EMIT='emit() { echo "@$1"; base64; }'

# guest SCRIPT [OPTION]...: runs it in the guest; its output goes to $work/output, its status to $status, and what
# went to standard error to $output.
guest() {
    local script=$1
    shift
    status=0
    output=$("$ROOT/start-cvm.sh" --run "$script" "$@" 2>&1 >"$work/output" </dev/null) || status=$?
}

section() { sed -n "/^@$1\$/,/^@/{/^@/!p}" "$work/output" | base64 -d; }

# flip FILE OFFSET: inverts one byte
flip() {
    local byte
    byte=$(xxd -p -s "$2" -l 1 "$1")
    printf '%02x' $((0x$byte ^ 0xff)) | xxd -r -p | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# processes_of_vm: those that have the VM's files on their command line, KBS and proxy excepted
processes_of_vm() { pgrep -f -- "file=$STATE_VOLUME|file=$GUEST_IMAGE" || true; }

# start SCRIPT [OPTION]...: the VM in the background, its process is $vm. SIGINT, which bash ignores in background processes, has
# its effect.
start() {
    local script=$1
    shift
    rm -f "$LOG_DIR/console.log"
    setpriv --pdeathsig TERM env --default-signal=INT "$ROOT/start-cvm.sh" --run "$script" "$@" >"$work/output" 2>"$work/vm-messages" </dev/null &
    vm=$!
}

# await PATTERN: on the VM's console; fails when the VM ends before
await() {
    until grep -aqE "$1" "$LOG_DIR/console.log" 2>/dev/null; do
        kill -0 "$vm" 2>/dev/null || return 1
        sleep 0.05
    done
}

vm_status() {
    status=0
    wait "$vm" || status=$?
    output=$(cat "$work/output" "$work/vm-messages")
}

# As a power cut is to the VM: QEMU is gone from one instruction to the next.
cut_power() {
    local pids
    mapfile -t pids < <(processes_of_vm)
    [ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
    vm_status
}

# A copy of the VM, of its disks as they are now, in $work/copy; in_a_copy SCRIPT [OPTION]... is guest() for it
make_copy() {
    mkdir "$work/copy"
    cp "$STATE_VOLUME" "$work/copy/tpm-state.raw"
    cp "$GUEST_IMAGE" "$work/copy/guest.qcow2"
    {
        cat "$VM_CONF"
        printf '%s\n' "STATE_VOLUME=$work/copy/tpm-state.raw" "GUEST_IMAGE=$work/copy/guest.qcow2" "LOG_DIR=$work/copy/log"
    } >"$work/copy/vm.conf"
}
in_a_copy() { LOG_DIR=$work/copy/log VM_CONF=$work/copy/vm.conf guest "$@"; }
