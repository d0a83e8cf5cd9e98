/* SPDX-License-Identifier: MIT */
/*
 * Whom the verifier believes: AMD's roots, pinned by fingerprint, and on demand the root of one
 * emulated chip. The intermediates and leaves here only spare a client from sending them.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_TRUST_H
#define SNPVTPM_KBS_EVIDENCE_TRUST_H

#include <limits.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/product.h"

struct trust {
    X509 *amd_ark[PRODUCT_COUNT]; /* each has the pinned fingerprint, or is NULL */
    X509 *amd_ask[PRODUCT_COUNT];
    X509 *amd_asvk[PRODUCT_COUNT];
    X509 *emulated_ark;              /* NULL: no emulated platform is believed */
    struct certificates of_emulated; /* ASK and VCEK for emulated reports that come without */
};

/* Why loading failed, and at which file. */
struct trust_error {
    char text[PATH_MAX + 128];
};

/*
 * Loads {milan,genoa,turin}-{ark,ask,asvk}.pem (or .der) from directory; a product may lack any.
 * Fails when a file is no certificate, an ARK is not AMD's, or there is none of the files.
 */
MUST_CHECK bool trust_load_amd(struct trust *trust, const char *directory,
                               struct trust_error *error);

/* Believes the emulated platform whose root certificate is in path. */
MUST_CHECK bool trust_load_emulated(struct trust *trust, const char *path,
                                    struct trust_error *error);

/* Loads the emulated chip's ask.pem and vcek.der or vcek.pem from directory. */
MUST_CHECK bool trust_load_emulated_chain(struct trust *trust, const char *directory,
                                          struct trust_error *error);

/* Whether certificate is AMD's root for product, by SHA-256 of its DER. */
MUST_CHECK bool trust_is_amd_root(enum product product, const X509 *certificate);

void trust_free(struct trust *trust);

#endif
