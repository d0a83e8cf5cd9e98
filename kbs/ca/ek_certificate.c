/* SPDX-License-Identifier: MIT */
#include "kbs/ca/ek_certificate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>

#include "kbs/ca/x509_build.h"
#include "lib/base/bytes.h"
#include "lib/base/hex.h"
#include "lib/base/uuid.h"

#define UNCOMPRESSED     4
#define EXPONENT         65537
#define OID_MANUFACTURER "2.23.133.2.1"
#define OID_MODEL        "2.23.133.2.2"
#define OID_VERSION      "2.23.133.2.3"
#define MODEL            "snp-vtpm"
#define URN              "urn:uuid:"

/* Of libtpms; the profile's tPMSpecification, 3.1.3. */
static char specification[] = "[attributes]\n"
                              "specification = SEQUENCE:attribute\n"
                              "[attribute]\n"
                              "type = OID:2.23.133.2.16\n"
                              "values = SET:values\n"
                              "[values]\n"
                              "value = SEQUENCE:value\n"
                              "[value]\n"
                              "family = UTF8:2.0\n"
                              "level = INTEGER:0\n"
                              "revision = INTEGER:183\n";

/* Keys */

static EVP_PKEY *public_key(const char *type, const OSSL_PARAM *parameters)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_key(const struct ek_keys *keys)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(keys->modulus, sizeof(keys->modulus), NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    if (build && modulus && BN_num_bits(modulus) == 8 * EK_MODULUS_SIZE && BN_is_odd(modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, EXPONENT) == 1)
        parameters = OSSL_PARAM_BLD_to_param(build);
    if (parameters)
        key = public_key("RSA", parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    return key;
}

/* NULL when the point is not on the curve. */
static EVP_PKEY *ec_key(char *group, const uint8_t *xy, size_t size)
{
    uint8_t point[1 + EK_P384_POINT_SIZE] = {UNCOMPRESSED};
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + size),
        OSSL_PARAM_construct_end(),
    };

    memcpy(point + 1, xy, size);
    return public_key("EC", parameters);
}

static EVP_PKEY *key_of(const struct ek_keys *keys, enum ek_kind kind)
{
    static char p256[] = "P-256", p384[] = "P-384";

    switch (kind) {
    case EK_RSA_2048:
        return rsa_key(keys);
    case EK_P256:
        return ec_key(p256, keys->p256, sizeof(keys->p256));
    case EK_P384:
        return ec_key(p384, keys->p384, sizeof(keys->p384));
    default:
        return NULL;
    }
}

bool ek_keys_are_sound(const struct ek_keys *keys)
{
    bool sound = true;

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        EVP_PKEY *key = key_of(keys, kind);

        sound = sound && key;
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
    return sound;
}

/* Names */

/* "id:" and what the TPM says of itself, so that both can be compared. 3.1.2 */
static bool add_id(X509_NAME *name, const char *oid, const uint8_t value[4])
{
    char text[sizeof("id:01234567")];

    snprintf(text, sizeof(text), "id:%08" PRIX32, get_be32(value));
    return x509_add_name(name, oid, text);
}

static GENERAL_NAME *tpm_name(const struct ek_keys *keys)
{
    X509_NAME *name = X509_NAME_new();
    GENERAL_NAME *general = GENERAL_NAME_new();

    if (name && general && add_id(name, OID_MANUFACTURER, keys->manufacturer) &&
        x509_add_name(name, OID_MODEL, MODEL) && add_id(name, OID_VERSION, keys->firmware)) {
        GENERAL_NAME_set0_value(general, GEN_DIRNAME, name);
        return general;
    }
    X509_NAME_free(name);
    GENERAL_NAME_free(general);
    return NULL;
}

static GENERAL_NAME *volume_uri(const uint8_t *volume_id)
{
    char text[sizeof(URN) + UUID_TEXT_LENGTH] = URN;
    ASN1_IA5STRING *uri = ASN1_IA5STRING_new();
    GENERAL_NAME *general = GENERAL_NAME_new();

    uuid_text(volume_id, text + strlen(URN));
    if (uri && general && ASN1_STRING_set(uri, text, -1) == 1) {
        GENERAL_NAME_set0_value(general, GEN_URI, uri);
        return general;
    }
    ASN1_IA5STRING_free(uri);
    GENERAL_NAME_free(general);
    return NULL;
}

/* Hands over name, which may be NULL. */
static bool push(GENERAL_NAMES *names, GENERAL_NAME *name)
{
    if (names && name && sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_names(X509 *certificate, const struct ek_keys *keys, const struct ek_owner *owner)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool added = push(names, tpm_name(keys)) && push(names, volume_uri(owner->volume_id)) &&
                 X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;

    GENERAL_NAMES_free(names);
    return added;
}

static bool add_specification(X509 *certificate)
{
    BIO *text = BIO_new_mem_buf(specification, -1);
    CONF *sections = NCONF_new(NULL);
    X509_EXTENSION *extension = NULL;
    X509V3_CTX context;
    bool added;

    X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
    if (text && sections && NCONF_load_bio(sections, text, NULL) == 1) {
        X509V3_set_nconf(&context, sections);
        extension = X509V3_EXT_nconf_nid(sections, &context, NID_subject_directory_attributes,
                                         "ASN1:SEQUENCE:attributes");
    }
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    NCONF_free(sections);
    BIO_free(text);
    return added;
}

/* The certificate */

static bool fill_in(X509 *certificate, EVP_PKEY *key, const struct authority *authority,
                    const struct ek_keys *keys, const struct ek_owner *owner, time_t now)
{
    return x509_add_name(X509_get_subject_name(certificate), "CN", owner->volume_name) &&
           x509_begin(certificate, key, authority->certificate, now, 1) &&
           X509_set1_notAfter(certificate, X509_get0_notAfter(authority->certificate)) == 1 &&
           add_names(certificate, keys, owner) && add_specification(certificate);
}

X509 *ek_certificate_issue(const struct authority *authority, const struct ek_keys *keys,
                           enum ek_kind kind, const struct ek_owner *owner, time_t now)
{
    struct x509_leaf leaf = {
        .key_usage = kind == EK_RSA_2048 ? "critical,keyEncipherment" : "critical,keyAgreement",
        .extended_key_usage = "2.23.133.8.1", /* tcg-kp-EKCertificate */
    };
    EVP_PKEY *key = key_of(keys, kind);
    X509 *certificate = X509_new();
    bool issued =
        key && certificate && fill_in(certificate, key, authority, keys, owner, now) &&
        x509_finish_leaf(certificate, authority->certificate, authority->key, EVP_sha384(), &leaf);

    EVP_PKEY_free(key);
    if (issued)
        return certificate;
    X509_free(certificate);
    return NULL;
}
