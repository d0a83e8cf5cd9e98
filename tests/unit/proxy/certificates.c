/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/jose/base64.h"

#define DAY        (24 * 60 * 60)
#define PIN_PREFIX "sha256//"

static void need(int done)
{
    if (!done)
        abort();
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    need(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Without extensions and signature. */
static X509 *begin_certificate(EVP_PKEY *key, const char *name, int days)
{
    X509 *certificate = X509_new();

    need(certificate && X509_set_version(certificate, X509_VERSION_3) &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -10L * DAY) &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * DAY) &&
         X509_set_pubkey(certificate, key) &&
         X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                    (const unsigned char *)name, -1, -1, 0));
    return certificate;
}

void authority_make(struct authority *authority, const char *name)
{
    authority->key = EVP_EC_gen("P-256");
    need(authority->key != NULL);
    authority->certificate = begin_certificate(authority->key, name, 10);
    need(X509_set_issuer_name(authority->certificate,
                              X509_get_subject_name(authority->certificate)));
    add_extension(authority->certificate, authority->certificate, NID_basic_constraints,
                  "critical,CA:TRUE");
    need(X509_sign(authority->certificate, authority->key, EVP_sha256()));
}

void authority_free(struct authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

void authority_write(const struct authority *authority, const char *path)
{
    FILE *file = fopen(path, "w");

    need(file && PEM_write_X509(file, authority->certificate));
    fclose(file);
}

/* The text of a memory BIO, which is released. */
static char *take_text(BIO *bio)
{
    char *bytes, *text;
    long size = BIO_get_mem_data(bio, &bytes);

    text = strndup(bytes, (size_t)size);
    BIO_free(bio);
    return text;
}

static void make_pin(const X509 *certificate, char pin[64])
{
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    unsigned digest_size = 0;

    need(size > 0 && EVP_Digest(der, (size_t)size, digest, &digest_size, EVP_sha256(), NULL));
    strcpy(pin, PIN_PREFIX);
    base64_encode(BASE64_STANDARD, digest, digest_size, pin + strlen(PIN_PREFIX));
    OPENSSL_free(der);
}

void identity_make(struct identity *identity, const struct authority *authority, const char *names,
                   int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = begin_certificate(key, "a KBS", days);
    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());

    need(X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate)));
    add_extension(certificate, authority->certificate, NID_subject_alt_name, names);
    need(X509_sign(certificate, authority->key, EVP_sha256()) &&
         PEM_write_bio_X509(certificate_text, certificate) &&
         PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL));
    make_pin(certificate, identity->pin);
    identity->certificate = take_text(certificate_text);
    identity->key = take_text(key_text);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void identity_free(struct identity *identity)
{
    free(identity->certificate);
    free(identity->key);
}
