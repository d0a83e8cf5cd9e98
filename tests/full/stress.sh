#!/bin/bash
# SPDX-License-Identifier: MIT
# Four vCPUs of a Debian guest under stress-ng, each of which calls the TPM all the time: no command fails, stress-ng finds no
# wrong result, and the kernel has nothing to complain of. The comments tell how late a timer was on each vCPU at the most, with
# and without the TPM's traffic: on a busy host the host's other work is in it, too.
#
# usage: tests/full/stress.sh [SECONDS]
#
#   SECONDS   of the guest's clock (default: 300)
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/full/debian-vm.sh"

seconds=${1:-300}

# The guest's side. What runs until /run/stop is there leaves a line for its vCPU.
# shellcheck disable=SC2016 # for the guest
STRESS_FUNCTIONS='
everywhere() { for cpu in 0 1 2 3; do taskset -c $cpu "$@" $cpu & done; }
# timer CPU: the longest time, in milliseconds, that a wait of 100 ms took too long, with a priority above all else
cat >/run/timer <<"END"
mkfifo /run/never$1 2>/dev/null
exec 3<>/run/never$1
longest=0 last=${EPOCHREALTIME/./}
until [ -e /run/stop ]; do
    read -t 0.1 -u 3
    now=${EPOCHREALTIME/./}
    [ $((now - last)) -le $longest ] || longest=$((now - last))
    last=$now
done
echo "$1 $((longest / 1000 - 100))" >>/run/late
END
# traffic CPU: commands of all kinds but the long ones, until one fails
cat >/run/traffic <<"END"
calls=0
until [ -e /run/stop ]; do
    tpm2_getrandom --hex 16 >/dev/null && tpm2_pcrextend 16:sha256=$(printf %064d $1) && tpm2_pcrread -Q sha256:0,16 &&
        tpm2_nvread -Q -C o -s 8 0x1500002 && tpm2_quote -Q -c 0x81010001 -l sha256:0,1 || { echo "vCPU $1" >&2; break; }
    calls=$((calls + 5))
done 2>>/run/errors >/dev/null
echo "$1 $calls" >>/run/calls
END
stress() { stress-ng --cpu 4 --switch 2 --timer 2 --vm 2 --vm-bytes 64M --verify --timeout "$1" --log-brief 2>&1; }
# under_stress SECONDS PROGRAM...: each of the programs on each vCPU meanwhile
under_stress() {
    rm -f /run/stop /run/late
    seconds=$1
    shift
    for program; do everywhere $program; done
    stress $seconds
    result=$?
    touch /run/stop
    wait
    return $result
}
'

report() { section "$1" | sort -n | sed "s/^\([0-9]*\) /#   $2, vCPU \1: /"; }

vm_make_with_svsm
build_debian "$work/debian.qcow2" --include stress-ng
# shellcheck disable=SC2016 # for the guest
debian "$STRESS_FUNCTIONS"'
systemctl is-system-running --wait >/dev/null
[ $(nproc) = 4 ] || fail "not four vCPUs"
tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256:null -a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign" -c /run/key && tpm2_evictcontrol -Q -C o -c /run/key 0x81010001 || fail key
tpm2_nvdefine -Q -C o -s 8 0x1500002 && echo 1234567 | tpm2_nvwrite -Q -C o -i - 0x1500002 || fail nv
before=$(tpm2_pcrread sha256:16)
under_stress '$((seconds / 5 + 1))' "chrt -f 50 bash /run/timer" | emit alone
emit late-alone </run/late
{ under_stress '"$seconds"' "chrt -f 50 bash /run/timer" "bash /run/traffic"; echo $?; } | emit stress
emit late </run/late
emit calls </run/calls
emit errors </run/errors
[ "$(tpm2_pcrread sha256:16)" != "$before" ] || fail "PCR 16 is what it was"
dmesg | grep -v "module verification failed" |
    grep -iE "\bstall|lockup|hung_task|blocked for more|tpm.*(error|fail|timeout|timed out)|unstable|oops|bug:" | emit kernel' \
    "$work/debian.qcow2" --cpus 4
expect "a guest of four vCPUs gets through $seconds s of stress" 0
equal "stress-ng finds nothing wrong" "$(section stress | tail -n 1)" 0
equal "each vCPU called the TPM" "$(section calls | awk '$2 > 0' | wc -l)" 4
equal "no command of the TPM failed" "$(section errors)" ''
equal "the kernel complains of nothing" "$(section kernel)" ''
report calls "TPM commands"
report late-alone "latest timer in ms without the TPM's traffic"
report late "latest timer in ms with it"
section stress | sed 's/^/#   /'
finish
