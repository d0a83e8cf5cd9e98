#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether systemd takes the proxy's units, and how much of the system they leave open. Exit status 77: it cannot be told
# here.
#
# usage: systemd_units.sh SOURCE_FOLDER PROXY
set -euo pipefail

source=$1
proxy=$(readlink -f "$2")
EXPOSURE_MAX=15 # of 100, as systemd counts

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: there is no systemd-analyze"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The program need not be installed: the units are looked at with the one that was built.
sed "s|/usr/bin/snp-vtpm-proxy|$proxy|" "$source/snp-vtpm-proxy.service" >"$work/snp-vtpm-proxy.service"
cp "$source/snp-vtpm-proxy.socket" "$work"

# What it does not know it only mentions.
complaints=
if ! complaints=$(systemd-analyze verify --man=no --recursive-errors=no "$work"/snp-vtpm-proxy.{service,socket} 2>&1) ||
    grep -qF snp-vtpm-proxy <<<"$complaints"; then
    echo "systemd complains: $complaints"
    exit 1
fi
systemd-analyze security --offline=true --threshold=$EXPOSURE_MAX --no-pager "$work/snp-vtpm-proxy.service"

# The example is what a first user copies.
sed 's|^ca = .*||' "$source/proxy.conf.example" >"$work/proxy.conf"
"$proxy" --config "$work/proxy.conf" --check-config
