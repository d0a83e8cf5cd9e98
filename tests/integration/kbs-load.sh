#!/bin/bash
# SPDX-License-Identifier: MIT
# Two hundred clients at the same time, in each dialect of the KBS: every one gets its own secret, and nobody another's. And some
# VMs that anchor.
#
# usage: tests/integration/kbs-load.sh [BUILD_FOLDER]
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/load/kbs.sh"

CLIENTS=200
ATTESTATIONS=400

build=$(realpath "${1:-$ROOT/build}")
work=$(mktemp -d)
end() {
    kbs_stop || true
    rm -rf "$work"
}
trap end EXIT

# load CLIENTS ATTESTATIONS PROFILE
load() {
    timeout 120 "$build/tests/load/kbs-load" --url "$kbs_url" --chip "$work/chip" --release-key "$work/kbs/release-key.pem" \
        --clients "$1" --attestations "$2" --profile "$3"
}

metric() {
    curl -sS --cacert "$work/kbs/tls/ca.pem" -H "Authorization: Bearer $(<"$work/kbs/owner.token")" "$kbs_admin_url/metrics" |
        sed -n "s/^$1 //p"
}

everybody_gets_their_own() {
    run load $CLIENTS $ATTESTATIONS "$1"
    expect "$CLIENTS clients at once get their own secrets, as $2" 0 '"failed":0,"crossed":0'
}

# Another's secret registered for a client: the check that the others rely on must see it.
a_wrong_secret_is_noticed() {
    local other
    other=$("$build/tests/load/kbs-load" --identities 2 | sed -n 's/^1 [^ ]* //p')
    kbsctl volume set-key load-0 --key-file - <<<"$other" >/dev/null
    run load 1 1 coconut
    expect "a client that gets another's secret says so" 1 "another client's secret" '"crossed":[12]'
}

# Each of the runs attests once for each client before it is measured.
all_is_on_record() {
    local expected=$((3 * (CLIENTS + ATTESTATIONS)))
    check "the KBS counted every release, and none besides" [ "$(metric kbs_secrets_released_total)" = $expected ]
    run kbsctl audit verify
    expect "the audit log is whole after the load" 0
}

# As bench/kbs.sh measures it.
vms_anchor_side_by_side() {
    local number
    for number in 0 1 2 3; do
        kbsctl volume set-lease "load-$number" --mode strict --first manufacture >/dev/null
    done
    run load 4 40 anchor
    expect "VMs with leases have states committed side by side" 0 '"attestations":40,"failed":0'
    run load 4 4 anchor
    expect "the leases were given back" 0 '"attestations":4,"failed":0'
}

check "a KBS starts" kbs_start
check "$CLIENTS images, volumes and secrets are registered" register_clients $CLIENTS
everybody_gets_their_own coconut "COCONUT-SVSM's proxy asks"
everybody_gets_their_own signed "an SVSM asks that wants a signed record"
everybody_gets_their_own coco "Trustee's clients ask"
all_is_on_record
a_wrong_secret_is_noticed
vms_anchor_side_by_side
finish
