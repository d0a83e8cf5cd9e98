/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/chip_certificates.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "emulator/amd-sp/tcb.h"

#define ARK_SERIAL  0xE0000
#define ASK_SERIAL  0xE0001
#define VCEK_SERIAL 0

#define CA_YEARS       25
#define VCEK_YEARS     7
#define SECONDS_A_DAY  86400l
#define SECONDS_A_YEAR (36525l * SECONDS_A_DAY / 100)

#define PSS_SALT_SIZE 48

#define AMD_OID(suffix) "1.3.6.1.4.1.3704.1." suffix

/* What one of the chip's certificates says besides its key and extensions. */
struct certificate_profile {
    const char *common_name;
    long serial;
    long years;
};

MUST_CHECK static bool set_subject(X509_NAME *name, const char *common_name)
{
    const struct {
        const char *field, *value;
    } attributes[] = {
        {"OU", "Engineering"},
        {"C", "US"},
        {"L", "Santa Clara"},
        {"ST", "CA"},
        {"O", "snp-vtpm emulated platform, NOT AMD"},
        {"CN", common_name},
    };

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        if (!X509_NAME_add_entry_by_txt(name, attributes[i].field, MBSTRING_UTF8,
                                        (const unsigned char *)attributes[i].value, -1, -1, 0))
            return false;
    return true;
}

/* A certificate without extensions and signature. issuer NULL: it is its own issuer. */
MUST_CHECK static X509 *certificate_begin(const struct certificate_profile *profile, EVP_PKEY *key,
                                          X509 *issuer)
{
    X509 *certificate = X509_new();
    bool made;

    if (!certificate)
        return NULL;
    if (!issuer)
        issuer = certificate;
    /* Dated back one day: a verifier's clock may be slow. */
    made = X509_set_version(certificate, X509_VERSION_3) &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), profile->serial) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -SECONDS_A_DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), profile->years * SECONDS_A_YEAR) &&
           set_subject(X509_get_subject_name(certificate), profile->common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
           X509_set_pubkey(certificate, key);
    if (!made) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* Adds a standard extension, written as in an OpenSSL configuration file. */
MUST_CHECK static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* Adds an extension of AMD's whose OCTET STRING holds exactly these bytes. */
MUST_CHECK static bool add_amd_extension(X509 *certificate, const char *oid, const uint8_t *bytes,
                                         int size)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool added = false;

    if (object && octets && ASN1_OCTET_STRING_set(octets, bytes, size)) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, octets);
        added = extension && X509_add_ext(certificate, extension, -1);
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return added;
}

MUST_CHECK static bool add_amd_integer(X509 *certificate, const char *oid, uint8_t value)
{
    ASN1_INTEGER *integer = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    int size;
    bool added = false;

    if (integer && ASN1_INTEGER_set(integer, value)) {
        size = i2d_ASN1_INTEGER(integer, &der);
        added = size > 0 && add_amd_extension(certificate, oid, der, size);
    }
    OPENSSL_free(der);
    ASN1_INTEGER_free(integer);
    return added;
}

MUST_CHECK static bool add_amd_text(X509 *certificate, const char *oid, const char *value)
{
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    unsigned char *der = NULL;
    int size;
    bool added = false;

    if (text && ASN1_STRING_set(text, value, -1)) {
        size = i2d_ASN1_IA5STRING(text, &der);
        added = size > 0 && add_amd_extension(certificate, oid, der, size);
    }
    OPENSSL_free(der);
    ASN1_IA5STRING_free(text);
    return added;
}

/* The extensions of a Milan VCEK, in its order; HWID is the bare CHIP_ID, without a DER tag. */
MUST_CHECK static bool add_vcek_extensions(X509 *vcek, const uint8_t chip_id[CHIP_ID_SIZE],
                                           uint64_t tcb)
{
    return add_amd_integer(vcek, AMD_OID("1"), 0) &&
           add_amd_text(vcek, AMD_OID("2"), "Emulated-A0") &&
           add_amd_integer(vcek, AMD_OID("3.1"), tcb_component(tcb, TCB_BOOT_LOADER_BYTE)) &&
           add_amd_integer(vcek, AMD_OID("3.2"), tcb_component(tcb, TCB_TEE_BYTE)) &&
           add_amd_integer(vcek, AMD_OID("3.4"), 0) && add_amd_integer(vcek, AMD_OID("3.5"), 0) &&
           add_amd_integer(vcek, AMD_OID("3.6"), 0) && add_amd_integer(vcek, AMD_OID("3.7"), 0) &&
           add_amd_integer(vcek, AMD_OID("3.3"), tcb_component(tcb, TCB_SNP_BYTE)) &&
           add_amd_integer(vcek, AMD_OID("3.8"), tcb_component(tcb, TCB_MICROCODE_BYTE)) &&
           add_amd_extension(vcek, AMD_OID("4"), chip_id, CHIP_ID_SIZE);
}

/* RSASSA-PSS, SHA-384 for message and mask, salt of 48 bytes. */
MUST_CHECK static bool sign(X509 *certificate, EVP_PKEY *issuer_key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters; /* owned by context */
    bool is_signed;

    is_signed = context &&
                EVP_DigestSignInit(context, &parameters, EVP_sha384(), NULL, issuer_key) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, PSS_SALT_SIZE) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha384()) == 1 &&
                X509_sign_ctx(certificate, context) > 0;
    EVP_MD_CTX_free(context);
    return is_signed;
}

X509 *chip_certificates_ark(EVP_PKEY *key)
{
    struct certificate_profile profile = {"ARK-Emulated", ARK_SERIAL, CA_YEARS};
    X509 *ark = certificate_begin(&profile, key, NULL);

    if (ark && add_extension(ark, ark, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ark, ark, NID_subject_key_identifier, "hash") &&
        add_extension(ark, ark, NID_basic_constraints, "critical,CA:TRUE") && sign(ark, key))
        return ark;
    X509_free(ark);
    return NULL;
}

X509 *chip_certificates_ask(EVP_PKEY *key, X509 *ark, EVP_PKEY *ark_key)
{
    struct certificate_profile profile = {"SEV-Emulated", ASK_SERIAL, CA_YEARS};
    X509 *ask = certificate_begin(&profile, key, ark);

    if (ask && add_extension(ask, ark, NID_subject_key_identifier, "hash") &&
        add_extension(ask, ark, NID_authority_key_identifier, "keyid:always") &&
        add_extension(ask, ark, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ask, ark, NID_key_usage, "critical,keyCertSign") && sign(ask, ark_key))
        return ask;
    X509_free(ask);
    return NULL;
}

X509 *chip_certificates_vcek(EVP_PKEY *key, X509 *ask, EVP_PKEY *ask_key,
                             const uint8_t chip_id[CHIP_ID_SIZE], uint64_t tcb)
{
    struct certificate_profile profile = {"SEV-VCEK", VCEK_SERIAL, VCEK_YEARS};
    X509 *vcek = certificate_begin(&profile, key, ask);

    if (vcek && add_vcek_extensions(vcek, chip_id, tcb) && sign(vcek, ask_key))
        return vcek;
    X509_free(vcek);
    return NULL;
}
