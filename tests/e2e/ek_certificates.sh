#!/bin/bash
# SPDX-License-Identifier: MIT
# The first boot of a VM with a lease: its KBS certifies the TPM's endorsement keys, and the guest has the certificates
# without a network, at the TCG's NV indices; openssl verifies them, and another boot finds them there.
#
# usage: tests/e2e/ek_certificates.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"

vm_make_with_svsm
volume=$(active_volumes)
kbsctl volume set-lease "$volume" --mode boot --first manufacture --lease-time 10 >/dev/null
volume_id=$(kbsctl --json volume show "$volume" | jq -r .id)

# shellcheck disable=SC2016 # for the guest
certificates='
    cd /tmp
    tpm2_getekcertificate --raw -o rsa.der -o p256.der 2>getek.log; echo $? | emit getek-status
    emit rsa <rsa.der; emit p256 <p256.der; emit getek-log <getek.log
    tpm2_nvread 0x01c00016 2>/dev/null | emit p384
    for kind in rsa:rsa ecc:p256 ecc384:p384; do
        tpm2_createek -Q -c ek.ctx -G ${kind%:*} -u ek.pub -f pem 2>/dev/null && emit ${kind#*:}-key <ek.pub
        tpm2_flushcontext -Q -t
    done
    tpm2_getcap properties-fixed | emit properties
    for index in 0x01c00002 0x01c0000a 0x01c00016; do
        tpm2_nvundefine -C o $index >/dev/null 2>&1 && echo "the owner removed $index"
        tpm2_nvwrite -C o -i /etc/hostname $index >/dev/null 2>&1 && echo "the owner wrote $index"
    done | emit owner'
guest "$GUEST_EMIT
$certificates"
expect "a VM with a lease starts" 0
section getek-log >"$work/getek-log"
equal "tpm2_getekcertificate works" "$(section getek-status)" 0
for kind in rsa p256 p384; do
    section $kind >"$work/$kind.der"
    section $kind-key >"$work/$kind-key.pem"
    openssl x509 -inform der -in "$work/$kind.der" -out "$work/$kind.pem" 2>"$work/messages" || true
done

# What a relying party has: the KBS's public address.
curl -sSf "http://127.0.0.1:$KBS_PORT/kbs/v0/ca.pem" >"$work/ca.pem"
curl -sSf "http://127.0.0.1:$KBS_PORT/kbs/v0/ca.crl" >"$work/ca.crl"
for kind in rsa p256 p384; do
    equal "openssl verifies the certificate of $kind, with the CRL" \
        "$(openssl verify -x509_strict -CAfile "$work/ca.pem" -crl_check -CRLfile "$work/ca.crl" "$work/$kind.pem" 2>&1)" \
        "$work/$kind.pem: OK"
    equal "the certificate of $kind is of the key that tpm2_createek makes" \
        "$(openssl x509 -in "$work/$kind.pem" -noout -pubkey)" \
        "$(openssl pkey -pubin -in "$work/$kind-key.pem" -pubout)"
    equal "the certificate of $kind names the volume" \
        "$(openssl x509 -in "$work/$kind.pem" -noout -ext subjectAltName | grep -o 'urn:uuid:[0-9a-f-]*')" \
        "urn:uuid:$volume_id"
done
manufacturer=$(section properties | awk '/TPM2_PT_MANUFACTURER/ {getline; print $2}')
equal "it names the manufacturer that the TPM itself names" \
    "$(openssl x509 -in "$work/rsa.pem" -noout -ext subjectAltName | grep -oE 'id:[0-9A-F]{8}' | head -n 1)" \
    "$(printf 'id:%08X' "$manufacturer")"
equal "the TPM's owner can neither change nor remove them" "$(section owner)" ""

cp "$work/rsa.der" "$work/first.der"
# shellcheck disable=SC2016 # for the guest
guest "$GUEST_EMIT"'
    tpm2_clear 2>/dev/null; echo $? | emit cleared
    tpm2_nvread 0x01c00002 2>/dev/null | emit rsa'
expect "the VM starts again" 0
equal "TPM2_Clear is done" "$(section cleared)" 0
section rsa >"$work/rsa.der"
equal "after a reboot and TPM2_Clear it is the same certificate" "$(cmp "$work/first.der" "$work/rsa.der" 2>&1)" ""

kbsctl ca revoke "$volume" >/dev/null
curl -sSf "http://127.0.0.1:$KBS_PORT/kbs/v0/ca.crl" >"$work/ca.crl"
equal "a certificate that its owner revoked is on the CRL" \
    "$(openssl verify -CAfile "$work/ca.pem" -crl_check -CRLfile "$work/ca.crl" "$work/rsa.pem" 2>&1 |
        grep -o 'certificate revoked')" "certificate revoked"
finish
