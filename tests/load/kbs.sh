# SPDX-License-Identifier: MIT
# A KBS on the loopback whose owner registered what the clients of tests/load/kbs_load.c ask for. To be sourced, with
# the variables build (the folder of the programs) and work (a folder of the caller's own).
# shellcheck shell=bash disable=SC2034,SC2154 # variables for and from the caller

# kbs_start [COMMAND]...: makes a server in $work/kbs and starts it, by way of the command if there is one. Leaves
# kbs_pid, and kbs_url and kbs_admin_url. It trusts the chip in $work/chip, which is made as well. Clients come from
# one address here, so what holds back one of many is off.
kbs_start() {
    "$build/emulator/amd-sp/amd-sp" --chip "$work/chip" --init-chip &&
        "$build/kbs/kbs" init "$work/kbs" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --kds none \
            --trust-emulated "$work/chip/ark.pem" --certs "$work/chip" >"$work/init.log" 2>&1 || return 1
    sed -i -E 's/^( *(rate|total-rate|connections-per-client)) = [0-9]+;/\1 = 0;/' "$work/kbs/kbs.conf"
    mkfifo "$work/ready"
    setpriv --pdeathsig TERM "$@" setpriv --pdeathsig KILL "$build/kbs/kbs" serve --config "$work/kbs/kbs.conf" \
        --ready-fd 9 9>"$work/ready" 2>"$work/kbs.log" </dev/null &
    kbs_pid=$!
    local line
    while read -r -t 30 line; do
        case $line in
            "public "*) kbs_url=${line#public } ;;
            "admin "*) kbs_admin_url=${line#admin } ;;
        esac
    done <"$work/ready"
    rm "$work/ready"
    [ -n "$kbs_admin_url" ]
}

kbs_stop() {
    [ -n "${kbs_pid:-}" ] || return 0
    kill "$kbs_pid" 2>/dev/null
    wait "$kbs_pid"
}

kbsctl() { "$build/kbs/cli/kbsctl" --url "$kbs_admin_url" --ca "$work/kbs/tls/ca.pem" --token-file "$work/kbs/owner.token" "$@"; }

# One client's image, volume and secret; the latter two are the same bytes.
register_one() {
    local number=$1 measurement=$2 secret=$3
    kbsctl image add "load-$number" --measurement "$measurement" &&
        kbsctl volume create "load-$number" --image "load-$number" --release any --key-file - <<<"$secret" &&
        kbsctl secret put "load/key/$number" --policy default --file <(tr a-f A-F <<<"$secret" | basenc -d --base16)
}

# register_clients COUNT: some at a time, since most of each is the start of processes and a write to the disk. In a
# process of its own, whose only children they are.
register_clients() (
    number='' measurement='' secret='' running=0
    while read -r number measurement secret; do
        register_one "$number" "$measurement" "$secret" >/dev/null &
        running=$((running + 1))
        [ $running -le 4 ] || wait -n || exit 1
    done < <("$build/tests/load/kbs-load" --identities "$1")
    [ $running = "$1" ] || exit 1
    for ((i = running < 4 ? running : 4; i > 0; i--)); do
        wait -n || exit 1
    done
)
