#!/bin/bash
# SPDX-License-Identifier: MIT
# Linux under the SVSM: its reports by way of the SVSM and directly at VMPL2, verified by the openssl command, and
# the TPM whose identity they prove.
#
# usage: tests/e2e/svsm_attestation.sh
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
. "$ROOT/tests/e2e/vm.sh"
. "$ROOT/tests/e2e/evidence.sh"

# As stored: c476f1eb-0123-45a5-9641-b4e7dde5bfe3
VTPM_GUID=ebf176c42301a5459641b4e7dde5bfe3
VTPM_GUID_TEXT=c476f1eb-0123-45a5-9641-b4e7dde5bfe3
OTHER_GUID_TEXT=c476f1eb-0123-45a5-9641-b4e7dde5bfe4

vm_make_with_svsm
nonce=$(od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n') # 64 characters, taken as bytes

guest_reports="
    cd /sys/kernel/config/tsm/report && mkdir services vtpm keys newer other direct above
    for name in *; do printf %s $nonce >\$name/inblob; done
    for name in services vtpm keys newer other; do echo svsm >\$name/service_provider; done
    for name in vtpm keys newer; do echo $VTPM_GUID_TEXT >\$name/service_guid; done
    echo 1 >keys/service_manifest_version
    echo 2 >newer/service_manifest_version
    echo $OTHER_GUID_TEXT >other/service_guid
    echo 2 >direct/privlevel
    for name in services vtpm keys direct; do
        emit \$name <\$name/outblob
        emit \$name-certificates <\$name/auxblob
    done
    for name in services vtpm keys; do emit \$name-manifest <\$name/manifestblob; done
    for name in other newer; do { cat \$name/outblob >/dev/null 2>&1; echo \$?; } | emit \$name-status; done
    { echo 0 >above/privlevel; cat above/outblob >/dev/null; } 2>/dev/null; echo \$? | emit above-status
    dmesg | emit kernel"
# shellcheck disable=SC2016 # for the guest
guest_tpm='
    cd /tmp
    tpm2_getcap properties-fixed | emit properties
    tpm2_createek -Q -c ek.ctx -G ecc -u ek.pub && emit ek-p256 <ek.pub
    tpm2_createek -Q -c ek.ctx -G rsa -u ek.pub && emit ek <ek.pub
    tpm2_createak -Q -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pub -n ak.name
    tpm2_pcrread -Q -o before sha256:16
    tpm2_pcrextend 16:sha256=$(printf %064d 1)
    tpm2_pcrread -Q -o after sha256:16 && cat before after | emit pcr16
    { tpm2_pcrreset 17 2>&1; } | emit locality
    tpm2_quote -Q -c ak.ctx -l sha256:0,7,16 -q 0123456789abcdef -m quote -s signature -o pcrs
    { tpm2_checkquote -Q -u ak.pub -m quote -s signature -f pcrs -q 0123456789abcdef; echo $?; } 2>&1 | emit quote
    { tpm2_checkquote -Q -u ak.pub -m quote -s signature -f pcrs -q 0123456789abcdee; echo $?; } 2>&1 | emit stale-quote
    echo secret >secret
    tpm2_makecredential -Q -T none -u ek.pub -s secret -n $(od -An -v -tx1 ak.name | tr -d " \n") -o credential
    tpm2_startauthsession -Q --policy-session -S session && tpm2_policysecret -Q -S session -c e
    tpm2_activatecredential -Q -c ak.ctx -C ek.ctx -i credential -o opened -P session:session && emit opened <opened'

guest "$GUEST_EMIT
$guest_reports
$guest_tpm"
expect "Linux runs under the SVSM" 0
for name in services vtpm keys direct; do
    section $name >"$work/$name"
    section $name-certificates >"$work/$name-certificates"
done
for name in services-manifest vtpm-manifest keys-manifest ek ek-p256; do
    section $name >"$work/$name"
done

bound_to() { # MANIFEST: SHA-512 of nonce and manifest
    { printf %s "$nonce" && cat "$1"; } | sha512sum | cut -d ' ' -f 1
}
ends_with() { cmp -s <(tail -c "$(stat -c %s "$2")" "$1") "$2"; }
fails() { [ "$(tail -n 1)" != 0 ]; }

check "Linux says that it runs at VMPL2" grep -q 'SNP running at VMPL2' <(section kernel)
check "Linux finds the SVSM's TPM" grep -q 'SNP SVSM vTPM' <(section kernel)
check "Linux has VMPCK2 for its own requests" grep -q 'using VMPCK2' <(section kernel)

check_evidence "the SVSM's report" "$work/services" "$work/services-certificates" "$IGVM_FILE" 0
equal "it binds nonce and manifest" "$(report_data "$work/services")" "$(bound_to "$work/services-manifest")"
equal "the manifest has one service, the vTPM" "$(field "$work/services-manifest" 20 20)" "01000000$VTPM_GUID"
equal "the manifest says its own size" $((0x$(number "$work/services-manifest" 16 4))) \
    "$(stat -c %s "$work/services-manifest")"
# A TPM2B_PUBLIC is the size of a TPMT_PUBLIC and that; its end is the modulus.
tail -c +3 "$work/ek" >"$work/ek-public"
tail -c 256 "$work/ek" >"$work/modulus"
check "the manifest has the modulus of the endorsement key that the TPM gives" \
    ends_with "$work/services-manifest" "$work/modulus"
check "and the whole of its public area" ends_with "$work/services-manifest" "$work/ek-public"

equal "the report on the vTPM alone is one of VMPL0" "$(report_vmpl "$work/vtpm")" 0
equal "it binds nonce and manifest" "$(report_data "$work/vtpm")" "$(bound_to "$work/vtpm-manifest")"
check "its manifest is the endorsement key" cmp -s "$work/vtpm-manifest" "$work/ek-public"
check "a report on a service that is not there is refused" fails < <(section other-status)

# Version 1: two numbers, then each key as a TPM2B_PUBLIC, which is how tpm2_createek writes it
equal "a manifest of version 1 says so, and that there are three keys" "$(field "$work/keys-manifest" 0 8)" "0000000100000003"
equal "the first one is the RSA key that the TPM gives" \
    "$(field "$work/keys-manifest" 8 "$(stat -c %s "$work/ek")")" "$(xxd -p "$work/ek" | tr -d '\n')"
equal "the second one is the ECC key that the TPM gives" \
    "$(field "$work/keys-manifest" $((8 + $(stat -c %s "$work/ek"))) "$(stat -c %s "$work/ek-p256")")" \
    "$(xxd -p "$work/ek-p256" | tr -d '\n')"
equal "the report binds this manifest, too" "$(report_data "$work/keys")" "$(bound_to "$work/keys-manifest")"
check "a report on a version that is not there is refused" fails < <(section newer-status)

check_evidence "the guest's own report" "$work/direct" "$work/direct-certificates" "$IGVM_FILE" 2
equal "its REPORT_DATA is what was given" "$(report_data "$work/direct")" "$(printf %s "$nonce" | xxd -p -c 64)"
check "the guest gets no report of VMPL0 by asking for it" fails < <(section above-status)

check "the TPM says that it is a TPM 2.0" grep -A 2 FAMILY_INDICATOR <(section properties) -q
equal "PCR 16 starts as zeros" "$(section pcr16 | head -c 32 | xxd -p -c 32)" "$(printf %064d 0)"
equal "an extended PCR is SHA-256 of the old value and the new" "$(section pcr16 | tail -c 32 | xxd -p -c 32)" \
    "$(printf '%064d%064d' 0 1 | xxd -r -p | sha256sum | cut -d ' ' -f 1)"
check "the guest, at locality 0, cannot reset a PCR of locality 4" grep -q 'locality' <(section locality)
equal "a quote verifies" "$(section quote | tail -n 1)" 0
check "a quote for another nonce does not" fails < <(section stale-quote)
equal "a credential for the manifest's endorsement key opens in this TPM" "$(section opened)" secret
finish
