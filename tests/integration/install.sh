#!/bin/bash
# SPDX-License-Identifier: MIT
# What `meson install` installs for a KBS and a proxy: programs that start, with their manual pages, units that systemd
# takes and that leave little of the system open, and a configuration to begin with.
#
# usage: tests/integration/install.sh [BUILD_FOLDER]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"

EXPOSURE_MAX=15 # of 100, as systemd counts

build=$(realpath "${1:-$ROOT/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$(meson introspect --buildoptions "$build" | jq -r '.[] | select(.name == "prefix").value')
installed=$work/root$prefix

it_installs() {
    run meson install -C "$build" --no-rebuild --destdir "$work/root"
    expect "meson install succeeds" 0
}

programs_start() {
    local program
    for program in igvm kbs kbsctl snp-vtpm-proxy state-volume; do
        run "$installed/bin/$program" --help
        expect "$program is installed and tells how it is used" 0 '[Uu]sage: '"$program"
    done
}

documents_are_there() {
    local file
    for file in share/man/man1/{igvm,kbs,kbsctl,snp-vtpm-proxy,state-volume}.1 share/doc/snp-vtpm/{kbs,proxy}.md; do
        check "$file is installed" test -s "$installed/$file"
    done
    run grep -Rho "@[a-z]*dir@" "$installed"
    expect "nothing is left to fill in" 1
}

# The programs are not where the units will find them: those are looked at as if they were.
units_are_sound() {
    local unit
    if ! command -v systemd-analyze >/dev/null; then
        skip "systemd takes the units" "there is no systemd-analyze"
        return
    fi
    mkdir "$work/units"
    for unit in "$installed"/lib/systemd/system/*; do
        sed -E "s|^(Exec[A-Za-z]*=)$prefix|\\1$installed|" "$unit" >"$work/units/${unit##*/}"
    done
    # What it does not know it only mentions.
    run systemd-analyze verify --man=no --recursive-errors=no "$work"/units/*
    expect "systemd takes the units" 0
    check "and finds nothing strange in them" [ "$(grep -c snp-vtpm <<<"$output")" = 0 ]
    for unit in "$work"/units/*.service; do
        run systemd-analyze security --offline=true --threshold=$EXPOSURE_MAX --no-pager "$unit"
        expect "${unit##*/} leaves little of the system open" 0
    done
}

the_example_is_valid() {
    # It names a file that its reader has yet to make.
    sed 's|^ca = .*||' "$installed/share/doc/snp-vtpm/proxy.conf.example" >"$work/proxy.conf"
    run "$installed/bin/snp-vtpm-proxy" --config "$work/proxy.conf" --check-config
    expect "the proxy takes the example of its configuration" 0
}

it_installs
programs_start
documents_are_there
units_are_sound
the_example_is_valid
finish
