#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes a volume of what a TPM program writes today, as test data for the programs that come after it: volume.xz, its
# key, a sealed object, and in "values" what must be found again. ../old_volumes.sh opens each of them.
#
# usage: make.sh TPM_PROGRAM FOLDER
#
# libtpms-0.9.2/ was made by the program of commit f293ab0, built in Debian 12 with its libtpms-dev 0.9.2-3.1+deb12u1;
# libtpms-0.10.2/ with unstable's 0.10.2-5.
set -euo pipefail

if [ $# -ne 2 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    sed -n '3,/^$/{/^#/!q;s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
here=$(dirname "$(readlink -f "$0")")
mkdir -p "$2"
folder=$(realpath "$2")
. "$here/../native_tpm.sh"
. "$here/../volume_contents.sh"

head -c 64 /dev/urandom >key
chmod 600 key
truncate -s 1M volume # the smallest that there is
start_tpm key
fill_tpm
tpm2_shutdown -c
stop_tpm

start_tpm key
look_at . >values
tpm2_shutdown -c
stop_tpm
xz -9 volume
cp volume.xz key sealed.pub sealed.priv values "$folder"
