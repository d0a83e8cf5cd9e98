/* SPDX-License-Identifier: MIT */
#include "lib/jose/p521.h"

#include <assert.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define CURVE        "P-521"
#define UNCOMPRESSED 0x04 /* SEC 1 section 2.3.3 */

struct sec1_point {
    uint8_t form;
    struct p521_point affine;
};
static_assert(sizeof(struct sec1_point) == 1 + 2 * P521_COORDINATE_SIZE, "SEC 1 encoding");

/* A key without a point: copies of it share the work of setting up the curve. */
static EVP_PKEY *curve;
static CRYPTO_ONCE curve_once = CRYPTO_ONCE_STATIC_INIT;

static void make_curve(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

    if (context && EVP_PKEY_paramgen_init(context) == 1 &&
        EVP_PKEY_CTX_set_group_name(context, CURVE) == 1 && EVP_PKEY_paramgen(context, &curve) != 1)
        curve = NULL;
    EVP_PKEY_CTX_free(context);
}

/* NULL when OpenSSL fails. */
static EVP_PKEY *get_curve(void)
{
    return CRYPTO_THREAD_run_once(&curve_once, make_curve) == 1 ? curve : NULL;
}

EVP_PKEY *p521_generate(void)
{
    EVP_PKEY *parameters = get_curve(), *key = NULL;
    EVP_PKEY_CTX *context = parameters ? EVP_PKEY_CTX_new(parameters, NULL) : NULL;

    if (!context || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_keygen(context, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

/* OpenSSL checks that a point it decodes is on the curve; and the curve has no points outside its
 * large group, so that it needs no check of its order. */
EVP_PKEY *p521_from_point(const struct p521_point *point)
{
    struct sec1_point public = {.form = UNCOMPRESSED, .affine = *point};
    EVP_PKEY *parameters = get_curve();
    EVP_PKEY *key = parameters ? EVP_PKEY_dup(parameters) : NULL;

    if (key && EVP_PKEY_set1_encoded_public_key(key, (const uint8_t *)&public, sizeof(public)) == 1)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static OSSL_PARAM *pair_params(const struct sec1_point *public, const BIGNUM *scalar)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;

    if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, public,
                                         sizeof(*public)) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, scalar))
        params = OSSL_PARAM_BLD_to_param(builder);
    OSSL_PARAM_BLD_free(builder);
    return params;
}

static EVP_PKEY *pair_from(const struct p521_point *point, const BIGNUM *scalar)
{
    struct sec1_point public = {.form = UNCOMPRESSED, .affine = *point};
    OSSL_PARAM *params = pair_params(&public, scalar);
    EVP_PKEY_CTX *import = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY *key = NULL;
    bool valid = false;

    if (!params || !import || EVP_PKEY_fromdata_init(import) != 1 ||
        EVP_PKEY_fromdata(import, &key, EVP_PKEY_KEYPAIR, params) != 1)
        goto out;
    check = EVP_PKEY_CTX_new(key, NULL);
    valid = check && EVP_PKEY_check(check) == 1;
out:
    if (!valid) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(import);
    OSSL_PARAM_free(params);
    return key;
}

EVP_PKEY *p521_from_scalar(const struct p521_point *point,
                           const uint8_t scalar[P521_COORDINATE_SIZE])
{
    BIGNUM *number = BN_bin2bn(scalar, P521_COORDINATE_SIZE, BN_secure_new());
    EVP_PKEY *key = number ? pair_from(point, number) : NULL;

    BN_clear_free(number);
    return key;
}

bool p521_point_of(const EVP_PKEY *key, struct p521_point *point)
{
    struct sec1_point public;
    size_t size = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, (void *)&public,
                                        sizeof(public), &size) != 1 ||
        size != sizeof(public) || public.form != UNCOMPRESSED)
        return false;
    *point = public.affine;
    return true;
}
