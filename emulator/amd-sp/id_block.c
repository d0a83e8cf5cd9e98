/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/id_block.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/ecdsa/der.h"

#define P384_SIZE          48
#define UNCOMPRESSED_POINT 4

/* A little-endian component as the 48 big-endian bytes of a point; false if it is larger. */
MUST_CHECK static bool put_coordinate(uint8_t *out, const uint8_t in[ID_KEY_COMPONENT_SIZE])
{
    for (size_t i = P384_SIZE; i < ID_KEY_COMPONENT_SIZE; i++)
        if (in[i] != 0)
            return false;
    for (size_t i = 0; i < P384_SIZE; i++)
        out[i] = in[P384_SIZE - 1 - i];
    return true;
}

/* The key for libcrypto, which the caller frees; NULL if it is no point of P-384. */
MUST_CHECK static EVP_PKEY *import_key(const struct id_public_key *key)
{
    uint8_t point[1 + 2 * P384_SIZE] = {UNCOMPRESSED_POINT};
    char group[] = "P-384";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context;
    EVP_PKEY *imported = NULL;

    if (key->curve != ID_KEY_CURVE_P384 || !put_coordinate(point + 1, key->qx) ||
        !put_coordinate(point + 1 + P384_SIZE, key->qy))
        return NULL;
    context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &imported, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)parameters) != 1)
        imported = NULL;
    EVP_PKEY_CTX_free(context);
    return imported;
}

MUST_CHECK static bool is_signed(const void *bytes, size_t size,
                                 const struct id_signature *signature, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[ECDSA_DER_MAX];
    size_t der_size = ecdsa_der(BN_lebin2bn(signature->r, sizeof(signature->r), NULL),
                                BN_lebin2bn(signature->s, sizeof(signature->s), NULL), der);
    bool verified = context && der_size != 0 &&
                    EVP_DigestVerifyInit(context, NULL, EVP_sha384(), NULL, key) == 1 &&
                    EVP_DigestVerify(context, der, der_size, bytes, size) == 1;

    EVP_MD_CTX_free(context);
    return verified;
}

/* Checks one signature and the key that made it; digest receives SHA-384 of the key. */
static enum snp_status check_signature(const void *bytes, size_t size,
                                       const struct id_signature *signature, uint32_t algorithm,
                                       const struct id_public_key *key,
                                       uint8_t digest[KEY_DIGEST_SIZE])
{
    EVP_PKEY *imported = NULL;
    enum snp_status status = SNP_INVALID_PARAM;

    if (algorithm == ID_AUTH_ALGO_ECDSA_P384)
        imported = import_key(key);
    if (imported)
        status = is_signed(bytes, size, signature, imported) &&
                         EVP_Digest(key, sizeof(*key), digest, NULL, EVP_sha384(), NULL) == 1
                     ? SNP_SUCCESS
                     : SNP_BAD_SIGNATURE;
    EVP_PKEY_free(imported);
    return status;
}

enum snp_status id_block_check(const struct id_block *block, const struct id_auth *auth,
                               bool author_key_en, const struct guest_context *guest,
                               struct guest_identity *identity)
{
    struct guest_identity checked = {.guest_svn = block->guest_svn, .signer = IDENTITY_ID_KEY};
    enum snp_status status;

    if (memcmp(block->ld, guest->digest.ld, sizeof(block->ld)) != 0)
        return SNP_BAD_MEASUREMENT;
    if (block->policy != guest->policy)
        return SNP_POLICY_FAILURE;
    if (block->version != ID_BLOCK_VERSION)
        return SNP_INVALID_PARAM;
    status = check_signature(block, sizeof(*block), &auth->id_block_signature, auth->id_key_algo,
                             &auth->id_key, checked.id_key_digest);
    if (status != SNP_SUCCESS)
        return status;
    if (author_key_en) {
        status =
            check_signature(&auth->id_key, sizeof(auth->id_key), &auth->id_key_signature,
                            auth->author_key_algo, &auth->author_key, checked.author_key_digest);
        if (status != SNP_SUCCESS)
            return status;
        checked.signer = IDENTITY_AUTHOR_KEY;
    }
    memcpy(checked.family_id, block->family_id, sizeof(checked.family_id));
    memcpy(checked.image_id, block->image_id, sizeof(checked.image_id));
    *identity = checked;
    return SNP_SUCCESS;
}
