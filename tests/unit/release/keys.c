/* SPDX-License-Identifier: MIT */
#include "tests/unit/release/keys.h"

#include <assert.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "lib/jose/base64.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/release/tv3.h"

struct release_pin tv3_pin(void)
{
    struct release_pin pin = {0};

    bytes_of_hex(tv3_kid, pin.kid, sizeof(pin.kid));
    bytes_of_hex(tv3_signing_x, pin.point, 48);
    bytes_of_hex(tv3_signing_y, pin.point + 48, 48);
    return pin;
}

EVP_PKEY *tv3_signing_key(void)
{
    struct release_pin pin = tv3_pin();
    uint8_t point[1 + sizeof(pin.point)] = {4};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *scalar = NULL;
    OSSL_PARAM *parameters;

    memcpy(point + 1, pin.point, sizeof(pin.point));
    BN_hex2bn(&scalar, tv3_signing_d);
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(scalar);
    return key;
}

static EVP_PKEY *p521_of_hex(const char *d, const char *x, const char *y)
{
    struct p521_point point;
    uint8_t scalar[P521_COORDINATE_SIZE];

    bytes_of_hex(x, point.x, sizeof(point.x));
    bytes_of_hex(y, point.y, sizeof(point.y));
    bytes_of_hex(d, scalar, sizeof(scalar));
    return p521_from_scalar(&point, scalar);
}

EVP_PKEY *tv1_svsm_key(void)
{
    return p521_of_hex(tv1.own_d, tv1.own_x, tv1.own_y);
}

struct jwe_fresh tv1_fresh(void)
{
    struct jwe_fresh fresh = {.ephemeral = p521_of_hex(tv1.epk_d, tv1.epk_x, tv1.epk_y)};

    bytes_of_hex(tv3_cek, fresh.cek, sizeof(fresh.cek));
    bytes_of_hex(tv3_iv, fresh.iv, sizeof(fresh.iv));
    return fresh;
}

size_t tv3_record(uint8_t record[RELEASE_RECORD_MAX])
{
    size_t size = 0;
    bool done = base64_decode(BASE64_URL, tv3_svsm_rel, strlen(tv3_svsm_rel), record,
                              RELEASE_RECORD_MAX, &size);

    assert(done);
    (void)done;
    return size;
}

size_t sign_as_record(EVP_PKEY *key, const char *domain, size_t domain_size, const uint8_t *body,
                      size_t size, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t der[128];
    const uint8_t *next = der;
    size_t der_size = sizeof(der);
    ECDSA_SIG *signature;

    EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key);
    EVP_DigestSignUpdate(context, domain, domain_size);
    EVP_DigestSignUpdate(context, body, size);
    EVP_DigestSignFinal(context, der, &der_size);
    signature = d2i_ECDSA_SIG(NULL, &next, (long)der_size);
    memmove(out, body, size);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out + size, 48);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + size + 48, 48);
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(context);
    return size + RELEASE_SIGNATURE_SIZE;
}
