/* SPDX-License-Identifier: MIT */
/* Certificates of a report's signer, and how they are read from bytes and files. */
#ifndef SNPVTPM_KBS_EVIDENCE_CERTIFICATES_H
#define SNPVTPM_KBS_EVIDENCE_CERTIFICATES_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

/* A chain or part of it: absent certificates are NULL. Owns what it points at. */
struct certificates {
    X509 *ark;     /* AMD root key */
    X509 *ask;     /* AMD SEV key or, beside a VLEK, the ASVK; signed by the ARK */
    X509 *vcek;    /* the chip's key for one TCB, signed by the ASK */
    X509 *vlek;    /* a cloud service provider's key for one TCB, signed by the ASVK */
    X509_CRL *crl; /* the ARK's */
};

/* One certificate in DER or PEM and nothing else; NULL when it is not. The caller frees it. */
MUST_CHECK X509 *certificate_parse(const uint8_t *bytes, size_t size);

/* The certificate in a file; NULL with errno ENOENT when there is none,
 * else EINVAL or as of open. */
MUST_CHECK X509 *certificate_load(const char *path);

/* One CRL in DER or PEM and nothing else; NULL when it is not. The caller frees it. */
MUST_CHECK X509_CRL *crl_parse(const uint8_t *bytes, size_t size);

/* As certificate_load. */
MUST_CHECK X509_CRL *crl_load(const char *path);

void certificates_free(struct certificates *certificates);

#endif
