/* SPDX-License-Identifier: MIT */
/*
 * Why the protocol refuses: the status and the variant that Trustee's clients expect, the code that
 * is all a client learns, and words for the owner's log. What the verifier finds has codes of its
 * own (kbs/evidence/verdict.h), as has the form of an attestation (attest_request.h).
 */
#ifndef SNPVTPM_KBS_PROTOCOL_REFUSAL_H
#define SNPVTPM_KBS_PROTOCOL_REFUSAL_H

#include "kbs/evidence/verdict.h"
#include "kbs/http/message.h"
#include "kbs/protocol/attest_request.h"
#include "kbs/store/store.h"

/* Value, HTTP status, variant, code, meaning. */
#define REFUSALS(R)                                                                                \
    R(NONE, 200, "", "ok", "nothing was refused")                                                  \
    /* any request */                                                                              \
    R(PATH, 404, "InvalidRequestPath", "no-such-path", "there is nothing at this path")            \
    R(TOO_LARGE, 413, "SerdeError", "request-too-large", "the request's body is too large")        \
    R(AUDIT, 503, "PluginInternalError", "audit-failed", "the audit log cannot be written")        \
    R(STORAGE, 503, "PluginInternalError", "storage-failed", "the store does not answer")          \
    R(BUSY, 503, "PluginInternalError", "storage-busy",                                            \
      "other changes of the store came first again and again")                                     \
    R(POLICY, 503, "ParsePolicyError", "policy-invalid", "the policy is missing or none")          \
    R(MEMORY, 503, "PluginInternalError", "internal",                                              \
      "memory or the cryptographic library failed")                                                \
    /* /auth */                                                                                    \
    R(GREETING, 401, "AttestationError", "request-unsupported",                                    \
      "the greeting is not one of protocol 0.4.0 for SNP")                                         \
    R(SESSIONS, 429, "AttestationError", "sessions-exhausted",                                     \
      "there are as many sessions as there may be")                                                \
    /* /attest */                                                                                  \
    R(SESSION, 401, "AttestationError", "session-unknown",                                         \
      "there is no such session, it is over, or its nonce is too old")                             \
    R(NONCE_SPENT, 401, "AttestationError", "nonce-spent", "the session's nonce has served")       \
    R(NONCE, 401, "AttestationError", "nonce-mismatch", "the nonce is not the session's")          \
    R(RELEASE_REQUEST, 401, "AttestationError", "release-request-malformed",                       \
      "what follows the advert in the nonce is no request for a release record")                   \
    R(RELEASE_KEY, 401, "AttestationError", "release-key-unknown",                                 \
      "there is no such key that signs release records, or it is retired")                         \
    R(INIT_DATA, 401, "AttestationError", "init-data-mismatch",                                    \
      "HOST_DATA is not the digest of the initdata")                                               \
    R(VOLUME_UNKNOWN, 401, "PolicyDeny", "volume-unknown", "there is no such volume")              \
    R(VOLUME_AMBIGUOUS, 401, "PolicyDeny", "volume-ambiguous",                                     \
      "the image has several volumes, and the client names none")                                  \
    R(VOLUME_RETIRED, 401, "PolicyDeny", "volume-retired", "the volume was retired")               \
    R(SIGNED_ONLY, 401, "PolicyDeny", "signed-release-required",                                   \
      "the volume's key is released with a signed record only")                                    \
    R(LEASE_REQUIRED, 401, "PolicyDeny", "lease-required",                                         \
      "the volume has leases, and this image asks for none")                                       \
    R(LEASE_NONE, 401, "PolicyDeny", "lease-none", "the volume has no leases")                     \
    R(TOKEN_KEY, 503, "TokenVerifierError", "token-failed", "there is no key that signs tokens")   \
    /* /resource */                                                                                \
    R(NOT_ATTESTED, 401, "TokenNotFound", "not-attested",                                          \
      "neither a session that was granted something nor a token")                                  \
    R(TOKEN_MALFORMED, 401, "TokenVerifierError", "token-malformed", "the token is none of ours")  \
    R(TOKEN_ALGORITHM, 401, "TokenVerifierError", "token-algorithm", "the token is not ES256")     \
    R(TOKEN_SIGNER, 401, "TokenVerifierError", "token-key-unknown",                                \
      "the token's key is not one of ours, or is retired")                                         \
    R(TOKEN_FORGED, 401, "TokenVerifierError", "token-forged", "the token's signature is wrong")   \
    R(TOKEN_ISSUER, 401, "TokenVerifierError", "token-issuer", "the token has another issuer")     \
    R(TOKEN_EXPIRED, 401, "TokenVerifierError", "token-expired", "the token is not valid now")     \
    R(VOLUME_CHANGED, 401, "PolicyDeny", "volume-changed",                                         \
      "the volume was retired or changed since the attestation")                                   \
    R(RESOURCE, 401, "PluginInternalError", "resource-missing", "there is no such secret")         \
    R(CRL, 401, "PolicyDeny", "crl-not-checked",                                                   \
      "the policy wants revocation checked, and the attestation was made without")

enum refusal_kind {
#define R(name, status, variant, code, words) REFUSAL_##name,
    REFUSALS(R)
#undef R
};

struct refusal {
    unsigned status; /* of HTTP */
    const char *variant, *code, *text;
};

struct refusal refusal_of(enum refusal_kind kind);

/* Of a store that failed. */
struct refusal refusal_of_store(enum store_status status);
struct refusal refusal_of_verdict(enum verdict verdict, const char *variant);
struct refusal refusal_of_request(enum attest_request_status status);

/* Fills in an error body as Trustee's, and marks the reply as a refusal; variant names the kind,
 * code is all that the client learns. */
void refusal_write(struct http_reply *reply, unsigned status, const char *variant,
                   const char *code);

#endif
