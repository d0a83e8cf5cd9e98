# SPDX-License-Identifier: MIT
# The native TPM program under tpm2-tools, for tests: a folder of its own, start and stop. To be sourced with the
# program as the first argument; skips the test where tpm2-tools are missing. From here on the current folder is $work.
# shellcheck shell=bash

if ! command -v tpm2_startup >/dev/null; then
    echo "skipped: tpm2-tools is not installed" >&2
    exit 77
fi

tpm_program=$(realpath "$1")
work=$(mktemp -d)
tpm_pid='' tpm_port=''
clean_up() {
    [ -z "$tpm_pid" ] || kill -KILL "$tpm_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit

# glibc's dprintf() loses a buffer when its descriptor is not open: see NO_DESCRIPTOR in services/tpm/library.c.
echo leak:_IO_file_doallocate >suppressions
export LSAN_OPTIONS=suppressions=$work/suppressions:print_suppressions=0

fail() {
    echo "FAILED: $1" >&2
    [ ! -e tpm.log ] || sed 's/^/    tpm: /' tpm.log >&2
    exit 1
}

# power_on KEY_FILE: starts the program on the volume "volume" and a free pair of ports; its log is tpm.log.
power_on() {
    for _ in $(seq 20); do
        tpm_port=$((20000 + 2 * (RANDOM % 6000)))
        : >tpm.log
        setpriv --pdeathsig KILL "$tpm_program" --tcp "$tpm_port" --state volume --key-file "$1" --create 2>>tpm.log &
        tpm_pid=$!
        for _ in $(seq 200); do
            if grep -q 'TPM ready' tpm.log; then
                export TPM2TOOLS_TCTI="mssim:host=localhost,port=$tpm_port"
                return
            fi
            kill -0 "$tpm_pid" 2>/dev/null || break
            sleep 0.05
        done
        grep -q 'cannot listen' tpm.log || break
    done
    fail "the TPM does not start"
}

# start_tpm KEY_FILE: as power_on, then TPM2_Startup.
start_tpm() {
    power_on "$1"
    tpm2_startup -c
}

# end_tpm SIGNAL
end_tpm() {
    kill "-$1" "$tpm_pid"
    wait "$tpm_pid" || fail "the TPM ends with status $?"
    tpm_pid=
}

stop_tpm() { end_tpm TERM; }

# A hard end, as a power cut.
kill_tpm() {
    kill -KILL "$tpm_pid"
    wait "$tpm_pid" 2>/dev/null || true
    tpm_pid=
}

# There is no resource manager, and few slots for objects: every command frees its own.
quietly() {
    "$@" >>tools.log 2>&1 || fail "$* says: $(tail -n 3 tools.log)"
    tpm2_flushcontext -t
}
