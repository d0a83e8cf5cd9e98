/* SPDX-License-Identifier: MIT */
/*
 * The chain ARK, ASK, VCEK or ARK, ASVK, VLEK (AMD 57230): signatures, dates, names, kinds. Whether
 * its root is one to trust is settled before, when the chain is put together (gather.h).
 */
#ifndef SNPVTPM_KBS_EVIDENCE_CHAIN_H
#define SNPVTPM_KBS_EVIDENCE_CHAIN_H

#include <openssl/types.h>

#include "kbs/evidence/asn1_time.h"
#include "kbs/evidence/product.h"
#include "kbs/evidence/verdict.h"

/* Owns what it points at. */
struct chain {
    X509 *ark, *ask; /* ask: the ASVK when vlek */
    X509 *leaf;      /* VCEK or VLEK */
    X509_CRL *crl;   /* NULL: none was wanted, or none was found */
    enum product product;
    bool vlek, emulated;
};

#define COMMON_NAME_MAX 128 /* characters as text; in bytes X.520's ub-common-name is 64 */

/* Writes the one common name as printable text, which equals a name of AMD's only if the bytes do
 * (lib/base/printable.h); empty when there is not exactly one. */
void chain_common_name(const X509_NAME *name, char text[COMMON_NAME_MAX + 1]);

/* V4. Verifies the chain up to its root, and tells for how long it holds. */
MUST_CHECK bool chain_verify(const struct chain *chain, time_t now, struct validity *validity,
                             struct finding *finding);

/* V5. The CRL is the root's, valid now, and lists no certificate of the chain; narrows validity to
 * the CRL's own. */
MUST_CHECK bool chain_check_crl(const struct chain *chain, time_t now, struct validity *validity,
                                struct finding *finding);

/* SHA-256 over all that chain_verify and chain_check_crl depend on, but for the time. False without
 * memory. */
MUST_CHECK bool chain_fingerprint(const struct chain *chain, uint8_t fingerprint[32]);

/* "VCEK" or "VLEK", "ASK" or "ASVK". */
const char *chain_leaf_name(bool vlek);
const char *chain_intermediate_name(bool vlek);

/* The name in its certificates, "Milan" or "Emulated". */
const char *chain_platform_name(const struct chain *chain);

void chain_free(struct chain *chain);

#endif
