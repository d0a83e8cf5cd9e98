# SPDX-License-Identifier: MIT
# Commands side by side: as many at a time as there are processors, each with its output in a log of its own, and told of
# when it has ended. To be sourced after lib.sh.
# shellcheck shell=bash disable=SC2154 # variables of lib.sh

LANES=$(nproc)
queue=() # what waits for its turn: name, log, and the command as bash reads it

# queue_add NAME LOG COMMAND...: the command gets the number of its lane, in which nothing else runs, as LANE
queue_add() { queue+=("$1" "$2" "$(printf '%q ' "${@:3}")"); }
queue_add_first() { queue=("$1" "$2" "$(printf '%q ' "${@:3}")" "${queue[@]}"); }

# Where each lane is
lane_pid=() lane_name=() lane_log=() lane_begin=()

# The next one of the queue
start_in_lane() {
    lane_name[$1]=${queue[0]} lane_log[$1]=${queue[1]} lane_begin[$1]=$SECONDS
    eval "run_beside \"\${queue[1]}\" env LANE=$1 ${queue[2]}"
    lane_pid[$1]=$beside
    queue=("${queue[@]:3}")
}

# On a terminal one line, with what the longest one says; elsewhere one for each lane now and then
show_lanes() {
    local lane words=''
    if [ -n "$reset" ]; then
        for lane in "${!lane_pid[@]}"; do
            words+="  ${lane_name[lane]} $((SECONDS - lane_begin[lane]))s $dim$(last_words "${lane_log[lane]}" | cut -c 1-30)$reset"
        done
        printf '\r\e[K  %s' "$words" >&2
    elif [ $((SECONDS - lanes_said)) -ge "$WAIT_LINE_EVERY" ]; then
        lanes_said=$SECONDS
        for lane in "${!lane_pid[@]}"; do
            say "    ${lane_name[lane]}: $((SECONDS - lane_begin[lane])) s  $(last_words "${lane_log[lane]}")"
        done
    fi
}

# queue_run REPORT: until the queue is empty and all have ended. Calls REPORT NAME LOG STATUS SECONDS as each of them ends.
queue_run() {
    local report=$1 lane status lanes_said=$SECONDS
    while :; do
        for ((lane = 0; lane < LANES && ${#queue[@]} > 0; lane++)); do
            [ -n "${lane_pid[lane]:-}" ] || start_in_lane $lane
        done
        [ ${#lane_pid[@]} != 0 ] || break
        status=0
        wait_a_moment "${lane_pid[@]}" || status=$?
        if [ -z "$ended" ]; then
            show_lanes
            continue
        fi
        [ -z "$reset" ] || printf '\r\e[K' >&2
        for lane in "${!lane_pid[@]}"; do
            [ "${lane_pid[lane]}" = "$ended" ] || continue
            unset "lane_pid[lane]"
            "$report" "${lane_name[lane]}" "${lane_log[lane]}" $status $((SECONDS - lane_begin[lane]))
        done
    done
}
