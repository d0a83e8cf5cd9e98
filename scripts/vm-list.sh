# SPDX-License-Identifier: MIT
# Which VMs there are: the default one, and those with a name and a folder of their own. To be sourced after lib.sh.
#
# A VM that runs holds the lock of the file "running" in its folder of logs, which says whose it is.
# shellcheck shell=bash disable=SC2034,SC2154 # the caller's variables

# use_vm NAME: its files are in a folder of its own; KBS, proxy and chip it shares with the others.
use_vm() {
    [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,31}$ ]] ||
        usage_error "--name $1: a name has 1 to 32 lower-case letters, digits and hyphens"
    vm_name=$1
    vm_folder=$STATE_DIR/vms/$1
    GUEST_IMAGE=$vm_folder/guest.qcow2
    STATE_VOLUME=$vm_folder/tpm-state.raw
    IGVM_FILE=$vm_folder/svsm.igvm
    LOG_DIR=$vm_folder/log
}

# running_begin: this script's VM is one of those that run, until the script ends.
running_begin() {
    exec 19>"$LOG_DIR/running"
    flock -n 19 || die -"$EXIT_IN_USE" "this VM runs already" "./start-cvm.sh --status shows those that run"
    printf '%s\n' "$$" "${EPOCHSECONDS}" "$GUEST_IMAGE" "$([ "$svsm" = no ] || echo "$STATE_VOLUME")" >&19
}

# running_line NAME FOLDER: a line of --status, if it runs
running_line() {
    local pid began image volume
    [ -e "$2/running" ] && ! flock -n "$2/running" true || return 0
    {
        read -r pid
        read -r began
        read -r image
        read -r volume
    } <"$2/running" || return 0
    printf '%-16s %-12s %7s  %-8s %s\n' "$1" "$(stage_of "$2")" "$((EPOCHSECONDS - began)) s" "$pid" "$(shown "$image")"
    printf '%-16s     volume %s, logs %s\n' '' "$([ -n "$volume" ] && shown "$volume" || echo none)" "$(shown "$2")"
}

list_running() {
    local folder lines
    lines=$(
        running_line - "$LOG_DIR"
        for folder in "$STATE_DIR"/vms/*/; do
            [ ! -d "$folder" ] || running_line "$(basename "$folder")" "${folder}log"
        done
    )
    if [ -n "$lines" ]; then
        printf '%-16s %-12s %9s  %-8s %s\n' NAME STAGE RUNNING PROCESS IMAGE
        echo "$lines"
    else
        say "No VM runs."
    fi
}
