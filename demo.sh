#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole story, unattended: builds everything, manufactures a TPM, starts the KBS, registers measurement and
# key, starts the confidential VM, seals a secret, reboots, unseals it; then everything that must go wrong does.
#
# usage: ./demo.sh [--keep]
#
#   --keep       leave the demo's files in state/demo (they are replaced at the next run anyway)
#   -h, --help   this text
#
# It has its own TPM, KBS and guest disk in state/demo; those of the other scripts stay as they are.
# Exit status: 0 every scenario holds, 1 one does not, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/guest-disk.sh"
. "$ROOT/scripts/owner.sh"

keep=no
while [ $# != 0 ]; do
    case $1 in
        --keep) keep=yes ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

demo=$ROOT/state/demo
failures=0 first_vm=''
started=$SECONDS
PCRS=sha256:0,1,2,3
BOOT_PCRS=sha256:0,1,2,3,4
TPM_RC_INTEGRITY=0x1df
EXIT_REFUSED=209

# The demo's own files, by way of the configuration that every script reads.
set_up() {
    "$ROOT/prepare.sh"
    load_config
    rm -rf "$demo"
    use_private_state "$demo" "$(free_port)" PROXY_TIMEOUT=5
}

clean_up() {
    trap - EXIT
    [ -z "$first_vm" ] || kill "$first_vm" 2>/dev/null || true
    "$ROOT/start-kbs.sh" --stop 2>/dev/null || true
    [ "$keep" = yes ] || [ "$failures" != 0 ] || rm -rf "$demo"
}

# guest COMMAND: boots the VM for one command. Its output goes to $output, its status to $status.
guest() {
    status=0
    run_beside "$demo/boot.log" boot "$1"
    wait_visibly "the VM runs" "$LOG_DIR/console.log" || status=$?
    output=$(cat "$demo/output")
}

boot() { "$ROOT/start-cvm.sh" "${image[@]}" --run "$1" >"$demo/output" 2>"$demo/messages"; }

# start_first_vm: one that goes on. It shows the secret on its console.
start_first_vm() {
    "$ROOT/start-cvm.sh" --run "{ $(unseal $PCRS seal); echo; } >/dev/console
        while tpm2_getrandom --hex 8 >/dev/null; do echo alive >/dev/console; sleep 1; done; exit 7" \
        >"$demo/first.output" 2>"$demo/first.messages" </dev/null &
    first_vm=$!
    await_console '^alive' || true
}

# copy_of_the_vm: what a host does that starts the same VM twice, from copies of both disks
copy_of_the_vm() {
    mkdir -p "$demo/copy"
    cp "$STATE_VOLUME" "$demo/copy/tpm-state.raw"
    cp "$GUEST_IMAGE" "$demo/copy/guest.qcow2"
    { cat "$VM_CONF" && printf '%s\n' "STATE_DIR=$demo/copy" "STATE_VOLUME=$demo/copy/tpm-state.raw" \
        "GUEST_IMAGE=$demo/copy/guest.qcow2" "LOG_DIR=$demo/copy/log"; } >"$demo/copy/vm.conf"
}

# in_the_copy COMMAND: as guest does, in the copy
in_the_copy() { LOG_DIR=$demo/copy/log VM_CONF=$demo/copy/vm.conf guest "$1"; }

# await_console PATTERN: until the first VM's console has it, or that VM ends
await_console() {
    until grep -aqE "$1" "$LOG_DIR/console.log" 2>/dev/null; do
        kill -0 "$first_vm" 2>/dev/null || return 1
        sleep 0.2
    done
}

# holds TEXT COMMAND...: the verdict on one scenario; what the VM said is shown if it does not hold.
holds() {
    local text=$1
    shift
    if "$@"; then
        say "    ${green}holds${reset}          $text"
        return
    fi
    failures=$((failures + 1))
    say "    ${red}DOES NOT HOLD${reset}  $text"
    printf '%s\n' "guest status $status" "$output" "$(cat "$demo/messages")" | sed 's/^/        /' >&2
}

