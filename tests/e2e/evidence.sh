# SPDX-License-Identifier: MIT
# Verifies attestation reports by the openssl command and what AMD's specification 56860 says, without any code of
# the project. To be sourced after tap.sh and vm.sh.
# shellcheck shell=bash disable=SC2154 # $work is vm.sh's

# field REPORT OFFSET SIZE: in hexadecimal
field() { xxd -p -s "$2" -l "$3" "$1" | tr -d '\n'; }

# number REPORT OFFSET SIZE: little-endian, in hexadecimal
number() { xxd -p -c 1 -s "$2" -l "$3" "$1" | tac | tr -d '\n'; }

report_vmpl() { echo $((0x$(number "$1" 0x30 4))); }
report_data() { field "$1" 0x50 64; }
report_measurement() { field "$1" 0x90 48; }

# signature REPORT: r and s of ECDSA, as DER
signature() {
    openssl asn1parse -noout -out /dev/stdout -genconf <(
        echo "asn1=SEQUENCE:signature"
        echo "[signature]"
        echo "r=INTEGER:0x$(number "$1" 0x2a0 72)"
        echo "s=INTEGER:0x$(number "$1" 0x2e8 72)"
    )
}

# signature_verifies REPORT VCEK
signature_verifies() {
    signature "$1" >"$work/signature" &&
        openssl x509 -in "$2" -noout -pubkey >"$work/vcek.pub" &&
        head -c $((0x2a0)) "$1" |
        openssl dgst -sha384 -verify "$work/vcek.pub" -signature "$work/signature" >/dev/null 2>&1
}

# certificate TABLE GUID: from the certificate table of the GHCB specification, whose entries are a GUID (in the order
# of its text), offset and length, up to an entry of zeros
certificate() {
    local at=0 guid
    while guid=$(field "$1" $at 16) && [[ $guid =~ [1-9a-f] ]]; do
        if [ "$guid" = "$2" ]; then
            piece "$1" $((0x$(number "$1" $((at + 16)) 4))) $((0x$(number "$1" $((at + 20)) 4)))
            return
        fi
        at=$((at + 24))
    done
    return 1
}

VCEK_GUID=63da758de6644564adc5f4b93be8accd

chain_verifies() { # VCEK
    openssl verify -CAfile "$CHIP_DIR/ark.pem" -untrusted "$CHIP_DIR/ask.pem" "$1" >/dev/null 2>&1
}

# One byte in each of: version, policy, VMPL, TCB, REPORT_DATA, MEASUREMENT, REPORT_ID, chip identifier, the last of
# what is signed, and the signature's r and s
FORGERIES='0 8 0x30 0x38 0x50 0x90 0x140 0x1a0 0x29f 0x2a0 0x2e8'

only_the_original_verifies() { # REPORT VCEK
    local at
    signature_verifies "$1" "$2" || return
    for at in $FORGERIES; do
        cp "$1" "$work/forgery"
        flip "$work/forgery" $((at))
        if signature_verifies "$work/forgery" "$2"; then
            echo "# with byte $at changed it verifies"
            return 1
        fi
    done
}

# check_evidence WHOSE REPORT TABLE IGVM VMPL
check_evidence() {
    local whose=$1 report=$2 table=$3 vcek=$work/vcek.pem
    equal "$whose has the size of an attestation report" "$(stat -c %s "$report")" 1184
    certificate "$table" $VCEK_GUID | openssl x509 -inform der -out "$vcek" 2>/dev/null || rm -f "$vcek"
    check "$whose comes with a VCEK whose chain verifies up to the chip maker's root" chain_verifies "$vcek"
    check "$whose is signed by that VCEK" signature_verifies "$report" "$vcek"
    check "$whose does not verify with any field changed" only_the_original_verifies "$report" "$vcek"
    equal "$whose says the VMPL that asked for it" "$(report_vmpl "$report")" "$5"
    equal "$whose has the MEASUREMENT that was computed from the IGVM file" "$(report_measurement "$report")" \
        "$("$BUILD_DIR/igvm/igvm" measure "$4")"
}
