# SPDX-License-Identifier: MIT
# What the volumes in volumes/ hold, and how to look at it. To be sourced after native_tpm.sh, with a TPM started.
# shellcheck shell=bash

owner_auth=the-owner lockout_auth=the-lockout
clock=31536000000 # a year in milliseconds: later than any TPM of a test gets by itself

# fill_tpm: gives a new TPM everything that must be found again, and leaves sealed.pub and sealed.priv here.
fill_tpm() {
    quietly tpm2_pcrallocate sha1:none+sha256:all+sha384:all+sha512:none
    # keys and a sealed secret
    quietly tpm2_createprimary -C o -G rsa2048 -c rsa.ctx
    quietly tpm2_evictcontrol -C o -c rsa.ctx 0x81000001
    quietly tpm2_createprimary -C o -G ecc256 -c ecc.ctx
    quietly tpm2_evictcontrol -C o -c ecc.ctx 0x81000002
    printf 'the sealed secret' |
        quietly tpm2_create -C 0x81000001 -i - -u sealed.pub -r sealed.priv -a 'fixedtpm|fixedparent|userwithauth|noda'
    quietly tpm2_create -C 0x81000002 -G ecc256:ecdsa -u signing.pub -r signing.priv -c signing.ctx
    quietly tpm2_evictcontrol -C o -c signing.ctx 0x81000003
    # NV indices of each kind
    quietly tpm2_nvdefine 0x1500001 -C o -s 32 -a 'ownerread|ownerwrite|authread|authwrite|no_da'
    printf 'what was written by an old build' | quietly tpm2_nvwrite 0x1500001 -C o -i -
    quietly tpm2_nvdefine 0x1500002 -C o -a 'nt=counter|ownerread|ownerwrite|no_da'
    for _ in 1 2 3; do quietly tpm2_nvincrement 0x1500002 -C o; done
    quietly tpm2_nvdefine 0x1500003 -C o -a 'nt=bits|ownerread|ownerwrite|no_da'
    quietly tpm2_nvsetbits 0x1500003 -C o -i 0xa5
    quietly tpm2_nvdefine 0x1500004 -C o -a 'nt=extend|ownerread|ownerwrite|no_da'
    printf 'one measurement' | quietly tpm2_nvextend 0x1500004 -C o -i -
    quietly tpm2_nvdefine 0x1500005 -C o -s 8 -p 'not guessed' -a 'authread|authwrite|ownerwrite' # DA applies
    printf 'DA data.' | quietly tpm2_nvwrite 0x1500005 -C o -i -
    # clock, dictionary attack protection, passwords
    quietly tpm2_setclock $clock
    quietly tpm2_changeauth -c l $lockout_auth
    quietly tpm2_dictionarylockout -s -n 9 -t 100000000 -l 200000000 -p $lockout_auth
    for _ in 1 2; do ! tpm2_nvread 0x1500005 -C 0x1500005 -P 'a guess' 2>>tools.log || fail "any password reads"; done
    quietly tpm2_changeauth -c o $owner_auth
}

name_of() { tpm2_readpublic -c "$1" | sed -n 's/^name: //p'; }

# name_of_primary OPTION...: the seed of a hierarchy shows in the keys that are derived from it.
name_of_primary() {
    quietly tpm2_createprimary "$@" -c primary.ctx
    tpm2_readpublic -c primary.ctx | sed -n 's/^name: //p'
    tpm2_flushcontext -t
}

# look_at FOLDER: one line for each thing that fill_tpm made, with FOLDER's sealed object
look_at() {
    local handle
    for handle in 0x81000001 0x81000002 0x81000003; do echo "key $handle: $(name_of $handle)"; done
    echo "primary of the owner, RSA: $(name_of_primary -C o -P $owner_auth -G rsa2048)"
    echo "primary of the owner, ECC: $(name_of_primary -C o -P $owner_auth -G ecc384)"
    echo "primary of the endorsement hierarchy: $(name_of_primary -C e -G rsa2048)"
    echo "primary of the platform: $(name_of_primary -C p -G ecc256)"
    quietly tpm2_load -C 0x81000001 -u "$1/sealed.pub" -r "$1/sealed.priv" -c loaded.ctx
    echo "sealed secret: $(tpm2_unseal -c loaded.ctx)"
    tpm2_flushcontext -t
    for handle in 0x1500001 0x1500002 0x1500003 0x1500004; do
        echo "NV $handle: $(tpm2_nvread $handle -C o -P $owner_auth 2>>tools.log | od -An -v -tx1 | tr -d " \n")"
        echo "NV $handle: $(tpm2_nvreadpublic $handle | sed -n 's/^ *name: //p')"
    done
    echo "NV handles: $(tpm2_getcap handles-nv-index | tr -d '\n')"
    echo "persistent handles: $(tpm2_getcap handles-persistent | tr -d '\n')"
    echo "PCR banks: $(tpm2_getcap pcrs | sed -n 's/^ *- \(sha[0-9]*\): *\[ *\(.\).*/\1 \2/p' | tr '\n' ' ')"
    tpm2_getcap properties-variable | grep -E 'AuthSet|LOCKOUT|MAX_AUTH_FAIL' | tr -s ' '
}
