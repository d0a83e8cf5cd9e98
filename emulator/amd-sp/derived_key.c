/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/derived_key.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/bytes.h"
#include "lib/base/writer.h"

#define KDF_LABEL "gmsg-keyreq" /* its terminating zero is SP 800-108's separator */

#define MIXED_DIGEST_SIZE        32 /* digests are mixed in cut to this size */
#define IDBLOCK_KEY_SELECT_SHIFT 1

struct key_mix {
    uint32_t key_select;
    uint32_t reserved_04;
    uint64_t guest_field_select;
    uint32_t vmpl;
    uint32_t guest_svn;
    uint64_t tcb_version;
    uint64_t policy;
    uint8_t image_id[16];
    uint8_t family_id[16];
    uint8_t measurement[MIXED_DIGEST_SIZE];
    uint8_t host_data[HOST_DATA_SIZE];
    uint8_t signer_key_digest[MIXED_DIGEST_SIZE];
};

static_assert(offsetof(struct key_mix, measurement) == 0x48, "key mix");
static_assert(sizeof(struct key_mix) == 0xA8, "key mix");

struct root_key {
    uint8_t bytes[CHIP_SECRET_SIZE];
    size_t size;
};

/*
 * The chip's root belongs to a TCB, so that firmware which has been replaced cannot derive the keys
 * of its successor: the one asked for, else the current one.
 */
MUST_CHECK static bool chip_root(const struct chip *chip, const struct msg_key_req *request,
                                 struct root_key *root)
{
    bool chosen = (request->guest_field_select & FIELD_TCB_VERSION) != 0;
    uint8_t tcb[8];
    unsigned size = sizeof(root->bytes);

    put_le64(tcb, chosen ? request->tcb_version : chip->tcb);
    root->size = sizeof(root->bytes);
    return HMAC(EVP_sha384(), chip->secret, sizeof(chip->secret), tcb, sizeof(tcb), root->bytes,
                &size) != NULL;
}

MUST_CHECK static bool select_root(const struct chip *chip, const struct guest_context *guest,
                                   const struct msg_key_req *request, struct root_key *root)
{
    if ((request->root_key_select & KEY_REQ_ROOT_VMRK) == 0)
        return chip_root(chip, request, root);
    memcpy(root->bytes, guest->vmrk, sizeof(guest->vmrk));
    root->size = sizeof(guest->vmrk);
    return true;
}

static void mix_signer(struct key_mix *mix, const struct guest_identity *identity)
{
    const uint8_t *digest = identity->signer == IDENTITY_AUTHOR_KEY ? identity->author_key_digest
                                                                    : identity->id_key_digest;

    mix->key_select |= (uint32_t)identity->signer << IDBLOCK_KEY_SELECT_SHIFT;
    memcpy(mix->signer_key_digest, digest, sizeof(mix->signer_key_digest));
}

/* Fields that were not selected stay zero; VMPL, HOST_DATA and the signer are always mixed in. */
static struct key_mix mix_fields(const struct guest_context *guest,
                                 const struct msg_key_req *request)
{
    struct key_mix mix = {
        .key_select = request->root_key_select & KEY_REQ_ROOT_VMRK,
        .guest_field_select = request->guest_field_select,
        .vmpl = request->vmpl,
    };

    if (request->guest_field_select & FIELD_POLICY)
        mix.policy = guest->policy;
    if (request->guest_field_select & FIELD_IMAGE_ID)
        memcpy(mix.image_id, guest->identity.image_id, sizeof(mix.image_id));
    if (request->guest_field_select & FIELD_FAMILY_ID)
        memcpy(mix.family_id, guest->identity.family_id, sizeof(mix.family_id));
    if (request->guest_field_select & FIELD_MEASUREMENT)
        memcpy(mix.measurement, guest->digest.ld, sizeof(mix.measurement));
    if (request->guest_field_select & FIELD_GUEST_SVN)
        mix.guest_svn = request->guest_svn;
    if (request->guest_field_select & FIELD_TCB_VERSION)
        mix.tcb_version = request->tcb_version;
    memcpy(mix.host_data, guest->host_data, sizeof(mix.host_data));
    mix_signer(&mix, &guest->identity);
    return mix;
}

/*
 * SP 800-108 in counter mode with HMAC-SHA-256, a single block. libcrypto's KBKDF does not serve:
 * it writes counter and length big-endian, the firmware little-endian.
 */
MUST_CHECK static bool kdf(const struct root_key *root, const struct key_mix *mix,
                           uint8_t key[DERIVED_KEY_SIZE])
{
    uint8_t input[4 + sizeof(KDF_LABEL) + sizeof(*mix) + 4];
    struct writer w = writer_over(input, sizeof(input));
    unsigned size = DERIVED_KEY_SIZE;

    return writer_le32(&w, 1) && writer_put(&w, KDF_LABEL, sizeof(KDF_LABEL)) &&
           writer_put(&w, mix, sizeof(*mix)) && writer_le32(&w, 8 * DERIVED_KEY_SIZE) &&
           HMAC(EVP_sha256(), root->bytes, (int)root->size, input, w.used, key, &size);
}

bool derived_key(const struct chip *chip, const struct guest_context *guest,
                 const struct msg_key_req *request, uint8_t key[DERIVED_KEY_SIZE])
{
    struct key_mix mix = mix_fields(guest, request);
    struct root_key root;
    bool derived = select_root(chip, guest, request, &root) && kdf(&root, &mix, key);

    OPENSSL_cleanse(&root, sizeof(root));
    return derived;
}
