/* SPDX-License-Identifier: MIT */
/* Puts together the chain for a report, from what the client sent and what the owner provides. */
#ifndef SNPVTPM_KBS_EVIDENCE_GATHER_H
#define SNPVTPM_KBS_EVIDENCE_GATHER_H

#include "kbs/evidence/chain.h"
#include "kbs/evidence/evidence.h"

/* The claims of a report that decide on its chain. */
struct signer {
    const struct snp_report *report;
    bool vlek;            /* a VLEK signed it, else a VCEK: from KEY_INFO, not from what was sent */
    bool product_known;   /* not so for reports of version 2, whose leaf has to tell */
    enum product product; /* where it is known */
};

/*
 * V4. Chooses the chain: what the client presented, completed from trust and collateral. The root
 * is always one that the owner or this program pins; what the client presented is at most a copy of
 * it. *chain is to be freed in any case.
 */
MUST_CHECK bool gather_chain(const struct verifier *verifier, const struct signer *signer,
                             const struct certificates *presented,
                             const struct requirements *requirements, time_t now,
                             struct chain *chain, struct finding *finding);

/* V5. Adds the root's CRL to a chain of AMD's, if there is one. reason says why there is none. */
void gather_crl(const struct verifier *verifier, const struct certificates *presented, time_t now,
                struct chain *chain, const char **reason);

#endif
