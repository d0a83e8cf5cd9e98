# SPDX-License-Identifier: MIT
# What the tests of Debian as guest share: images, which are built once and kept, and VMs. To be sourced after tap.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables from and for those who source this

. "$ROOT/tests/e2e/vm.sh"

# kept_key NAME COMMAND...: $key, the file in which the command made a key; the same one in each run, for with another it would
# be another image
kept_key() {
    key=$CACHE_DIR/test-keys/$1
    mkdir -p "$(dirname "$key")"
    [ -e "$key" ] || "${@:2}" "$key"
}

# build_debian IMAGE OPTION...: or a copy, if it was built before
build_debian() {
    "$ROOT/guest/build-debian.sh" --open --cached "${@:2}" "$1" >"$work/build.log" 2>&1 || {
        cat "$work/build.log" >&2
        exit 1
    }
}

# The guest's side
# shellcheck disable=SC2016 # for the guest
DEBIAN_FUNCTIONS='
fail() { echo "boot $BOOT: $*" >&2; exit 1; }
# started: the state that systemd has come to, and the units that failed
started() { systemctl is-system-running --wait; systemctl --failed --plain --no-legend | cut -d " " -f 1; }
restart() { sync; systemctl reboot; sleep 1000; }
'

# A guest may be silent for as long as its systemd waits (guest/build-debian.sh).
debian_options=(--memory 1G --timeout 900)

# debian SCRIPT IMAGE [OPTION]...: runs it in that guest; debian_start: in the background
debian() { guest "$GUEST_EMIT$DEBIAN_FUNCTIONS$1" --image "$2" "${debian_options[@]}" "${@:3}"; }
debian_start() { start "$GUEST_EMIT$DEBIAN_FUNCTIONS$1" --image "$2" "${debian_options[@]}" "${@:3}"; }
