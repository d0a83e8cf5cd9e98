# SPDX-License-Identifier: MIT
# Which stage a VM is in, for a person who waits, and for start-cvm.sh --status. To be sourced after lib.sh.
#
# A process beside the VM reads its console, and writes "MICROSECONDS STAGE" to the file "stages" in its folder of logs
# when the next stage begins. On a terminal it says how long the last one took.
# shellcheck shell=bash disable=SC2154 # the caller's variables

# In their order, each with the words on the console that it begins with. The last one of a command is told by its disk.
STAGES=(launch SVSM attestation TPM firmware kernel "user space")
declare -A STAGE_BEGINS=(
    [SVSM]='svsm: \[info\] SVSM ' [attestation]='svsm: \[info\] state volume: '
    [TPM]='svsm: \[info\] state key released' [firmware]='svsm: \[info\] starting the guest'
    [kernel]='BdsDxe: starting |EFI stub: ' ["user space"]='login: |Welcome to '
)

seconds_of_us() { printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10)); }

# stage_next TEXT: the furthest stage after number $stage that this text on the console shows; fails without one
stage_next() {
    local i
    for ((i = ${#STAGES[@]} - 1; i > stage; i--)); do
        if [[ $1 =~ ${STAGE_BEGINS[${STAGES[i]}]} ]]; then
            stage=$i
            return 0
        fi
    done
    return 1
}

# stage_enter: notes that stage number $stage begins now, and says how long number $1 took
stage_enter() {
    local now=${EPOCHREALTIME/[.,]/}
    [ -z "$reset" ] || printf '\r\e[K    %s%-12s %5s s%s\r\n' "$dim" "${STAGES[$1]}" "$(seconds_of_us $((now - stage_began)))" "$reset" >&2
    stage_began=$now
    echo "$now ${STAGES[stage]}" >>"$LOG_DIR/stages"
}

# command_runs: whether the guest has begun with the command of --run
command_runs() {
    [ "$job_given" = yes ] && [ "${STAGES[stage]}" = kernel ] && job_disk_started "$run_dir/job" || return 1
    stage=$((stage + 1))
}

# lease_advice TEXT: when the SVSM says that another VM has the volume's lease, how the volume's owner ends that. Fails
# otherwise.
lease_advice() {
    local name=''
    [[ $1 == *'has the state volume, since'* ]] || return 1
    [ ! -r "$KBS_DIR/owner.token" ] || name=$(volume_of "$(cat "${vm_folder:-}/volume-id" 2>/dev/null || true)" 2>/dev/null) || true
    say "Another VM has the lease of the state volume; this start waits as long as the lease lasts. The volume's owner can break it:"
    say "    kbsctl volume lease break ${name:-NAME}"
    say "What that VM did not anchor is lost then, and it persists nothing more, even if it still runs."
}

# stages_follow: until QEMU has ended. A prompt has no end of line: what came so far is looked at twice a second.
stages_follow() {
    trap '' INT HUP
    close_locks
    local stage=0 before part line='' status advised=no stage_began=${EPOCHREALTIME/[.,]/}
    echo "$stage_began ${STAGES[0]}" >"$LOG_DIR/stages"
    tail -c "+$((console_begin + 1))" --pid="$qemu_pid" -F "$console_log" 2>/dev/null | while :; do
        status=0
        IFS= read -r -t 0.5 part || status=$?
        line+=$part before=$stage
        if stage_next "$line" || command_runs; then stage_enter "$before"; fi
        if [ $advised = no ] && lease_advice "$line"; then advised=yes; fi
        if [ $status = 0 ]; then
            line=''
        elif [ $status -le 128 ]; then
            break
        fi
    done
}

# stage_of FOLDER: the stage that the VM with this folder of logs is in
stage_of() {
    local line
    line=$(tail -n 1 "$1/stages" 2>/dev/null) || true
    echo "${line#* }"
}

# stages_text: what this start took, in one line
stages_text() {
    local began=0 last='' now stage text=''
    while read -r now stage; do
        [ -z "$last" ] || text+="${text:+, }$last $(seconds_of_us $((now - began))) s"
        began=$now last=$stage
    done <"$LOG_DIR/stages"
    echo "$text${text:+, }$last $(seconds_of_us $((${EPOCHREALTIME/[.,]/} - began))) s"
}
