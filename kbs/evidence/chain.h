/* SPDX-License-Identifier: MIT */
/* The chain ARK, ASK, VCEK (AMD 57230): its root's identity, signatures, dates and names. */
#ifndef SNPVTPM_KBS_EVIDENCE_CHAIN_H
#define SNPVTPM_KBS_EVIDENCE_CHAIN_H

#include <time.h>

#include "kbs/evidence/trust.h"
#include "kbs/evidence/verdict.h"

/* Certificates borrowed from elsewhere. */
struct chain {
    X509 *ark, *ask, *vcek;
    bool emulated;
};

/*
 * Picks the chain for a report: what the client presented, completed with what the owner
 * provided. The root is always one that the owner trusts; presented holds at most a copy of it.
 */
MUST_CHECK bool chain_select(const struct trust *trust, enum product product,
                             const struct certificates *presented, struct chain *chain,
                             struct finding *finding);

/* Verifies the chain up to its root as of the time now. */
MUST_CHECK bool chain_verify(const struct chain *chain, enum product product, time_t now,
                             struct finding *finding);

#endif
