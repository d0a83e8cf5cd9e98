/* SPDX-License-Identifier: MIT */
/* ECDSA signatures come as two numbers in reports, records and tokens; OpenSSL verifies them in
 * DER. */
#ifndef SNPVTPM_LIB_ECDSA_DER_H
#define SNPVTPM_LIB_ECDSA_DER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "lib/base/must_check.h"

#define ECDSA_DER_MAX 128 /* for P-384: two 49-byte INTEGERs in a SEQUENCE take 104 */

/* The signature of these two numbers, which are handed over, and may be NULL. Returns its size, 0
 * on failure. */
MUST_CHECK static inline size_t ecdsa_der(BIGNUM *r, BIGNUM *s, uint8_t der[ECDSA_DER_MAX])
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int size = 0;

    if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL; /* signature owns them now */
        size = i2d_ECDSA_SIG(signature, NULL);
        size = size > 0 && size <= ECDSA_DER_MAX ? i2d_ECDSA_SIG(signature, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return size > 0 ? (size_t)size : 0;
}

#endif
