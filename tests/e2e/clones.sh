#!/bin/bash
# SPDX-License-Identifier: MIT
# Two VMs on copies of one volume, of which the second took the lease over from the first: the verifier of docs/clones.md, run
# as it stands there, tells them apart, by reports of VMPL0 and by the TPM's own statements.
#
# usage: tests/e2e/clones.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/tests/e2e/evidence.sh"

# commands HEADING: those that docs/clones.md has below it, up to the next heading
commands() {
    awk -v heading="### $1" '/^#/ { on = $0 == heading } on && /^    / { print substr($0, 5) }' "$ROOT/docs/clones.md"
}

vm_make_with_svsm
volume=$(active_volumes)
kbsctl volume set-lease "$volume" --mode boot --first manufacture >/dev/null
for part in 'In the VM' 'The report' 'The statement' 'The verdict' 'By a quote instead of a report'; do
    check "docs/clones.md has commands under \"$part\"" [ -n "$(commands "$part")" ]
done
certify=$(commands 'By a quote instead of a report' | sed -n '/^tpm2_nvcertify/,/[^\\]$/p')
check_certified=$(commands 'By a quote instead of a report' | sed '/^tpm2_nvcertify/,/[^\\]$/d')

# What a VM shows for a nonce of its own
# shellcheck disable=SC2016 # for the guest
evidence="
    head -c 64 /dev/urandom >/tmp/nonce
    ($(commands 'In the VM'))
    cd /tmp
    tpm2_createek -Q -c ek.ctx -G rsa -u ek.pub
    tpm2_createak -Q -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pem -f pem -n ak.name
    $certify"
# shellcheck disable=SC2016
show='for name in nonce report manifest certificates ak.pem certified certified.der; do emit $name </tmp/$name; done'

# take NAME: what a VM has shown, into a folder of that name, with what every relying party has
take() {
    local name
    mkdir "$work/$1"
    for name in nonce report manifest certificates ak.pem certified certified.der; do
        section $name >"$work/$1/$name"
    done
    cp "$CHIP_DIR/ark.pem" "$CHIP_DIR/ask.pem" "$work/kbs.pem" "$work/$1"
    certificate "$work/$1/certificates" $VCEK_GUID | openssl x509 -inform der -out "$work/$1/vcek.pem"
}

# statement_of_now FILE NONCE: the KBS's statement of now
statement_of_now() { kbsctl volume evidence "$volume" --nonce "$2" >"$1"; }

# verifier [--quote]: the document's commands. An unknown report, statement or manifest ends it with an error.
verifier() {
    echo 'set -eo pipefail; exec 3>&1 >/dev/null 2>&1'
    if [ "${1:-}" = --quote ]; then
        commands 'The report' | sed -n '/^der()/,/}$/p'
        echo "$check_certified"
    else
        commands 'The report'
    fi
    commands 'The statement'
    echo 'exec >&3'
    commands 'The verdict'
}

# verdict FOLDER STATEMENT NONCE [--quote]
verdict() {
    cp "$2" "$work/$1/statement"
    cp "$work/$1/manifest" "$work/manifest-of-$1"
    (cd "$work/$1" && MEASUREMENT=$measurement STATEMENT_NONCE=$3 bash -c "$(verifier "${@:4}")") || echo refused
    cp "$work/manifest-of-$1" "$work/$1/manifest"
}

key=$(kbsctl --json key list | jq -r '.[] | select(.use == "token" and .active).id')
kbsctl key show "$key" >"$work/kbs.pem"
measurement=$("$BUILD_DIR/igvm/igvm" measure "$IGVM_FILE")

start "$GUEST_EMIT
    $evidence && echo shown >/dev/console
    while tpm2_getrandom --hex 8 >/dev/null 2>&1; do sleep 1; done
    cd /sys/kernel/config/tsm/report/volume && head -c 64 /dev/urandom >inblob
    { cat outblob >/dev/null 2>&1; echo \$?; } | emit after
    $show"
check "a VM with a lease shows its evidence" await shown
mv "$work/output" "$work/first-output" # which goes on being written there
statement_of_now "$work/before" nonce-before-the-takeover
epoch=$(kbsctl --json volume show "$volume" | jq .lease.epoch)

make_copy
kbsctl volume lease break "$volume" >/dev/null
in_a_copy "$GUEST_EMIT
    $evidence; $show"
expect "with a broken lease a copy starts" 0
take second
statement_of_now "$work/after" nonce-after-the-takeover
vm_status
expect "the first VM ends when its TPM fails" 0
mv "$work/first-output" "$work/output"
take first
check "once it knows, it is attested no more" [ "$(section after)" != 0 ]

current=$(kbsctl --json volume show "$volume" | jq .lease.epoch)
superseded="superseded: epoch $epoch, and the current one is $current"
for by in '' --quote; do
    equal "before the takeover the first VM was the current one ${by:+(by a quote)}" \
        "$(verdict first "$work/before" nonce-before-the-takeover $by)" current
    equal "afterwards it is superseded ${by:+(by a quote)}" \
        "$(verdict first "$work/after" nonce-after-the-takeover $by)" "$superseded"
    equal "the second one is the current one ${by:+(by a quote)}" \
        "$(verdict second "$work/after" nonce-after-the-takeover $by)" current
    equal "an older statement than the VM's lease does not know it ${by:+(by a quote)}" \
        "$(verdict second "$work/before" nonce-before-the-takeover $by | cut -d : -f 1)" unknown
    equal "a statement for another nonce is refused ${by:+(by a quote)}" \
        "$(verdict first "$work/before" nonce-after-the-takeover $by)" refused
    equal "what is no statement is refused ${by:+(by a quote)}" "$(verdict first <(echo a.b.c) nonce-after-the-takeover $by)" refused
done

# The clone with its sibling's epoch
cp "$work/second/manifest" "$work/first/manifest"
equal "a manifest that the report is not about is refused" "$(verdict first "$work/after" nonce-after-the-takeover)" refused
cp "$work/second/report" "$work/first/report"
equal "and so is another VM's report, for it has another nonce" "$(verdict first "$work/after" nonce-after-the-takeover)" refused
cp "$work/second/certified" "$work/first/certified"
equal "a statement that the TPM did not sign is refused" \
    "$(verdict first "$work/after" nonce-after-the-takeover --quote)" refused
check "that statements were made is in the audit log" grep -q volume-evidence <(kbsctl audit tail)
finish
