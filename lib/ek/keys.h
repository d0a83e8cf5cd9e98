/* SPDX-License-Identifier: MIT */
/*
 * Endorsement keys (EKs): the public halves that a TPM tells its KBS, and where the certificates
 * that come back belong (TCG EK Credential Profile 2.5). TPM service, attestation service and KBS
 * agree on this; docs/ek-certificates.md says how they travel.
 */
#ifndef SNPVTPM_LIB_EK_KEYS_H
#define SNPVTPM_LIB_EK_KEYS_H

#include <assert.h>
#include <stdint.h>

enum ek_kind {
    EK_RSA_2048, /* template L-1; this one's digest names the TPM */
    EK_P256,     /* template L-2 */
    EK_P384,     /* template H-3 */
    EK_KINDS,
};

#define EK_MODULUS_SIZE    256
#define EK_P256_POINT_SIZE 64
#define EK_P384_POINT_SIZE 96
#define EK_DIGEST_SIZE     48 /* SHA-384 of the RSA key's TPMT_PUBLIC, or of certificates */

/* Integers are big-endian, and points X, then Y, with leading zeros. */
struct ek_keys {
    uint8_t manufacturer[4];          /* TPM_PT_MANUFACTURER */
    uint8_t firmware[4];              /* TPM_PT_FIRMWARE_VERSION_1 */
    uint8_t modulus[EK_MODULUS_SIZE]; /* of the RSA key, whose exponent is 65537 */
    uint8_t p256[EK_P256_POINT_SIZE], p384[EK_P384_POINT_SIZE];
};

static_assert(sizeof(struct ek_keys) == 424, "what requests carry");

/*
 * Certificates travel as one after another of {u32 NV index, u16 size, DER}, integers big-endian.
 * Each of EK_KINDS is there once, in that order.
 */
#define EK_NV_RSA_2048      0x01c00002 /* EK Credential Profile, 2.2.1.4 and 2.2.1.5 */
#define EK_NV_P256          0x01c0000a
#define EK_NV_P384          0x01c00016
#define EK_CERTIFICATE_MAX  1024 /* bytes of one */
#define EK_CERTIFICATES_MAX (EK_KINDS * (4 + 2 + EK_CERTIFICATE_MAX))

static_assert(EK_CERTIFICATES_MAX <= 4096, "they fit in a reply");

/*
 * What a TPM asks a KBS: certificates for its keys. With those that it has already, as SHA-384 of
 * all of them as they travel; zeros for none.
 */
struct ek_request {
    struct ek_keys keys;
    uint8_t certificates[EK_DIGEST_SIZE];
};

static_assert(sizeof(struct ek_request) == 472, "what the kernel passes on");

/* The index of a kind's certificate. */
static inline uint32_t ek_nv_index(enum ek_kind kind)
{
    static const uint32_t indices[EK_KINDS] = {EK_NV_RSA_2048, EK_NV_P256, EK_NV_P384};

    return indices[kind];
}

#endif
