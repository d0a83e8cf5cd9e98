/* SPDX-License-Identifier: MIT */
/*
 * Attestation tokens: JWTs with an EAT attestation result (EAR) as Trustee gives it, for relying
 * parties, and with the report itself, so that whoever gets the token can appraise it by rules of
 * their own: we do, before a secret is given for one.
 *
 * Results from emulated chips are contraindicated, and their claims are named "snp-emulated", so
 * that nobody takes them for AMD's.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_EAR_TOKEN_H
#define SNPVTPM_KBS_PROTOCOL_EAR_TOKEN_H

#include "kbs/kbs.h"
#include "kbs/protocol/attest_request.h"
#include "kbs/protocol/grant.h"
#include "kbs/protocol/refusal.h"

#define EAR_TOKEN_LIFETIME 300 /* seconds */

/*
 * The token for what sent was granted under a policy. volume, which may be NULL and is borrowed, is
 * what it says of the VM's volume. NULL without a key that signs tokens, or when OpenSSL or the
 * memory fails. The caller frees it.
 */
MUST_CHECK char *ear_token_issue(const struct kbs *kbs, const struct attest_request *sent,
                                 const struct grant *grant, const char *policy_name, json_t *volume,
                                 time_t now);

/* Checks a token of ours and gives what it was issued for; the caller frees it with grant_free.
 * REFUSAL_NONE, or why not. */
MUST_CHECK enum refusal_kind ear_token_check(const struct kbs *kbs, const char *token, time_t now,
                                             struct grant *grant);

/* The JWK set of the keys that verify our tokens; NULL without memory. */
MUST_CHECK json_t *ear_token_keys(const struct kbs *kbs);

#endif
