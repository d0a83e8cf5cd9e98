/* SPDX-License-Identifier: MIT */
/* The ID block and its authentication (SNP firmware ABI 56860,
 * SNP_LAUNCH_FINISH and chapter 10). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_ID_BLOCK_H
#define SNPVTPM_EMULATOR_AMD_SP_ID_BLOCK_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/amd-sp/guest_context.h"
#include "lib/snp/guest_message.h"

#define ID_BLOCK_VERSION        1
#define ID_AUTH_ALGO_ECDSA_P384 1
#define ID_KEY_CURVE_P384       2
#define ID_KEY_COMPONENT_SIZE   72 /* little-endian, zero-extended */

struct id_block {
    uint8_t ld[LAUNCH_DIGEST_SIZE];
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
};

struct id_public_key {
    uint32_t curve;
    uint8_t qx[ID_KEY_COMPONENT_SIZE];
    uint8_t qy[ID_KEY_COMPONENT_SIZE];
    uint8_t reserved[0x404 - 0x94];
};

struct id_signature {
    uint8_t r[ID_KEY_COMPONENT_SIZE];
    uint8_t s[ID_KEY_COMPONENT_SIZE];
    uint8_t reserved[0x200 - 0x90];
};

struct id_auth {
    uint32_t id_key_algo;
    uint32_t author_key_algo;
    uint8_t reserved_008[56];
    struct id_signature id_block_signature;
    struct id_public_key id_key;
    uint8_t reserved_644[60];
    struct id_signature id_key_signature; /* by the author key, over id_key */
    struct id_public_key author_key;
    uint8_t reserved_c84[0x1000 - 0xC84];
};

static_assert(sizeof(struct id_block) == 96, "ID block");
static_assert(sizeof(struct id_public_key) == 0x404, "ID authentication");
static_assert(sizeof(struct id_signature) == 0x200, "ID authentication");
static_assert(offsetof(struct id_auth, id_key) == 0x240, "ID authentication");
static_assert(offsetof(struct id_auth, id_key_signature) == 0x680, "ID authentication");
static_assert(offsetof(struct id_auth, author_key) == 0x880, "ID authentication");
static_assert(sizeof(struct id_auth) == 0x1000, "ID authentication");

/*
 * Checks the block against the guest's digest and policy, then the signatures; the author's only
 * with author_key_en. On SNP_SUCCESS *identity is what reports and derived keys take from it.
 * Otherwise: SNP_BAD_MEASUREMENT, SNP_POLICY_FAILURE, SNP_INVALID_PARAM (version, algorithm, curve,
 * point) or SNP_BAD_SIGNATURE.
 */
enum snp_status id_block_check(const struct id_block *block, const struct id_auth *auth,
                               bool author_key_en, const struct guest_context *guest,
                               struct guest_identity *identity);

#endif
