#!/bin/bash
# SPDX-License-Identifier: MIT
# The launch measurement with several processors, against `igvm measure`: by default that of the first one alone, as a
# kernel with SVSM support has it, and with every-vmsa=1 that of all, as mainline KVM has it.
#
# usage: tests/emulator/measurement.sh BUILD_DIR IMAGE
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
[ $# = 2 ] || { sed -n '6s/^# //p' "$0" >&2; exit 2; }
build=$1
image=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# launch PROCESSORS [OPTION]: sets $measured, as the secure processor logged it
launch() {
    SNP_VTPM_GUEST_CPUS=$1 SNP_VTPM_EMULATOR_OPTIONS=${2-} SNP_VTPM_GUEST_SP_LOG=$work/sp.log \
        "$ROOT/tests/emulator/run-guest.sh" "$build" "$image" >"$work/output" || true
    if grep -q '# SKIP' "$work/output"; then
        cat "$work/output"
        exit
    fi
    measured=$(sed -n 's/^amd-sp: MEASUREMENT //p' "$work/sp.log")
    # CPUID Fn1 EAX, the last argument of LAUNCH_START
    signature=$(sed -n 's/^amd-sp: LAUNCH_START .* \(0x[0-9a-f]*\): SUCCESS$/\1/p' "$work/sp.log")
}

computed() { "$build/igvm/igvm" measure "$@" "$image"; }

differs() { ! grep -qi "$measured" <(computed); }

launch 3
check "three processors: the first one's VMSA is measured" grep -qi "$measured" <(computed)
launch 3 every-vmsa=1
check "every-vmsa=1: the VMSAs of all are measured" grep -qi "$measured" <(computed --vcpus 3 --cpu-signature "$signature")
check "every-vmsa=1: that is another measurement" differs
check "every-vmsa=1: the guest runs" grep -q '^1\.\.' "$work/output"
finish
