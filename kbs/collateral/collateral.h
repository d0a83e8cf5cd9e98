/* SPDX-License-Identifier: MIT */
/*
 * Certificates and revocation lists that clients do not send: from a directory of the owner's, from
 * a cache on disk, and from AMD's Key Distribution Service (57230) at a configurable address.
 * Nothing that comes from here is trusted: the verifier checks it as it checks what clients send.
 */
#ifndef SNPVTPM_KBS_COLLATERAL_COLLATERAL_H
#define SNPVTPM_KBS_COLLATERAL_COLLATERAL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <openssl/types.h>

#include "kbs/collateral/status.h"
#include "kbs/evidence/product.h"
#include "lib/base/must_check.h"
#include "lib/snp/report.h"

struct collateral_options {
    const char *directory; /* of the owner's; NULL: none */
    const char *kds_url;   /* as of kds_url_is_acceptable(); NULL: nothing is fetched */
    const char *cache;     /* directory, made when missing; NULL: memory only */
    long timeout_s;        /* of a fetch */
};

struct collateral;

/* The strings are borrowed. NULL when memory is short, the cache directory cannot be made or the
 * URL is not acceptable. Thread-safe. */
MUST_CHECK struct collateral *collateral_new(const struct collateral_options *options);

void collateral_free(struct collateral *collateral);

/* The VCEK of a chip for one TCB; the caller frees it. Fetches of the same one are joined. */
MUST_CHECK enum collateral_status collateral_vcek(struct collateral *collateral,
                                                  enum product product,
                                                  const uint8_t chip_id[CHIP_ID_SIZE],
                                                  struct tcb tcb, time_t now, X509 **vcek);

/* The ASK (of a VCEK) or ASVK (of a VLEK); the caller frees it. It is fetched together with the
 * ARK. */
MUST_CHECK enum collateral_status collateral_intermediate(struct collateral *collateral,
                                                          enum product product, bool vlek,
                                                          time_t now, X509 **certificate);

/* The ARK above it, which may be any: it is the caller's to compare it with the pin; the caller
 * frees it. */
MUST_CHECK enum collateral_status collateral_root(struct collateral *collateral,
                                                  enum product product, bool vlek, time_t now,
                                                  X509 **ark);

/* The newest CRL at hand, fetched anew when it is past its nextUpdate; the caller frees it. */
MUST_CHECK enum collateral_status collateral_crl(struct collateral *collateral,
                                                 enum product product, bool vlek, time_t now,
                                                 X509_CRL **crl);

/* In words, without a full stop. */
const char *collateral_status_text(enum collateral_status status);

#endif
