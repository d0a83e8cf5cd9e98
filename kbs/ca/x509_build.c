/* SPDX-License-Identifier: MIT */
#include "kbs/ca/x509_build.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define DAY 86400L

MUST_CHECK static bool set_serial(X509 *certificate)
{
    unsigned char bytes[X509_SERIAL_SIZE];
    BIGNUM *number = NULL;
    bool set = RAND_bytes(bytes, sizeof(bytes)) == 1;

    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of this size */
    if (set)
        number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

bool x509_begin(X509 *certificate, EVP_PKEY *key, const X509 *issuer, time_t now, int days)
{
    const X509_NAME *name = X509_get_subject_name(issuer ? issuer : certificate);

    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_set_issuer_name(certificate, name) == 1 &&
           X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -DAY, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &now) &&
           X509_set_pubkey(certificate, key) == 1;
}

bool x509_add_name(X509_NAME *name, const char *attribute, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, attribute, MBSTRING_UTF8, (const unsigned char *)text,
                                      -1, -1, 0) == 1;
}

bool x509_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

bool x509_finish_authority(X509 *certificate, EVP_PKEY *key, const EVP_MD *digest)
{
    return x509_add_extension(certificate, certificate, NID_basic_constraints,
                              "critical,CA:TRUE,pathlen:0") &&
           x509_add_extension(certificate, certificate, NID_key_usage,
                              "critical,keyCertSign,cRLSign") &&
           x509_add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, key, digest) > 0;
}

bool x509_finish_leaf(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key, const EVP_MD *digest,
                      const struct x509_leaf *leaf)
{
    return x509_add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           x509_add_extension(certificate, issuer, NID_key_usage, leaf->key_usage) &&
           x509_add_extension(certificate, issuer, NID_ext_key_usage, leaf->extended_key_usage) &&
           x509_add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(certificate, issuer_key, digest) > 0;
}
