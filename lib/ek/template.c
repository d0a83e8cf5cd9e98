/* SPDX-License-Identifier: MIT */
#include "lib/ek/template.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/reader.h"
#include "lib/ek/tpm_public.h"

#define LOW_RANGE                                                                                  \
    (TPMA_OBJECT_fixedTPM | TPMA_OBJECT_fixedParent | TPMA_OBJECT_sensitiveDataOrigin |            \
     TPMA_OBJECT_adminWithPolicy | TPMA_OBJECT_restricted | TPMA_OBJECT_decrypt)
#define HIGH_RANGE (LOW_RANGE | TPMA_OBJECT_userWithAuth)

/* PolicyA for SHA-256: PolicySecret(TPM_RH_ENDORSEMENT). B.6.2. */
static const uint8_t policy_a[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};

/* PolicyB for SHA-384: PolicyA, or a policy in an NV index. B.6.6. */
static const uint8_t policy_b[48] = {
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
};

static const struct {
    uint16_t type, name_algorithm;
    uint32_t attributes;
    const uint8_t *policy;
    uint16_t policy_size;
    uint16_t aes_bits;
    uint16_t curve;       /* of an ECC key */
    size_t offset;        /* of the key in struct ek_keys */
    uint16_t number_size; /* of the modulus, or of a coordinate */
    uint16_t unique_size; /* of the zeros that stand for it in the template */
} kinds[EK_KINDS] = {
    [EK_RSA_2048] = {TPM_ALG_RSA, TPM_ALG_SHA256, LOW_RANGE, policy_a, sizeof(policy_a), 128, 0,
                     offsetof(struct ek_keys, modulus), EK_MODULUS_SIZE, EK_MODULUS_SIZE},
    [EK_P256] = {TPM_ALG_ECC, TPM_ALG_SHA256, LOW_RANGE, policy_a, sizeof(policy_a), 128,
                 TPM_ECC_NIST_P256, offsetof(struct ek_keys, p256), EK_P256_POINT_SIZE / 2,
                 EK_P256_POINT_SIZE / 2},
    [EK_P384] = {TPM_ALG_ECC, TPM_ALG_SHA384, HIGH_RANGE, policy_b, sizeof(policy_b), 256,
                 TPM_ECC_NIST_P384, offsetof(struct ek_keys, p384), EK_P384_POINT_SIZE / 2, 0},
};

/* Up to the key itself; schemes and key derivation are left open. Part 2, 12.2.4. */
MUST_CHECK static bool put_parameters(struct writer *w, enum ek_kind kind)
{
    return writer_be16(w, kinds[kind].type) && writer_be16(w, kinds[kind].name_algorithm) &&
           writer_be32(w, kinds[kind].attributes) && writer_be16(w, kinds[kind].policy_size) &&
           writer_put(w, kinds[kind].policy, kinds[kind].policy_size) &&
           writer_be16(w, TPM_ALG_AES) && writer_be16(w, kinds[kind].aes_bits) &&
           writer_be16(w, TPM_ALG_CFB) && writer_be16(w, TPM_ALG_NULL) &&
           (kinds[kind].type == TPM_ALG_RSA
                ? writer_be16(w, 8 * EK_MODULUS_SIZE) && writer_be32(w, 0) /* 65537 */
                : writer_be16(w, kinds[kind].curve) && writer_be16(w, TPM_ALG_NULL));
}

/* The modulus is one number, a point two. */
static unsigned numbers_of(enum ek_kind kind)
{
    return kinds[kind].type == TPM_ALG_RSA ? 1 : 2;
}

MUST_CHECK static bool put_number(struct writer *w, const uint8_t *number, uint16_t size)
{
    return writer_be16(w, size) && writer_put(w, number, size);
}

bool ek_template_write(struct writer *w, enum ek_kind kind)
{
    uint16_t size = kinds[kind].unique_size;

    if (!put_parameters(w, kind))
        return false;
    for (unsigned i = 0; i < numbers_of(kind); i++)
        if (!writer_be16(w, size) || !writer_zeros(w, size))
            return false;
    return true;
}

bool ek_public_write(struct writer *w, enum ek_kind kind, const struct ek_keys *keys)
{
    const uint8_t *key = (const uint8_t *)keys + kinds[kind].offset;
    uint16_t size = kinds[kind].number_size;

    if (!put_parameters(w, kind))
        return false;
    for (unsigned i = 0; i < numbers_of(kind); i++)
        if (!put_number(w, key + (size_t)i * size, size))
            return false;
    return true;
}

/* A number without leading zeros is shorter. */
MUST_CHECK static bool read_number(struct reader *r, uint8_t *out, size_t room)
{
    uint16_t size;

    if (!reader_be16(r, &size) || size > room)
        return false;
    memset(out, 0, room - size);
    return reader_copy(r, out + (room - size), size);
}

bool ek_public_read(const uint8_t *bytes, size_t size, enum ek_kind kind, struct ek_keys *keys)
{
    uint8_t expected[EK_PUBLIC_MAX];
    struct writer w = writer_over(expected, sizeof(expected));
    struct reader r = reader_over(bytes, size);
    uint8_t *key = (uint8_t *)keys + kinds[kind].offset;
    const uint8_t *found;

    if (!put_parameters(&w, kind) || !reader_borrow(&r, &found, w.used) ||
        memcmp(found, expected, w.used) != 0)
        return false;
    for (unsigned i = 0; i < numbers_of(kind); i++)
        if (!read_number(&r, key + (size_t)i * kinds[kind].number_size, kinds[kind].number_size))
            return false;
    return reader_at_end(&r);
}
