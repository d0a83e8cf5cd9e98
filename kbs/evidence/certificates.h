/* SPDX-License-Identifier: MIT */
/* Where certificates come from: files, and the table that a host hands to its guests. */
#ifndef SNPVTPM_KBS_EVIDENCE_CERTIFICATES_H
#define SNPVTPM_KBS_EVIDENCE_CERTIFICATES_H

#include <openssl/types.h>

#include "lib/base/reader.h"

/* A chain or part of it: absent certificates are NULL. Owns what it points at. */
struct certificates {
    X509 *ark;  /* AMD root key */
    X509 *ask;  /* AMD SEV key, signed by the ARK */
    X509 *vcek; /* the chip's key for one TCB, signed by the ASK */
};

/* One certificate in DER or PEM and nothing else; NULL when it is not. The caller frees it. */
MUST_CHECK X509 *certificate_parse(const uint8_t *bytes, size_t size);

/* The certificate in a file; NULL with errno ENOENT when there is none,
 * else EINVAL or as of open. */
MUST_CHECK X509 *certificate_load(const char *path);

/*
 * The certificates in a table as the extended guest request returns it (GHCB specification,
 * "SNP Extended Guest Request"). Entries of other kinds are passed over. False when the table is
 * malformed; *out is then empty.
 */
MUST_CHECK bool certificates_parse_table(const uint8_t *table, size_t size,
                                         struct certificates *out);

void certificates_free(struct certificates *certificates);

#endif
