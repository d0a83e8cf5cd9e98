/* SPDX-License-Identifier: MIT */
/* Certificates made for a test, as PEM texts. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_CERTIFICATES_H
#define SNPVTPM_TESTS_UNIT_PROXY_CERTIFICATES_H

#include <openssl/x509.h>

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

void authority_make(struct authority *authority, const char *name);
void authority_free(struct authority *authority);

/* What a server needs; released with identity_free(). */
struct identity {
    char *certificate, *key;
    char pin[64]; /* as --pin takes it */
};

/* names is a subjectAltName, such as "IP:127.0.0.1"; it ends days from now (or before, if < 0). */
void identity_make(struct identity *identity, const struct authority *authority, const char *names,
                   int days);
void identity_free(struct identity *identity);

/* Writes the authority's certificate to a file. */
void authority_write(const struct authority *authority, const char *path);

#endif