said() { [[ $output == *"$1"* ]]; }
messages_say() { grep -qi -- "$1" "$demo/messages"; }
fails_to_load() { [ "$status" != 0 ] && messages_say "$TPM_RC_INTEGRITY"; }
refused_for() { [ "$status" = "$EXIT_REFUSED" ] && messages_say "$1"; }
no_key_released() { [ "$(grep -c '"result":"' "$LOG_DIR/kbs.log")" != 0 ] && ! grep -q '"result":"released"' "$LOG_DIR/kbs.log"; }
complaint() { kbsctl --json volume lease show "$volume" | jq -r '.complaint.state // ""'; }
volume_is() { [ "$(sha256sum <"$STATE_VOLUME")" = "$1" ]; }

# What runs in the guest. The identity is what a TPM keeps: endorsement key and an NV index.
# Commands that share a boot: what the first prints is the first line.
primary='tpm2_createprimary -Q -C o -G ecc -c primary.ctx'
identity='tpm2_createek -Q -c ek.ctx -G rsa -u ek.pub && sha256sum <ek.pub && tpm2_nvread -Q -C o -s 8 0x1500016'
seal_to() { # PCRS NAME TEXT
    echo "tpm2_pcrread -Q -o pcr.bin $1 && tpm2_createpolicy -Q --policy-pcr -l $1 -f pcr.bin -L pcr.policy &&
          printf %s '$3' | tpm2_create -Q -C primary.ctx -L pcr.policy -i - -u $2.pub -r $2.priv"
}
unseal() { # PCRS NAME
    echo "$primary && tpm2_load -Q -C primary.ctx -u $2.pub -r $2.priv -c $2.ctx && tpm2_unseal -c $2.ctx -p pcr:$1"
}
# shellcheck disable=SC2016 # for the guest
replay='tpm2_eventlog /sys/kernel/security/tpm0/binary_bios_measurements | sed -n "/^pcrs:/,\$p" |
    grep -A 24 "^  sha256:" | grep -oE "0x[0-9a-f]{64}" >log; tpm2_pcrread sha256:0,1,2,3,4,5,6,7,9,11 |
    grep -oE "0x[0-9A-F]{64}" | tr A-F a-f >pcrs; head -n 10 log | cmp - pcrs && wc -l <pcrs'

first_line() { echo "${output%%$'\n'*}"; }
after_it() { echo "${output#*$'\n'}"; }

trap clean_up EXIT
trap 'exit 130' INT TERM HUP
set_up
image=() status=0 output=''
first_key=$(od -An -v -tx1 -N 64 /dev/urandom | tr -d ' \n')

step "A new TPM; the KBS; measurement and key"
"$ROOT/remanufacture-tpm.sh"
"$ROOT/start-kbs.sh" --background
"$ROOT/register-resource-in-kbs.sh" -p "$first_key"

step "First boot: seal a secret to PCRs $PCRS, remember the TPM's identity"
guest "$replay && $primary && $(seal_to $PCRS seal 'the sealed secret') && $(seal_to $BOOT_PCRS chain 'the chained secret') &&
       tpm2_nvdefine -Q -C o -s 8 0x1500016 && printf nv-index | tpm2_nvwrite -C o -i - 0x1500016 && $identity"
holds "the guest seals a secret" [ "$status" = 0 ]
first_identity=$(after_it)
holds "the event log's replay equals the PCRs" [ "$(first_line)" = 10 ]

step "(a) Second boot of the same VM"
guest "$(unseal $PCRS seal) && echo && $identity"
holds "the secret unseals: \"$(first_line)\"" [ "$(first_line)" = 'the sealed secret' ]
holds "endorsement key and NV index are those of the first boot" [ "$(after_it)" = "$first_identity" ]

step "(b) The TPM is manufactured anew"
"$ROOT/remanufacture-tpm.sh" --yes
guest "$(unseal $PCRS seal)"
holds "tpm2_load of the old object fails with $TPM_RC_INTEGRITY" fails_to_load
mv "$STATE_VOLUME.bak" "$STATE_VOLUME"

step "(c) Another key is registered"
volume=$(sha256sum <"$STATE_VOLUME")
"$ROOT/register-resource-in-kbs.sh"
guest "$(unseal $PCRS seal)"
holds "tpm2_load of the old object fails with $TPM_RC_INTEGRITY" fails_to_load
holds "nothing on the state volume was touched" volume_is "$volume"
"$ROOT/register-resource-in-kbs.sh" -p "$first_key"
guest "$(unseal $PCRS seal) && echo && $(unseal $BOOT_PCRS chain)"
holds "with the first key again, the secret unseals: \"$(first_line)\"" [ "$(first_line)" = 'the sealed secret' ]
holds "and so does one that is sealed to $BOOT_PCRS: \"$(after_it)\"" [ "$(after_it)" = 'the chained secret' ]

step "(d) No attestation, no state"
"$ROOT/start-kbs.sh" --stop
"$ROOT/start-kbs.sh" --background --flush-db
"$ROOT/register-resource-in-kbs.sh" -p "$first_key" -m "$(printf '0%.0s' {1..96})"
guest true
holds "with a wrong measurement registered the VM stops: the KBS refused" refused_for 'the KBS refused'
holds "no key was released" no_key_released
kill "$(cat "$STATE_DIR/kbs.pid")"
guest true
holds "with the KBS down the VM stops: the KBS cannot be reached" refused_for 'reach the KBS'
"$ROOT/start-kbs.sh" --stop
"$ROOT/start-kbs.sh" --background
"$ROOT/register-resource-in-kbs.sh" -p "$first_key"

step "(e) The guest's boot chain changes: another kernel command line"
extend_command_line "$GUEST_IMAGE" "$demo/changed.qcow2" changed
image=(--image "$demo/changed.qcow2")
guest "cat /proc/cmdline; $(unseal $BOOT_PCRS chain)"
holds "the kernel got the changed command line" said ' changed'
holds "the secret that is sealed to $BOOT_PCRS does not unseal" [ "$status" != 0 ]
holds "because the policy check fails" messages_say 'policy check failed'

step "(f) The host puts yesterday's disk back"
image=()
volume=$(active_volumes)
kbsctl volume set-lease "$volume" --mode boot --lease-time 15 >/dev/null
guest "$(unseal $PCRS seal)"
holds "the volume has a lease now, and the KBS knows its state" said 'the sealed secret'
cp "$STATE_VOLUME" "$demo/yesterday.raw"
guest "$(unseal $PCRS seal)"
cp "$STATE_VOLUME" "$demo/today.raw"
cp "$demo/yesterday.raw" "$STATE_VOLUME"
guest true
holds "the old disk is refused: it is an old copy" refused_for 'an old copy'
holds "its owner can see which: $(complaint)" [ -n "$(complaint)" ]
cp "$demo/today.raw" "$STATE_VOLUME"
start_first_vm
holds "the right disk still works: \"the sealed secret\"" await_console '^the sealed secret'

step "(g) The host starts a copy beside the running VM"
copy_of_the_vm
in_the_copy true
holds "the copy waits, and does not start: the volume is busy" refused_for 'another VM uses the volume'
holds "start-cvm.sh names the command that breaks the lease" messages_say "kbsctl volume lease break $volume"
kbsctl volume lease break "$volume" >/dev/null
in_the_copy "$(unseal $PCRS seal)"
holds "with a broken lease it starts: \"$output\"" said 'the sealed secret'
holds "and the first VM is fenced" await_console 'another VM has taken over the state volume'
status=0
wait "$first_vm" || status=$?
output=$(cat "$demo/first.output" "$demo/first.messages")
holds "its TPM answers nothing any more (TPM_RC_FAILURE)" [ "$status" = 7 ]

if [ $failures = 0 ]; then
    step "${green}Every scenario holds.${reset} ($((SECONDS - started)) s)"
    exit 0
fi
step "${red}$failures scenario(s) do not hold.${reset} The demo's files: state/demo"
exit 1
