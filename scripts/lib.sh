# SPDX-License-Identifier: MIT
# What every script shares: the configuration, messages to a person, locks. To be sourced.
# shellcheck shell=bash

ROOT=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
# shellcheck disable=SC2034 # for those who source this
CACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/snp-vtpm
PROGRAM=${0##*/}

# A failure within $(...) counts as any other.
shopt -s inherit_errexit

# Status 2 is for the command line everywhere; each script names its others in its help.
EXIT_USAGE=2

bold='' dim='' red='' green='' reset=''
if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' reset=$'\e[0m'
fi

say() { printf '%s\n' "$*" >&2; }
step() { say "${bold}==>${reset} $*"; }
warn() { say "${red}$PROGRAM: $*${reset}"; }

# die [-STATUS] MESSAGE...: each further argument is a line that says what to do.
die() {
    local status=1
    if [[ $1 =~ ^-[0-9]+$ ]]; then
        status=${1#-}
        shift
    fi
    warn "$1"
    shift
    [ $# = 0 ] || printf '    %s\n' "$@" >&2
    exit "$status"
}

usage_error() { die -$EXIT_USAGE "$1" "$PROGRAM -h shows the usage"; }

# The usage of a script is the comment at its head, below the licence line.
show_usage() { sed -n '3,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"; }

# option_value OPTION [VALUE]: refuses an option at the end of the line that needs a value.
option_value() {
    [ $# -ge 2 ] || usage_error "$1 needs a value"
    printf '%s' "$2"
}

# Reads vm.conf and what VM_CONF names, then makes the paths absolute.
load_config() {
    # shellcheck source=vm.conf
    . "$ROOT/vm.conf"
    if [ -n "${VM_CONF:-}" ]; then
        [ -r "$VM_CONF" ] || die -$EXIT_USAGE "cannot read $VM_CONF, which VM_CONF names"
        # shellcheck source=/dev/null
        . "$VM_CONF"
    fi
    local name
    for name in BUILD_DIR IGVM_FILE IGVM_FILE_NO_SVSM FIRMWARE PRISTINE_IMAGE STATE_DIR GUEST_IMAGE \
        STATE_VOLUME CHIP_DIR KBS_DIR PROXY_SOCKET LOG_DIR; do
        [[ ${!name} == /* ]] || printf -v "$name" '%s/%s' "$ROOT" "${!name}"
    done
}

# use_private_state FOLDER KBS_PORT [LINE]...: makes this script, and all that it runs, use files of their own in
# FOLDER: a fresh copy of the guest's image, a KBS (with the port and the next one) and a launch image that trusts it.
# Each LINE goes into their configuration as it is.
use_private_state() {
    local folder=$1 port=$2
    shift 2
    mkdir -p "$folder"
    {
        [ -z "${VM_CONF:-}" ] || cat "$VM_CONF"
        printf '%s\n' "STATE_DIR=$folder" "GUEST_IMAGE=$folder/guest.qcow2" "STATE_VOLUME=$folder/tpm-state.raw" \
            "KBS_DIR=$folder/kbs" "IGVM_FILE=$folder/svsm.igvm" "PROXY_SOCKET=$folder/proxy.sock" "LOG_DIR=$folder/log" \
            "KBS_PORT=$port" "KBS_ADMIN_PORT=$((port + 1))" "$@"
    } >"$folder/vm.conf.new"
    mv "$folder/vm.conf.new" "$folder/vm.conf"
    export VM_CONF=$folder/vm.conf
    load_config
    cp "$PRISTINE_IMAGE" "$GUEST_IMAGE"
    make_kbs >/dev/null
    build_svsm_image
}

# bytes_of SIZE: 16M, 2G, 512K or a plain number, in bytes; fails on anything else.
bytes_of() {
    [[ $1 =~ ^[0-9]{1,9}[KMG]?$ ]] || return 1
    numfmt --from=iec "$1"
}

# shown PATH: the path as a person in the current folder would write it
shown() { realpath -s --relative-base="$PWD" "$1"; }

# require_built FILE: what prepare.sh makes must be there.
require_built() {
    [ -e "$1" ] || die -"${2:-1}" "$(shown "$1") has not been built" "run ./prepare.sh"
}

# note TEXT...: a line for the person who waits. Within run_logged too, where standard error goes to the log.
note() { printf '%s    %s\n' "${reset:+$'\r\e[K'}" "$*" >&"${NOTE_FD:-2}"; }

# how_far LOG: in percent, when the command that writes it counts, as ninja, the kernel's build and meson test do
how_far() {
    local count
    count=$({ tail -c 4096 "$1" 2>/dev/null || true; } | tr '\r\0' '\n' | sed -nE 's|^ *\[?([0-9]{1,6})/([1-9][0-9]{0,5})[] ].*|100 * \1 / \2|p' | tail -n 1)
    [ -z "$count" ] || echo "$((count)) %, "
}

# last_words LOG: the beginning of its last line
last_words() { { tail -n 1 "$1" 2>/dev/null || true; } | tr -cd '[:print:]' | cut -c 1-50; }

# The process groups that run beside this script, by their number
declare -A besides=()

# run_beside LOG COMMAND...: runs it with its output in LOG, as process $beside, which wait_visibly waits for
run_beside() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    set -m # a process group of its own, which ends as a whole
    NOTE_FD=7 "$@" 7>&2 >"$log" 2>&1 </dev/null &
    beside=$!
    set +m
    besides[$beside]=$log
    trap 'end_besides; exit 130' INT TERM HUP
}

end_besides() {
    local groups=("${!besides[@]}")
    kill -- "${groups[@]/#/-}" 2>/dev/null || true
}

# wait_a_moment PID...: a fifth of a second. $ended is one of these, of run_beside, that has ended then, and its status is
# returned; else it is empty. Not by "wait -n": bash 5.2 may sleep in it until the next process ends, when one ends just as
# it begins, and it does not tell of one that ended while run_beside started another.
wait_a_moment() {
    local pid status=0
    sleep 0.2 >/dev/null 2>&1 &
    wait $! || true
    ended=''
    for pid; do
        kill -0 "$pid" 2>/dev/null || ended=$pid
    done
    [ -n "$ended" ] || return 0
    wait "$ended" || status=$?
    unset "besides[$ended]"
    [ ${#besides[@]} != 0 ] || trap - INT TERM HUP
    return $status
}

# Without a terminal, whoever waits gets a line so often
WAIT_LINE_EVERY=20

# wait_visibly TEXT LOG: for what run_beside started; returns its status. Meanwhile a terminal shows the time that it takes
# and the last line of its output; elsewhere there is a line now and then.
wait_visibly() {
    local text=$1 log=$2 start=$SECONDS status=0 said=$SECONDS
    while :; do
        status=0
        wait_a_moment "$beside" || status=$?
        [ -z "$ended" ] || break
        if [ -n "$reset" ]; then
            printf '\r\e[K    %s  %s%ds  %s' "$text" "$(how_far "$log")" $((SECONDS - start)) \
                "$dim$(last_words "$log")$reset" >&2
        elif [ $((SECONDS - said)) -ge $WAIT_LINE_EVERY ]; then
            said=$SECONDS
            say "    $text: $(how_far "$log")$((SECONDS - start)) s  $(last_words "$log")"
        fi
    done
    [ -z "$reset" ] || printf '\r\e[K' >&2
    waited=$((SECONDS - start))
    return $status
}

# run_logged TEXT LOG COMMAND...: when it fails, shows the log's end and ends the script. The command may be a function,
# which the first failure in it ends: so this must not be called where bash ignores failures (if, !, before && or ||).
run_logged() {
    local text=$1 log=$2 status=0
    shift
    run_beside "$@"
    wait_visibly "$text" "$log" || status=$?
    if [ $status != 0 ]; then
        tail -n 20 "$log" >&2
        die "failed: $text" "the whole log: $(shown "$log")"
    fi
    say "    $text ${green}done${reset} ($waited s)"
}

# start_of PID: when that process started, in hundredths of a second since the host's start; nothing when it has ended. A
# process that gets the number of another one has a later start.
start_of() {
    local line fields
    read -r line 2>/dev/null <"/proc/$1/stat" || return 0
    # State, threads and start are the fields 3, 20 and 22; the name, the 2nd, may hold spaces. A process whose first thread
    # has ended may have others that go on.
    read -r -a fields <<<"${line##*) }"
    [[ ${fields[0]} == [ZX] && ${fields[17]} -le 1 ]] || echo "${fields[19]}"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port of the loopback interface on which nobody listens, nor on the next one
free_port() {
    local port
    for port in {18080..18480..2}; do
        port_answers "$port" || port_answers $((port + 1)) || break
    done
    echo "$port"
}

# lock_file FD FILE: takes the lock of an existing file through that descriptor; fails at once when another
# process has it. A file that was replaced between opening and locking is opened again.
lock_file() {
    while :; do
        eval "exec $1<>\"\$2\"" || return 1
        flock -n "$1" || return 1
        [ "$(stat -Lc %d:%i "/proc/self/fd/$1")" = "$(stat -Lc %d:%i "$2")" ] && return 0
    done
}
