/* SPDX-License-Identifier: MIT */
/* Algorithms and attributes in a TPMT_PUBLIC: TPM 2.0 Library, part 2, 6.3, 6.4 and 8.3. */
#ifndef SNPVTPM_LIB_EK_TPM_PUBLIC_H
#define SNPVTPM_LIB_EK_TPM_PUBLIC_H

#define TPM_ALG_RSA    0x0001
#define TPM_ALG_SHA1   0x0004
#define TPM_ALG_AES    0x0006
#define TPM_ALG_SHA256 0x000b
#define TPM_ALG_SHA384 0x000c
#define TPM_ALG_SHA512 0x000d
#define TPM_ALG_NULL   0x0010
#define TPM_ALG_ECC    0x0023
#define TPM_ALG_CFB    0x0043

#define TPM_ECC_NIST_P256 0x0003
#define TPM_ECC_NIST_P384 0x0004

#define TPMA_OBJECT_fixedTPM            (1u << 1)
#define TPMA_OBJECT_fixedParent         (1u << 4)
#define TPMA_OBJECT_sensitiveDataOrigin (1u << 5)
#define TPMA_OBJECT_userWithAuth        (1u << 6)
#define TPMA_OBJECT_adminWithPolicy     (1u << 7)
#define TPMA_OBJECT_restricted          (1u << 16)
#define TPMA_OBJECT_decrypt             (1u << 17)

#endif
