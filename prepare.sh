#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the packages that are missing, fetches QEMU, firmware and the kernel's source, and builds everything.
# When nothing changed it takes seconds.
#
# usage: ./prepare.sh [--clean] [--refresh] [--fetch-only] [--no-packages] [--for-tests]
#
#   --clean          remove build/ first; the state in state/ stays, and so does what was fetched
#   --refresh        look for newer versions of what is fetched from other Debian suites, and try again those that failed
#   --fetch-only     install the packages, fetch the rest, and stop
#   --no-packages    do not look for missing packages
#   --for-tests      install what ./test.sh needs, too
#   -h, --help       this text
#
# What is fetched, and the guest's kernel, go to ~/.cache/snp-vtpm (XDG_CACHE_HOME is obeyed). The system's own
# packages stay as they are, but for the missing ones of its own release, which need root or sudo. A version that
# scripts/tested-versions does not name is tried with a VM first; one that does not work is not used.
#
# Exit status: 0 done, 1 something failed (the message says what), 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/scripts/lib.sh"
. "$ROOT/scripts/packages.sh"
. "$ROOT/scripts/debian-suites.sh"
. "$ROOT/scripts/qemu.sh"
. "$ROOT/scripts/components.sh"
. "$ROOT/scripts/owner.sh"
. "$ROOT/scripts/build.sh"
. "$ROOT/scripts/prove.sh"

load_config
clean=no refresh=no with_packages=yes fetch_only=no for_tests=no
while [ $# != 0 ]; do
    case $1 in
        --clean) clean=yes ;;
        --refresh) refresh=yes ;;
        --fetch-only) fetch_only=yes ;;
        --no-packages) with_packages=no ;;
        --for-tests) for_tests=yes PACKAGES+=("${TEST_PACKAGES[@]}") ;;
        -h | --help) show_usage; exit ;;
        *) usage_error "unknown option $1" ;;
    esac
    shift
done

fetch_all() {
    local name
    for name in "${COMPONENTS[@]}"; do
        [ $refresh = no ] || rm -f "$CACHE_DIR/$name/refused"
        if [ $refresh = yes ] || ! { is_here "$name" || { [ "$name" = qemu ] && find_qemu >/dev/null; }; }; then
            run_logged "Fetching ${TITLE[$name]}" "$(log_of "$name")" fetch "$name"
        fi
    done
    if [ $for_tests = yes ] && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! is_here postgresql; then
        run_logged "Fetching PostgreSQL" "$(log_of postgresql)" fetch_postgresql
    fi
    find_qemu >/dev/null || die "$(qemu_problem)" "unset QEMU in vm.conf to use the one that was fetched"
}

# say_version TITLE NAME: in use, and whether the tests have seen it
say_version() {
    local version remark=''
    version=$(version_of "$2")
    is_tested "$2" "$version" || remark=" (the tests ran with $(tested_versions "$2" | sed -n '$p'))"
    say "$1 $version$remark"
}

say_versions() {
    local qemu
    qemu=$(find_qemu)
    say "QEMU      $("$qemu" --version | sed -n '1s/^QEMU emulator version //p')"
    say_version "firmware  ovmf-generic" ovmf
    say_version "kernel    linux-source" kernel-source
    if [ -n "$(libtpms_folder)" ]; then
        say_version "TPM       libtpms" libtpms
    else
        say "TPM       libtpms $(version_of libtpms), this release's own. It compares negative numbers in PolicyNV wrongly, its RSA"
        say "          has no blinding, it does not store a clock that only advanced, and it has no RSA of 4096 bits."
        say "          ./prepare.sh --refresh looks for a newer one."
    fi
}

[ $with_packages = no ] || install_packages
mkdir -p "$CACHE_DIR"
exec 9>"$CACHE_DIR/lock"
flock -n 9 || {
    say "Waiting for another prepare.sh to end."
    flock 9
}
if [ $clean = yes ] && [ -e "$BUILD_DIR" ]; then
    [ -e "$BUILD_DIR/build.ninja" ] || [ -e "$BUILD_DIR/log" ] ||
        die "$(shown "$BUILD_DIR") is no build folder, so it is not removed" "correct BUILD_DIR in vm.conf"
    rm -rf "$BUILD_DIR"
fi
mkdir -p "$BUILD_DIR" "$STATE_DIR"
chmod 700 "$STATE_DIR"

step "Fetching"
fetch_all
if [ $fetch_only = yes ] && [ -z "$(new_components)" ]; then
    exit 0
fi
step "Building"
build_all
prove
step "Ready"
say_versions
