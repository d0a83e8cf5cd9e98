/* SPDX-License-Identifier: MIT */
/* What certificates that the KBS issues have in common: those of its servers, and of endorsement
 * keys. */
#ifndef SNPVTPM_KBS_CA_X509_BUILD_H
#define SNPVTPM_KBS_CA_X509_BUILD_H

#include <stdbool.h>
#include <time.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

#define X509_SERIAL_SIZE 16 /* bytes */

/*
 * Version, a random serial number, key, issuer (NULL: itself) and the time from a day ago, for
 * clocks that are behind, for that many days. The subject is set before.
 */
MUST_CHECK bool x509_begin(X509 *certificate, EVP_PKEY *key, const X509 *issuer, time_t now,
                           int days);

/* Appends an attribute, by its short name or OID, to a name. */
MUST_CHECK bool x509_add_name(X509_NAME *name, const char *attribute, const char *text);

/* Adds an extension whose value is as in OpenSSL's configuration files. */
MUST_CHECK bool x509_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value);

/* Adds what makes it a certificate authority's own, of which none below it is another's, and signs
 * it. */
MUST_CHECK bool x509_finish_authority(X509 *certificate, EVP_PKEY *key, const EVP_MD *digest);

/* Values of extensions. */
struct x509_leaf {
    const char *key_usage, *extended_key_usage;
};

/* The same for one that is no authority's. */
MUST_CHECK bool x509_finish_leaf(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key,
                                 const EVP_MD *digest, const struct x509_leaf *leaf);

#endif
