#!/bin/bash
# SPDX-License-Identifier: MIT
# Starts the Key Broker Server, and the proxy that carries bytes between a VM's serial port and it.
#
# usage: ./start-kbs.sh [--background] [--stop] [--flush-db]
#
#   -b, --background   return when both answer; they go on until --stop
#   -s, --stop         stop what --background started
#   -f, --flush-db     destroy all registered keys
#   -h, --help         this text
#
# Without --background both run until Ctrl-C. The ports are KBS_PORT and KBS_ADMIN_PORT in vm.conf.
#
# Exit status: 0 done, 1 other trouble, 2 usage, 3 something is not built, 4 the port is in use,
# 5 they run already, 6 one of the two ended, or did not answer for a minute.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/owner.sh"

EXIT_NOT_BUILT=3
EXIT_PORT=4
EXIT_RUNNING=5
EXIT_ENDED=6

load_config
background=no stop=no flush=no
while [ $# != 0 ]; do
    case $1 in
        -b | --background) background=yes ;;
        -s | --stop) stop=yes ;;
        -f | --flush-db) flush=yes ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

declare -A program=([kbs]=$BUILD_DIR/kbs/kbs [proxy]=$BUILD_DIR/proxy/snp-vtpm-proxy)
url=http://127.0.0.1:$KBS_PORT

pid_file() { echo "$STATE_DIR/$1.pid"; }

# running NAME: prints the pid; a process that took over the number of a dead one does not count.
running() {
    local pid
    read -r pid 2>/dev/null <"$(pid_file "$1")" || return 1
    [ "$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | head -n 1)" = "${program[$1]}" ] || return 1
    echo "$pid"
}

# The processes that this script started, by name. Right after its start such a process is a copy of this script, then
# setsid or setpriv, and only then the program: on a busy host that takes its time.
declare -A started=()

# same_process PID START: whether it goes on, and is the one that started then
same_process() { [ -n "$2" ] && [ "$(start_of "$1")" = "$2" ]; }

stop_one() {
    local pid=${started[$1]:-} start
    if [ -n "$pid" ] || pid=$(running "$1"); then
        start=$(start_of "$pid")
        kill "$pid" 2>/dev/null || true
        for _ in {1..50}; do
            same_process "$pid" "$start" || break
            sleep 0.1
        done
        ! same_process "$pid" "$start" || kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$(pid_file "$1")"
}

stop_both() {
    stop_one proxy
    stop_one kbs
    rm -f "$PROXY_SOCKET"
}

kbs_answers() { port_answers "$KBS_PORT" && port_answers "$KBS_ADMIN_PORT"; }
proxy_listens() { grep -qF " $PROXY_SOCKET" /proc/net/unix; }

# start_one NAME ARGUMENT...: in the background its words go to a log, else to the terminal.
start_one() {
    local name=$1
    shift
    if [ $background = yes ]; then
        setsid "${program[$name]}" "$@" >"$LOG_DIR/$name.log" 2>&1 </dev/null &
    else
        setpriv --pdeathsig TERM "${program[$name]}" "$@" </dev/null &
    fi
    started[$name]=$!
    echo $! >"$(pid_file "$name")"
}

# wait_until NAME CONDITION: for at most a minute, and no longer than that process lives
wait_until() {
    local problem="did not answer for a minute"
    for _ in {1..600}; do
        ! "$2" || return 0
        sleep 0.1
        [ -n "$(start_of "${started[$1]}")" ] || {
            problem="did not start"
            break
        }
    done
    [ $background = no ] || tail -n 20 "$LOG_DIR/$1.log" >&2
    die -$EXIT_ENDED "the $1 $problem" "its messages are above"
}

if [ $stop = yes ]; then
    running kbs >/dev/null || running proxy >/dev/null || say "The KBS and the proxy do not run."
    stop_both
    exit
fi

for name in "${!program[@]}"; do
    require_built "${program[$name]}" $EXIT_NOT_BUILT
done
require_built "$KBS_DIR/kbs.conf" $EXIT_NOT_BUILT
! pid=$(running kbs) || die -$EXIT_RUNNING "the KBS runs already, as process $pid" "./start-kbs.sh --stop ends it"
for port in KBS_PORT KBS_ADMIN_PORT; do
    grep -qF ":${!port}\"" "$KBS_DIR/kbs.conf" ||
        die -$EXIT_PORT "$(shown "$KBS_DIR/kbs.conf") says nothing of port ${!port}, $port in vm.conf" "correct one of the two"
    ! port_answers "${!port}" || die -$EXIT_PORT "port ${!port} is in use by another program" \
        "end that program, or choose another $port in vm.conf"
done
[ ${#PROXY_SOCKET} -le 107 ] || die "the path of the proxy's socket is too long: $PROXY_SOCKET" \
    "choose a shorter PROXY_SOCKET in vm.conf"

umask 077
mkdir -p "$STATE_DIR" "$LOG_DIR"
stop_both
trap '[ "$BASHPID" != $$ ] || stop_both' EXIT # not of a child that a signal hit before it was another program
trap 'exit 130' INT TERM HUP

start_one kbs serve --config "$KBS_DIR/kbs.conf"
wait_until kbs kbs_answers
[ $flush = no ] || retire_volumes
start_one proxy --unix "$PROXY_SOCKET" --url "$url" --timeout "$PROXY_TIMEOUT"
wait_until proxy proxy_listens

if [ $background = yes ]; then
    trap - EXIT
    say "The KBS answers at $url, the proxy at $(shown "$PROXY_SOCKET"). Logs: $(shown "$LOG_DIR")/{kbs,proxy}.log"
    exit
fi
say "The KBS answers at $url, the proxy at $(shown "$PROXY_SOCKET"). Ctrl-C stops both."
while [ -n "$(start_of "${started[kbs]}")" ] && [ -n "$(start_of "${started[proxy]}")" ]; do
    sleep 0.2 &
    wait $! || true
done
die -$EXIT_ENDED "the KBS or the proxy ended" "the messages above say why"
