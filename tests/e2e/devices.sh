#!/bin/bash
# SPDX-License-Identifier: MIT
# A VM with a network and a second disk: bytes go both ways, and the guest's TPM shows which devices there are.
#
# usage: tests/e2e/devices.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

test_port
host_port=$port           # on which this machine serves a file
guest_port=$((port + 1)) # which is forwarded to the guest's web server

# The guest fetches a file from this machine, serves it, and writes it to its second disk.
# shellcheck disable=SC2016 # for the guest
guest_script='
cd /tmp && wget -q http://10.0.2.2:'$host_port'/file || exit 1
dd if=file of=/dev/vdc bs=1M conv=notrunc 2>/dev/null && sync || exit 2
httpd -p 80 -h /tmp || exit 3
echo the guest serves >/dev/console
while [ ! -e /run/fetched ]; do sleep 1; done'

make_file() {
    mkdir "$work/served"
    head -c $((4 << 20)) /dev/urandom >"$work/served/file"
    cp "$work/served/file" "$work/wanted"
    setpriv --pdeathsig KILL busybox httpd -f -p "127.0.0.1:$host_port" -h "$work/served" &
    qemu-img create -q -f qcow2 "$work/second.qcow2" 16M
}

traffic() {
    start "$guest_script" --net "user,forward=$guest_port:80" --disk "$work/second.qcow2"
    await 'the guest serves' || true
    check "the guest's server is reached through the forwarded port" \
        curl -sf --max-time 60 -o "$work/got" "http://127.0.0.1:$guest_port/file"
    check "and sends what the guest had fetched from this machine" cmp "$work/wanted" "$work/got"
    kill -TERM "$vm"
    vm_status
    expect "the VM ends at SIGTERM" 143 'power button'
    qemu-img dd -O raw if="$work/second.qcow2" of="$work/disk" bs=1M count=4
    check "the second disk holds what the guest wrote" cmp "$work/wanted" "$work/disk"
}

port_in_use() {
    guest true --net "user,forward=$host_port:80"
    expect "a port that another program has is named" $EXIT_PORT 'port that --net forwards'
}

vm_make_with_svsm
make_file
traffic
port_in_use
finish
