/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-ca/ek_fixture.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tests/unit/registered.h"

static void take_point(EVP_PKEY *pair, uint8_t *point, size_t size)
{
    uint8_t encoded[1 + EK_P384_POINT_SIZE];
    size_t used;

    assert_int_equal(EVP_PKEY_get_octet_string_param(pair, OSSL_PKEY_PARAM_PUB_KEY, encoded,
                                                     sizeof(encoded), &used),
                     1);
    assert_int_equal(used, 1 + size);
    memcpy(point, encoded + 1, size);
}

void ek_pairs_make(struct ek_pairs *pairs)
{
    static const struct ek_keys versions = {.manufacturer = "IBM",
                                            .firmware = {0x20, 0x24, 1, 0x25}};
    BIGNUM *modulus = NULL;

    pairs->keys = versions;
    pairs->pairs[EK_RSA_2048] = EVP_RSA_gen(8 * EK_MODULUS_SIZE);
    pairs->pairs[EK_P256] = EVP_EC_gen("P-256");
    pairs->pairs[EK_P384] = EVP_EC_gen("P-384");
    assert_int_equal(
        EVP_PKEY_get_bn_param(pairs->pairs[EK_RSA_2048], OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    assert_int_equal(BN_bn2binpad(modulus, pairs->keys.modulus, EK_MODULUS_SIZE), EK_MODULUS_SIZE);
    BN_free(modulus);
    take_point(pairs->pairs[EK_P256], pairs->keys.p256, sizeof(pairs->keys.p256));
    take_point(pairs->pairs[EK_P384], pairs->keys.p384, sizeof(pairs->keys.p384));
}

void ek_pairs_free(struct ek_pairs *pairs)
{
    for (unsigned i = 0; i < EK_KINDS; i++)
        EVP_PKEY_free(pairs->pairs[i]);
}
